"""Right data on real servers: what was written on a replica itself keeps it out until it is mended, and filters."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.accounts import MONITOR_ACCOUNT
from tests.lab.topology import Topology
from tests.lab.waiting import wait_until
from tests.real.agents import Agent
from tests.real.checking import Answer, Checker, Director, is_up, uptime
from tests.real.test_holddown import SHORT, kill_and_start


@pytest.fixture
def check(topology: Topology) -> Checker:
    return Checker(topology)


@pytest.fixture
def errant(topology: Topology) -> Iterator[Topology]:
    """A topology whose first replica has transactions of its own."""
    topology.write_errant(topology.replica)
    yield topology
    topology.reset()
    topology.mend_errant(topology.replica)


def waits_only_for(code: str, answer: Answer) -> bool:
    return answer.phase == "held" and f"its time is over, serves without: {code} (" in answer.first["text"]


def test_a_healthy_replica_has_nothing_that_its_source_has_not(topology: Topology, check: Checker) -> None:
    topology.write()
    for server in topology.replicas:
        ended = check.json(server, "--gtid-check", "always")
        assert (ended.code, ended.codes) == (0, [])


def test_a_restarted_replica_with_errant_transactions_stays_out_until_they_are_mended(
    topology: Topology, tmp_path: Path
) -> None:
    director = Director(topology, tmp_path / "state", *SHORT, "--gtid-check", "entry")
    assert is_up(director.ask(topology.replica))
    topology.write_errant(topology.replica)
    assert is_up(director.ask(topology.replica))  # one that serves is not asked
    kill_and_start(topology, topology.replica)
    *_, last = director.watch(topology.replica, lambda answer: waits_only_for("errant_gtid", answer))
    source = f"127.0.0.1:{topology.source.port}"
    assert (last.code, f"has transactions that {source} has not: " in last.first["text"]) == (1, True)
    topology.mend_errant(topology.replica)
    assert director.ask(topology.replica).phase == "ramping"
    assert is_up(director.watch(topology.replica, is_up)[-1])


def test_if_always_asked_for_they_take_it_out_at_once(errant: Topology, check: Checker) -> None:
    ended = check.json(errant.replica, "--gtid-check", "always")
    assert (ended.code, ended.codes) == (1, ["errant_gtid"])
    number = "-2-" if errant.replica.flavor == "mariadb" else ":"
    assert number in ended.json["reasons"][0]["observed"]
    assert check(errant.replicas[1], "--gtid-check", "always").code == 0
    assert check(errant.replica).code == 0


def test_they_are_the_same_as_the_server_itself_says(errant: Topology, check: Checker) -> None:
    """MySQL's GTID_SUBTRACT, and what MariaDB's own binary log ends with."""
    found = check.json(errant.replica, "--gtid-check", "always").json["reasons"][0]["observed"]
    if errant.replica.flavor == "mariadb":
        said = errant.replica.sql("SELECT @@global.gtid_binlog_pos AS errant")
    else:
        executed = errant.replica.sql("SELECT @@global.gtid_executed AS executed")[0]["executed"]
        said = errant.source.sql("SELECT GTID_SUBTRACT(%s, @@global.gtid_executed) AS errant", executed)
    assert found == said[0]["errant"]


def test_other_members_of_the_pool_may_be_asked_instead(errant: Topology, check: Checker) -> None:
    other, itself = (f"127.0.0.1:{server.port}" for server in (errant.replicas[1], errant.replica))
    ended = check.json(errant.replica, "--gtid-check", "always", "--gtid-source", other)
    assert (ended.code, ended.codes) == (1, ["errant_gtid"])
    assert f"that {other} has not" in ended.json["reasons"][0]["text"]
    assert check(errant.replica, "--gtid-check", "always", "--gtid-source", f"{other},{itself}").code == 0


def test_a_source_that_cannot_be_asked_takes_nobody_out(errant: Topology, check: Checker) -> None:
    nobody = "127.0.0.1:1"
    ended = check.json(errant.replica, "--gtid-check", "always", "--gtid-source", nobody)
    assert (ended.code, ended.codes) == (0, ["errant_gtid"])
    assert f"{nobody} cannot be asked (unreachable: " in ended.json["reasons"][0]["text"]
    errant.source.pause()
    ended = check.json(errant.replica, "--gtid-check", "always", "--timeout", "2s")
    assert (ended.code, ended.codes) == (0, ["errant_gtid"])
    assert "cannot be asked (timeout: " in ended.json["reasons"][0]["text"]
    assert ended.seconds < 2.5


def filtered(topology: Topology, by: str) -> None:
    replica = topology.replica
    topology.stop_sql_thread(replica)
    if replica.flavor == "mariadb":
        replica.sql(f"SET GLOBAL replicate_ignore_table = '{by}'")
    else:
        replica.sql(f"CHANGE REPLICATION FILTER REPLICATE_IGNORE_TABLE = ({by})")
    topology.start_threads(replica)


def test_a_filter_that_somebody_adds_is_told_until_it_is_gone(topology: Topology, tmp_path: Path) -> None:
    director = Director(topology, tmp_path / "state")
    assert director.ask(topology.replica).document["reasons"] == []
    filtered(topology, "lab.ignored")
    try:
        answer = director.ask(topology.replica)
        assert (answer.code, answer.first["code"], answer.first["limit"]) == (102, "filters_changed", "none")
        assert answer.first["observed"] == "Replicate_Ignore_Table=lab.ignored"
    finally:
        filtered(topology, "")
    assert director.ask(topology.replica).document["reasons"] == []


def test_the_agent_asks_too(topology: Topology, tmp_path: Path) -> None:
    with Agent(topology, tmp_path, gtid_check="always") as agent:
        agent.sees(topology.replica, 100)
        topology.write_errant(topology.replica)
        agent.sees(topology.replica, 0)
        assert "errant_gtid" in agent.check(topology.replica).out
        topology.mend_errant(topology.replica)
        agent.sees(topology.replica, 100)


def test_the_agent_keeps_one_that_restarted_out(topology: Topology, tmp_path: Path) -> None:
    with Agent(topology, tmp_path, gtid_check="entry", hold_down=1) as agent:
        agent.sees(topology.replica, 100)
        topology.write_errant(topology.replica)
        kill_and_start(topology, topology.replica)
        agent.waits_for(topology.replica, "serves without: errant_gtid")
        topology.mend_errant(topology.replica)
        agent.sees(topology.replica, 100)


# What pt-table-checksum has found.

CHECKSUMS = "percona.checksums"
COLUMNS = (
    "db CHAR(64) NOT NULL, tbl CHAR(64) NOT NULL, chunk INT NOT NULL, this_crc CHAR(40) NOT NULL, "
    "this_cnt INT NOT NULL, {it}_crc CHAR(40) NULL, {it}_cnt INT NULL, ts TIMESTAMP NOT NULL, "
    "PRIMARY KEY (db, tbl, chunk)"
)


class Checksums:
    """The table of results, on the source and so on all; the monitor may read it."""

    def __init__(self, topology: Topology) -> None:
        self.topology = topology

    def make(self, word: str) -> None:
        """As the tool makes it: with `master`, and of late with `source`."""
        source = self.topology.source
        source.sql("DROP DATABASE IF EXISTS percona")
        source.sql("CREATE DATABASE percona")
        source.sql(f"CREATE TABLE {CHECKSUMS} ({COLUMNS.format(it=word)})")
        source.sql(f"GRANT SELECT ON {CHECKSUMS} TO {MONITOR_ACCOUNT}")

    def found(self, word: str, chunk: int, on_replica: str, on_source: str | None) -> None:
        """Write what a run would have: first what each server has itself, then what the source has."""
        replica, source = self.topology.replica, self.topology.source
        wait_until(lambda: uptime(replica) >= 2, "a second after its start")
        source.sql(f"REPLACE INTO {CHECKSUMS} VALUES ('lab', 'written', {chunk}, %s, 7, %s, 7, NOW())", "a1", on_source)
        self.topology.wait_until_caught_up(replica)
        replica.sql_here_only(f"UPDATE {CHECKSUMS} SET ts = ts, this_crc = '{on_replica}' WHERE chunk = {chunk}")

    def run(self) -> None:
        """Run the tool itself; it need not look at the replicas."""
        where = f"h=127.0.0.1,P={self.topology.source.port},u=root"
        command = ["pt-table-checksum", "--no-version-check", "--recursion-method=none", f"--replicate={CHECKSUMS}"]
        command += ["--no-check-binlog-format", "--databases=lab", "--set-vars=innodb_lock_wait_timeout=5", where]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        self.topology.wait_until_caught_up(self.topology.replica)


@pytest.fixture
def checksums(topology: Topology) -> Iterator[Checksums]:
    yield Checksums(topology)
    topology.reset()
    topology.source.sql("DROP DATABASE IF EXISTS percona")


@pytest.mark.parametrize("word", ["master", "source"])
def test_differences_of_later_than_its_start_keep_a_restarted_replica_out(
    topology: Topology, checksums: Checksums, tmp_path: Path, word: str
) -> None:
    checksums.make(word)
    checksums.found(word, 1, on_replica="b2", on_source="a1")
    director = Director(topology, tmp_path / "state", *SHORT, "--checksum-table", CHECKSUMS)
    assert is_up(director.ask(topology.replica))
    kill_and_start(topology, topology.replica)
    assert is_up(director.watch(topology.replica, is_up)[-1])  # that was before its start
    kill_and_start(topology, topology.replica)
    director.ask(topology.replica)
    checksums.found(word, 2, on_replica="b2", on_source=None)  # the source's number is still to come
    checksums.found(word, 3, on_replica="b2", on_source="a1")
    *_, last = director.watch(topology.replica, lambda answer: waits_only_for("checksum_diff", answer))
    assert "1 chunk of lab.written differs from the source" in last.first["text"]
    checksums.found(word, 3, on_replica="a1", on_source="a1")
    assert director.ask(topology.replica).phase == "ramping"


def test_what_the_tool_itself_has_found_keeps_it_out_until_it_finds_it_mended(
    topology: Topology, checksums: Checksums, tmp_path: Path
) -> None:
    topology.rebuild(topology.replica)  # what other tests wrote on it alone would be found, too
    checksums.run()
    topology.source.sql(f"GRANT SELECT ON {CHECKSUMS} TO {MONITOR_ACCOUNT}")
    director = Director(topology, tmp_path / "state", *SHORT, "--checksum-table", CHECKSUMS)
    assert is_up(director.ask(topology.replica))
    topology.replica.sql_here_only("INSERT INTO lab.written VALUES (1000000, 'only here')")
    kill_and_start(topology, topology.replica)
    wait_until(lambda: uptime(topology.replica) >= 2, "a second after its start")
    director.ask(topology.replica)
    checksums.run()
    director.watch(topology.replica, lambda answer: waits_only_for("checksum_diff", answer))
    topology.replica.sql_here_only("DELETE FROM lab.written WHERE id = 1000000")
    checksums.run()
    director.watch(topology.replica, lambda answer: answer.phase == "ramping")


def test_a_table_that_cannot_be_read_keeps_nobody_out(topology: Topology, checksums: Checksums, tmp_path: Path) -> None:
    director = Director(topology, tmp_path / "state", *SHORT, "--checksum-table", CHECKSUMS)
    denied = director.ask(topology.replica)
    assert (denied.code, denied.first["code"]) == (102, "checksum_diff")
    assert f"give it: GRANT SELECT ON `percona`.`checksums` TO {MONITOR_ACCOUNT};" in denied.first["text"]
    topology.source.sql(f"GRANT SELECT ON percona.* TO {MONITOR_ACCOUNT}")
    topology.wait_until_caught_up(topology.replica)
    missing = Director(topology, tmp_path / "other", "--checksum-table", CHECKSUMS).ask(topology.replica)
    assert (missing.code, missing.first["code"]) == (102, "checksum_diff")
    assert any(error in missing.first["text"] for error in ("error 1146: Table", "error 1049: Unknown database"))
