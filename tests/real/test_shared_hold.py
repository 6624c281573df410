"""Holds in a table on a real source: every director reads them from the replica that it checks."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mysqlcheck.cli import schema
from mysqlcheck.model import ServerVersion
from tests.lab.accounts import MONITOR_USER
from tests.lab.server import Server
from tests.lab.topology import Topology
from tests.real.checking import Director


@pytest.fixture
def table(topology: Topology) -> Iterator[Topology]:
    """A source with the table and the grants, as `mysqlcheck schema` prints them."""
    version = ServerVersion(topology.source.flavor, topology.source.version, "")
    for statement in schema.statements(version, MONITOR_USER, MONITOR_USER, "%"):
        topology.source.sql(statement)
    caught_up(topology)
    yield topology
    topology.reset()
    topology.source.sql("DROP DATABASE IF EXISTS mysqlcheck")
    caught_up(topology)


def caught_up(topology: Topology) -> None:
    for replica in topology.replicas:
        topology.wait_until_caught_up(replica)


def write(topology: Topology, server: Server, until: int | None = None) -> None:
    topology.source.sql(
        "REPLACE INTO mysqlcheck.hold VALUES (%s, 'ops', 'index rebuild', 1700000000, %s)",
        f"127.0.0.1:{server.port}", until,
    )  # fmt: skip
    caught_up(topology)


def test_a_row_on_the_source_drains_the_replica_on_every_director(table: Topology, tmp_path: Path) -> None:
    first, second = (Director(table, tmp_path / name) for name in ("a", "b"))
    held, other = table.replicas
    assert (first.ask(held).code, second.ask(held).code) == (102, 102)
    write(table, held)
    for director in (first, second):
        answer = director.ask(held)
        assert (answer.code, answer.first["code"]) == (2, "operator_hold")
        assert answer.first["text"] == "drained by ops on all directors until released: index rebuild"
        assert director.ask(other).code == 102
        assert [event["kind"] for event in director.history(held)] == ["transition", "hold"]
    shutil.rmtree(tmp_path / "a")
    assert first.ask(held).code == 2  # it has survived its director
    table.source.sql("DELETE FROM mysqlcheck.hold")
    caught_up(table)
    assert (first.ask(held).code, second.ask(held).code) == (102, 102)
    assert [event["kind"] for event in second.history(held)] == ["transition", "hold", "release"]


def test_a_hold_whose_time_is_over_holds_nobody(table: Topology, tmp_path: Path) -> None:
    write(table, table.replica, until=1700000001)
    assert Director(table, tmp_path / "state").ask(table.replica).code == 102


def test_a_held_server_is_not_let_in_while_it_refuses_the_login(table: Topology, tmp_path: Path) -> None:
    director = Director(table, tmp_path / "state")
    write(table, table.replica)
    assert director.ask(table.replica).code == 2
    blind = director.ask(table.replica, password="the new one")
    assert (blind.code, blind.first["code"]) == (2, "operator_hold")


def test_without_the_table_or_the_grant_there_is_nothing_to_read_and_nothing_wrong(
    table: Topology, tmp_path: Path
) -> None:
    def said(name: str) -> tuple[int, list[str]]:
        answer = Director(table, tmp_path / name).ask(table.replica)
        return answer.code, [reason["code"] for reason in answer.document["reasons"]]

    write(table, table.replica)
    table.source.sql(f"REVOKE ALL PRIVILEGES ON mysqlcheck.hold FROM '{MONITOR_USER}'@'%'")
    caught_up(table)
    assert said("no grant") == (102, [])
    table.source.sql("DROP DATABASE mysqlcheck")
    caught_up(table)
    assert said("no table") == (102, [])


def test_a_grant_that_outlived_its_table_is_told_and_takes_nobody_out(table: Topology, tmp_path: Path) -> None:
    table.source.sql("DROP TABLE mysqlcheck.hold")
    caught_up(table)
    answer = Director(table, tmp_path / "state").ask(table.replica)
    assert (answer.code, answer.first["code"], answer.first["severity"]) == (102, "shared_holds", "note")
    assert "error 1146" in answer.first["text"]
