"""The agent on real servers: what happens to them is in its files at once, and it dies without harm."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.lab.server import Server
from tests.lab.topology import Topology
from tests.lab.waiting import wait_until
from tests.real.agents import Agent
from tests.real.checking import wait_for_another_second, where
from tests.state.conftest import SOMEBODY
from tests.state.disk import Disk
from tests.state.running import open_folder

SELDOM: dict[str, Any] = {"interval": 60, "timeout": 5}
"""What is seen long before the next look was seen by the connection's end."""


def now() -> float:
    """Hundredths of a second since boot, as a verdict has them."""
    return float(Path("/proc/uptime").read_text().split()[0]) * 100


@pytest.fixture
def agent(topology: Topology, tmp_path: Path) -> Iterator[Agent]:
    with Agent(topology, tmp_path) as running:
        yield running


def test_a_plain_check_answers_from_its_verdict(topology: Topology, agent: Agent) -> None:
    ended = agent.check(topology.replica)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"SERVE weight 100 127.0.0.1:{topology.replica.port} lag 0 s, read_only ON, ")
    assert agent.weight(topology.replica) == 100


def test_a_stopped_thread_is_seen_at_the_next_look_and_again_when_it_runs(topology: Topology, agent: Agent) -> None:
    topology.stop_sql_thread(topology.replica)
    assert agent.sees(topology.replica, 0) < 5
    ended = agent.check(topology.replica)
    assert (ended.code, "sql_stopped" in ended.out) == (1, True)
    topology.reset()
    agent.sees(topology.replica, 100)


def test_a_killed_server_is_seen_long_before_the_next_look(topology: Topology, tmp_path: Path) -> None:
    with Agent(topology, tmp_path, **SELDOM) as agent:
        wait_for_another_second(topology.replica)
        topology.replica.kill()
        assert agent.sees(topology.replica, 0) < 2  # 0.06 s on a machine that does nothing else
        assert agent.check(topology.replica).code == 1


def test_a_killed_connection_is_no_killed_server(topology: Topology, tmp_path: Path) -> None:
    with Agent(topology, tmp_path, **SELDOM) as agent:
        ours = f"SELECT ID AS id FROM information_schema.PROCESSLIST WHERE USER = '{topology.monitor.user}'"
        before = agent.verdict(topology.replica).stat().st_ino
        [row] = topology.replica.sql(ours)
        topology.replica.sql(f"KILL {row['id']}")
        wait_until(lambda: agent.verdict(topology.replica).stat().st_ino != before, "a look at why it ended")
        assert agent.weight(topology.replica) == 100
        assert "down" not in agent.command("history", *where(topology.replica))
        wait_until(lambda: [r["id"] for r in topology.replica.sql(ours)] not in ([], [row["id"]]), "a new connection")


def test_a_server_that_restarts_is_held_and_ramps(topology: Topology, agent: Agent) -> None:
    wait_for_another_second(topology.replica)
    topology.replica.kill()
    agent.sees(topology.replica, 0)
    topology.replica.start()
    began = time.monotonic()
    wait_until(lambda: "held" in agent.check(topology.replica).out, "the hold")
    assert agent.weight(topology.replica) == 0
    wait_until(lambda: agent.weight(topology.replica) > 0, "its release")
    assert time.monotonic() - began > 2
    agent.sees(topology.replica, 100)
    told = agent.command("history", *where(topology.replica))
    assert [word for word in ("→ down", "→ held", "→ ramping", "→ up") if word not in told] == []


def test_operators_drain_and_release(topology: Topology, tmp_path: Path) -> None:
    with Agent(topology, tmp_path, hold_down="1h", hold_down_max="1h", ramp=0) as agent:
        agent.command("hold", *where(topology.replica), "--reason", "index")
        agent.sees(topology.replica, 0)
        assert agent.check(topology.replica).code == 0  # drained: what is connected may finish
        agent.command("release", *where(topology.replica))
        agent.sees(topology.replica, 100)
        wait_for_another_second(topology.replica)
        topology.replica.kill()
        topology.replica.start()
        wait_until(lambda: "held" in agent.command("status"), "the hold, on record")
        agent.command("release", *where(topology.replica))
        agent.sees(topology.replica, 100)


