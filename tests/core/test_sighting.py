"""A restart is seen even between two checks, from the server's own words; a step of its clock is none."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysqlcheck.checks.connection import not_mysql, refused
from mysqlcheck.checks.incarnation import Incarnation
from mysqlcheck.memory import sight
from mysqlcheck.model import Instant, Memory, Observation, Sighting
from tests.core.builders import (
    BOOT,
    CROWDED,
    DENIED,
    LOST,
    NOW,
    OUT_OF_TIME,
    REFUSED,
    channel,
    met,
    observation,
    remember,
)

UUID, OTHER = "a9347d19-e6c7-11f1-b429-02fc00000001", "b3431414-e6c7-11f1-933a-02fc00000001"
STARTED = 1_795_388_063
BEFORE = Instant(BOOT, NOW.seconds - 10)
LAST = Sighting(1, BEFORE, BEFORE, 1000, UUID, STARTED, 600)
"""Ten seconds ago: the connection with the id 1000, to a server that had run for ten minutes when it was first met."""


def look(
    identity: str = UUID,
    started: int = STARTED,
    uptime: int = 610,
    connection_id: int = 1001,
    at: Instant = NOW,
    took: float = 0.012,
) -> Observation:
    """One look that was answered."""
    fact = Incarnation(identity, started, uptime)
    return observation(channel(), at=at, took=took, incarnation=fact, connection_id=connection_id)


def kept(started: int = STARTED, uptime: int = 610) -> Observation:
    """One look that was answered on a connection that is older than the last look."""
    return look(started=started, uptime=uptime, connection_id=990)._replace(kept=True)


class Row(NamedTuple):
    name: str
    seen: Observation
    restarted: bool
    last: Sighting = LAST


BEFORE_THE_REBOOT = LAST._replace(first_seen=Instant("the last boot", 50.0), seen=Instant("the last boot", 99_999.0))
GREETED = Sighting(1, BEFORE, BEFORE, 1000)
GREETED_BEFORE_THE_REBOOT = BEFORE_THE_REBOOT._replace(identity=None, started=None, uptime=None)
ROWS = [
    Row("as ever", look(), False),
    Row("the next second", look(uptime=611, connection_id=1050), False),
    Row("another server_uuid", look(identity=OTHER), True),
    Row("another server_uuid, and ids went on", look(identity=OTHER, connection_id=99_999), True),
    Row("started later", look(started=STARTED + 605, uptime=5), True),
    Row("started later, and ids went on", look(started=STARTED + 605, uptime=5, connection_id=99_999), True),
    Row("started a second later", look(started=STARTED + 1, uptime=609), True),
    Row("the connection id fell", look(connection_id=12), True),
    Row("the connection id fell, and the login is refused", met(DENIED, connection_id=12), True),
    Row("the login is refused, and the connection id rose", met(DENIED, connection_id=1001), False),
    # so far it has only greeted
    Row("it has run since before it greeted", look(uptime=10), False, GREETED),
    Row("it tells an Uptime that began after it greeted", look(uptime=8), True, GREETED),
    Row("it greeted in another boot of ours", look(uptime=8), False, GREETED_BEFORE_THE_REBOOT),
    # the server's clock: Uptime follows it, the start does not
    Row("its clock went an hour ahead", look(uptime=4210), False),
    Row("its clock went an hour back", look(uptime=-2990), False),
    # 32 bits of connection ids
    Row("ids began anew after 2^32", look(connection_id=3), False, LAST._replace(connection_id=(1 << 32) - 5)),
    Row("ids fell from 2^31 on", look(connection_id=3), False, LAST._replace(connection_id=1 << 31)),
    Row("ids fell below 2^31", look(connection_id=3), True, LAST._replace(connection_id=(1 << 31) - 1)),
    Row(
        "ids began anew, and it was another start", look(started=STARTED + 605, uptime=5, connection_id=3), True,
        LAST._replace(connection_id=(1 << 32) - 5),
    ),
    # no greeting: nothing that tells
    Row("nobody listens", met(REFUSED), False),
    Row("no answer", met(OUT_OF_TIME), False),
    Row("too many connections", met(CROWDED), False),
    # looks that overlap: the one that began earlier may end later
    Row("it began before the last look", look(connection_id=990, took=11), False),
    Row("it met the incarnation before the last", look(started=STARTED - 700, connection_id=990, took=11), False),
    Row("it began after the last look", look(connection_id=990, took=9), True),
    # what was known of the last one
    Row("it was seen refusing connections", look(), True, Sighting(1, BEFORE, BEFORE)),
    Row("it refused our login", look(), False, LAST._replace(identity=None, started=None, uptime=None)),
    Row("it refused our login, ids fell", look(connection_id=12), True, Sighting(1, BEFORE, BEFORE, 1000)),
    # a connection that an earlier look opened: its id is an old one
    Row("a kept connection", kept(), False),
    Row("a kept connection, and the server's clock went an hour ahead", kept(uptime=4210), False),
    Row("a kept connection to another than the one that was met since", kept(started=STARTED - 700), False),
    Row("a kept connection, and another look was refused since", kept(), False, Sighting(1, BEFORE, BEFORE)),
    # across a reboot of the director
    Row("the same one", look(), False, BEFORE_THE_REBOOT),
    Row("another start", look(started=STARTED + 605, uptime=5), True, BEFORE_THE_REBOOT),
    Row("ids fell", look(connection_id=12), True, BEFORE_THE_REBOOT),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_what_tells_a_restart(row: Row) -> None:
    found = sight(row.last, row.seen)
    assert found is not None
    assert found.number == (2 if row.restarted else 1)
    assert found.first_seen == (row.seen.ended if row.restarted else row.last.first_seen)


def test_a_new_incarnation_is_noted_with_all_that_it_says() -> None:
    found = sight(LAST, look(started=STARTED + 605, uptime=5, connection_id=12))
    assert found == Sighting(2, NOW, NOW, 12, UUID, STARTED + 605, 5)


def test_the_same_incarnation_keeps_its_first_sight() -> None:
    assert sight(LAST, look(uptime=610)) == LAST._replace(seen=NOW, connection_id=1001, uptime=610)


def test_a_kept_connection_says_that_it_is_still_the_same_and_keeps_the_newer_id() -> None:
    assert sight(LAST, kept(uptime=610)) == LAST._replace(seen=NOW, uptime=610)


def test_a_kept_connection_tells_who_it_is_that_has_only_greeted_since() -> None:
    assert sight(GREETED, kept()) == Sighting(1, BEFORE, NOW, 1000, UUID, STARTED, 610)


def test_a_kept_connection_is_a_first_sight_where_the_state_was_lost() -> None:
    assert sight(None, kept()) == Sighting(1, NOW, NOW, 990, UUID, STARTED, 610)


def test_an_incarnation_is_counted_from_its_first_greeting_although_it_refuses_our_login() -> None:
    found = sight(LAST, met(DENIED, connection_id=12))
    assert found == Sighting(2, NOW, NOW, 12)
    later = NOW.plus(5)
    assert sight(found, look(started=STARTED + 605, uptime=8, connection_id=13, at=later)) == Sighting(
        2, NOW, later, 13, UUID, STARTED + 605, 8
    )


def test_a_look_that_ended_before_the_last_one_changes_nothing() -> None:
    last = LAST._replace(seen=NOW.plus(1), connection_id=1002)
    assert sight(last, look(took=5)) == last


# the first sight


@pytest.mark.parametrize(
    "seen",
    [met(LOST), met(OUT_OF_TIME), met(CROWDED), met(not_mysql("an SSH server"))],
    ids=["no route", "no answer", "too many connections", "no MySQL"],
)
def test_who_did_not_answer_is_nobody_yet(seen: Observation) -> None:
    assert sight(None, seen) is None


def test_the_first_that_answers_is_the_first_incarnation() -> None:
    assert sight(None, look()) == Sighting(1, NOW, NOW, 1001, UUID, STARTED, 610)


def test_where_nobody_listens_whatever_answers_there_one_day_has_started_since() -> None:
    """However long it says that it runs: its Uptime counts from before a recovery from a crash."""
    down = sight(None, met(refused("connection refused")))
    assert down == Sighting(1, NOW, NOW)
    found = sight(down, look(uptime=86_400, at=NOW.plus(1)))
    assert found is not None
    assert found.number == 2


# what no check can tell apart changes nothing

clock_steps = st.integers(-(1 << 33), 1 << 33)


@given(st.lists(st.tuples(st.integers(0, 600), st.integers(0, 50), clock_steps), max_size=20))
def test_however_its_clock_steps_a_server_that_runs_on_is_one_incarnation(
    looks: list[tuple[int, int, int]],
) -> None:
    last, at, connections, uptime = LAST, NOW, 1000, 600
    for seconds, others, step in looks:
        at, connections, uptime = at.plus(seconds), connections + others + 1, uptime + seconds + step
        found = sight(last, look(uptime=uptime, connection_id=connections, at=at))
        assert found is not None
        last = found
    assert (last.number, last.first_seen) == (1, BEFORE)


class Check(NamedTuple):
    """One of several checks of one server at a time: when it began, was greeted, and ended; whether it was let in."""

    began: float
    greeted: float
    ended: float
    let_in: bool


def check(times: list[float], let_in: bool) -> Check:
    began, greeted, ended = sorted(times)
    return Check(began, greeted, ended, let_in)


moments = st.floats(0, 9)
checks = st.builds(check, st.lists(moments, min_size=3, max_size=3, unique=True), st.booleans())


def looks_of(made: list[Check], restart: float) -> list[Observation]:
    """What these checks met of a server that was killed and answered anew at that moment."""
    old = [one for one in made if one.greeted < restart]
    ids = {one: 1001 + number for number, one in enumerate(sorted(old, key=lambda one: one.greeted))}
    new = sorted(set(made) - set(old), key=lambda one: one.greeted)
    ids |= {one: 5 + number for number, one in enumerate(new)}
    found = []
    for one in made:
        at, took = NOW.plus(one.ended), one.ended - one.began
        if not one.let_in:
            found.append(met(OUT_OF_TIME, at, took, ids[one]))
        elif one in old:
            found.append(look(connection_id=ids[one], at=at, took=took))
        else:
            up = int(one.ended - restart)
            found.append(look(started=STARTED + 605, uptime=up, connection_id=ids[one], at=at, took=took))
    return found


@given(st.lists(checks, max_size=6, unique_by=lambda one: one.greeted))
def test_checks_that_overlap_see_no_restart_in_whatever_order_they_are_recorded(made: list[Check]) -> None:
    last: Sighting | None = LAST
    for seen in looks_of(made, restart=10):
        last = sight(last, seen)
    assert last is not None
    assert last.number == 1


@given(st.lists(checks, max_size=6, unique_by=lambda one: one.greeted), moments)
def test_checks_that_overlap_see_one_restart_once(made: list[Check], restart: float) -> None:
    last: Sighting | None = LAST
    for seen in looks_of(made, restart):
        last = sight(last, seen)
    for later in (20.0, 21.0):
        up, at = int(later - restart), NOW.plus(later)
        last = sight(last, look(started=STARTED + 605, uptime=up, connection_id=int(later), at=at))
    assert last is not None
    assert last.number == 2


def test_a_check_that_began_before_the_last_was_recorded_may_have_met_a_newer_incarnation() -> None:
    """It waited for the killed server's port, and was greeted by the next; the start that it was told says so."""
    waited = look(started=STARTED + 615, uptime=1, connection_id=5, at=NOW.plus(1), took=3)
    last = sight(LAST._replace(first_seen=NOW, seen=NOW), waited)
    assert last is not None
    assert last.number == 2


