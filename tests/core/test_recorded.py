"""Rows of real servers → parse → rules → reasons: what each kind of server said, and what we make of it.

The rows are in rows/*.json, word for word; rows/record.py made them.
"""

from __future__ import annotations

import pytest

from mysqlcheck.checks import CODES
from mysqlcheck.checks.channels import Channels, parse, query
from mysqlcheck.checks.read_only import ReadOnly
from mysqlcheck.checks.source import is_uuid
from mysqlcheck.model import ServerVersion, Severity, Table
from tests.core.builders import against, lag_on_record, observation, of_code, recorded, verdict
from tests.core.rows import PROVIDERS, Recording, load

FAIL, DRAIN, NOTE = Severity.FAIL, Severity.DRAIN, Severity.NOTE

# situation: the reasons against the server in this order, and how severe the first of them is
TABLE: dict[str, tuple[list[str], Severity]] = {
    "healthy": ([], Severity.OK),
    "writable": (["writable"], FAIL),
    "IO thread stopped by hand": (["io_stopped"], FAIL),
    "SQL thread stopped by hand": (["sql_stopped"], FAIL),
    "both threads stopped by hand": (["io_stopped", "sql_stopped"], FAIL),
    "SQL thread met a duplicate key": (["sql_stopped"], FAIL),
    "lag of 120 s": (["lag"], DRAIN),
    "source lost": (["source_lost"], NOTE),
    "source lost and retries used up": (["source_lost"], NOTE),
    "source has an unknown name": (["source_lost"], NOTE),
    "source has too many connections": (["source_lost"], NOTE),
    "source refuses the password": (["io_stopped"], FAIL),
    "source has locked the account": (["io_stopped"], FAIL),
    "source has no longer the binary log": (["io_stopped"], FAIL),
    "not a replica": (["not_a_replica"], FAIL),
    "two channels": ([], Severity.OK),
    "two channels, one SQL thread stopped": (["sql_stopped"], FAIL),
}
# MySQL goes on reporting the lag of what it has fetched, and it is over max_lag; MariaDB says NULL at once.
DIFFERENT: dict[tuple[str, str], tuple[list[str], Severity]] = {
    ("mysql", "source lost while 120 s behind"): (["lag", "source_lost"], DRAIN),
    ("mariadb", "source lost while 120 s behind"): (["source_lost"], NOTE),
}


@pytest.fixture(scope="module", params=PROVIDERS)
def recording(request: pytest.FixtureRequest) -> Recording:
    return load(request.param)


def test_all_three_kinds_of_server_are_recorded() -> None:
    assert set(PROVIDERS) == {"mariadb-10.11", "mariadb-11.8", "mysql-9.7"}


@pytest.mark.parametrize("situation", [*TABLE, "source lost while 120 s behind"])
def test_a_real_server_gets_the_reasons_of_its_situation(recording: Recording, situation: str) -> None:
    codes, severity = DIFFERENT.get((recording.server.flavor, situation)) or TABLE[situation]
    judged = verdict(recorded(recording, situation))
    assert against(judged) == codes
    assert judged.severity == severity


def test_every_situation_that_was_recorded_is_judged(recording: Recording) -> None:
    assert set(recording.answers) == {*TABLE, "source lost while 120 s behind"}


def test_the_recorded_servers_are_the_ones_they_should_be() -> None:
    assert {provider: load(provider).server[:2] for provider in PROVIDERS} == {
        "mariadb-10.11": ("mariadb", (10, 11, 18)),
        "mariadb-11.8": ("mariadb", (11, 8, 9)),
        "mysql-9.7": ("mysql", (9, 7, 4)),
    }


def test_a_broken_sql_thread_is_reported_with_the_server_s_own_error(recording: Recording) -> None:
    reason = of_code(verdict(recorded(recording, "SQL thread met a duplicate key")), "sql_stopped")
    assert "error 1062: " in reason.text
    assert (reason.observed, reason.limit, reason.bars_entry) == ("No", "Yes", True)


