"""Version by version: what a server is asked, what the account needs for it, and what becomes of its answers.

MariaDB 10.11, 11.8 and MySQL 9.7 are recorded (test_recorded.py) and run in tests/real. The answers of the others are
in rows/versions, written from their sources and manuals; docs/reference/versions.md says the same to people.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mysqlcheck.checks import channels, probes
from mysqlcheck.checks.channels import Channels
from mysqlcheck.checks.gtid import Gtids
from mysqlcheck.checks.incarnation import Incarnation
from mysqlcheck.checks.offline_mode import OfflineMode
from mysqlcheck.checks.read_only import ReadOnly
from mysqlcheck.checks.source import is_uuid
from mysqlcheck.checks.wsrep import Wsrep
from mysqlcheck.memory import remember
from mysqlcheck.model import Memory, ServerVersion, Severity, Table
from mysqlcheck.options import Settings
from tests.core.builders import against, lag_on_record, of_code, recorded, verdict
from tests.core.rows import PROVIDERS
from tests.core.rows.versions import VERSIONS, Written, load

FAIL, DRAIN, NOTE = Severity.FAIL, Severity.DRAIN, Severity.NOTE
MANUALS = {
    "mysql": "https://dev.mysql.com/doc/refman/{series}/en/",
    "mariadb": "https://mariadb.com/kb/en/",
}


@pytest.fixture(scope="module", params=VERSIONS)
def version(request: pytest.FixtureRequest) -> Written:
    return load(request.param)


def test_these_versions_are_written() -> None:
    assert {name: load(name).server[:2] for name in VERSIONS} == {
        "mysql-5.7": ("mysql", (5, 7, 44)),
        "percona-5.7": ("mysql", (5, 7, 44)),
        "mysql-8.0.21": ("mysql", (8, 0, 21)),
        "mysql-8.0.36": ("mysql", (8, 0, 36)),
        "percona-8.0": ("mysql", (8, 0, 36)),
        "mysql-8.4": ("mysql", (8, 4, 5)),
        "mariadb-10.5": ("mariadb", (10, 5, 27)),
        "mariadb-10.6": ("mariadb", (10, 6, 20)),
        "mariadb-11.4": ("mariadb", (11, 4, 5)),
    }


def test_each_says_where_it_is_from(version: Written) -> None:
    assert version.origin
    assert all("https://" in origin for origin in version.origin)


def test_the_reference_page_names_every_version_that_is_recorded_or_written() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/versions.md").read_text(encoding="utf-8")
    assert [name for name in (*PROVIDERS, *VERSIONS) if f"`{name}`" not in page] == []


# what is asked


@pytest.mark.parametrize(
    ("text", "asked", "privilege"),
    [
        ("5.7.44-log", "SHOW SLAVE STATUS", "REPLICATION CLIENT"),
        ("5.7.44-48-log", "SHOW SLAVE STATUS", "REPLICATION CLIENT"),
        ("8.0.21", "SHOW SLAVE STATUS", "REPLICATION CLIENT"),
        ("8.0.22", "SHOW REPLICA STATUS", "REPLICATION CLIENT"),
        ("8.0.36-28", "SHOW REPLICA STATUS", "REPLICATION CLIENT"),
        ("8.4.5", "SHOW REPLICA STATUS", "REPLICATION CLIENT"),
        ("9.7.4-2", "SHOW REPLICA STATUS", "REPLICATION CLIENT"),
        ("5.5.5-10.4.34-MariaDB", "SHOW ALL SLAVES STATUS", "REPLICATION CLIENT"),
        ("5.5.5-10.5.1-MariaDB", "SHOW ALL SLAVES STATUS", "REPLICATION CLIENT"),
        ("5.5.5-10.5.2-MariaDB", "SHOW ALL SLAVES STATUS", "REPLICATION SLAVE ADMIN"),
        ("5.5.5-10.5.8-MariaDB", "SHOW ALL SLAVES STATUS", "REPLICATION SLAVE ADMIN"),
        ("5.5.5-10.5.9-MariaDB", "SHOW ALL SLAVES STATUS", "REPLICA MONITOR"),
        ("5.5.5-10.6.20-MariaDB-log", "SHOW ALL SLAVES STATUS", "REPLICA MONITOR"),
        ("11.4.5-MariaDB-ubu2404-log", "SHOW ALL SLAVES STATUS", "REPLICA MONITOR"),
        ("12.1.2-MariaDB", "SHOW ALL SLAVES STATUS", "REPLICA MONITOR"),
    ],
)
def test_what_a_version_is_asked_for_its_channels_and_the_privilege_for_it(
    text: str, asked: str, privilege: str
) -> None:
    server = ServerVersion.parse(text)
    assert (channels.query(server), channels.privilege(server)) == (asked, privilege)


def test_every_variable_that_is_asked_for_is_in_the_manual_of_the_version(version: Written) -> None:
    """One that a version does not know would fail the whole query, and so every check."""
    server = version.server
    settings = Settings.of(host="192.168.1.201", gtid_check="entry")
    asked = probes(settings)[0].query(server)
    assert set(version.answer("healthy", asked).columns) >= {"identity", "now", "read_only", "log_bin"}
    for name, url in version.documented.items():
        assert f"@@global.{name} " in asked
        assert url.startswith(MANUALS[server.flavor].format(series=f"{server.number[0]}.{server.number[1]}"))
        assert url.endswith((f"#{name}", f"#sysvar_{name}"))


# what becomes of the answers


def test_a_healthy_replica_is_one(version: Written) -> None:
    seen = recorded(version, "healthy", gtid_check="entry")
    assert against(verdict(seen)) == []
    facts = seen.fact(Channels)
    assert facts is not None
    (channel,) = facts.channels
    assert (channel.name, channel.source) == ("", "192.168.1.200:3306")
    assert (channel.io_state, channel.io_errno, channel.sql_running, channel.sql_errno) == ("Yes", 0, True, 0)
    assert (channel.lag, channel.filters) == (0, "")
    assert seen.fact(Wsrep) is None


def test_mysql_knows_the_uuid_of_its_source_and_mariadb_does_not(version: Written) -> None:
    facts = recorded(version, "healthy").fact(Channels)
    assert facts is not None
    assert is_uuid(facts.channels[0].source_uuid) == (not version.server.mariadb)


def test_mysql_has_super_read_only_and_offline_mode_and_mariadb_has_not(version: Written) -> None:
    seen = recorded(version, "healthy")
    assert seen.fact(ReadOnly) == ReadOnly(on=True, admins=None if version.server.mariadb else True)
    assert seen.fact(OfflineMode) == (None if version.server.mariadb else OfflineMode(on=False))
    assert against(verdict(seen, super_read_only=True)) == (["writable"] if version.server.mariadb else [])


def test_the_incarnation_is_a_server_uuid_on_mysql_and_a_server_id_on_mariadb(version: Written) -> None:
    fact = recorded(version, "healthy").fact(Incarnation)
    assert fact is not None
    assert fact.identity == version.variables["server_id" if version.server.mariadb else "server_uuid"]
    assert (fact.started, fact.uptime) == (1795778962 - 864000, 864000)


def test_transactions_are_known_by_their_gtids(version: Written) -> None:
    fact = recorded(version, "healthy", gtid_check="entry").fact(Gtids)
    assert fact is not None
    assert fact.kept
    assert [ranges for _, ranges in fact.executed] == [((1, 118),)]


@pytest.mark.parametrize(
    ("situation", "codes", "severity"),
    [
        ("SQL thread met a duplicate key", ["sql_stopped"], FAIL),
        ("lag of 95 s", ["lag"], DRAIN),
        ("lag is NULL while both threads run", ["lag_unknown"], DRAIN),
        ("source lost", ["source_lost"], NOTE),
        ("two channels", [], Severity.OK),
        ("filters", [], Severity.OK),
        ("not a replica", ["not_a_replica"], FAIL),
    ],
)
def test_a_situation_gets_its_reasons(version: Written, situation: str, codes: list[str], severity: Severity) -> None:
    judged = verdict(recorded(version, situation))
    assert (against(judged), judged.severity) == (codes, severity)


def test_a_broken_sql_thread_is_told_in_the_version_s_own_words(version: Written) -> None:
    text = of_code(verdict(recorded(version, "SQL thread met a duplicate key")), "sql_stopped").text
    parallel = version.server.number >= (8, 0) and not version.server.mariadb
    assert text.startswith("SQL thread stopped (from 192.168.1.200:3306): error 1062: ")
    assert ("Coordinator stopped" if parallel else "Duplicate entry '42'") in text


def test_a_lost_source_serves_on_until_its_data_are_too_old(version: Written) -> None:
    seen = recorded(version, "source lost")
    reason = of_code(verdict(seen, lag_on_record(2, ago=600)), "source_lost")
    assert (reason.severity, reason.observed) == (NOTE, 602)
    assert "error 2003: error connecting to " in reason.text.replace("Error connecting", "error connecting")
    assert of_code(verdict(seen, lag_on_record(2, ago=3599)), "source_lost").severity is DRAIN


def test_every_channel_counts_by_its_name(version: Written) -> None:
    facts = recorded(version, "two channels").fact(Channels)
    assert facts is not None
    assert [(channel.name, channel.source) for channel in facts.channels] == [
        ("", "192.168.1.200:3306"),
        ("reports", "192.168.1.210:3306"),
    ]


def test_whatever_filters_a_version_has_are_told(version: Written) -> None:
    facts = recorded(version, "filters").fact(Channels)
    assert facts is not None
    rewrites = ", Replicate_Rewrite_DB=(shop,store)" if not version.server.mariadb else ""
    expected = f"Replicate_Ignore_DB=scratch, Replicate_Wild_Do_Table=shop.%{rewrites}"
    assert facts.channels[0].filters == expected


def test_the_order_of_the_columns_means_nothing(version: Written) -> None:
    """MariaDB says so itself: https://mariadb.com/kb/en/show-replica-status/."""
    answer = version.answer("SQL thread met a duplicate key", version.asked)
    turned = channels.parse(Table(tuple(reversed(answer.columns)), answer.rows))
    assert turned.channels == channels.parse(answer).channels


