"""Flap damping: whoever keeps failing is held for longer, until it is forgotten."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysqlcheck.holddown import MOST_FLAPS, damping, penalty
from mysqlcheck.model import Instant, Phase
from mysqlcheck.options import Settings
from tests.core.builders import DENIED, LOST, NOW, REFUSED, channel
from tests.core.watching import Director, serving

BROKEN = channel(sql_running=False, lag=None)
DEFAULTS = Settings.of()


def flaps(*ages: float) -> tuple[Instant, ...]:
    return tuple(NOW.plus(-age) for age in sorted(ages, reverse=True))


def held_for(director: Director, since: float) -> float:
    """Seconds from a moment to the end of the hold timer."""
    until = director.records["replica"].standing.until
    assert until is not None
    return until.seconds - director.instant(since).seconds


# The arithmetic.


@pytest.mark.parametrize(
    ("ages", "settings", "remembered"),
    [
        ((), {}, 0.0),
        ((0,), {}, 1.0),
        ((900,), {}, 0.5),
        ((1800,), {}, 0.25),
        ((0, 900), {}, 1.5),
        ((0, 0, 0), {}, 3.0),
        ((60,), {"flap_half_life": 60.0}, 0.5),
        ((0,), {"flap_half_life": 0.0}, 0.0),
    ],
)
def test_after_each_half_life_a_flap_counts_half(
    ages: tuple[float, ...], settings: dict[str, Any], remembered: float
) -> None:
    assert penalty(flaps(*ages), Settings.of(**settings), NOW) == pytest.approx(remembered)


@pytest.mark.parametrize(
    ("ages", "factor"), [((), 1.0), ((0,), 2.0), ((0, 0), 4.0), ((900,), 2**0.5), ((0, 900), 2**1.5)]
)
def test_each_flap_doubles_the_hold_and_an_old_one_prolongs_it_by_less(ages: tuple[float, ...], factor: float) -> None:
    assert damping(flaps(*ages), DEFAULTS, NOW) == pytest.approx(factor)


def test_without_a_maximum_no_flap_prolongs_anything() -> None:
    assert damping(flaps(0, 0, 0), Settings.of(hold_down_max=0.0), NOW) == 1.0


def test_flaps_of_another_boot_of_the_director_are_forgotten() -> None:
    assert penalty((Instant("the last boot", NOW.seconds),), DEFAULTS, NOW) == 0.0


@given(st.lists(st.floats(0, 1e6), max_size=MOST_FLAPS), st.floats(0, 1e6))
def test_waiting_never_makes_the_penalty_grow(ages: list[float], seconds: float) -> None:
    found = flaps(*ages)
    assert penalty(found, DEFAULTS, NOW.plus(seconds)) <= penalty(found, DEFAULTS, NOW)


# What prolongs a hold, and how far.


def test_each_restart_doubles_the_next_hold_up_to_its_maximum() -> None:
    director, at, holds = serving(flap_half_life=1e9, ramp=0.0), 0.0, []
    for _ in range(6):
        director.server.restart(at)
        assert director.phase(at + 1) is Phase.HELD
        holds.append(round(held_for(director, at + 1)))
        at += 1 + holds[-1]
        assert director.phase(at) is Phase.UP
    assert holds == [60, 120, 240, 480, 600, 600]


def test_a_restart_during_the_hold_doubles_it_too() -> None:
    director, holds = serving(flap_half_life=1e9), []
    for at in (0, 10, 20):
        director.server.restart(at)
        director.look(at + 1)
        holds.append(round(held_for(director, at + 1)))
    assert holds == [60, 120, 240]


def test_each_failure_doubles_the_next_recovery() -> None:
    director, at, holds = serving(flap_half_life=1e9, ramp=0.0), 0.0, []
    for _ in range(8):
        assert director.phase(at + 1, BROKEN) is Phase.DOWN
        holds.append(round(held_for(director, at + 1)))
        at += 1 + holds[-1]
        assert director.phase(at) is Phase.UP
    assert holds == [10, 20, 40, 80, 160, 320, 600, 600]


def test_a_failure_that_lasts_is_one_flap_however_often_it_is_looked_at() -> None:
    for every in (0.25, 1.0, 5.0):
        director, at = serving(), 1.0
        while at <= 61:
            director.look(at, BROKEN)
            at += every
        assert len(director.records["replica"].standing.flaps) == 1
        assert held_for(director, at - every) == 10


def test_a_server_that_fails_again_while_it_is_held_is_held_for_longer() -> None:
    director = serving(flap_half_life=1e9)
    for at in (1, 3, 5):
        assert [director.phase(at, BROKEN), director.phase(at + 1)] == [Phase.DOWN, Phase.HELD]
    assert held_for(director, 5) == pytest.approx(40)


def test_flaps_are_forgotten_with_their_half_life() -> None:
    director = serving()
    director.look(1, BROKEN)
    director.look(2)
    director.look(11)
    director.look(901, BROKEN)
    assert held_for(director, 901) == pytest.approx(10 * 2**0.5)


def test_only_so_many_flaps_are_kept() -> None:
    director = serving()
    for at in range(1, 101, 2):
        director.look(at, BROKEN)
        director.look(at + 1)
    found = director.records["replica"].standing.flaps
    assert len(found) == MOST_FLAPS
    assert found[-1] == director.instant(99)


def test_a_reboot_of_the_director_forgets_the_flaps() -> None:
    director = serving()
    director.look(1, BROKEN)
    director.reboot()
    director.look(2, BROKEN)
    assert held_for(director, 2) == 10


# What is a flap.


def test_a_crash_is_one_flap_although_it_is_a_failure_and_a_restart() -> None:
    director = serving()
    director.look(1, trouble=REFUSED)
    director.server.restart(2)
    director.look(3)
    assert len(director.records["replica"].standing.flaps) == 1
    assert held_for(director, 3) == 60


@pytest.mark.parametrize(
    "before",
    [[LOST], [LOST, REFUSED], [DENIED]],
    ids=["silence", "silence, then nobody listens", "our login refused"],
)
def test_a_restart_is_a_flap_whatever_was_met_before_it(before: list[Any]) -> None:
    """A host that loses its power is silent and not refusing; if it does so again and again it is held for longer."""
    director = serving(fail_after=0.0, credentials_grace=0.0)
    for at, trouble in enumerate(before, 1):
        director.look(at, trouble=trouble)
    director.server.restart(9)
    director.look(10)
    assert len(director.records["replica"].standing.flaps) == 1


def test_a_restart_that_first_refuses_our_login_is_a_flap() -> None:
    director = serving()
    director.server.restart(0)
    director.look(1, trouble=DENIED)
    director.look(2)
    assert len(director.records["replica"].standing.flaps) == 1


@pytest.mark.parametrize("trouble", [LOST, DENIED], ids=["silence", "our login refused"])
def test_what_the_network_or_the_director_may_be_to_blame_for_is_no_flap(trouble: Any) -> None:
    director = serving(fail_after=0.0, credentials_grace=0.0)
    for at in (1, 3, 5):
        director.look(at, trouble=trouble)
        director.look(at + 1)
    assert director.records["replica"].standing.flaps == ()


def test_a_drain_is_no_flap() -> None:
    director = serving()
    for at in range(1, 20, 2):
        assert director.phase(at, channel(lag=61)) is Phase.DRAINING
        assert director.phase(at + 1) is Phase.UP
    assert director.records["replica"].standing.flaps == ()
