"""A replica of two sources: every channel must run, `--channel` says which must be there, the worst lag counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.lab.replication import channels
from tests.lab.topology import Topology
from tests.lab.waiting import wait_until
from tests.real.checking import Checker

SECOND = "Second"


@pytest.fixture
def check(topology: Topology) -> Checker:
    return Checker(topology)


@pytest.fixture
def two_sources(topology: Topology) -> Iterator[Topology]:
    """The first replica has a channel more, from the second replica."""
    topology.configure_replication(topology.replica, SECOND, topology.replicas[1])
    wait_until(lambda: topology.lag(topology.replica, SECOND) == 0, "the second channel")
    yield topology
    if any(channel.name for channel in channels(topology.replica)):
        topology.forget_replication(topology.replica, SECOND)


def name_of_second(topology: Topology) -> str:
    """MySQL keeps names in lower case, MariaDB as they were given."""
    return SECOND if topology.replica.flavor == "mariadb" else SECOND.lower()


@pytest.mark.parametrize(
    "asked",
    [[], ["--channel=default,second"], ["--channel=SECOND"], ["--channel=default", "--channel=Second"]],
    ids=" ".join,
)
def test_a_replica_whose_channels_all_run_serves(two_sources: Topology, check: Checker, asked: list[str]) -> None:
    ended = check.json(two_sources.replica, *asked)
    assert (ended.code, ended.codes) == (0, [])
    facts = {channel["name"]: channel["source"] for channel in ended.json["facts"]["channels"]}
    assert facts == {
        "": f"127.0.0.1:{two_sources.source.port}",
        name_of_second(two_sources): f"127.0.0.1:{two_sources.replicas[1].port}",
    }


def test_a_replica_whose_second_sql_thread_is_stopped_fails(two_sources: Topology, check: Checker) -> None:
    two_sources.stop_sql_thread(two_sources.replica, SECOND)
    ended = check.json(two_sources.replica, "--channel=default")  # asked for or not, it counts
    assert (ended.code, ended.codes) == (1, ["sql_stopped"])
    assert f"channel {name_of_second(two_sources)!r}" in ended.json["reasons"][0]["text"]


def test_a_channel_that_was_taken_away_is_missing_where_it_was_asked_for(two_sources: Topology, check: Checker) -> None:
    two_sources.forget_replication(two_sources.replica, SECOND)
    assert check(two_sources.replica).code == 0
    ended = check.json(two_sources.replica, "--channel=default,second", "--weight=100")
    assert (ended.code, ended.codes) == (1, ["channel_missing"])
    (reason,) = ended.json["reasons"]
    assert reason["text"] == "channel 'second' not configured; there is default"
    assert (reason["observed"], reason["limit"], reason["bars_entry"]) == ("default", "default,second", True)


def test_the_default_channel_is_missing_where_all_others_have_names(two_sources: Topology, check: Checker) -> None:
    two_sources.forget_replication(two_sources.replica)
    assert check(two_sources.replica, "--channel=second").code == 0
    ended = check.json(two_sources.replica, "--channel=default")
    assert (ended.code, ended.codes) == (1, ["channel_missing"])


def test_the_channel_that_is_furthest_behind_tells_the_lag(
    two_sources: Topology, check: Checker, tmp_path: Path
) -> None:
    replica, second = two_sources.replica, name_of_second(two_sources)
    file = tmp_path / "check.prom"
    try:
        with two_sources.make_lag(replica, seconds=90, channel=SECOND, source=two_sources.replicas[1]):
            ended = check.json(replica, "--weight=100", f"--textfile={file}")
            assert (ended.code, ended.codes) == (2, ["lag"])
            lags = {channel["name"]: channel["lag"] for channel in ended.json["facts"]["channels"]}
            assert lags[""] == 0
            assert 90 <= lags[second] == ended.json["facts"]["lag"]
            exported = {
                sample.labels["channel"]: sample.value
                for family in text_string_to_metric_families(file.read_text())
                for sample in family.samples
                if sample.name == "mysqlcheck_channel_lag_seconds"
            }
            assert exported == {"": 0, second.lower(): lags[second]}
    finally:
        for each in two_sources.replicas:
            two_sources.rebuild(each)