def test_a_replica_that_never_met_its_source_does_not_come_in(version: Written) -> None:
    """MySQL says a lag of 0 then, in the state Connecting, and MariaDB NULL in the state Preparing: neither counts."""
    seen = recorded(version, "before the first connection")
    facts = seen.fact(Channels)
    assert facts is not None
    said = [(channel.io_state, channel.lag, channel.source_uuid) for channel in facts.channels]
    assert said == [("Preparing", None, "") if version.server.mariadb else ("Connecting", 0, "")]
    judged = verdict(seen, remember(Memory(), seen, Settings.of(host="192.168.1.201")))
    assert against(judged) == ["source_lost"]
    assert of_code(judged, "source_lost").bars_entry


# version strings


@pytest.mark.parametrize(
    ("text", "flavor", "number"),
    [
        ("5.7.44-48-log", "mysql", (5, 7, 44)),  # Percona Server
        ("8.0.36-28", "mysql", (8, 0, 36)),
        ("8.0.36-28.1", "mysql", (8, 0, 36)),  # Percona XtraDB Cluster
        ("8.4.3-3", "mysql", (8, 4, 3)),
        ("5.7.42-0ubuntu0.18.04.1-log", "mysql", (5, 7, 42)),
        ("8.0.36-0ubuntu0.22.04.1", "mysql", (8, 0, 36)),
        ("8.0.36-cluster", "mysql", (8, 0, 36)),
        ("8.0.32-24-debug", "mysql", (8, 0, 32)),
        ("5.5.5-10.5.27-MariaDB-1:10.5.27+maria~ubu2004-log", "mariadb", (10, 5, 27)),
        ("5.5.5-10.6.20-MariaDB-log", "mariadb", (10, 6, 20)),
        ("5.5.5-10.6.16-11-MariaDB-enterprise-log", "mariadb", (10, 6, 16)),
        ("10.11.6-MariaDB-0+deb12u1", "mariadb", (10, 11, 6)),  # as VERSION() has it
        ("11.4.5-MariaDB-ubu2404-log", "mariadb", (11, 4, 5)),
        ("11.8.2-MariaDB-ubu2404", "mariadb", (11, 8, 2)),
    ],
)
def test_a_fork_s_version_is_read_from_its_string(text: str, flavor: str, number: tuple[int, ...]) -> None:
    assert ServerVersion.parse(text)[:2] == (flavor, number)
