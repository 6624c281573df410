"""A look in one line, for people."""

from __future__ import annotations

from mysqlcheck import outcome
from mysqlcheck.checks.channels import Channels
from mysqlcheck.checks.read_only import ReadOnly
from mysqlcheck.judgement import Look
from mysqlcheck.model import Lag, Observation
from mysqlcheck.record import Event


def line(seen: Look, shadow: bool = False) -> str:
    """Return the status line."""
    target = str(seen.observation.target)
    return outcome.status_line(
        target, seen.judged, seen.answer, detail(seen.observation, seen.judgement.verdict.lag), shadow
    )


def detail(observation: Observation, lag: Lag | None) -> str:
    """Return what there is to say of a server with nothing against it."""
    channels, read_only = observation.fact(Channels), observation.fact(ReadOnly)
    parts = []
    if channels and channels.judged:
        parts.append("lag unknown" if lag is None else f"lag {lag.seconds} s")
    if read_only:
        parts.append(f"read_only {'ON' if read_only.on else 'OFF'}")
    if observation.server:
        name = "MariaDB" if observation.server.mariadb else "MySQL"
        parts.append(f"{name} {'.'.join(map(str, observation.server.number))}")
    return ", ".join(parts)


def log_line(event: Event, shadow: bool = False) -> str:
    """Return a change as the log has it."""
    told = "shadow, keepalived is told up: " if shadow else ""
    change = f"{event.before} → {event.after}: " if event.before or event.after else ""
    return f"{told}{event.target} {event.role}: {change}{event.text}"
