"""A kept connection on real servers: it is not the server, and what it meets when it ends decides."""

from __future__ import annotations

import select
from collections.abc import Iterator

import pytest

from mysqlcheck.checks import probes
from mysqlcheck.clock import Deadline
from mysqlcheck.model import Observation, Target
from mysqlcheck.mysql import Session
from mysqlcheck.options import Settings
from tests.lab.topology import Topology
from tests.lab.waiting import wait_until


@pytest.fixture
def session(topology: Topology) -> Iterator[Session]:
    target = Target("127.0.0.1", topology.replica.port)
    monitor = topology.monitor
    settings = Settings.of(host=target.host, port=target.port, user=monitor.user, password=monitor.password)
    found = Session(target, settings, probes(settings))
    yield found
    found.close(Deadline(1.0))


def look(session: Session, seconds: float = 5.0) -> Observation:
    return session.observe(Deadline(seconds))


def ended(session: Session) -> bool:
    """Whether the server has closed the kept connection."""
    line = session.line()
    assert line is not None
    poll = select.poll()
    poll.register(line, select.POLLRDHUP)
    return bool(poll.poll(0))


def test_the_next_look_is_made_on_the_same_connection(session: Session) -> None:
    first, second = look(session), look(session)
    assert (first.trouble, first.kept, second.trouble, second.kept) == (None, False, None, True)
    assert second.connection_id == first.connection_id
    assert [type(fact) for fact in second.facts] == [type(fact) for fact in first.facts]
    assert not ended(session)


def test_a_connection_that_somebody_kills_is_no_dead_server(topology: Topology, session: Session) -> None:
    first = look(session)
    topology.replica.sql(f"KILL {first.connection_id}")
    wait_until(lambda: ended(session), "the connection to end")
    second = look(session)
    assert (second.trouble, second.kept) == (None, False)
    assert (second.connection_id or 0) > (first.connection_id or 0)


def test_a_connection_that_was_idle_for_too_long_is_no_dead_server(topology: Topology, session: Session) -> None:
    topology.replica.sql("SET GLOBAL wait_timeout = 1")
    look(session)
    wait_until(lambda: ended(session), "the server to close it")
    assert look(session).trouble is None


def test_a_server_that_dies_is_known_by_what_the_next_connection_meets(topology: Topology, session: Session) -> None:
    first = look(session)
    topology.replica.kill()
    assert ended(session)
    trouble = look(session).trouble
    assert trouble is not None
    assert (trouble.code, trouble.grace) == ("unreachable", None)
    topology.replica.start()
    again = look(session)
    assert (again.trouble, again.kept) == (None, False)
    assert (again.connection_id or 0) < (first.connection_id or 0) + 1000


def test_a_server_that_hangs_is_out_of_time_and_the_same_when_it_goes_on(topology: Topology, session: Session) -> None:
    look(session)
    topology.replica.pause()
    try:
        trouble = look(session, 0.5).trouble
        assert trouble is not None
        assert trouble.code == "timeout"
    finally:
        topology.replica.resume()
    assert look(session).trouble is None


def test_no_goodbye_is_missed(topology: Topology, session: Session) -> None:
    """Or the server would count, and log, an aborted client each time that we log in anew."""
    query = "SHOW GLOBAL STATUS LIKE 'Aborted_clients'"
    before = topology.replica.sql(query)
    look(session, 0.5)
    session.close(Deadline(1.0))
    assert session.line() is None
    connected = f"SELECT COUNT(*) AS n FROM information_schema.PROCESSLIST WHERE USER = '{topology.monitor.user}'"
    wait_until(lambda: str(topology.replica.sql(connected)[0]["n"]) == "0", "the session to end")
    assert topology.replica.sql(query) == before
