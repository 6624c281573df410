"""What is on record still counts while nothing more can be recorded: who serves goes on, who is held is held."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple

import pytest

from mysqlcheck import holds
from mysqlcheck.model import OperatorHold
from mysqlcheck.store import FILE
from tests.command import Ended
from tests.hostile.personas import WORDS_QUERY
from tests.state.disk import Disk
from tests.state.running import LIMIT, OLD, YOUNG, Replica, Surroundings, check, explain, up_for

AT_ONCE = {"MYSQLCHECK_TRUST_UPTIME": "0"}
LONG = {"MYSQLCHECK_RECOVER_AFTER": "600s"}
"""A hold that lasts longer than any test; `hold_down_max` allows no more."""


class Director(NamedTuple):
    """A state directory that can still be used, and what will put an end to that."""

    where: Surroundings
    outside: Path
    spoil: Callable[[], None]


def fills(request: pytest.FixtureRequest, stack: ExitStack) -> Director:
    disk: Disk = request.getfixturevalue("disks")()
    return Director(Surroundings(disk.place, disk.before), disk.outside, disk.fill)


def becomes_read_only(request: pytest.FixtureRequest, stack: ExitStack) -> Director:
    disk: Disk = request.getfixturevalue("disks")()
    return Director(Surroundings(disk.place, disk.before), disk.outside, disk.make_read_only)


def is_locked(request: pytest.FixtureRequest, stack: ExitStack) -> Director:
    folder: Path = request.getfixturevalue("folder")

    def lock() -> None:
        database = stack.enter_context(closing(sqlite3.connect(folder / FILE, isolation_level=None)))
        database.execute("BEGIN EXCLUSIVE")

    return Director(Surroundings(folder), folder, lock)


def is_locked_in_the_middle_of_a_change(request: pytest.FixtureRequest, stack: ExitStack) -> Director:
    folder: Path = request.getfixturevalue("folder")

    def lock() -> None:
        database = stack.enter_context(closing(sqlite3.connect(folder / FILE, isolation_level=None)))
        database.execute("BEGIN EXCLUSIVE")
        database.execute("UPDATE record SET phase = 'down', text = ?", ("never to be",))

    return Director(Surroundings(folder), folder, lock)


def comes_to_belong_to_root(request: pytest.FixtureRequest, stack: ExitStack) -> Director:
    """As after somebody has moved the directory, as root: it can be read and no longer written."""
    ordinary: tuple[str, ...] = request.getfixturevalue("ordinary")
    folder: Path = request.getfixturevalue("folder")
    folder.chmod(0o777)

    def take() -> None:
        folder.chmod(0o555)
        (folder / FILE).chmod(0o444)

    return Director(Surroundings(folder, ordinary), folder, take)


TROUBLES = (fills, becomes_read_only, is_locked, is_locked_in_the_middle_of_a_change, comes_to_belong_to_root)


@pytest.fixture(params=TROUBLES, ids=lambda make: make.__name__)
def director(request: pytest.FixtureRequest) -> Iterator[Director]:
    with ExitStack() as stack:
        yield request.param(request, stack)


def assert_said(ended: Ended, director: Director) -> None:
    """Answered in time, and the trouble is said."""
    assert ended.seconds < LIMIT
    (warning,) = ended.json["warnings"]
    assert str(director.where.state) in warning


def test_a_server_that_serves_goes_on(director: Director, replica: Replica) -> None:
    """It has not been up for long: without its record it would be held."""
    replica.persona = up_for(YOUNG)
    assert check(replica.server, director.where, env=AT_ONCE).json["phase"] == "up"
    director.spoil()
    for _ in range(2):
        ended = check(replica.server, director.where)
        assert (ended.code, ended.json["phase"], ended.codes) == (0, "up", [])
        assert_said(ended, director)


def test_a_server_that_is_held_stays_held(director: Director, replica: Replica) -> None:
    """It has been up for long: without its record it would be let in."""
    sound = replica.persona
    for phase in ("up", "down", "held"):
        replica.persona = sound
        if phase == "down":
            replica.broken()
        ended = check(replica.server, director.where, env=LONG)
        assert (ended.json["phase"], ended.json["warnings"]) == (phase, [])
    director.spoil()
    for _ in range(2):
        ended = check(replica.server, director.where, env=LONG)
        assert (ended.code, ended.json["phase"], ended.codes) == (1, "held", ["held"])
        assert ended.json["reentry"] > 500
        assert_said(ended, director)


def test_a_restart_is_seen_from_what_was_on_record(director: Director, replica: Replica) -> None:
    """Here the clock of the server tells of an old start, and of another one than before: it has restarted."""
    assert check(replica.server, director.where).json["phase"] == "up"
    director.spoil()
    replica.persona = up_for(OLD + 1000)
    ended = check(replica.server, director.where)
    assert (ended.code, ended.json["phase"]) == (1, "held")
    assert_said(ended, director)


def test_a_server_that_fails_is_taken_out_at_once(director: Director, replica: Replica) -> None:
    assert check(replica.server, director.where).json["phase"] == "up"
    director.spoil()
    replica.broken()
    ended = check(replica.server, director.where)
    assert (ended.code, ended.json["phase"], ended.codes) == (1, "down", ["sql_stopped"])
    assert_said(ended, director)


def test_a_lost_packet_still_takes_nobody_out(director: Director, replica: Replica) -> None:
    """Its grace stands on the last answer, which is on record; the server is gone with the connection's reset."""
    assert check(replica.server, director.where).json["phase"] == "up"
    director.spoil()
    replica.persona = replica.persona.but(WORDS_QUERY, lambda session, _query: session.reset())
    ended = check(replica.server, director.where, env={"MYSQLCHECK_FAIL_AFTER": "600s"})
    assert (ended.code, ended.json["phase"], ended.codes) == (0, "up", ["unreachable"])
    assert_said(ended, director)


def test_an_operator_s_hold_still_stands(director: Director, replica: Replica) -> None:
    assert check(replica.server, director.where).json["phase"] == "up"
    holds.write(str(director.outside), replica.target, OperatorHold("new disk", "operator", 0.0))
    director.spoil()
    ended = check(replica.server, director.where, "--weight", "100")
    assert (ended.code, ended.json["decision"], ended.codes) == (2, "drain", ["operator_hold"])
    assert_said(ended, director)


def test_a_person_who_asks_is_told_of_the_hold(director: Director, replica: Replica) -> None:
    sound = replica.persona
    check(replica.server, director.where, env=LONG)
    replica.broken()
    check(replica.server, director.where, env=LONG)
    replica.persona = sound
    check(replica.server, director.where, env=LONG)
    director.spoil()
    ended = explain(replica.server, director.where.state, before=director.where.before)
    assert (ended.code, ended.json["decision"]) == (0, "fail")
    assert ended.seconds < LIMIT
