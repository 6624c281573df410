"""The way from a look to the answer, with what is on record: what is kept, what is told, what has changed."""

from __future__ import annotations

from typing import Any

import pytest

from mysqlcheck.judgement import may_enter, take_in
from mysqlcheck.model import Action, Observation, OperatorHold, Phase
from mysqlcheck.record import Record, Told
from tests.core.builders import DENIED, LOST, REFUSED, channel, met, observation
from tests.core.watching import CLOCK, EPOCH, Director, Server, serving

BROKEN = channel(sql_running=False, lag=None)
HOLD = OperatorHold("index rebuild", "operator", EPOCH)


def record(director: Director, role: str = "replica") -> Record:
    return director.records[role]


# What is recorded.


def test_the_first_look_makes_a_record() -> None:
    director = serving()
    found = record(director)
    assert found.standing.phase is Phase.UP
    assert found.memory.sighting == director.sighting
    assert (found.seen, found.at, found.changed) == (director.instant(0), EPOCH, EPOCH)


def test_each_look_is_recorded_with_the_moment_of_its_end() -> None:
    director = serving()
    director.look(5)
    assert (record(director).seen, record(director).at) == (director.instant(5), EPOCH + 5)


def test_the_last_change_is_that_of_the_phase() -> None:
    director = serving()
    director.look(5)
    assert record(director).changed == EPOCH
    director.look(6, BROKEN)
    director.look(7, BROKEN)
    assert record(director).changed == EPOCH + 6


def test_what_is_not_kept_changes_nothing() -> None:
    """As `explain` does, which a person may run at any time."""
    director = serving()
    before = record(director)
    assert director.look(1, BROKEN, keep=False).decision.action is Action.FAIL
    assert record(director) == before
    assert director.look(2).record.transitions == ()


# Looks that overlap: an older one changes nothing.


def older(director: Director, at: float, *found: Any, trouble: Any = None) -> Observation:
    now = director.instant(at)
    return met(trouble, now) if trouble else observation(*found, at=now)


@pytest.mark.parametrize(
    "how",
    [
        {"found": [BROKEN]},
        {"found": [channel(lag=90)]},
        {"trouble": REFUSED},
        {"trouble": LOST},
        {"found": [channel()]},
    ],
    ids=["broken", "lagging", "refused", "lost", "healthy"],
)
@pytest.mark.parametrize("phase", ["up", "down"])
def test_a_look_that_ended_before_the_one_on_record_changes_nothing(phase: str, how: dict[str, Any]) -> None:
    director = serving()
    assert director.phase(10, *([] if phase == "up" else [BROKEN])).value == phase
    before = record(director)
    seen = older(director, 9.5, *how.get("found", []), trouble=how.get("trouble"))
    judged = take_in(before, director.sighting, seen, None, director.settings(), EPOCH + 9.5)
    assert judged.record == before
    assert judged.events == ()
    assert judged.decision.phase.value == phase


def test_an_older_look_still_says_what_it_saw_itself() -> None:
    director = serving()
    director.look(10)
    judged = take_in(record(director), director.sighting, older(director, 9, BROKEN), None, director.settings(), EPOCH)
    assert "sql_stopped" in [reason.code for reason in judged.decision.reasons]
    assert judged.decision.action is Action.SERVE


def test_a_clock_that_went_back_by_more_than_any_look_takes_is_a_reboot_and_no_older_look() -> None:
    director = serving()
    director.look(1000)
    assert director.look(1000 - CLOCK + 20).record.seen == director.instant(1000 - CLOCK + 20)


def test_many_checks_at_once_are_as_one() -> None:
    """Two virtual servers, or a director that checks too often: nothing counts twice."""
    once, often = serving(), serving()
    for director, times in ((once, 1), (often, 20)):
        for at in (1.0, 2.0, 3.0):
            for _ in range(times):
                director.look(at, BROKEN)
        for at in (4.0, 13.0):
            for _ in range(times):
                director.look(at)
    assert record(often).standing == record(once).standing
    assert record(often).transitions == record(once).transitions
    looks_aside = [[event._replace(capture=None) for event in who.events] for who in (often, once)]
    assert looks_aside[0] == looks_aside[1]


# Events and counters.


def test_each_change_of_phase_is_an_event_with_the_reason_that_matters_most() -> None:
    """A reason that is called as the phase is not told its name twice."""
    director = serving()
    for at, found in ((1, BROKEN), (2, BROKEN), (3, channel()), (12, channel()), (72, channel(lag=20))):
        director.look(at, found)
    told = [(event.at - EPOCH, event.kind, event.before, event.after, event.text) for event in director.events]
    assert told == [
        (0, "transition", "unknown", "up", "nothing against it"),
        (1, "transition", "up", "down", "sql_stopped: SQL thread stopped (from 192.168.1.200:3306)"),
        (3, "transition", "down", "held", "it recovered from sql_stopped; serves in 9s"),
        (12, "transition", "held", "ramping", "in service again; full weight in 1m (ramp 1m)"),
        (72, "transition", "ramping", "up", "lag: 20 s behind, more than lag_ok 10s: less weight"),
    ]
    assert {(event.target, event.role) for event in director.events} == {("192.168.1.201:3306", "replica")}


