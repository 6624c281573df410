"""What outlives a check, and the phases. Hold-down itself (HELD, RAMPING, restarts, flaps) is not built yet.

`remember` takes no thresholds: it keeps what was seen. `step` turns a verdict into a phase.
"""

from __future__ import annotations

from mysqlcheck.checks import lag
from mysqlcheck.checks.channels import Channels
from mysqlcheck.model import Instant, LastLag, Memory, Observation, Phase, Severity, Standing, Verdict

PHASE = {
    Severity.OK: Phase.UP,
    Severity.NOTE: Phase.UP,
    Severity.DRAIN: Phase.DRAINING,
    Severity.FAIL: Phase.DOWN,
}


def remember(memory: Memory, observation: Observation) -> Memory:
    """Keep the last lag that counts: one that every channel reported while connected to its source.

    MySQL goes on reporting a number while it drains what it had fetched before the source was lost;
    that number says nothing of what the source has done since.
    """
    facts = observation.fact(Channels)
    if facts is None or not all(channel.io_running and channel.lag is not None for channel in facts.channels):
        return memory
    seconds = lag.worst(facts.channels)
    return memory if seconds is None else memory._replace(lag=LastLag(float(seconds), observation.ended))


def step(standing: Standing | None, verdict: Verdict, now: Instant) -> Standing:
    """Return the standing after this verdict; `since` moves only when the phase does."""
    phase = PHASE[verdict.severity]
    return standing if standing is not None and standing.phase is phase else Standing(phase, now)
