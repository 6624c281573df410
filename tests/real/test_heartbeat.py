"""The lag by the beats of a real pt-heartbeat, and what the replica says when it stops.

pt-heartbeat 3.2.1 asks SHOW MASTER STATUS in its current layout, which MySQL 8.4 and later do not know: on MySQL it
runs with a table of its legacy layout, and beats of the current one are written here.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.lab.accounts import LEAST_PRIVILEGES, MONITOR_ACCOUNT
from tests.lab.topology import Topology
from tests.lab.waiting import LabError, wait_until
from tests.real.checking import Answer, Checker, Director, phases

TABLE = "lab.beats"
LIMITS = ("--lag-ok", "2s", "--resume-lag", "3s", "--max-lag", "4s")
BEATS = ("--heartbeat-table", TABLE, "--heartbeat-utc", *LIMITS)
CURRENT = "ts VARCHAR(26) NOT NULL, server_id INT UNSIGNED NOT NULL PRIMARY KEY, file VARCHAR(255), position BIGINT"
LEGACY = "id INT NOT NULL PRIMARY KEY, ts DATETIME NOT NULL"


@pytest.fixture
def beaten(topology: Topology) -> Iterator[Topology]:
    """A table for beats, and the account may read it; both are gone afterwards."""
    legacy = topology.source.flavor == "mysql"
    topology.source.sql(f"CREATE TABLE {TABLE} ({LEGACY if legacy else CURRENT})")
    if legacy:
        topology.source.sql(f"INSERT INTO {TABLE} VALUES (1, UTC_TIMESTAMP())")
    allow(topology, f"GRANT SELECT ON {TABLE} TO {MONITOR_ACCOUNT}")
    yield topology
    topology.reset()
    topology.source.sql(f"DROP TABLE {TABLE}")


def allow(topology: Topology, *grants: str) -> None:
    topology.set_monitor_grants(*LEAST_PRIVILEGES[topology.source.flavor], *grants)
    topology.wait_until_caught_up(topology.replica)


@contextmanager
def pt_heartbeat(topology: Topology) -> Iterator[None]:
    """A writer on the source, until the block ends."""
    if shutil.which("pt-heartbeat") is None:
        pytest.fail("no pt-heartbeat here: run tests/lab/install toolkit", pytrace=False)
    source = topology.source
    database, table = TABLE.split(".")
    command = ["pt-heartbeat", "--update", "--utc", "--host", source.host, "--port", str(source.port)]
    command += ["--user", "root", "--database", database, "--table", table]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as writer:
        try:
            begins = beat(topology)

            def beats() -> bool:
                if writer.poll() is not None:
                    raise LabError(f"pt-heartbeat has ended: {writer.stdout.read() if writer.stdout else ''}")
                return beat(topology) != begins

            wait_until(beats, "a beat to reach the replica", 30)
            yield
        finally:
            writer.kill()


def beat(topology: Topology) -> str:
    rows = topology.replica.sql(f"SELECT ts FROM {TABLE}")
    return str(rows[0]["ts"]) if rows else ""


def write_beat(topology: Topology, seconds_ago: int, table: str = TABLE, server_id: int = 1) -> None:
    """A beat in the current layout, as pt-heartbeat --utc writes it."""
    then = f"DATE_FORMAT(UTC_TIMESTAMP(6) - INTERVAL {seconds_ago} SECOND, '%Y-%m-%dT%H:%i:%s.%f')"
    topology.source.sql(f"REPLACE INTO {table} (ts, server_id) VALUES ({then}, {server_id})")
    topology.wait_until_caught_up(topology.replica)


def test_the_lag_is_the_age_of_the_last_beat(beaten: Topology) -> None:
    check = Checker(beaten)
    with pt_heartbeat(beaten):
        ended = check.json(beaten.replica, *BEATS)
        assert (ended.code, ended.codes) == (0, [])
        assert ended.json["facts"]["lag_source"] == "heartbeat"
        assert 0 <= ended.json["facts"]["lag"] <= 2
        with beaten.make_lag(beaten.replica):
            beaten.wait_for_lag(beaten.replica, 6)
            ended = check.json(beaten.replica, *BEATS)
            assert (ended.code, ended.codes, ended.json["decision"]) == (1, ["lag"], "drain")
            assert ended.json["facts"]["lag_source"] == "heartbeat"
            assert ended.json["facts"]["lag"] >= 5


def test_a_writer_that_is_killed_takes_no_replica_out(beaten: Topology, tmp_path: Path) -> None:
    director = Director(beaten, tmp_path, *BEATS)
    with pt_heartbeat(beaten):
        assert director.ask(beaten.replica).phase == "up"

    def told(answer: Answer) -> bool:
        beaten.write("the source goes on")
        return "the writer has stopped" in str(answer.first["text"])

    answers = director.watch(beaten.replica, told)
    assert phases(answers) == ["up"]
    last = answers[-1]
    assert (last.first["code"], last.first["severity"]) == ("heartbeat_stale", "note")
    assert last.document["facts"]["lag_source"] == "seconds-behind"
    with pt_heartbeat(beaten):
        found = director.watch(beaten.replica, lambda answer: not answer.document["reasons"])
        assert phases(found) == ["up"]


@contextmanager
def net_timeout(topology: Topology, seconds: int) -> Iterator[None]:
    """The IO thread of the replica takes a link on which nothing came for so long for dead."""
    replica = topology.replica
    name = f"{'replica' if replica.flavor == 'mysql' else 'slave'}_net_timeout"
    before = replica.sql(f"SELECT @@global.{name} AS seconds")[0]["seconds"]

    def switch(value: int) -> None:
        replica.sql(f"SET GLOBAL {name} = {value}")
        topology.stop_threads(replica)
        topology.start_threads(replica)

    try:
        switch(seconds)
        yield
    finally:
        switch(before)


def test_a_source_that_fell_silent_takes_no_replica_out(beaten: Topology, tmp_path: Path) -> None:
    """The link is dead and the IO thread says Yes; it notices when its time is over, and the source is lost."""
    director = Director(beaten, tmp_path, *BEATS)
    with net_timeout(beaten, 10), pt_heartbeat(beaten):
        assert director.ask(beaten.replica).phase == "up"
        beaten.source.pause()
        try:
            told = director.watch(beaten.replica, lambda answer: "a dead link" in str(answer.first["text"]))
            channel = beaten.channel(beaten.replica)
            assert channel is not None
            assert (channel.io, channel.lag) == ("Yes", 0)
            noticed = director.watch(beaten.replica, lambda answer: answer.first["code"] == "source_lost")
        finally:
            beaten.source.resume()
        last = told[-1].first
        assert (last["code"], last["severity"]) == ("heartbeat_stale", "note")
        assert "(slave_net_timeout 10 s)" in last["text"]
        back = director.watch(beaten.replica, lambda answer: not answer.document["reasons"])
        assert phases([*told, *noticed, *back]) == ["up"]


def test_a_table_that_may_not_be_read_is_told_the_grant(beaten: Topology) -> None:
    allow(beaten)
    check = Checker(beaten)
    ended = check.json(beaten.replica, *BEATS, "--lag-source", "heartbeat")
    assert (ended.code, ended.codes) == (1, ["lag_unknown"])
    assert f"GRANT SELECT ON `lab`.`beats` TO {MONITOR_ACCOUNT};" in ended.json["reasons"][0]["text"]
    ended = check.json(beaten.replica, *BEATS)
    assert (ended.code, ended.codes, ended.json["facts"]["lag_source"]) == (0, ["lag_unknown"], "seconds-behind")


def test_a_table_that_is_not_there_is_named(beaten: Topology) -> None:
    allow(beaten, f"GRANT SELECT ON lab.* TO {MONITOR_ACCOUNT}")
    ended = Checker(beaten).json(beaten.replica, "--heartbeat-table", "lab.nowhere", "--lag-source", "heartbeat")
    assert (ended.code, ended.codes) == (1, ["lag_unknown"])
    assert "lab.nowhere cannot be read (error 1146: " in ended.json["reasons"][0]["text"]


def test_beats_of_the_current_layout_are_told_by_server_id(topology: Topology) -> None:
    topology.source.sql(f"CREATE TABLE {TABLE} ({CURRENT})")
    try:
        allow(topology, f"GRANT SELECT ON {TABLE} TO {MONITOR_ACCOUNT}")
        write_beat(topology, seconds_ago=1)
        write_beat(topology, seconds_ago=500, server_id=7)
        check = Checker(topology)
        options = ("--heartbeat-table", TABLE, "--heartbeat-utc")
        ended = check.json(topology.replica, *options)
        assert (ended.codes, ended.json["facts"]["lag_source"]) == ([], "heartbeat")
        assert 1 <= ended.json["facts"]["lag"] <= 10
        ended = check.json(topology.replica, *options, "--heartbeat-server-id", "7")
        assert (ended.code, ended.codes) == (1, ["lag"])
        assert ended.json["facts"]["lag"] >= 500
        ended = check.json(topology.replica, *options, "--heartbeat-server-id", "8", "--lag-source", "heartbeat")
        assert "has beats of 1, 7, none of server_id 8" in ended.json["reasons"][0]["text"]
        write_beat(topology, seconds_ago=-7200)
        ended = check.json(topology.replica, *options, "--lag-source", "heartbeat")
        assert (ended.code, ended.codes) == (1, ["lag_unknown"])
        assert "in the future" in ended.json["reasons"][0]["text"]
    finally:
        topology.source.sql(f"DROP TABLE {TABLE}")
