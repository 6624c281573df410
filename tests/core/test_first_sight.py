"""Whether a server is trusted of which there is no record: first run, lost state, a second director, a new role."""

from __future__ import annotations

import pytest

from mysqlcheck.kinds import DAY
from mysqlcheck.model import Phase, Reason
from tests.core.builders import CROWDED, DENIED, LOST, REFUSED, channel
from tests.core.watching import Director, Server, serving

UP, DOWN, HELD, RAMPING = Phase.UP, Phase.DOWN, Phase.HELD, Phase.RAMPING


# No record of the server.


@pytest.mark.parametrize(
    ("uptime", "phase"), [(0, HELD), (599, HELD), (600, UP), (DAY, UP)], ids=["0s", "599s", "600s", "1d"]
)
def test_without_a_record_a_server_is_trusted_if_it_is_old_enough(uptime: float, phase: Phase) -> None:
    assert Director(Server(uptime)).phase(0) is phase


def test_without_a_record_a_young_server_is_held_from_now() -> None:
    director = Director(Server(uptime=300))
    assert director.phases(0, 60) == [HELD] * 60
    assert director.phase(60) is RAMPING


def test_a_state_directory_that_was_lost_lets_no_young_server_in_before_its_own_hold_is_over() -> None:
    director = serving()
    director.server.restart(0)
    assert director.phase(1) is HELD
    director.forget()
    assert [director.phase(30), director.phase(89), director.phase(90)] == [HELD, HELD, RAMPING]


def test_with_a_record_a_new_incarnation_is_held_however_long_it_runs() -> None:
    """The director was off for a day; its record tells that this is not the server that it knew."""
    director = serving()
    director.server.restart(10)
    assert director.phase(DAY) is HELD


def test_a_server_that_is_first_met_while_nobody_listens_is_held_when_it_answers() -> None:
    director = Director(Server(uptime=DAY))
    assert director.phase(0, trouble=REFUSED) is DOWN
    assert director.phases(1, 61) == [HELD] * 60
    assert director.phase(61) is RAMPING


@pytest.mark.parametrize("role", ["replica", "source"])
@pytest.mark.parametrize("trouble", [LOST, CROWDED, DENIED], ids=["no route", "too many connections", "denied"])
def test_a_server_that_could_not_be_asked_at_first_is_trusted_when_it_tells_its_uptime(
    trouble: Reason, role: str
) -> None:
    """A first check with a wrong password must not hold a source for good that has run for a year."""
    director = Director(Server(uptime=365 * DAY))
    director.phase(0, trouble=trouble, role=role)
    director.phase(5, role=role)
    assert director.phase(15, role=role) in (RAMPING, UP)


@pytest.mark.parametrize("trouble", [LOST, CROWDED, DENIED], ids=["no route", "too many connections", "denied"])
def test_a_young_server_that_could_not_be_asked_at_first_is_held_for_the_whole_hold_down(trouble: Reason) -> None:
    director = Director(Server(uptime=10))
    director.phase(0, trouble=trouble)
    assert director.phases(1, 60) == [HELD] * 59
    assert director.phase(61) is RAMPING


@pytest.mark.parametrize("trouble", [LOST, CROWDED, DENIED], ids=["no route", "too many connections", "denied"])
def test_the_hold_of_a_young_server_counts_from_when_it_is_first_heard_not_from_the_attempts_before(
    trouble: Reason,
) -> None:
    """A director that checks once in two minutes would otherwise let in what it has just met."""
    director = Director(Server(uptime=10))
    director.phase(0, trouble=trouble)
    assert [director.phase(120), director.phase(179), director.phase(180)] == [HELD, HELD, RAMPING]


def test_who_releases_a_server_that_has_not_said_how_old_it_is_has_not_released_what_it_turns_out_to_be() -> None:
    """It may have restarted since its last greeting: rising connection ids and no Uptime tell nobody."""
    director = Director(Server(uptime=DAY))
    assert director.phase(0, trouble=CROWDED) is HELD
    director.server.restart(20)
    director.release(30)
    assert [director.phase(31), director.phase(90), director.phase(91)] == [HELD, HELD, RAMPING]


def test_a_release_before_the_first_uptime_counts_for_a_server_that_has_run_for_long() -> None:
    director = Director(Server(uptime=DAY))
    assert [director.phase(0, trouble=LOST), director.phase(1, trouble=CROWDED)] == [DOWN, HELD]
    director.release(2)
    assert director.phase(3) is RAMPING


def test_greetings_alone_are_no_record() -> None:
    """The login was refused from the first look on: what answers when it works is judged by its Uptime."""
    director = Director(Server(uptime=DAY))
    director.phase(0, trouble=DENIED)
    director.server.restart(1)
    assert [director.phase(at, trouble=DENIED) for at in (2, 600)] == [DOWN, DOWN]
    assert director.phases(700, 720)[10:] == [RAMPING] * 10


# Two roles of one server, each with a verdict of its own.


def test_two_roles_share_what_was_seen_of_the_server() -> None:
    director = serving()
    assert director.phase(0, role="any") is UP
    director.server.restart(1)
    assert director.phase(2) is HELD
    assert director.phase(32, role="any") is HELD
    assert [director.phase(61, role="any"), director.phase(62, role="any")] == [HELD, RAMPING]
    assert director.phase(62) is RAMPING
    assert director.sighting is not None
    assert director.sighting.number == 2


def test_a_role_that_is_first_checked_after_the_hold_of_the_other_serves_at_once() -> None:
    director = serving()
    assert director.phase(0, role="any") is UP
    director.server.restart(1)
    assert [director.phase(2), director.phase(62)] == [HELD, RAMPING]
    assert director.phase(70, role="any") is RAMPING


def test_two_roles_have_verdicts_of_their_own() -> None:
    director = serving()
    assert director.phase(1, channel(lag=None, sql_running=False)) is DOWN
    assert director.phase(1, role="source") is UP


@pytest.mark.parametrize("restarts", [0, 1], ids=["since it was first met", "and it has restarted once"])
def test_a_role_that_is_checked_for_the_first_time_trusts_a_server_that_has_run_for_long(restarts: int) -> None:
    """Another virtual server, or a --role that was changed for all replicas at once, is no restart of any of them."""
    director = Director(Server(uptime=1))
    director.phase(0)
    if restarts:
        director.server.restart(10)
    assert director.phase(11) is HELD
    assert director.phase(30 * DAY) is RAMPING
    assert director.phase(30 * DAY + 1, role="any") is UP