def test_a_refused_io_thread_is_reported_with_the_server_s_own_error(recording: Recording) -> None:
    reason = of_code(verdict(recorded(recording, "source refuses the password")), "io_stopped")
    assert "error 1045: " in reason.text
    assert "Access denied for user 'replicator'@'127.0.0.1'" in reason.text
    assert (reason.observed, reason.limit, reason.bars_entry) == ("Connecting", "Yes", True)


def test_a_thread_that_was_stopped_by_hand_has_no_error_to_report(recording: Recording) -> None:
    assert "error" not in of_code(verdict(recorded(recording, "IO thread stopped by hand")), "io_stopped").text
    assert "error" not in of_code(verdict(recorded(recording, "SQL thread stopped by hand")), "sql_stopped").text


def test_a_lost_source_is_reported_with_its_address_and_error(recording: Recording) -> None:
    text = of_code(verdict(recorded(recording, "source lost")), "source_lost").text
    assert "from 127.0.0.1:" in text
    assert "error 2003: " in text


def test_null_lag_of_a_lost_source_is_no_lag_unknown(recording: Recording) -> None:
    seen = recorded(recording, "source lost")
    facts = seen.fact(Channels)
    assert facts is not None
    assert facts.channels[0].lag is None
    assert "lag_unknown" not in against(verdict(seen))


def test_the_broken_one_of_two_channels_is_named(recording: Recording) -> None:
    reason = of_code(verdict(recorded(recording, "two channels, one SQL thread stopped")), "sql_stopped")
    assert "channel 'second'" in reason.text


def test_channels_are_asked_for_by_the_names_that_the_server_gives_them(recording: Recording) -> None:
    seen = recorded(recording, "two channels")
    assert against(verdict(seen, channel=("", "Second"))) == []
    reason = of_code(verdict(seen, channel=("second", "third")), "channel_missing")
    assert reason.text == "channel 'third' not configured; there is default, 'second'"


def test_the_lag_is_the_server_s_own_number(recording: Recording) -> None:
    reason = of_code(verdict(recorded(recording, "lag of 120 s")), "lag")
    assert reason.observed in {120, 121, 122}
    assert reason.limit == 60.0


def test_a_replica_that_lost_its_source_serves_on_while_its_data_is_young(recording: Recording) -> None:
    memory = lag_on_record(0.0, 600)
    judged = verdict(recorded(recording, "source lost and retries used up"), memory)
    assert judged.severity is NOTE
    assert of_code(judged, "source_lost").observed == 600.0


def test_a_source_is_not_asked_for_its_channels_and_may_be_written_to(recording: Recording) -> None:
    judged = verdict(recorded(recording, "writable", role="source"), role="source")
    assert against(judged) == []
    assert of_code(judged, "read_only").observed == "OFF"


def test_a_source_that_is_read_only_fails(recording: Recording) -> None:
    judged = verdict(recorded(recording, "healthy", role="source"), role="source")
    assert against(judged) == ["read_only"]


def test_a_server_of_any_role_may_be_no_replica_and_may_be_written_to(recording: Recording) -> None:
    assert against(verdict(recorded(recording, "not a replica", role="any"), role="any")) == []
    assert against(verdict(recorded(recording, "writable", role="any"), role="any")) == []


def test_a_server_of_any_role_that_replicates_is_judged_for_it(recording: Recording) -> None:
    assert against(verdict(recorded(recording, "SQL thread met a duplicate key", role="any"), role="any")) == [
        "sql_stopped"
    ]


def test_only_mysql_tells_its_source_s_server_uuid(recording: Recording) -> None:
    facts = recorded(recording, "healthy").fact(Channels)
    assert facts is not None
    assert is_uuid(facts.channels[0].source_uuid) == (recording.server.flavor == "mysql")