def test_a_server_that_hangs_delays_no_other(topology: Topology, tmp_path: Path) -> None:
    with Agent(topology, tmp_path, interval=0.2, timeout=2) as agent:
        hung, other = topology.replicas
        hung.pause()
        try:
            agent.sees(hung, 0)
            times = [agent.expires(other)]

            def looked() -> bool:
                times.append(agent.expires(other))
                return len(set(times)) > 20

            wait_until(looked, "20 looks at the other", every=0.002)
            times = sorted(set(times))
            apart = sorted(after - before for before, after in pairwise(times))
            assert apart[len(apart) // 2] <= 25  # hundredths of a second
        finally:
            hung.resume()


def test_an_agent_that_dies_costs_speed_and_no_safety(topology: Topology, tmp_path: Path) -> None:
    with Agent(topology, tmp_path, interval=0.5, timeout=1) as agent:
        agent.process.send_signal(signal.SIGSTOP)
        assert agent.check(topology.replica).code == 0

        wait_until(lambda: now() > agent.expires(topology.replica), "the verdict to expire", 10)
        line = agent.verdict(topology.replica).read_text().split(" ", 5)[5]
        topology.stop_sql_thread(topology.replica)
        looked = agent.whole_check(topology.replica)
        assert (looked.code, "sql_stopped" in looked.out, looked.out != line) == (1, True, True)
        agent.process.send_signal(signal.SIGCONT)
        agent.sees(topology.replica, 0)
        topology.reset()
        agent.sees(topology.replica, 100)
        assert agent.end() < 1


def test_a_full_disk_under_its_files_costs_speed_and_no_safety(
    topology: Topology, tmp_path: Path, disks: Callable[[], Disk]
) -> None:
    """What stands there stays as it is; verdicts grow old, and checks look for themselves until there is room again."""
    disk, (first, second) = disks(), topology.replicas
    with Agent(topology, tmp_path, disk, interval=0.5, timeout=1) as agent:
        disk.fill()
        wait_until(lambda: "No space left on device" in agent.log.read_text(), "that to be said")
        topology.stop_sql_thread(first)
        wait_until(lambda: now() > agent.expires(first) and now() > agent.expires(second), "the verdicts to expire", 10)
        assert [agent.weight(server) for server in (first, second)] == [100, 100]  # the last, whole
        looked = agent.whole_check(first)
        assert (looked.code, "sql_stopped" in looked.out) == (1, True)
        assert agent.whole_check(second).code == 0
        assert "sql_stopped" in agent.command("status", *where(first))
        (disk.outside / "fill").unlink()
        agent.sees(first, 0)
        wait_until(lambda: now() < agent.expires(second), "fresh verdicts")
        assert (agent.check(first).code, agent.check(second).code) == (1, 0)


def test_sigterm_ends_it_within_a_second_and_takes_its_verdicts_away(topology: Topology, agent: Agent) -> None:
    assert agent.end() < 1
    assert list((agent.folder / "verdicts").iterdir()) == []
    assert agent.weight(topology.replica) == 100  # the weight stays: keepalived reads a missing file as the base weight
    assert f"127.0.0.1:{topology.replica.port}" in agent.command("status")


def test_it_tells_the_watchdog_that_it_lives(agent: Agent) -> None:
    agent.wait_for("WATCHDOG=1")


def test_a_configuration_with_a_mistake_is_refused_and_the_old_one_stays(topology: Topology, agent: Agent) -> None:
    agent.write("max_lagg = 5")
    agent.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "the configuration stays what it was" in agent.log.read_text(), "the refusal")
    assert "did you mean max_lag?" in agent.log.read_text()
    topology.stop_sql_thread(topology.replica)
    agent.sees(topology.replica, 0)


def test_it_begins_with_the_last_good_configuration_where_the_file_is_broken(topology: Topology, agent: Agent) -> None:
    """And so does a check that must look by itself: the agent has kept the copy."""
    agent.end()
    agent.config.write_text("max_lag = ")
    agent.start()
    assert "its last good version is used" in agent.log.read_text()
    assert agent.check(topology.replica).code == 0
    assert agent.whole_check(topology.replica).code == 0


def test_a_new_configuration_begins_and_ends_what_it_must(topology: Topology, agent: Agent) -> None:
    first, second = topology.replicas
    kept, open_before = agent.verdict(second), agent.descriptors()
    agent.servers = [second]
    agent.write()
    agent.process.send_signal(signal.SIGHUP)
    wait_until(lambda: not agent.verdict(first).exists(), "the first to be left alone")
    before = kept.read_text()
    wait_until(lambda: kept.read_text() != before, "the second to be looked at as before")
    agent.servers = [first, second]
    agent.write()
    agent.process.send_signal(signal.SIGHUP)
    wait_until(lambda: agent.verdict(first).exists(), "the first to be looked at again")
    wait_until(lambda: agent.descriptors() <= open_before, "nothing to be left open")


def test_metrics_of_all_servers_are_in_one_file(topology: Topology, tmp_path: Path) -> None:
    file = tmp_path / "mysqlcheck.prom"
    with Agent(topology, tmp_path, textfile=file):
        wait_until(file.exists, "the metrics")
        for server in topology.replicas:
            row = f'mysqlcheck_decision{{decision="serve",role="replica",target="127.0.0.1:{server.port}"}} 1.0'
            assert row in file.read_text()
        assert "\nmysqlcheck_agent_looks_total " in file.read_text()


