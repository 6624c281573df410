"""What a standing has to say: why a server does not serve, or not in full, and for how long yet."""

from __future__ import annotations

from collections.abc import Iterator

from mysqlcheck.checks import lag
from mysqlcheck.holddown import FIRST_SEEN, RESTARTED, HoldDownSettings
from mysqlcheck.kinds import show_seconds, show_span
from mysqlcheck.model import Instant, LetIn, Phase, Reason, Severity, Standing, Verdict

TWO_SOURCES = "two_sources"
STANDING_CODES = ("held", "not_back", "operator_hold", "panic", "ramping", TWO_SOURCES)
"""What is said by a standing, or by what lies over it (an operator's hold, the word of a pool), and not by a rule."""


def reasons(standing: Standing, verdict: Verdict, settings: HoldDownSettings, now: Instant) -> Iterator[Reason]:
    """Say why a server with nothing against it, for now, does not serve, or not with its full weight."""
    if standing.phase is Phase.HELD:
        yield _held(standing, verdict, settings, now)
    elif standing.phase is Phase.RAMPING and (left := remaining(standing, now)):
        text = f"in service again; full weight in {show_span(left)} (ramp {show_seconds(settings.ramp)})"
        yield Reason("ramping", Severity.NOTE, text, round(left, 1), settings.ramp)
    elif standing.phase is Phase.DRAINING and verdict.severity < Severity.DRAIN:
        text = f"drained for {standing.cause}; serves again without: {_barring(verdict)}"
        yield Reason("not_back", Severity.DRAIN, text, standing.cause, bars_entry=True)
    elif standing.phase is Phase.DOWN and verdict.severity < Severity.FAIL:
        text = f"failed for {standing.cause} when it last answered"
        yield Reason("not_back", Severity.FAIL, text, standing.cause, bars_entry=True)


def _barring(verdict: Verdict) -> str:
    return ", ".join(f"{reason.code} ({reason.text})" for reason in verdict.reasons if reason.bars_entry)


def _held(standing: Standing, verdict: Verdict, settings: HoldDownSettings, now: Instant) -> Reason:
    left = remaining(standing, now)
    if standing.cause == RESTARTED:
        why = "it restarted"
    elif standing.cause == FIRST_SEEN:
        why = f"no record of it, and its Uptime is below trust_uptime {show_seconds(settings.trust_uptime)}"
    else:
        why = f"it recovered from {standing.cause}"
    if left is None:
        text = f"{why}; serves after `mysqlcheck release`"
    elif left > 0:
        text = f"{why}; serves in {show_span(left)}"
    else:
        text = f"{why}; its time is over, serves without: {_barring(verdict)}"
    return Reason("held", Severity.FAIL, text, None if left is None else round(left, 1), None, bars_entry=True)


def remaining(standing: Standing, now: Instant) -> float | None:
    """Seconds until the moment `until`, never below zero; None where only an operator ends the hold."""
    if standing.until is None:
        return None
    return max(0.0, standing.until.seconds - now.seconds) if standing.until.boot_id == now.boot_id else 0.0


def ramp_share(standing: Standing, settings: HoldDownSettings, now: Instant) -> float:
    """Return the share of full weight that the ramp leaves."""
    return _climbed(remaining(standing, now), settings) if standing.phase is Phase.RAMPING else 1.0


def share_let_in(standing: Standing, let_in: LetIn, settings: HoldDownSettings, now: Instant) -> float:
    """Return the share of full weight of a server that its pool lets in: one that restarted ramps, as after a hold.

    One that lags is warm, and is there because its pool needs it: it gets all.
    """
    since = now.since(let_in.since)
    return 1.0 if standing.phase is not Phase.HELD else _climbed(settings.ramp - (since or 0.0), settings)


def _climbed(left: float | None, settings: HoldDownSettings) -> float:
    if not settings.ramp or not left or left < 0:
        return 1.0
    return max(lag.LEAST_SHARE, 1.0 - (1.0 - lag.LEAST_SHARE) * left / settings.ramp)
