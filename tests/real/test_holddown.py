"""Hold-down on real servers: a database that came back is seen, held, and let in by degrees."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from tests.command import mysqlcheck
from tests.lab.server import Server
from tests.lab.topology import Topology
from tests.lab.waiting import wait_until
from tests.real.checking import Answer, Director, is_up, phases, wait_for_another_second, where

HOLD, RAMP = 2.0, 2.0
SHORT = ("--hold-down", f"{HOLD:g}s", "--recover-after", "1s", "--ramp", f"{RAMP:g}s")
LONG = ("--hold-down", "60s", "--recover-after", "10s")  # long enough not to end within a test
WHOLE = 60.0


def kill_and_start(topology: Topology, replica: Server) -> None:
    """It replicates again before anybody looks."""
    wait_for_another_second(replica)
    replica.kill()
    start(topology, replica)


def start(topology: Topology, replica: Server) -> None:
    replica.start()
    wait_until(lambda: topology.runs(replica), "replication to run again")
    topology.wait_until_caught_up(replica)


def assert_held(answer: Answer, why: str) -> None:
    assert (answer.phase, answer.code, answer.weight) == ("held", 1, 0)
    assert answer.first["code"] == "held"
    assert answer.first["text"].startswith(why)


RESTARTED, UNKNOWN = "it restarted; serves in ", "no record of it, and its Uptime is below trust_uptime 10m; serves in "


def test_a_restart_between_two_checks_is_held_then_ramps_then_serves(topology: Topology, tmp_path: Path) -> None:
    director = Director(topology, tmp_path / "state", *SHORT)
    before = director.ask(topology.replica)
    assert (before.phase, before.code) == ("up", 102)
    kill_and_start(topology, topology.replica)
    answers = director.watch(topology.replica, is_up)
    assert_held(answers[0], RESTARTED)
    assert answers[0].reentry == HOLD
    assert phases(answers) == ["held", "ramping", "up"]
    let_in = next(answer for answer in answers if answer.phase == "ramping")
    assert let_in.ended - answers[0].began >= HOLD
    weights = [answer.weight or 0 for answer in answers if answer.phase != "held"]
    assert (weights[0], weights[-1]) == (10, 100)
    assert weights == sorted(weights)
    assert [answer.code for answer in answers if answer.phase != "held"] == [weight + 2 for weight in weights]
    assert answers[-1].ended - let_in.began >= RAMP


def test_a_restart_that_was_seen_as_down_counts_once(topology: Topology, tmp_path: Path) -> None:
    director = Director(topology, tmp_path / "state", *LONG)
    assert is_up(director.ask(topology.replica))
    wait_for_another_second(topology.replica)
    topology.replica.kill()
    down = director.ask(topology.replica)
    assert (down.phase, down.code, down.first["code"]) == ("down", 1, "unreachable")
    start(topology, topology.replica)
    back = director.ask(topology.replica)
    assert back.phase == "held"
    assert back.reentry == WHOLE  # neither the ten seconds of a mere recovery, nor doubled by the failure
    assert director.moves(topology.replica) == [("unknown", "up"), ("up", "down"), ("down", "held")]


def test_a_director_that_met_it_refusing_connections_holds_it_however_far_it_trusts_strangers(
    topology: Topology, tmp_path: Path
) -> None:
    """It has started under our eyes."""
    director = Director(topology, tmp_path / "state", *LONG)
    topology.replica.kill()
    assert director.ask(topology.replica).phase == "down"
    start(topology, topology.replica)
    back = director.ask(topology.replica)
    assert_held(back, RESTARTED)
    assert back.reentry == WHOLE


def test_a_clean_restart_is_held_as_well(topology: Topology, tmp_path: Path) -> None:
    director = Director(topology, tmp_path / "state", *LONG)
    assert is_up(director.ask(topology.replica))
    wait_for_another_second(topology.replica)
    topology.replica.stop()
    start(topology, topology.replica)
    back = director.ask(topology.replica)
    assert_held(back, RESTARTED)
    assert back.reentry == WHOLE


def test_each_restart_within_memory_doubles_the_hold_up_to_the_longest(topology: Topology, tmp_path: Path) -> None:
    director = Director(topology, tmp_path / "state", *LONG, "--hold-down-max", "3m")
    assert is_up(director.ask(topology.replica))
    holds = []
    for _ in range(3):
        kill_and_start(topology, topology.replica)
        holds.append(director.ask(topology.replica).reentry)
    # less than twice by what has been forgotten between the two: with a half-life of 15 minutes next to nothing
    assert holds == [WHOLE, pytest.approx(2 * WHOLE, rel=0.05), 180.0]


def test_a_held_server_does_not_get_in_because_its_record_is_lost(topology: Topology, tmp_path: Path) -> None:
    director = Director(topology, tmp_path / "state", *LONG)
    assert is_up(director.ask(topology.replica))
    kill_and_start(topology, topology.replica)
    assert_held(director.ask(topology.replica), RESTARTED)
    shutil.rmtree(tmp_path / "state")
    lost = director.ask(topology.replica, "--trust-uptime", "10m")
    assert_held(lost, UNKNOWN)
    assert lost.reentry == WHOLE
    second = Director(topology, tmp_path / "second", *LONG).ask(topology.replica, "--trust-uptime", "10m")
    assert_held(second, UNKNOWN)
    assert second.reentry == WHOLE


def test_two_directors_let_it_in_within_one_check_of_each_other(topology: Topology, tmp_path: Path) -> None:
    """They know nothing of one another: each has seen the same restart, and has the same rhythm."""
    directors = [Director(topology, tmp_path / name, *SHORT) for name in ("one", "two")]
    assert all(is_up(director.ask(topology.replica)) for director in directors)
    kill_and_start(topology, topology.replica)
    rounds = [[director.ask(topology.replica) for director in directors]]
    while any(answer.phase == "held" for answer in rounds[-1]):
        rounds.append([director.ask(topology.replica) for director in directors])
        assert rounds[-1][0].ended < rounds[0][0].began + 30
    let_in = []
    for director in directors:
        events = [event for event in director.history(topology.replica) if event["before"] != "unknown"]
        assert [(event["before"], event["after"]) for event in events[:2]] == [("up", "held"), ("held", "ramping")]
        assert events[1]["at"] - events[0]["at"] >= HOLD - 0.05
        let_in.append(events[1]["at"])
    # from one look at it to the same director's next one
    longest = max(after[1].ended - before[0].began for before, after in pairwise(rounds))
    assert abs(let_in[0] - let_in[1]) <= longest


def test_a_replica_built_anew_is_another_server(topology: Topology, tmp_path: Path) -> None:
    """The port is the same, the data is not: no matter how it says it has been running."""
    director, replica = Director(topology, tmp_path / "state", *LONG), topology.replica
    assert is_up(director.ask(replica))
    mysql = replica.flavor == "mysql"
    name = "server_uuid" if mysql else "server_id"
    identity = replica.sql(f"SELECT @@global.{name} AS identity")[0]["identity"]
    if mysql:
        wait_for_another_second(replica)
        replica.stop()
        (replica.datadir / "auto.cnf").unlink()
        start(topology, replica)
    else:
        replica.sql("SET GLOBAL server_id = 4711")  # MariaDB has no server_uuid, and this needs no restart
    try:
        assert replica.sql(f"SELECT @@global.{name} AS identity")[0]["identity"] != identity
        back = director.ask(replica)
        assert_held(back, RESTARTED)
        assert back.reentry == WHOLE
    finally:
        if not mysql:
            replica.sql(f"SET GLOBAL server_id = {identity}")


def test_a_source_that_restarted_is_held_until_it_is_released_by_hand(topology: Topology, tmp_path: Path) -> None:
    director = Director(topology, tmp_path / "state", *SHORT, "--role", "source", "--hold-down", "1s", "--ramp", "0")
    assert is_up(director.ask(topology.source))
    wait_for_another_second(topology.source)
    topology.source.kill()
    topology.source.start()
    held = director.ask(topology.source)
    assert_held(held, "it restarted; serves after `mysqlcheck release`")
    assert held.reentry == "manual"
    later = director.watch(topology.source, lambda answer: answer.began > held.ended + 1)
    assert phases(later) == ["held"]
    released = mysqlcheck("release", *where(topology.source), "--state-dir", str(tmp_path / "state"))
    assert released.code == 0, released.err
    assert is_up(director.ask(topology.source))
    kinds = [event["kind"] for event in director.history(topology.source)]
    assert kinds == ["transition", "transition", "release", "transition"]