POOL = """pool = "readers"
[pool.readers]
min_serving = 1
recover_after = 2"""


def test_a_pool_whose_servers_all_restart_lets_one_in_until_another_serves(topology: Topology, tmp_path: Path) -> None:
    (first, second), metrics = topology.replicas, tmp_path / "mysqlcheck.prom"
    with Agent(topology, tmp_path, hold_down="1h", hold_down_max="1h", textfile=metrics) as agent:
        agent.write(POOL)
        agent.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "reloaded" in agent.log.read_text(), "the pool")
        wait_for_another_second(first)
        for server in (first, second):
            server.kill()
            agent.sees(server, 0)
        assert "0 of 2 serve by themselves, min_serving 1: too few, and nobody to let in" in agent.log.read_text()
        for server in (first, second):
            server.start()
        wait_until(lambda: {agent.weight(first), agent.weight(second)} == {0, 100}, "one of them to serve")
        chosen, other = (first, second) if agent.weight(first) else (second, first)
        ended = agent.check(chosen)
        assert (ended.code, agent.check(other).code) == (0, 1)
        assert "panic: let in by pool readers: 0 of 2 serve by themselves, min_serving 1; in spite of held" in ended.out
        for server, word in ((chosen, "panic: let in"), (other, "held: it restarted")):
            wait_until(lambda s=server, w=word: w in agent.command("status", *where(s)), f"{word}, in the store")  # type: ignore[misc]
        agent.command("release", *where(other))
        agent.sees(other, 100)
        agent.sees(chosen, 0)
        wait_until(
            lambda: "no longer let in by pool readers" in agent.command("history", *where(chosen)), "the end of it"
        )
        told = agent.command("history", *where(chosen))
        assert ("let-in" in told, "let-out" in told, "→ ramping" in told) == (True, True, False)
        row = 'mysqlcheck_pool_serving{pool="readers"} 1.0'
        wait_until(lambda: metrics.exists() and row in metrics.read_text(), "the metrics")


def test_a_pool_never_lets_in_one_that_fails_for_a_reason_of_its_own(topology: Topology, tmp_path: Path) -> None:
    first, second = topology.replicas
    with Agent(topology, tmp_path) as agent:
        agent.write(POOL)
        agent.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "reloaded" in agent.log.read_text(), "the pool")
        topology.stop_sql_thread(first)
        agent.command("hold", *where(second), "--reason", "index")
        agent.sees(first, 0)
        agent.sees(second, 0)
        wait_until(lambda: "too few, and nobody to let in" in agent.log.read_text(), "that to be said")
        assert (agent.check(first).code, agent.weight(first), agent.weight(second)) == (1, 0, 0)
        agent.command("release", *where(second))
        agent.sees(second, 100)


def test_a_pool_says_once_that_the_source_is_lost_for_all(topology: Topology, tmp_path: Path) -> None:
    first, second = topology.replicas
    with Agent(topology, tmp_path) as agent:
        agent.write(POOL)
        agent.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "reloaded" in agent.log.read_text(), "the pool")
        topology.source.kill()
        words = "the source is lost for the pool: none of 2 replicas that ask it gets an answer"
        for server in (first, second):
            agent.waits_for(server, words)
            assert (agent.check(server).code, agent.weight(server)) == (0, 100)
        wait_until(lambda: "source_lost" in agent.command("status", *where(first)), "that, in the store")
        assert agent.log.read_text().count(words) == 1
        topology.source.start()
        wait_until(lambda: "nobody has lost" in agent.log.read_text(), "the end of it", 90)


def test_a_pool_says_who_is_still_connected_where_one_replica_alone_has_lost_the_source(
    topology: Topology, tmp_path: Path
) -> None:
    """The source lets the account that replicates in once only: one of two gets error 1226 instead."""

    def kept_out() -> list[Server]:
        found = {server: topology.channel(server) for server in topology.replicas}
        out = [server for server, one in found.items() if one and one.io_errno == 1226]
        return out if [one.io for one in found.values() if one].count("Yes") == 1 else []

    with Agent(topology, tmp_path) as agent, topology.one_connection_to_the_source():
        agent.write(POOL)
        agent.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "reloaded" in agent.log.read_text(), "the pool")
        wait_until(lambda: len(kept_out()) == 1, "one of them to be kept out")
        (lost,) = kept_out()
        (other,) = [server for server in topology.replicas if server is not lost]
        agent.waits_for(lost, f"127.0.0.1:{other.port} of the pool still connected to it: look at the network of those")
        assert [agent.weight(server) for server in (lost, other)] == [100, 100]
        assert ["source_lost" in agent.check(server).out for server in (lost, other)] == [True, False]
        topology.let_all_connect()
        wait_until(lambda: "source_lost" not in agent.check(lost).out, "the source to be found again")
        for server in topology.replicas:
            assert "down" not in agent.command("history", *where(server))


