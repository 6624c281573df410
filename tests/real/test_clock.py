"""Whatever the clocks say: a step of one is neither a restart nor a release, and a slow recovery uses no hold up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from mysqlcheck.checks import incarnation
from mysqlcheck.checks.incarnation import Incarnation
from mysqlcheck.checks.words import together
from mysqlcheck.model import ServerVersion, Table
from tests.lab import clock
from tests.lab.server import Server
from tests.lab.topology import Topology
from tests.real.checking import Director, phases, uptime, wait_for_another_second

HOUR = 3600
HOLD = 2.0
LONG = ("--role", "any", "--hold-down", "60s", "--recover-after", "10s")
SLOW = 3  # seconds that the recovery takes: more than the hold; MariaDB cuts a SLEEP in an init file short at 5


class Apart(NamedTuple):
    """A server of its own beside the topology, with a clock that can be stepped, and an init file."""

    server: Server
    clock: clock.SteppedClock
    init_file: Path


@pytest.fixture(scope="module")
def running_apart(running_topology: Topology) -> Iterator[Apart]:
    """Performance schema is as MySQL's lab servers do not have it: off; and on where MariaDB's have it off."""
    if clock.library() is None:
        pytest.skip("no libfaketime: run tests/lab/install clock")
    mysql = running_topology.provider.flavor == "mysql"
    options = [f"--performance-schema={'OFF' if mysql else 'ON'}"]
    server = running_topology.provider("apart", running_topology.source.folder.parent, options)
    init_file = server.folder / "init.sql"
    server.options += (f"--init-file={server.as_seen_inside(init_file)}",)
    init_file.write_text("SELECT 1;\n")
    stepped = clock.SteppedClock(server)
    with server:
        server.sql_here_only(*running_topology.monitor.statements())
        yield Apart(server, stepped, init_file)


@pytest.fixture
def apart(running_apart: Apart, topology: Topology) -> Iterator[Apart]:
    """It runs, and its clock is right."""
    yield running_apart
    running_apart.clock.step(0)
    running_apart.init_file.write_text("SELECT 1;\n")
    running_apart.server.start()


@contextmanager
def told(server: Server, topology: Topology) -> Iterator[Callable[[], Incarnation]]:
    """What it says of its incarnation to the monitor's account."""
    tls = {"ssl_disabled": server.flavor == "mariadb", "ssl_verify_cert": False}  # caching_sha2 wants TLS
    version = ServerVersion(server.flavor, server.version, "")
    words = together((incarnation.WORDS,))
    with (
        server.connect(user=topology.monitor.user, password=topology.monitor.password, **tls) as connection,
        connection.cursor() as cursor,
    ):

        def ask() -> Incarnation:
            cursor.execute(words.query(version))
            rows = [{name: str(value) for name, value in row.items()} for row in cursor.fetchall()]
            found: list[Incarnation] = list(words.parse(Table(tuple(rows[0]), rows)))
            return found[0]

        yield ask


def test_the_time_of_the_start_is_the_same_to_the_second_whatever_happens_to_the_clock(
    apart: Apart, topology: Topology
) -> None:
    """What checks/incarnation.py stands on: Uptime moves with the clock, and the clock less Uptime does not."""
    with told(apart.server, topology) as ask:
        seen = [ask()]
        for step in (0, HOUR, -HOUR, -25 * HOUR, 0):
            apart.clock.step(step)
            found = [ask()]
            while found[-1].uptime == found[0].uptime:  # until the second is over
                found.append(ask())
            assert all(0 <= one.uptime - step < HOUR for one in found), (step, found)
            seen += found
    assert len({(one.identity, one.started) for one in seen}) == 1
    assert min(one.uptime for one in seen) < 0


def test_a_step_of_the_servers_clock_is_no_restart(apart: Apart, topology: Topology, tmp_path: Path) -> None:
    director = Director(topology, tmp_path / "state", *LONG)
    for step in (0, HOUR, 0, -HOUR, 25 * HOUR, -25 * HOUR, 0):
        apart.clock.step(step)
        answer = director.ask(apart.server)
        assert (answer.phase, answer.weight) == ("up", 100), step
    assert director.moves(apart.server) == [("unknown", "up")]


def test_a_step_of_no_clock_is_a_release(apart: Apart, topology: Topology, tmp_path: Path) -> None:
    """Neither of the server's nor of the director's own."""
    director = Director(topology, tmp_path / "state", *LONG)
    assert director.ask(apart.server).phase == "up"
    wait_for_another_second(apart.server)
    apart.server.kill()
    apart.server.start()
    held = director.ask(apart.server)
    assert (held.phase, held.reentry) == ("held", 60.0)
    here = clock.preloaded(str(clock.library()))
    for step in (HOUR, -HOUR, 0):
        apart.clock.step(step)
        for env in ({}, here | {"FAKETIME": f"{HOUR:+d}"}, here | {"FAKETIME": f"{-HOUR:+d}"}):
            answer = director.ask(apart.server, env=env)
            assert answer.phase == "held", (step, env)
            assert isinstance(answer.reentry, float)
            # what has really passed since the first sight, and nothing else
            assert 60 - (answer.ended - held.began) - 0.1 <= answer.reentry <= 60 - (answer.began - held.ended) + 0.1
    assert director.moves(apart.server) == [("unknown", "up"), ("up", "held")]


def test_a_server_whose_clock_went_back_to_before_its_start_is_not_taken_for_an_old_one(
    apart: Apart, topology: Topology, tmp_path: Path
) -> None:
    """MySQL and MariaDB show an Uptime below zero as one near 2^64."""
    apart.clock.step(-HOUR)
    assert uptime(apart.server) > 1 << 63
    answer = Director(topology, tmp_path / "state", *LONG).ask(apart.server, "--trust-uptime", "10m")
    assert (answer.phase, answer.reentry) == ("held", 60.0)


def test_a_recovery_longer_than_the_hold_uses_none_of_it_up(apart: Apart, topology: Topology, tmp_path: Path) -> None:
    """Uptime has passed hold_down when it first accepts: it counts from the start of the process."""
    director = Director(topology, tmp_path / "state", "--role", "any", "--hold-down", f"{HOLD:g}s", "--ramp", "0")
    assert director.ask(apart.server).phase == "up"
    wait_for_another_second(apart.server)
    apart.server.kill()
    apart.init_file.write_text(f"SELECT SLEEP({SLOW});\n")
    apart.server.launch()
    impatient = ("--timeout", "1500ms", "--fail-after", "1s")
    answers = director.watch(apart.server, lambda answer: answer.phase == "held", *impatient)
    assert phases(answers)[-2:] == ["down", "held"]
    assert uptime(apart.server) >= SLOW > HOLD
    held = answers[-1]
    assert held.reentry == HOLD
    let_in = director.watch(apart.server, lambda answer: answer.phase != "held")[-1]
    assert let_in.phase == "up"
    assert let_in.ended - held.began >= HOLD


def test_performance_schema_may_be_on_or_off(apart: Apart, topology: Topology, tmp_path: Path) -> None:
    director = Director(topology, tmp_path / "state", *LONG)
    for server, role in ((apart.server, "any"), (topology.replica, "replica")):
        assert director.ask(server, "--role", role).phase == "up"
    settings = [
        server.sql("SELECT @@global.performance_schema AS value")[0]["value"]
        for server in (apart.server, topology.replica)
    ]
    assert sorted(settings) == [0, 1]
