"""What a check remembers of the one before, on real servers: graces, the last lag, and that all agree on one memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pymysql
import pytest

from tests.lab.server import Server
from tests.lab.topology import Topology
from tests.lab.waiting import wait_until
from tests.real.checking import Director, is_up, phases, wait_for_another_second

LONG = ("--hold-down", "60s", "--recover-after", "1s", "--ramp", "0")
OTHER = "the other password of the monitor"


def flaps(director: Director, server: Server, file: Path) -> float:
    """How many failures of its own the director remembers of a server, as it tells Prometheus."""
    director(server, "--textfile", str(file))
    found = re.search(r"^mysqlcheck_flaps\{.*\} (\S+)$", file.read_text(), re.MULTILINE)
    assert found is not None
    return float(found[1])


def test_a_paused_server_gets_in_after_recover_after_and_it_is_no_flap(topology: Topology, tmp_path: Path) -> None:
    """The network or the director itself might have been to blame, so neither one lost packet nor the hold counts."""
    options = (*LONG, "--recover-after", "2s")
    director, replica = Director(topology, tmp_path / "state", *options), topology.replica
    assert is_up(director.ask(replica))
    replica.pause()
    silent = director.watch(replica, lambda answer: not is_up(answer), "--timeout", "1500ms", "--fail-after", "2s")
    assert phases(silent) == ["up", "down"]
    assert {answer.first["code"] for answer in silent} == {"timeout"}
    assert (silent[0].code, silent[0].weight, silent[0].first["severity"]) == (102, 100, "note")
    assert (silent[-1].code, silent[-1].weight, silent[-1].first["severity"]) == (1, 0, "fail")
    replica.resume()
    back = director.watch(replica, is_up)
    assert phases(back) == ["held", "up"]
    assert isinstance(back[0].reentry, float)
    assert back[0].reentry <= 2.0  # counted from the last failure
    failed_at = silent[-1].began + silent[-1].document["facts"]["duration"]  # or a little later
    assert back[-1].ended - failed_at >= 2.0
    assert flaps(director, replica, tmp_path / "check.prom") == 0


def test_a_restart_is_a_flap_even_if_only_silence_was_seen_of_it(topology: Topology, tmp_path: Path) -> None:
    """A host that loses its power refuses no connection: it is silent, and then it has restarted."""
    director, replica = Director(topology, tmp_path / "state", *LONG), topology.replica
    assert is_up(director.ask(replica))
    wait_for_another_second(replica)
    replica.pause()
    assert director.ask(replica, "--timeout", "1500ms", "--fail-after", "0").first["code"] == "timeout"
    replica.kill()
    start(topology, replica)
    back = director.ask(replica)
    assert (back.phase, back.reentry) == ("held", 60.0)
    assert flaps(director, replica, tmp_path / "check.prom") == pytest.approx(1, abs=0.05)


def start(topology: Topology, replica: Server) -> None:
    replica.start()
    wait_until(lambda: topology.runs(replica), "replication to run again")
    topology.wait_until_caught_up(replica)


@contextmanager
def crowd(topology: Topology, replica: Server) -> Iterator[None]:
    """Every connection that the server gives is taken."""
    replica.sql("SET GLOBAL max_connections = 10")
    with ExitStack() as people:
        with pytest.raises(pymysql.err.OperationalError, match="1040"):  # noqa: PT012
            for _ in range(20):
                people.enter_context(replica.connect(user="mysqlcheck", password=topology.monitor.password))
        yield


def test_a_storm_of_connections_takes_weight_at_once_and_drains_only_after_fail_after(
    topology: Topology, tmp_path: Path
) -> None:
    director, replica = Director(topology, tmp_path / "state", *LONG), topology.replica
    assert director.ask(replica).weight == 100
    with crowd(topology, replica):
        first = director.ask(replica, "--fail-after", "60s")
        assert (first.phase, first.weight, first.code) == ("up", 10, 12)
        assert (first.first["code"], first.first["severity"]) == ("connections_exhausted", "note")
        last = director.watch(replica, lambda answer: not is_up(answer), "--fail-after", "1s")[-1]
        assert (last.phase, last.weight, last.code) == ("draining", 0, 2)
    # a drain is no failure: it is not held when it has connections again
    assert phases(director.watch(replica, is_up)) in (["up"], ["draining", "up"])
    assert flaps(director, replica, tmp_path / "check.prom") == 0


def change_password(topology: Topology, password: str) -> None:
    """On the source, as an operator does it: every replica has it within a second."""
    topology.source.sql(f"ALTER USER 'mysqlcheck'@'%' IDENTIFIED BY '{password}'")
    for replica in topology.replicas:
        topology.wait_until_caught_up(replica)


def test_the_monitors_new_password_takes_nobody_out_for_the_length_of_the_grace(
    topology: Topology, tmp_path: Path
) -> None:
    director = Director(topology, tmp_path / "state", *LONG, "--recover-after", "30s")
    assert all(is_up(director.ask(replica)) for replica in topology.replicas)
    change_password(topology, OTHER)
    for replica in topology.replicas:
        graced = director.ask(replica)
        assert (graced.phase, graced.weight, graced.code) == ("up", 100, 102)
        assert (graced.first["code"], graced.first["severity"]) == ("credentials", "note")
        assert "1045" in graced.first["text"]
        assert "its last verdict stays for " in graced.first["text"]
    replica = topology.replica
    late = director.watch(replica, lambda answer: not is_up(answer), "--credentials-grace", "1s")[-1]
    assert (late.phase, late.code, late.first["severity"]) == ("down", 1, "fail")
    change_password(topology, topology.monitor.password)
    back = director.ask(replica)
    assert back.phase == "held"
    assert isinstance(back.reentry, float)
    assert back.reentry <= 30
    assert flaps(director, replica, tmp_path / "check.prom") == 0


def test_there_is_no_grace_for_a_server_that_restarted_while_it_refused_us(topology: Topology, tmp_path: Path) -> None:
    """The greeting of a refused login tells it: the connection ids have begun anew."""
    director, replica = Director(topology, tmp_path / "state", *LONG), topology.replica
    for _ in range(400):
        replica.connect().close()
    assert is_up(director.ask(replica))
    change_password(topology, OTHER)
    assert director.ask(replica).code == 102
    wait_for_another_second(replica)
    replica.kill()
    start(topology, replica)
    refused = director.ask(replica)
    assert (refused.phase, refused.code, refused.first["severity"]) == ("down", 1, "fail")
    change_password(topology, topology.monitor.password)
    back = director.ask(replica)
    assert back.phase == "held"
    assert isinstance(back.reentry, float)
    assert 50 < back.reentry <= 60
    assert flaps(director, replica, tmp_path / "check.prom") == pytest.approx(1, abs=0.05)


def test_a_drained_replica_comes_back_only_below_resume_lag(topology: Topology, tmp_path: Path) -> None:
    director, replica = Director(topology, tmp_path / "state", *LONG), topology.replica
    assert director.ask(replica).weight == 100
    with topology.make_lag(replica, seconds=45):
        between = director.ask(replica)
        assert (between.phase, between.first["code"], between.first["severity"]) == ("up", "lag", "note")
    with topology.make_lag(replica, seconds=90):
        above = director.ask(replica)
        assert (above.phase, above.code, above.first["code"]) == ("draining", 2, "lag")
    with topology.make_lag(replica, seconds=45):
        between = director.ask(replica)
        assert (between.phase, between.code, between.first["code"]) == ("draining", 2, "not_back")
    with topology.make_lag(replica, seconds=15):
        assert is_up(director.ask(replica))
    assert director.moves(replica) == [("unknown", "up"), ("up", "draining"), ("draining", "up")]


def test_without_its_source_a_replica_serves_until_its_data_is_too_old(topology: Topology, tmp_path: Path) -> None:
    director, replica = Director(topology, tmp_path / "state", *LONG), topology.replica
    recorded = director.ask(replica)
    assert recorded.document["facts"]["lag"] == 0
    topology.source.kill()

    def noticed() -> bool:
        channel = topology.channel(replica)
        return channel is not None and channel.io != "Yes" and channel.io_errno != 0

    wait_until(noticed, "the replica to notice")
    alone = director.ask(replica)
    assert (alone.phase, alone.code) == ("up", 102)
    assert (alone.first["code"], alone.first["severity"], alone.first["bars_entry"]) == ("source_lost", "note", False)
    # what it was, and the time since then
    assert alone.began - recorded.ended - 0.1 <= alone.first["observed"] <= alone.ended - recorded.began + 0.1
    limit = alone.first["observed"] + 2
    last = director.watch(replica, lambda answer: not is_up(answer), "--max-staleness", f"{limit:.1f}s")[-1]
    assert (last.phase, last.code) == ("draining", 2)
    assert (last.first["code"], last.first["severity"]) == ("source_lost", "drain")
    assert last.first["observed"] > limit - 0.1
    topology.source.start()
    assert phases(director.watch(replica, is_up)) in (["up"], ["draining", "up"])


def connections(server: Server) -> int:
    """How many there are to it from this machine, greeted or not."""
    wanted, established = f":{server.port:04X}", "01"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[2].endswith(wanted) and row[3] == established for row in rows)


def test_64_checks_at_once_see_one_restart_and_say_the_same(topology: Topology, tmp_path: Path) -> None:
    director, replica = Director(topology, tmp_path / "state", *LONG), topology.replica
    assert is_up(director.ask(replica))
    wait_for_another_second(replica)
    replica.kill()
    start(topology, replica)
    # All wait for the greeting of a paused server, and go on at one moment; to start them all takes seconds of CPU.
    replica.pause()
    with ThreadPoolExecutor(64) as pool:
        asked = []
        for number in range(64):
            asked.append(pool.submit(director.ask, replica, "--timeout", "50s"))
            wait_until(lambda: connections(replica) > number - 4, "the checks to connect")  # noqa: B023
        wait_until(lambda: connections(replica) == 64, "all checks to connect")
        replica.resume()
        answers = [one.result() for one in asked]
    assert {(answer.phase, answer.code, answer.first["code"]) for answer in answers} == {("held", 1, "held")}
    # one timer for all of them: there is a moment at which, by what each of them says, the hold is over
    begins = [answer.began + float(answer.reentry or 0) for answer in answers]
    ends = [answer.ended + float(answer.reentry or 0) for answer in answers]
    assert max(begins) <= min(ends) + 0.1
    assert director.moves(replica) == [("unknown", "up"), ("up", "held")]
    assert flaps(director, replica, tmp_path / "check.prom") == pytest.approx(1, abs=0.05)