SOURCES = """pool = "writers"
[pool.writers]"""


@contextmanager
def agent_of_sources(topology: Topology, folder: Path, *servers: Server, **settings: Any) -> Iterator[Agent]:
    with Agent(topology, folder, role="source", **settings) as agent:
        agent.servers = list(servers)
        agent.write(SOURCES)
        agent.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "reloaded" in agent.log.read_text(), "the pool")
        wait_until(lambda: all(agent.track(server).exists() for server in servers), "a look at each")
        yield agent


def test_of_two_that_take_writes_the_one_that_served_stays_until_an_operator_decides(
    topology: Topology, tmp_path: Path
) -> None:
    old, new, metrics = topology.source, topology.replica, tmp_path / "mysqlcheck.prom"
    with agent_of_sources(topology, tmp_path, old, new, textfile=metrics) as agent:
        agent.sees(old, 100)
        agent.waits_for(new, "read_only")
        new.sql("SET GLOBAL read_only = OFF")
        agent.waits_for(new, "two_sources")
        ended = agent.check(new)
        assert (ended.code, agent.weight(new), agent.check(old).code, agent.weight(old)) == (1, 0, 0, 100)
        why = f"127.0.0.1:{old.port} is the source of pool writers and takes writes too: refused until"
        assert why in ended.out
        assert f"two sources: 127.0.0.1:{new.port} is refused: {why}" in agent.log.read_text()
        row = 'mysqlcheck_pool_sources_refused{pool="writers"} 1.0'
        wait_until(lambda: metrics.exists() and row in metrics.read_text(), "the metrics")
        old.sql("SET GLOBAL read_only = ON")
        agent.sees(old, 0)
        agent.sees(new, 100)
        assert (agent.check(new).code, agent.check(old).code) == (0, 1)
        wait_until(lambda: "accepted" in agent.command("history", *where(new)), "the end of it")
        assert "refused" in agent.command("history", *where(new))


def test_an_agent_that_begins_refuses_whom_the_last_one_refused(topology: Topology, tmp_path: Path) -> None:
    """Also where the source has died meanwhile: both took writes, and that is for an operator to see."""
    old, new = topology.source, topology.replica
    with agent_of_sources(topology, tmp_path, new, old) as agent:
        agent.sees(old, 100)
        new.sql("SET GLOBAL read_only = OFF")
        agent.waits_for(new, "two_sources")
        agent.end()
        agent.start()
        agent.waits_for(old, "SERVE")
        agent.waits_for(new, "two_sources")
        old.kill()
        agent.sees(old, 0)
        agent.waits_for(new, "took writes too, and fails now")
        agent.end()
        agent.start()
        agent.waits_for(new, "two_sources")
        assert (agent.check(new).code, "accepted" in agent.command("history", *where(new))) == (1, False)
        agent.command("hold", *where(old), "--reason", "the new one has the data")
        agent.sees(new, 100)
        assert agent.check(new).code == 0


def test_a_promoted_server_serves_and_the_old_source_is_refused_when_it_comes_back(
    topology: Topology, tmp_path: Path
) -> None:
    old, new = topology.source, topology.replica
    with agent_of_sources(topology, tmp_path, old, new, release="auto") as agent:
        agent.sees(old, 100)
        wait_for_another_second(old)
        old.kill()
        agent.sees(old, 0)
        new.sql("SET GLOBAL read_only = OFF")
        agent.sees(new, 100)
        old.start()
        agent.waits_for(old, "two_sources")
        assert (agent.check(old).code, agent.weight(old), agent.weight(new)) == (1, 0, 100)


def test_it_says_what_is_wrong_before_it_begins(topology: Topology, tmp_path: Path) -> None:
    agent = Agent(topology, tmp_path)
    agent.servers = []
    agent.write()
    ended = agent.fails()
    assert (ended.code, ended.out) == (2, "")
    assert f"{agent.config}: has no table of a server to check" in ended.err


def test_started_by_root_it_becomes_the_owner_of_the_state_directory(
    topology: Topology, ordinary: tuple[str, ...]
) -> None:
    with open_folder() as folder:
        os.chown(folder, SOMEBODY, SOMEBODY)
        agent = Agent(topology, folder)
        agent.state.mkdir()
        os.chown(agent.state, SOMEBODY, SOMEBODY)
        with agent:
            assert Path(f"/proc/{agent.process.pid}").stat().st_uid == SOMEBODY
            assert agent.verdict(topology.replica).stat().st_uid == SOMEBODY
            wait_until(lambda: f"127.0.0.1:{topology.replica.port}" in agent.command("status"), "the store")
