"""The lab itself: the trouble that it makes is real, and it is gone afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest

from tests.lab.replication import channels
from tests.lab.server import Server
from tests.lab.topology import Topology
from tests.lab.troubles import DUPLICATE_ENTRY
from tests.lab.waiting import LabError, wait_until

TOP = Path(__file__).parents[2]

# A test process of its own, which is killed: it says what it has started, and then waits for its end.
ORPHAN = """
import sys
from pathlib import Path
from tests.lab.providers import load
server = load(sys.argv[1])("orphan", Path(sys.argv[2])).start()
print(server.pid(), server.folder, flush=True)
sys.stdin.read()
"""


def notes(server: Server) -> list[str]:
    return [row["note"] for row in server.sql("SELECT note FROM lab.written ORDER BY id")]


def is_gone(pid: int) -> bool:
    """A zombie is gone as well: whoever inherited it has yet to notice."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_what_the_source_writes_arrives_on_every_replica(topology: Topology) -> None:
    topology.write("from the source")
    for replica in topology.replicas:
        topology.wait_until_caught_up(replica)
        assert notes(replica)[-1] == "from the source"
        assert replica.sql("SELECT @@global.read_only AS value")[0]["value"] == 1


def test_the_monitor_s_account_is_replicated_and_least_privileged(topology: Topology) -> None:
    replica = topology.replica
    tls = {"ssl_disabled": replica.flavor == "mariadb", "ssl_verify_cert": False}  # caching_sha2 wants TLS
    with (
        replica.connect(user=topology.monitor.user, password=topology.monitor.password, **tls) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SHOW REPLICA STATUS")
        assert len(cursor.fetchall()) == 1
        with pytest.raises(pymysql.err.MySQLError, match="denied"):
            cursor.execute("SELECT * FROM lab.written")


def test_a_killed_replica_comes_back_with_its_data_and_replicates_on(topology: Topology) -> None:
    replica = topology.replica
    topology.write("before")
    topology.wait_until_caught_up(replica)
    port, pid = replica.port, replica.pid()
    replica.kill()
    assert pid is not None
    assert is_gone(pid)
    with pytest.raises(pymysql.err.OperationalError):
        replica.connect()
    topology.write("meanwhile")
    replica.start()
    topology.wait_until_caught_up(replica)
    assert replica.port == port
    assert notes(replica)[-2:] == ["before", "meanwhile"]


def test_a_stopped_replica_comes_back_too(topology: Topology) -> None:
    topology.replica.stop()
    assert topology.replica.pid() is None
    topology.replica.start()
    topology.wait_until_caught_up(topology.replica)


def test_a_paused_server_accepts_and_does_not_answer(topology: Topology) -> None:
    topology.replica.pause()
    with pytest.raises(pymysql.err.OperationalError, match="timed out"):
        topology.replica.connect(connect_timeout=1, read_timeout=1)
    topology.replica.resume()
    topology.replica.wait_until_it_answers()


def test_lag_grows_with_time_and_goes_away(topology: Topology) -> None:
    with topology.make_lag(topology.replica):
        assert topology.wait_for_lag(topology.replica, 2) in {2, 3}
        assert topology.runs(topology.replica)
        assert topology.lag(topology.replicas[1]) == 0
    assert topology.lag(topology.replica) == 0


def test_a_lag_of_minutes_needs_no_waiting(topology: Topology) -> None:
    with topology.make_lag(topology.replica, seconds=120):
        assert topology.lag(topology.replica) in range(120, 130)
    assert topology.lag(topology.replica) == 0


def test_a_broken_sql_thread_has_met_a_duplicate_key(topology: Topology) -> None:
    with topology.broken_sql_thread(topology.replica):
        found = topology.channel(topology.replica)
        assert found is not None
        assert (found.io, found.sql, found.sql_errno, found.lag) == ("Yes", "No", DUPLICATE_ENTRY, None)
    found = topology.channel(topology.replica)
    assert found is not None
    assert (found.sql, found.sql_errno, found.lag) == ("Yes", 0, 0)


def test_a_lost_source_leaves_the_io_thread_connecting(topology: Topology) -> None:
    topology.source.kill()

    def connecting() -> bool:
        found = topology.channel(topology.replica)
        return found is not None and (found.io, found.io_errno) == ("Connecting", 2003)

    wait_until(connecting, "the IO thread to lose its source", 15)


def test_a_replica_may_have_two_channels(topology: Topology) -> None:
    topology.configure_replication(topology.replica, "second", topology.replicas[1])
    assert [channel.name for channel in channels(topology.replica)] == ["", "second"]


def damages(topology: Topology) -> Iterator[str]:
    """Does one thing after the other, and names each."""
    replica = topology.replica
    topology.stop_io_thread(replica)
    yield "IO thread stopped"
    topology.stop_sql_thread(replica)
    yield "SQL thread stopped"
    topology.break_sql_thread(replica)
    yield "SQL thread broken"
    topology.forget_replication(replica)
    yield "not configured"
    topology.set_read_only(replica, on=False)
    yield "writable"
    topology.configure_replication(replica, "second", topology.replicas[1])
    yield "a second channel"
    replica.sql("SET GLOBAL max_connections = 20")
    yield "another max_connections"
    topology.set_monitor_grants()
    topology.wait_until_caught_up(replica)
    yield "no privileges"
    replica.sql_here_only("DROP USER 'mysqlcheck'@'%'")
    yield "no monitor"
    replica.sql_here_only("DROP DATABASE lab")
    topology.write("nowhere to go")
    yield "data lost"
    replica.pause()
    yield "paused"
    replica.kill()
    yield "killed"
    topology.source.kill()
    yield "source killed"


def test_reset_makes_everything_healthy_again(topology: Topology) -> None:
    replica = topology.replica
    grants = replica.sql("SHOW GRANTS FOR 'mysqlcheck'@'%'")[0].values()
    privileges = str(next(iter(grants))).partition(" IDENTIFIED")[0]
    for damage in damages(topology):
        topology.reset()
        assert [(c.name, c.io, c.sql) for c in channels(replica)] == [("", "Yes", "Yes")], damage
        topology.wait_until_caught_up(replica)
        assert replica.sql("SELECT @@global.read_only AS value")[0]["value"] == 1, damage
        assert replica.sql("SELECT @@global.max_connections AS value")[0]["value"] == 151, damage
        assert privileges in str(replica.sql("SHOW GRANTS FOR 'mysqlcheck'@'%'")), damage


def test_a_closed_server_leaves_nothing(topology: Topology) -> None:
    with type(topology.source)("short-lived", topology.source.folder.parent) as server:
        pid = server.pid()
        assert pid is not None
        assert server.datadir.is_dir()
    assert is_gone(pid)
    assert not server.folder.exists()
    with pytest.raises(LabError, match="does not run"):
        server.kill()


def test_a_killed_test_process_leaves_nothing(topology: Topology) -> None:
    command = [sys.executable, "-c", ORPHAN, topology.provider.provider, str(topology.source.folder.parent)]
    with subprocess.Popen(
        command, cwd=TOP, env=os.environ | {"PYTHONPATH": str(TOP)}, stdin=-1, stdout=-1, text=True
    ) as tests:
        assert tests.stdout is not None
        pid, folder = tests.stdout.readline().split()
        assert not is_gone(int(pid))
        tests.kill()
    wait_until(lambda: is_gone(int(pid)), "the orphaned server to be ended")
    wait_until(lambda: not Path(folder).exists(), "its datadir to be removed")
