"""The story of one check, from the question to keepalived's answer."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple

from mysqlcheck import clock, mysql, outcome, publish
from mysqlcheck.checks import judge, probes
from mysqlcheck.clock import Deadline
from mysqlcheck.errors import OutOfTime
from mysqlcheck.holddown import remember, step
from mysqlcheck.model import Decision, Memory, Observation, Verdict
from mysqlcheck.options import Settings
from mysqlcheck.outcome import Answer, ExitCode

LEAST_SECONDS = 0.1
"""What writing a file may take although the deadline has passed; the backstop leaves 0.4 s (fast.py)."""


class Look(NamedTuple):
    """What one look at the server led to; nothing has been told to anybody yet."""

    observation: Observation
    verdict: Verdict
    judged: Decision
    answer: Answer


class Report(NamedTuple):
    """A look, and what was told: the exit code, and what the director could not do on the way."""

    look: Look
    decision: Decision
    exit_code: ExitCode
    published: bool
    warnings: tuple[str, ...]


def look(settings: Settings, deadline: Deadline) -> Look:
    """Observe, judge and decide; changes nothing anywhere. Raises SettingsError (a certificate, a key)."""
    observation = mysql.observe(settings.target, settings, probes(settings.role), deadline)
    memory = remember(Memory(), observation)
    now = clock.now()
    verdict = judge(observation, memory, settings, now)
    judged = outcome.decide(step(None, verdict, now), verdict)
    return Look(observation, verdict, judged, outcome.answer_style(settings))


def check(settings: Settings, deadline: Deadline) -> Report:
    """Make one check and publish what it found. Trouble of the director's own becomes a warning, no more."""
    seen = look(settings, deadline)
    decision = outcome.always_serve(seen.judged) if settings.shadow else seen.judged
    warnings = []
    if settings.track_file is not None:
        value = outcome.track_value(decision, seen.answer)
        warnings.append(_in_time(deadline, settings.track_file, lambda path: publish.replace(path, b"%d\n" % value)))
    published = not any(warnings)
    exit_code = outcome.exit_code(decision, seen.answer, published=published)
    if settings.textfile is not None:
        warnings.append(_in_time(deadline, settings.textfile, lambda path: _export(path, seen, settings, exit_code)))
    return Report(seen, decision, exit_code, published, tuple(filter(None, warnings)))


def _in_time(deadline: Deadline, path: str, write: Callable[[str], str | None]) -> str | None:
    """Write a file, or return why not: a disk that hangs takes no healthy server out, nor do broken metrics."""
    try:
        return clock.within(max(LEAST_SECONDS, deadline.left()), lambda: write(path))
    except OutOfTime:
        return f"cannot write {path}: it takes too long"
    except Exception as error:  # noqa: BLE001 - prometheus_client missing, for one
        return f"cannot write {path}: {type(error).__name__}: {error}"


def _export(path: str, seen: Look, settings: Settings, exit_code: ExitCode) -> str | None:
    from mysqlcheck import metrics  # 60 ms of CPU: only who exports pays for it

    if os.path.isdir(path):
        path = os.path.join(path, metrics.file_name(str(seen.observation.target), settings.role))
    text = metrics.render(seen.observation, settings.role, seen.judged, seen.answer, exit_code, settings.shadow)
    return publish.replace(path, text)
