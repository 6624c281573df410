"""How far a replica is behind: `lag`, graded where there is a weight, and `lag_unknown`.

lag ≤ lag_ok          full weight
lag_ok … max_lag      weight falls in a straight line to a tenth; above resume_lag it also bars entry,
                      so that a drained replica comes back only below it
above max_lag         drain
NULL, threads run     lag_unknown: drain. Never read as 0 (vitessio/vitess#9307, sysown/proxysql#3065)
"""

from __future__ import annotations

from collections.abc import Iterator

from mysqlcheck.checks.channels import Channel, Channels
from mysqlcheck.checks.probe import Rule
from mysqlcheck.kinds import Seconds, show_seconds
from mysqlcheck.model import Instant, Memory, Observation, Reason, Severity
from mysqlcheck.settings import Group, Setting

LEAST_SHARE = 0.1


class LagSettings(Group):
    """How much lag is fine, tolerable, and too much; in seconds."""

    max_lag = Setting[float](Seconds(1), default=60.0, help="Drain above this lag.")
    resume_lag = Setting[float](
        Seconds(),
        default=30.0,
        derive=lambda settings: settings.max_lag / 2,
        default_text="half of max_lag (30s)",
        help="A drained replica serves again only at or below this lag.",
    )
    lag_ok = Setting[float](
        Seconds(),
        default=10.0,
        derive=lambda settings: min(settings.max_lag / 6, settings.resume_lag),
        default_text="a sixth of max_lag (10s)",
        help="Up to this lag full weight; from here to max_lag the weight falls to a tenth.",
    )

    def conflicts(self) -> Iterator[tuple[str, str]]:
        """The three stand in order."""
        yield from super().conflicts()
        for low, high in (("resume_lag", "max_lag"), ("lag_ok", "max_lag")):
            if self.values[low] > self.values[high]:
                value, bound = show_seconds(self.values[low]), show_seconds(self.values[high])
                yield low, f"{low} {value} is above {high} {bound}; lag_ok ≤ max_lag and resume_lag ≤ max_lag"


def worst(channels: tuple[Channel, ...]) -> int | None:
    """Return the largest lag that any channel reports, in seconds; None where none does."""
    return max((channel.lag for channel in channels if channel.lag is not None), default=None)


def share(lag: float | None, settings: LagSettings) -> float:
    """Return the share of full weight (0.1 to 1) that this lag in seconds leaves."""
    if lag is None or lag <= settings.lag_ok:
        return 1.0
    if lag >= settings.max_lag:
        return LEAST_SHARE
    way = (lag - settings.lag_ok) / (settings.max_lag - settings.lag_ok)
    return 1.0 - way * (1.0 - LEAST_SHARE)


def rule(observation: Observation, memory: Memory, settings: LagSettings, now: Instant) -> Iterator[Reason]:
    """Judge the largest lag of all channels, and every channel that should know its lag and does not."""
    facts = observation.fact(Channels)
    if facts is None or not facts.judged:
        return
    behind = worst(facts.judged)
    if behind is not None:
        yield _lag(behind, settings)
    for channel in facts.judged:
        # With a thread standing still NULL is no surprise, and threads.py has said what there is to say.
        if channel.lag is None and channel.io_running and channel.sql_running:
            text = f"Seconds_Behind is NULL although both threads run ({channel})"
            yield Reason("lag_unknown", Severity.DRAIN, text, None, settings.max_lag, bars_entry=True)
            return
    if behind is not None:
        yield Reason("lag_unknown", Severity.OK, "every running channel tells its lag", behind)


def _lag(lag: int, settings: LagSettings) -> Reason:
    limit = settings.max_lag
    if lag > limit:
        text = f"{lag} s behind, more than max_lag {show_seconds(limit)}"
        return Reason("lag", Severity.DRAIN, text, lag, limit, bars_entry=True)
    bars_entry = lag > settings.resume_lag
    if lag > settings.lag_ok:
        text = f"{lag} s behind, more than lag_ok {show_seconds(settings.lag_ok)}: less weight"
        return Reason("lag", Severity.NOTE, text, lag, settings.lag_ok, bars_entry)
    return Reason("lag", Severity.OK, f"{lag} s behind", lag, limit, bars_entry)


RULE = Rule(("lag", "lag_unknown"), rule)