ON_DEMAND = ("errant_gtid", "heartbeat_stale", "checksum_diff", "connections_saturated", "threads_running")
"""Codes of what nobody looks at unless a setting says so."""


def test_every_rule_speaks_of_a_healthy_replica_except_the_source_s(recording: Recording) -> None:
    judged = verdict(recorded(recording, "healthy"), channel=("",))
    silent = {"read_only", "wsrep", "group_member", *ON_DEMAND}
    silent |= {"offline_mode"} if recording.server.mariadb else set()
    assert [reason.code for reason in judged.reasons] == [code for code in CODES if code not in silent]
    assert judged.share == 1.0


def in_old_words(recording: Recording, situation: str) -> Table:
    """What MySQL 9.7 said, in the column names of SHOW SLAVE STATUS before 8.4. Renamed, not recorded."""
    table = recording.answer(situation, query(recording.server))
    names = {
        name: name.replace("Replica_", "Slave_").replace("Source_", "Master_").replace("_Source", "_Master")
        for name in table.columns
    }
    return Table(tuple(names.values()), [{names[name]: value for name, value in row.items()} for row in table.rows])


@pytest.mark.parametrize("situation", TABLE)
def test_mysql_s_old_column_names_mean_the_same(situation: str) -> None:
    recording = load("mysql-9.7")
    table = in_old_words(recording, situation)
    assert "Seconds_Behind_Master" in table.columns
    assert "Slave_IO_Running" in table.columns
    assert parse(table) == parse(recording.answer(situation, query(recording.server)))


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("5.7.44-log", "SHOW SLAVE STATUS"),
        ("8.0.21", "SHOW SLAVE STATUS"),
        ("8.0.22", "SHOW REPLICA STATUS"),
        ("8.0.36-28", "SHOW REPLICA STATUS"),
        ("8.4.5", "SHOW REPLICA STATUS"),
        ("9.7.4", "SHOW REPLICA STATUS"),
        ("10.0.1", "SHOW REPLICA STATUS"),
        ("5.5.5-10.4.34-MariaDB", "SHOW ALL SLAVES STATUS"),
        ("11.8.6-MariaDB", "SHOW ALL SLAVES STATUS"),
    ],
)
def test_each_version_is_asked_in_the_words_that_it_knows(version: str, words: str) -> None:
    assert query(ServerVersion.parse(version)) == words


def test_read_only_is_read_from_all_of_them(recording: Recording) -> None:
    said = [recorded(recording, situation).fact(ReadOnly) for situation in ("healthy", "writable")]
    admins = None if recording.server.mariadb else False  # who has no super_read_only
    assert said == [ReadOnly(True, admins), ReadOnly(False, admins)]


# MySQL 9.7.4 with a full disk under its relay log: all other columns were those of a healthy replica.


@pytest.mark.parametrize("words", ["Waiting for disk space", "Waiting for someone to free space"])
@pytest.mark.parametrize(("thread", "column"), [("IO", "Replica_IO_State"), ("SQL", "Replica_SQL_Running_State")])
def test_a_thread_that_waits_for_disk_space_fails_although_it_runs(words: str, thread: str, column: str) -> None:
    recording = load("mysql-9.7")
    table = recording.answer("healthy", query(recording.server))
    full = table._replace(rows=[{**row, column: words} for row in table.rows])
    assert parse(table).channels[0].waits_for_disk == ""
    assert parse(full).channels[0].waits_for_disk == thread
    assert against(verdict(observation(*parse(full).channels))) == ["disk_full"]


def test_a_relay_log_at_its_limit_is_no_full_disk() -> None:
    recording = load("mysql-9.7")
    table = recording.answer("healthy", query(recording.server))
    words = "Waiting for the replica SQL thread to free relay log space"
    full = table._replace(rows=[{**row, "Replica_IO_State": words} for row in table.rows])
    assert parse(full).channels[0].waits_for_disk == ""
