"""Semi-synchronous replication: the replica answers the source for each transaction, and is judged as any other.

A source that nobody answers any more lets its clients wait (rpl_semi_sync_…_timeout, 10 s by default) and goes on
without; that is the source's trouble, and no reason to refuse it either.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.lab.server import Server
from tests.lab.topology import Topology
from tests.lab.waiting import wait_until
from tests.real.checking import Checker, Director, phases

SECONDS_TO_ANSWER = 1


class Words(NamedTuple):
    """What each flavor calls the two sides. MariaDB has them built in, MySQL as plugins."""

    source: str
    replica: str
    plugins: bool


WORDS = {"mysql": Words("source", "replica", True), "mariadb": Words("master", "slave", False)}


def switch(topology: Topology, on: bool) -> None:
    words = WORDS[topology.source.flavor]
    for server, side in [(topology.source, words.source), *((one, words.replica) for one in topology.replicas)]:
        plugin = f"rpl_semi_sync_{side}"
        if words.plugins and on:
            server.sql_here_only(f"INSTALL PLUGIN {plugin} SONAME 'semisync_{side}.so'")
        server.sql(f"SET GLOBAL rpl_semi_sync_{side}_enabled = {int(on)}")
        if side == words.source:
            server.sql(f"SET GLOBAL rpl_semi_sync_{side}_timeout = {SECONDS_TO_ANSWER * 1000}")
    for replica in topology.replicas:  # the IO thread asks for it when it connects
        topology.stop_threads(replica)
        topology.start_threads(replica)
    wait_until(lambda: answering(topology) == (len(topology.replicas) if on else 0), "all replicas to answer, or none")
    for server, side in [(topology.source, words.source), *((one, words.replica) for one in topology.replicas)]:
        if words.plugins and not on:
            server.sql_here_only(f"UNINSTALL PLUGIN rpl_semi_sync_{side}")


def status(server: Server, name: str) -> str:
    return str(server.sql(f"SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_{name}'")[0]["Value"])


def answering(topology: Topology) -> int:
    return int(status(topology.source, f"{WORDS[topology.source.flavor].source}_clients"))


@pytest.fixture
def semi_sync(topology: Topology) -> Iterator[Topology]:
    switch(topology, on=True)
    yield topology
    topology.reset()
    switch(topology, on=False)


def test_a_replica_that_answers_serves_and_one_that_stopped_to_does_not(semi_sync: Topology) -> None:
    check, topology = Checker(semi_sync), semi_sync
    topology.write("answered")
    source = WORDS[topology.source.flavor].source
    assert int(status(topology.source, f"{source}_yes_tx")) > 0
    for replica in topology.replicas:
        ended = check.json(replica)
        assert (ended.code, ended.codes) == (0, [])
    for replica in topology.replicas:
        topology.stop_io_thread(replica)

    def unanswered() -> bool:  # MySQL's source notices that they are gone when it has something to send
        topology.write("a second at most, without an answer")
        return int(status(topology.source, f"{source}_no_tx")) > 0

    wait_until(unanswered, "the source to go on without an answer")
    ended = check.json(topology.replica)
    assert (ended.code, ended.codes) == (1, ["io_stopped"])
    assert check.json(topology.source, "--role", "source").code == 0


def test_replicas_whose_source_died_serve_on(semi_sync: Topology, tmp_path: Path) -> None:
    director = Director(semi_sync, tmp_path)
    assert director.ask(semi_sync.replica).phase == "up"
    semi_sync.source.kill()
    answers = director.watch(semi_sync.replica, lambda answer: answer.first["code"] == "source_lost")
    assert phases(answers) == ["up"]
    assert {answer.code for answer in answers} == {102}
