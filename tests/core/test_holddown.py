"""What outlives a check, and the phases."""

from __future__ import annotations

import pytest

from mysqlcheck.checks.channels import Channel
from mysqlcheck.holddown import remember, step
from mysqlcheck.model import Instant, LastLag, Memory, Phase, Reason, Severity, Standing, Verdict
from tests.core.builders import NOW, channel, lag_on_record, lost, observation, of_code, unreachable, verdict

BEFORE = lag_on_record(5.0, 60)
LATER = NOW._replace(seconds=NOW.seconds + 1)


def test_the_lag_of_a_replica_whose_source_answers_is_remembered_with_its_time() -> None:
    assert remember(Memory(), observation(channel(lag=3))) == Memory(LastLag(3.0, NOW))


def test_a_newer_lag_takes_the_place_of_the_older() -> None:
    assert remember(BEFORE, observation(channel(lag=0))) == Memory(LastLag(0.0, NOW))


def test_of_several_channels_the_largest_lag_is_remembered() -> None:
    assert remember(Memory(), observation(channel(lag=3), channel(name="b", lag=8))).lag == LastLag(8.0, NOW)


@pytest.mark.parametrize(
    "channels",
    [
        pytest.param([lost()], id="source lost"),
        pytest.param([lost(lag=122)], id="source lost, and MySQL still counts what it had fetched"),
        pytest.param([channel(), lost(name="b")], id="one of two sources lost"),
        pytest.param([channel(io_state="No", lag=0)], id="IO thread stopped"),
        pytest.param([channel(lag=None)], id="lag unknown"),
        pytest.param([channel(lag=0), channel(name="b", sql_running=False, lag=None)], id="one of two lags unknown"),
        pytest.param([], id="no replica"),
    ],
)
def test_a_lag_that_says_nothing_of_the_source_changes_no_memory(channels: list[Channel]) -> None:
    assert remember(BEFORE, observation(*channels)) == BEFORE


def test_a_look_that_met_trouble_changes_no_memory() -> None:
    assert remember(BEFORE, unreachable()) == BEFORE


def test_a_lost_source_is_as_stale_as_the_lag_before_and_the_time_since() -> None:
    memory = remember(Memory(), observation(channel(lag=4)))
    gone = NOW._replace(seconds=NOW.seconds + 100)
    seen = observation(lost(), at=gone)
    assert of_code(verdict(seen, remember(memory, seen), gone), "source_lost").observed == 104.0


# the phases


def standing(severity: Severity, before: Standing | None = None, now: Instant = NOW) -> Standing:
    return step(before, Verdict((Reason("code", severity, "text"),), 1.0), now)


@pytest.mark.parametrize(
    ("severity", "phase"),
    [
        (Severity.OK, Phase.UP),
        (Severity.NOTE, Phase.UP),
        (Severity.DRAIN, Phase.DRAINING),
        (Severity.FAIL, Phase.DOWN),
    ],
)
@pytest.mark.parametrize("before", [None, *Phase])
def test_the_verdict_leads_to_its_phase_from_every_other(
    before: Phase | None, severity: Severity, phase: Phase
) -> None:
    found = standing(severity, None if before is None else Standing(before, NOW), LATER)
    assert found == Standing(phase, NOW if before is phase else LATER)


def test_a_server_without_reasons_is_up() -> None:
    assert step(None, Verdict((), 1.0), NOW).phase is Phase.UP