@pytest.mark.parametrize("times", [1, 2])
def test_a_restart_is_told_although_the_phase_stays(times: int) -> None:
    """A server that is held and restarts again begins its hold anew: whoever reads the history must see why."""
    director = serving()
    for number in range(times):
        director.server.restart(10 * number)
        director.look(10 * number + 1)
    told = [event for event in director.events if event.kind == "restart" or "it restarted" in event.text]
    assert len(told) == times


def test_transitions_are_counted_by_from_and_to() -> None:
    director = serving(recover_after=0.0, ramp=0.0)
    for at in range(1, 7):
        director.look(at, *([BROKEN] if at % 2 else []))
    assert record(director).transitions == (("up", "down", 3), ("down", "up", 3))


def test_the_first_phase_is_an_event_and_no_transition() -> None:
    director = serving()
    assert len(director.events) == 1
    assert record(director).transitions == ()


def test_an_operator_s_hold_is_no_transition() -> None:
    director = serving()
    judged = director.look(1, hold=HOLD)
    assert (judged.events, judged.record.transitions) == ((), ())
    assert judged.decision.action is Action.DRAIN


def test_what_happens_under_an_operator_s_hold_is_remembered() -> None:
    """A server that restarts while it is drained by hand is held when that ends."""
    director = serving()
    director.look(1, hold=HOLD)
    director.server.restart(1)
    assert director.look(2, hold=HOLD).decision.action is Action.FAIL
    assert director.look(3).decision.phase is Phase.HELD


# What was told, for `status`.


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({}, Told(Action.SERVE, 100, "", "", 0.0)),
        ({"lag": 35}, Told(Action.SERVE, 60, "lag", "35 s behind, more than lag_ok 10s: less weight", 35.0)),
        ({"lag": 61}, Told(Action.DRAIN, 0, "lag", "61 s behind, more than max_lag 1m", 61.0)),
        ({"trouble": REFUSED}, Told(Action.FAIL, 0, "unreachable", "connection refused", None)),
        (
            {"hold": HOLD},
            Told(Action.DRAIN, 0, "operator_hold", "drained by operator until released: index rebuild", 0.0),
        ),
    ],
    ids=["healthy", "degraded", "drained", "unreachable", "by hand"],
)
def test_what_was_told_is_kept(how: dict[str, Any], told: Told) -> None:
    director = serving(weight=100)
    found = [channel(lag=how.pop("lag"))] if "lag" in how else []
    assert director.look(1, *found, **how).record.told == told


def test_in_plain_style_no_weight_was_told() -> None:
    assert record(serving()).told.weight is None


# Roles.


def test_each_role_has_a_record_of_its_own_and_the_sighting_is_the_server_s() -> None:
    director = serving()
    director.look(1, role="any")
    director.look(2, BROKEN)
    assert (record(director).standing.phase, record(director, "any").standing.phase) == (Phase.DOWN, Phase.UP)
    assert director.look(3, role="any").record.memory.sighting == director.sighting


def test_a_grace_of_one_role_does_not_stand_on_the_answer_to_another() -> None:
    """Only the account's privileges differ: what one role asks may be denied to it alone."""
    director = serving()
    assert director.phase(1, trouble=DENIED, role="any") is Phase.DOWN


def test_a_sighting_that_was_lost_is_made_anew_and_the_record_goes_on() -> None:
    director = serving()
    director.sighting = None
    assert director.phase(1) is Phase.UP
    assert director.sighting is not None
    assert director.sighting.number == 1


def test_a_sighting_that_was_lost_lets_no_young_server_in() -> None:
    director = Director(Server(uptime=0))
    director.server.restart(0)
    director.look(0)
    director.server.restart(1)
    director.look(1)
    director.sighting = None
    assert director.phase(2) is Phase.HELD


# Whether it may come in: some things are asked for only there.


def enters(director: Director, at: float) -> bool:
    seen = observation(
        channel(), at=director.instant(at), incarnation=director.server.says(at), connection_id=director.server.greet()
    )
    return may_enter(director.records.get("replica"), director.sighting, seen)


def test_a_server_that_serves_on_does_not_come_in() -> None:
    director = serving()
    assert not enters(director, 1)
    director.look(2, channel(lag=90))
    assert enters(director, 3)  # drained
    director.look(4)
    assert not enters(director, 5)
    director.look(6, trouble=REFUSED)
    assert enters(director, 7)  # down
    assert director.phases(8, 90)[-1] is Phase.UP
    director.server.restart(91)
    assert enters(director, 92)  # even if nobody has seen it down, and hold_down is 0
    director.forget()
    assert enters(director, 93)
