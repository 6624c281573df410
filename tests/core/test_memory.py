"""The lag that is remembered: what staleness counts from while the source is lost."""

from __future__ import annotations

import pytest

from mysqlcheck.checks.channels import Channel
from mysqlcheck.model import LastLag, Memory, Severity
from tests.core.builders import LOST, NOW, channel, lag_on_record, lost, met, observation, of_code, remember, verdict
from tests.core.watching import serving

BEFORE = lag_on_record(5.0, 60)


def test_the_lag_of_a_replica_whose_source_answers_is_remembered_with_its_time() -> None:
    assert remember(Memory(), observation(channel(lag=3))).lag == LastLag(3.0, NOW)


def test_a_newer_lag_takes_the_place_of_the_older() -> None:
    assert remember(BEFORE, observation(channel(lag=0))).lag == LastLag(0.0, NOW)


def test_of_several_channels_the_largest_lag_is_remembered() -> None:
    assert remember(Memory(), observation(channel(lag=3), channel(name="b", lag=8))).lag == LastLag(8.0, NOW)


def test_the_channel_that_group_replication_recovers_by_keeps_no_lag_from_being_remembered() -> None:
    recovery = channel(name="group_replication_recovery", io_state="No", sql_running=False, lag=None)
    assert remember(Memory(), observation(channel(lag=3), recovery)).lag == LastLag(3.0, NOW)


def test_a_delay_that_is_ignored_is_no_staleness_either() -> None:
    seen = observation(channel(lag=3604, delay=3600))
    assert remember(Memory(), seen, ignore_delay=True).lag == LastLag(4.0, NOW)
    assert remember(Memory(), seen).lag == LastLag(3604.0, NOW)


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
def test_a_lag_that_says_nothing_of_the_source_is_not_remembered(channels: list[Channel]) -> None:
    assert remember(BEFORE, observation(*channels)).lag == BEFORE.lag


def test_a_look_that_met_trouble_forgets_no_lag() -> None:
    assert remember(BEFORE, met(LOST)).lag == BEFORE.lag


def test_a_lost_source_is_as_stale_as_the_lag_before_and_the_time_since() -> None:
    memory = remember(Memory(), observation(channel(lag=4)))
    gone = NOW._replace(seconds=NOW.seconds + 100)
    seen = observation(lost(), at=gone)
    assert of_code(verdict(seen, remember(memory, seen), gone), "source_lost").observed == 104.0


# the story of a lost source


def test_a_replica_without_its_source_serves_until_its_data_are_too_old_and_again_when_it_catches_up() -> None:
    director = serving(max_staleness=600.0)
    assert director.phase(10, channel(lag=4)).value == "up"
    stale = [director.phase(at, lost()).value for at in (11, 300, 606, 607)]
    assert stale == ["up", "up", "up", "draining"]
    assert director.phase(700, channel(lag=500)).value == "draining"
    assert director.phase(710, channel(lag=20)).value == "up"


def test_a_replica_of_which_nobody_knows_how_stale_it_is_does_not_begin_to_serve() -> None:
    """It restarted while the source is lost: no lag is on record of this incarnation."""
    director = serving()
    director.server.restart(0)
    assert [director.phase(at, lost()).value for at in (1, 62, 3600)] == ["held", "held", "held"]
    assert director.phase(3601, channel()).value == "ramping"


def test_a_replica_that_is_let_in_before_the_source_is_lost_serves_on() -> None:
    director = serving()
    assert director.look(1, lost()).verdict.severity is Severity.NOTE
    assert director.phase(2, lost()).value == "up"


def test_staleness_is_counted_from_the_last_lag_although_looks_fail_meanwhile() -> None:
    director = serving(max_staleness=60.0)
    director.look(1, channel(lag=10))
    director.look(2, trouble=LOST)
    assert [director.phase(at, lost()).value for at in (51, 52)] == ["up", "draining"]
