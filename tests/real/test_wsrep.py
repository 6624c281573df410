"""A real Galera cluster in the states that matter; MariaDB 10.11 with Debian's galera-4."""

from __future__ import annotations

from collections.abc import Iterator

import pymysql
import pytest

from tests.lab.galera import NO_TRANSFER, Cluster, Node
from tests.lab.waiting import wait_until
from tests.real.checking import Checker

pytestmark = pytest.mark.xdist_group("galera")


@pytest.fixture(scope="module")
def running() -> Iterator[Cluster]:
    missing = Node.missing()
    if missing:
        pytest.skip(missing)
    with Cluster() as cluster:
        yield cluster


@pytest.fixture
def cluster(running: Cluster) -> Iterator[Cluster]:
    """Both nodes synced, before the test and after it."""
    yield running
    node = running.nodes[1]
    for name, value in {"wsrep_desync": "OFF", "wsrep_reject_queries": "NONE", "read_only": "OFF"}.items():
        node.sql(f"SET GLOBAL {name} = {value}")
    node.wait_until_synced()


@pytest.fixture
def check(cluster: Cluster) -> Checker:
    return Checker(cluster)


def test_a_synced_node_serves_as_any(cluster: Cluster, check: Checker) -> None:
    for node in cluster.nodes:
        assert check(node, "--role", "any", "--weight", "100").code == 102
    assert check(cluster.nodes[0], "--role", "source").code == 0


def test_a_node_that_takes_writes_is_no_replica_and_the_text_says_what_to_do(cluster: Cluster, check: Checker) -> None:
    ended = check.json(cluster.nodes[1])
    assert (ended.code, ended.codes) == (1, ["writable"])
    assert ended.json["reasons"][0]["text"].endswith("as a member of a Galera cluster, check it with --role any")


def test_a_read_only_node_is_as_good_as_a_replica(cluster: Cluster, check: Checker) -> None:
    cluster.nodes[1].sql("SET GLOBAL read_only = ON")
    assert check(cluster.nodes[1], "--weight", "100").code == 102


def test_a_desynchronised_node_drains(cluster: Cluster, check: Checker) -> None:
    cluster.nodes[1].sql("SET GLOBAL wsrep_desync = ON")
    ended = check.json(cluster.nodes[1], "--role", "any", "--weight", "100")
    assert (ended.code, ended.codes, ended.json["decision"]) == (2, ["wsrep"], "drain")
    assert ended.json["reasons"][0]["observed"] == "Donor/Desynced"
    assert check(cluster.nodes[0], "--role", "any").code == 0


def test_a_node_that_rejects_queries_fails(cluster: Cluster, check: Checker) -> None:
    """It goes on answering what reads no table, and so the check."""
    cluster.nodes[1].sql("SET GLOBAL wsrep_reject_queries = ALL")
    ended = check.json(cluster.nodes[1], "--role", "any", "--weight", "100")
    assert (ended.code, ended.codes) == (1, ["wsrep"])
    assert ended.json["reasons"][0]["text"].endswith("wsrep_reject_queries is ALL")


def test_a_node_that_waits_for_its_state_fails() -> None:
    """It asks for what it lacks, and the transfer that is called skip sends nothing: it waits for ever."""
    with (
        Cluster() as cluster,
        Node("joining", cluster.folder, ["--server-id=3"], cluster.address, NO_TRANSFER) as joining,
    ):
        with joining.connect() as connection, connection.cursor() as cursor:
            for statement in ("SET SESSION wsrep_on = OFF", *cluster.monitor.statements()):
                cursor.execute(statement)
        ended = Checker(cluster).json(joining, "--role", "any")
        assert (ended.code, ended.codes) == (1, ["wsrep"])
        assert ended.json["reasons"][0]["observed"] == "Joining"


def test_a_node_without_a_majority_fails_although_it_answers() -> None:
    with Cluster() as cluster:
        first, second = cluster.nodes
        first.kill()
        wait_until(lambda: second.wsrep("cluster_status") != "Primary", "the second node to miss the first")
        with pytest.raises(pymysql.err.OperationalError, match="WSREP has not yet prepared node"):
            second.sql("SELECT COUNT(*) FROM mysql.user")
        ended = Checker(cluster).json(second, "--role", "any", "--weight", "100")
        assert (ended.code, ended.codes) == (1, ["wsrep"])
        assert ended.json["reasons"][0]["observed"] == "non-Primary"
