"""Holds in a table on a real source: every director reads them from the replica that it checks."""

from __future__ import annotations

import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from mysqlcheck.cli import schema
from mysqlcheck.model import ServerVersion
from tests.command import Ended, mysqlcheck
from tests.lab.accounts import MONITOR_USER
from tests.lab.server import Server
from tests.lab.topology import Topology
from tests.lab.waiting import wait_until
from tests.real.agents import Agent
from tests.real.checking import Director, where


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


def test_an_agent_lets_no_held_server_in_however_few_serve(table: Topology, tmp_path: Path) -> None:
    first, second = table.replicas
    with Agent(table, tmp_path) as agent:
        agent.write('pool = "readers"\n[pool.readers]\nmin_serving = 1')
        agent.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "reloaded" in agent.log.read_text(), "the pool")
        write(table, first)
        agent.sees(first, 0)
        assert "drained by ops on all directors until released: index rebuild" in agent.check(first).out
        assert (agent.check(first).code, agent.weight(second)) == (0, 100)
        write(table, second)
        agent.sees(second, 0)
        wait_until(
            lambda: "0 of 2 serve by themselves, min_serving 1: too few" in agent.log.read_text(), "that it is so"
        )
        assert [agent.weight(server) for server in table.replicas] == [0, 0]
        table.source.sql("DELETE FROM mysqlcheck.hold")
        for server in table.replicas:
            agent.sees(server, 100)


def test_a_hold_whose_time_is_over_holds_nobody(table: Topology, tmp_path: Path) -> None:
    write(table, table.replica, until=1700000001)
    assert Director(table, tmp_path / "state").ask(table.replica).code == 102


def test_a_held_server_is_not_let_in_while_it_refuses_the_login(table: Topology, tmp_path: Path) -> None:
    director = Director(table, tmp_path / "state")
    write(table, table.replica)
    assert director.ask(table.replica).code == 2
    blind = director.ask(table.replica, password="the new one")
    assert (blind.code, blind.first["code"]) == (2, "operator_hold")


def ask(topology: Topology, command: str, server: Server, *more: str, state: Path) -> Ended:
    return mysqlcheck(command, "--shared", *where(server), *more, password=topology.monitor.password, state=state)


def test_the_command_writes_on_the_source_and_waits_until_it_has_arrived(table: Topology, tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text("".join(f'[target."127.0.0.1:{one.port}"]\n' for one in table.replicas))
    held, other = table.replicas
    name = f"127.0.0.1:{held.port}"
    director = Director(table, tmp_path / "director")
    assert director.ask(held).code == 102
    ended = ask(table, "hold", held, "--config", str(config), "--reason", "disk change", state=tmp_path / "elsewhere")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0] == f"written on 127.0.0.1:{table.source.port}"
    assert {line.partition(" after ")[0] for line in lines[1:3]} == {
        f"arrived at {name}", f"arrived at 127.0.0.1:{other.port}",
    }  # fmt: skip
    assert lines[3] == f"{name} is drained on all directors, until released: disk change"
    assert (director.ask(held).first["code"], director.ask(other).code) == ("operator_hold", 102)
    again = ask(table, "hold", held, "--for", "2h", "--reason", "more disks", state=tmp_path / "elsewhere")
    assert again.out.startswith("replaced: the hold by ")
    told = director.ask(held).first["text"]
    assert re.search(r"on all directors for another (2h|1h59m): more disks$", told), told
    released = ask(table, "release", held, state=tmp_path / "elsewhere")
    assert (released.code, released.err) == (0, "")
    assert released.out.startswith("ended: the hold by ")
    assert director.ask(held).code == 102
    twice = ask(table, "release", held, state=tmp_path / "elsewhere")
    assert (twice.code, twice.out.splitlines()[0]) == (0, f"{name}: nothing is held on all directors")


def test_where_it_has_not_arrived_the_command_says_why(table: Topology, tmp_path: Path) -> None:
    table.stop_sql_thread(table.replica)
    ended = ask(table, "hold", table.replica, "--wait", "1s", "--reason", "disk change", state=tmp_path)
    assert ended.code == 1
    assert "has NOT arrived at 127.0.0.1:" in ended.err
    assert "within 1s: the SQL thread does not run" in ended.err
    assert "is drained" not in ended.out
    assert len(table.source.sql("SELECT * FROM mysqlcheck.hold")) == 1  # it arrives by itself


def test_a_server_that_is_down_can_be_held_where_the_source_is_named(table: Topology, tmp_path: Path) -> None:
    table.replica.kill()
    refused = ask(table, "hold", table.replica, "--reason", "x", state=tmp_path)
    assert refused.code == 1
    assert "is NOT held on all directors" in refused.err
    assert "name it by --source" in refused.err
    source = f"127.0.0.1:{table.source.port}"
    ended = ask(
        table, "hold", table.replica, "--source", source, "--wait", "0", "--reason", "x", state=tmp_path
    )  # fmt: skip
    assert (ended.code, ended.out) == (1, f"written on {source}\n")
    table.replica.start()
    caught_up(table)
    assert Director(table, tmp_path / "state").ask(table.replica).first["code"] == "operator_hold"


def test_the_source_of_a_replica_of_a_replica_is_found(table: Topology, tmp_path: Path) -> None:
    middle, last = table.replicas
    table.forget_replication(last)
    table.configure_replication(last, source=middle)
    ended = ask(table, "hold", last, "--reason", "x", state=tmp_path)
    assert (ended.code, ended.out.splitlines()[0]) == (0, f"written on 127.0.0.1:{table.source.port}")
    assert Director(table, tmp_path / "state").ask(last).first["code"] == "operator_hold"


def test_nothing_is_written_to_a_replica(table: Topology, tmp_path: Path) -> None:
    other = f"127.0.0.1:{table.replicas[1].port}"
    ended = ask(table, "hold", table.replica, "--source", other, "--reason", "x", state=tmp_path)
    assert (ended.code, ended.out) == (1, "")
    assert f"{other} is read_only" in ended.err


def test_without_the_table_or_its_grants_the_command_says_what_to_run(table: Topology, tmp_path: Path) -> None:
    account = f"'{MONITOR_USER}'@'%'"
    table.source.sql(f"REVOKE INSERT ON mysqlcheck.hold FROM {account}")
    ended = ask(table, "hold", table.replica, "--reason", "x", state=tmp_path)
    assert (ended.code, ended.out) == (1, "")
    assert "error 1142" in ended.err
    assert "`mysqlcheck schema`" in ended.err
    table.source.sql(f"REVOKE ALL PRIVILEGES ON mysqlcheck.hold FROM {account}")
    ended = ask(table, "hold", table.replica, "--reason", "x", state=tmp_path)
    assert f"there is no table mysqlcheck.hold that '{MONITOR_USER}' may read" in ended.err
    assert ended.code == 1


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