def test_a_check_that_hung_on_the_old_incarnation_is_no_second_restart() -> None:
    """It was greeted before the kill, and timed out when another check had met the new incarnation already."""
    last = sight(LAST, look(started=STARTED + 605, uptime=1, connection_id=5, at=NOW.plus(2)))
    last = sight(last, met(OUT_OF_TIME, NOW.plus(3), took=3, connection_id=1001))
    last = sight(last, look(started=STARTED + 605, uptime=3, connection_id=6, at=NOW.plus(4)))
    assert last is not None
    assert last.number == 2


# memory belongs to an incarnation


MEMORY = remember(Memory(LAST, 1), look())


def test_what_is_remembered_is_forgotten_with_the_incarnation() -> None:
    """Another incarnation has not answered anything yet, so it has no grace, and no lag on record."""
    assert MEMORY.answered_at == NOW
    assert MEMORY.lag is not None
    found = remember(MEMORY, met(DENIED, NOW.plus(5), connection_id=12))
    assert found.incarnation == 2
    assert (found.answered_at, found.lag, found.silent_since) == (None, None, None)


def test_a_restart_that_another_role_has_seen_is_forgotten_over_as_well() -> None:
    shared = MEMORY._replace(sighting=Sighting(2, NOW, NOW, 12, UUID, STARTED + 605, 5))
    found = remember(shared, met(OUT_OF_TIME, NOW.plus(5)))
    assert (found.incarnation, found.answered_at, found.lag) == (2, None, None)


def test_what_is_remembered_stays_while_nobody_answers() -> None:
    for trouble in (LOST, OUT_OF_TIME, CROWDED, DENIED):
        found = remember(MEMORY, met(trouble, NOW.plus(5), connection_id=None))
        assert (found.answered_at, found.lag) == (NOW, MEMORY.lag), trouble.code


def test_a_definite_end_is_the_end_of_every_grace() -> None:
    assert remember(MEMORY, met(REFUSED, NOW.plus(5))).answered_at is None
