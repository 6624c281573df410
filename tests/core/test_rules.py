"""Every rule as a table: what was seen → code, severity, bars_entry, observed, limit."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysqlcheck.checks import CODES, connection, judge, lag
from mysqlcheck.checks.channels import IO_STATES, Channel
from mysqlcheck.checks.checksums import Checksums
from mysqlcheck.checks.group import GroupMember
from mysqlcheck.checks.gtid import Compared, GtidSet
from mysqlcheck.checks.heartbeat import Beat, Beats
from mysqlcheck.checks.load import Load
from mysqlcheck.checks.offline_mode import OfflineMode
from mysqlcheck.checks.read_only import ReadOnly
from mysqlcheck.checks.shared_hold import SharedHold
from mysqlcheck.checks.source import Sources
from mysqlcheck.checks.wsrep import RejectsQueries, Wsrep
from mysqlcheck.model import Filters, Memory, Observation, ServerVersion, Severity
from mysqlcheck.options import Settings
from tests.core.builders import (
    NOW,
    against,
    channel,
    lag_on_record,
    lost,
    met,
    observation,
    of_code,
    unreachable,
    verdict,
)

OK, NOTE, DRAIN, FAIL = Severity.OK, Severity.NOTE, Severity.DRAIN, Severity.FAIL
HOUR = 3600.0


class Row(NamedTuple):
    name: str
    seen: Observation
    code: str
    severity: Severity
    bars_entry: bool
    observed: Any
    limit: Any
    settings: dict[str, Any] = {}  # noqa: RUF012 - never changed
    memory: Memory = Memory()


def said(errno: int) -> Observation:
    return met(connection.said_no(errno, "its words", "mysqlcheck"))


HERE, THERE = "192.168.1.200:3306", "192.168.1.199:3306"
UUID = "8f2d7f0a-5f7b-11f0-9d52-0242ac110002"


def expect(*sources: str) -> dict[str, Any]:
    return {"expect_source": sources}


DO_A = "Replicate_Do_DB=a"
ERRANT: GtidSet = (("0-2", ((1, 7),)),)


def asked(missing: GtidSet, unknown: str = "") -> Observation:
    """A look after which the source was asked for its GTIDs."""
    return with_fact(Compared(missing, () if unknown else (HERE,), unknown))


CRASHED = SharedHold(error="error 1194: crashed")


def with_fact(fact: Any) -> Observation:
    """A look at a healthy replica with one fact more."""
    seen = observation(channel())
    return seen._replace(facts=(*seen.facts, fact))


ROWS = [
    Row("shared holds unreadable", with_fact(CRASHED), "shared_holds", NOTE, False, "error 1194: crashed", None),
    # connection
    Row("refused", met(connection.refused("refused")), "unreachable", FAIL, True, "refused", None),
    Row("silent", met(connection.out_of_time("connecting", 3.0)), "timeout", FAIL, True, "connecting", 3.0),
    Row("no MySQL", met(connection.not_mysql("an SSH server")), "protocol_error", FAIL, True, "an SSH server", None),
    Row("no TLS", met(connection.tls_failed("no TLS")), "tls_error", FAIL, True, "no TLS", None),
    Row("clear text", met(connection.withheld("no")), "credentials", FAIL, True, "password withheld", None),
    Row("wrong password", said(1045), "credentials", FAIL, True, 1045, None),
    Row("account locked on MySQL", said(3118), "credentials", FAIL, True, 3118, None),
    Row("account locked on MariaDB", said(4151), "credentials", FAIL, True, 4151, None),
    Row("account blocked on MariaDB", said(4150), "credentials", FAIL, True, 4150, None),
    Row("password expired", said(1862), "credentials", FAIL, True, 1862, None),
    Row("host not allowed", said(1130), "credentials", FAIL, True, 1130, None),
    Row("host blocked", said(1129), "host_blocked", FAIL, True, 1129, None),
    Row("too many connections", said(1040), "connections_exhausted", DRAIN, True, 1040, None),
    Row("max_user_connections", said(1203), "connections_exhausted", DRAIN, True, 1203, None),
    Row("resource limit", said(1226), "connections_exhausted", DRAIN, True, 1226, None),
    # threads
    Row("not configured", observation(), "not_a_replica", FAIL, True, "no channel", "replica"),
    Row("configured", observation(channel()), "not_a_replica", OK, False, "1 channel", "replica"),
    Row("twice", observation(channel(), channel(name="b")), "not_a_replica", OK, False, "2 channels", "replica"),
    Row("IO off", observation(channel(io_state="No", lag=None)), "io_stopped", FAIL, True, "No", "Yes"),
    Row("IO on", observation(channel()), "io_stopped", OK, False, "Yes", "Yes"),
    Row("IO denied", observation(lost(io_errno=1045)), "io_stopped", FAIL, True, "Connecting", "Yes"),
    Row("IO in vain", observation(lost()), "io_stopped", OK, False, "Connecting", "Yes"),
    Row("SQL off", observation(channel(sql_running=False, lag=None)), "sql_stopped", FAIL, True, "No", "Yes"),
    Row("SQL on", observation(channel()), "sql_stopped", OK, False, "Yes", "Yes"),
    # source_lost: without memory nobody knows how stale it is, so it serves on and nothing comes in
    Row("lost, no memory", observation(lost()), "source_lost", NOTE, True, None, HOUR),
    Row(
        "lost for a minute", observation(lost()), "source_lost", NOTE, False, 65.0, HOUR, memory=lag_on_record(5.0, 60)
    ),
    Row(
        "lost, just in time", observation(lost()), "source_lost", NOTE, False, HOUR, HOUR,
        memory=lag_on_record(0.0, HOUR),
    ),
    Row(
        "lost for too long", observation(lost()), "source_lost", DRAIN, True, 3600.1, HOUR,
        memory=lag_on_record(0.1, HOUR),
    ),
    Row(
        "lost with an old lag", observation(lost()), "source_lost", DRAIN, True, 3700.0, HOUR,
        memory=lag_on_record(3700.0, 0),
    ),
    Row(
        "lost before a reboot", observation(lost()), "source_lost", NOTE, True, None, HOUR,
        memory=lag_on_record(0.0, 60, boot="another boot"),
    ),
    Row(
        "lost, patience set", observation(lost()), "source_lost", DRAIN, True, 61.0, 60.0,
        settings={"max_staleness": 60.0}, memory=lag_on_record(1.0, 60),
    ),
    Row("not lost", observation(channel()), "source_lost", OK, False, "connected", HOUR),
    Row("preparing", observation(lost(io_state="Preparing", io_errno=0)), "source_lost", NOTE, True, None, HOUR),
    # wrong_source: all channels must be from one of the expected sources
    Row("any source", observation(channel()), "wrong_source", OK, False, HERE, None),
    Row("the source", observation(channel()), "wrong_source", OK, False, HERE, HERE, settings=expect(HERE)),
    Row("another host", observation(channel()), "wrong_source", FAIL, True, HERE, THERE, settings=expect(THERE)),
    Row(
        "another port", observation(channel()), "wrong_source", FAIL, True, HERE, "192.168.1.200:3307",
        settings=expect("192.168.1.200:3307"),
    ),
    Row(
        "one of two", observation(channel()), "wrong_source", OK, False, HERE, f"{THERE}, {HERE}",
        settings=expect(THERE, HERE),
    ),
    Row(
        "one channel of two", observation(channel(), channel(name="b", source=THERE)), "wrong_source", FAIL, True,
        THERE, HERE, settings=expect(HERE),
    ),
    Row("the uuid", observation(channel(source_uuid=UUID)), "wrong_source", OK, False, HERE, UUID, expect(UUID)),
    Row(
        "another uuid", observation(channel(source_uuid=UUID.replace("8", "9"))), "wrong_source", FAIL, True,
        HERE, UUID, expect(UUID),
    ),
    Row("no uuid", observation(channel()), "wrong_source", FAIL, True, HERE, UUID, expect(UUID)),
    # errant_gtid: test_gtid.py
    Row("errant", asked(missing=ERRANT), "errant_gtid", FAIL, True, "0-2-7", None, {"gtid_check": "always"}),
    Row("errant, at the door", asked(missing=ERRANT), "errant_gtid", NOTE, True, "0-2-7", None),
    Row("not errant", asked(missing=()), "errant_gtid", OK, False, None, None),
    Row("who knows", asked(missing=ERRANT, unknown="refused"), "errant_gtid", NOTE, False, None, None),
    # checksum_diff
    Row("differences", with_fact(Checksums(3, "a.b,a.c")), "checksum_diff", NOTE, True, 3, 0),
    Row("no difference", with_fact(Checksums(0, "")), "checksum_diff", OK, False, 0, 0),
    Row("no table", with_fact(Checksums(0, "", "denied")), "checksum_diff", NOTE, False, None, None),
    # filters_changed: test_filters.py
    Row("filters of old", observation(channel(filters=DO_A)), "filters_changed", OK, False, DO_A, None),
    Row(
        "other filters", observation(channel(filters=DO_A)), "filters_changed", NOTE, False, DO_A, "none",
        memory=Memory(filters=Filters(DO_A, "", NOW.plus(-60))),
    ),
    # lag: lag_ok 10 s, resume_lag 30 s, max_lag 60 s
    Row("no lag", observation(channel(lag=0)), "lag", OK, False, 0, 60.0),
    Row("lag is lag_ok", observation(channel(lag=10)), "lag", OK, False, 10, 60.0),
    Row("lag over lag_ok", observation(channel(lag=11)), "lag", NOTE, False, 11, 10.0),
    Row("lag is resume_lag", observation(channel(lag=30)), "lag", NOTE, False, 30, 10.0),
    Row("lag over resume_lag", observation(channel(lag=31)), "lag", NOTE, True, 31, 10.0),
    Row("lag is max_lag", observation(channel(lag=60)), "lag", NOTE, True, 60, 10.0),
    Row("lag over max_lag", observation(channel(lag=61)), "lag", DRAIN, True, 61, 60.0),
    Row("lag of 136 years", observation(channel(lag=2**32)), "lag", DRAIN, True, 2**32, 60.0),
    Row("max_lag set", observation(channel(lag=61)), "lag", NOTE, False, 61, 50.0, settings={"max_lag": 300.0}),
    Row("worst lag", observation(channel(lag=0), channel(name="b", lag=90)), "lag", DRAIN, True, 90, 60.0),
    Row("delayed on purpose", observation(channel(lag=3600, delay=3600)), "lag", DRAIN, True, 3600, 60.0),
    Row(
        "delayed, and that is fine", observation(channel(lag=3605, delay=3600)), "lag", OK, False, 5, 60.0,
        settings={"ignore_delay": True},
    ),
    Row(
        "idle and delayed", observation(channel(lag=0, delay=3600)), "lag", OK, False, 0, 60.0,
        settings={"ignore_delay": True},
    ),
    Row(
        "each its own delay", observation(channel(lag=90), channel(name="b", lag=3600, delay=3600)), "lag", DRAIN, True,
        90, 60.0, settings={"ignore_delay": True},
    ),
    Row(
        "delayed, and NULL", observation(channel(lag=None, delay=3600)), "lag_unknown", DRAIN, True, None, 60.0,
        settings={"ignore_delay": True},
    ),
    Row("NULL", observation(channel(lag=None)), "lag_unknown", DRAIN, True, None, 60.0),
    Row("one NULL", observation(channel(), channel(name="b", lag=None)), "lag_unknown", DRAIN, True, None, 60.0),
    Row("a number", observation(channel(lag=5)), "lag_unknown", OK, False, 5, None),
    # channel_missing: what is asked for; `default` is the channel without a name
    Row(
        "one gone", observation(channel()), "channel_missing", FAIL, True, "default", "default,orders",
        settings={"channel": ("", "orders")},
    ),
    Row(
        "default gone", observation(channel(name="orders")), "channel_missing", FAIL, True, "orders", "default",
        settings={"channel": ("",)},
    ),
    Row(
        "all gone", observation(), "channel_missing", FAIL, True, "no channel", "orders",
        settings={"channel": ("orders",), "role": "any"},
    ),
    Row(
        "all there", observation(channel(), channel(name="b")), "channel_missing", OK, False, "default,b", "b,default",
        settings={"channel": ("b", "")},
    ),
    Row(
        "another there too", observation(channel(), channel(name="b")), "channel_missing", OK, False, "default,b", "b",
        settings={"channel": ("b",)},
    ),
    Row(
        "in another case", observation(channel(name="Orders")), "channel_missing", OK, False, "Orders", "ORDERS",
        settings={"channel": ("ORDERS",)},
    ),
    Row(
        "stopped", observation(channel(name="b", sql_running=False, lag=None)), "channel_missing", OK, False, "b", "b",
        settings={"channel": ("b",)},
    ),
    # disk_full
    Row("IO waits", observation(channel(waits_for_disk="IO")), "disk_full", FAIL, True, "IO", "no"),
    Row(
        "SQL of one waits", observation(channel(), channel(name="b", waits_for_disk="SQL")), "disk_full", FAIL, True,
        "SQL", "no",
    ),
    Row("has room", observation(channel()), "disk_full", OK, False, "no", "no"),
    # offline_mode
    Row("offline", observation(channel(), also=[OfflineMode(True)]), "offline_mode", FAIL, True, "ON", "OFF"),
    Row("kept out", said(3032), "offline_mode", FAIL, True, "ON", "OFF"),
    Row("online", observation(channel(), also=[OfflineMode(False)]), "offline_mode", OK, False, "OFF", "OFF"),
    # wsrep
    *(
        Row(
            f"{node} {rejects}", observation(channel(), also=[Wsrep(*node), RejectsQueries(rejects)]), "wsrep",
            severity, severity > OK, observed, "Synced",
        )
        for node, rejects, severity, observed in (
            (("Primary", 4, True), "NONE", OK, "Synced"),
            (("Primary", 2, True), "NONE", DRAIN, "Donor/Desynced"),
            (("Primary", 2, False), "NONE", FAIL, "not ready"),
            (("Primary", 3, True), "NONE", FAIL, "Joined"),
            (("non-Primary", 1, False), "NONE", FAIL, "Joining"),
            (("Primary", 5, False), "NONE", FAIL, "state 5"),
            (("non-Primary", 0, False), "NONE", FAIL, "non-Primary"),
            (("Disconnected", 5, False), "NONE", FAIL, "Disconnected"),
            (("Primary", 4, False), "NONE", FAIL, "not ready"),
            (("Primary", 4, True), "ALL", FAIL, "rejects queries"),
            (("Primary", 2, True), "ALL_KILL", FAIL, "rejects queries"),
        )
    ),
    Row("node", observation(also=[Wsrep("Primary", 4, True)]), "not_a_replica", OK, False, "a member", "replica"),
    # group_member
    *(
        Row(
            f"{member} as {role}",
            observation(channel(), read_only=role == "replica", also=[GroupMember(*member)]), "group_member", severity,
            severity is FAIL, observed, limit, settings={"role": role},
        )
        for member, role, severity, observed, limit in (
            (("ONLINE", "SECONDARY", 3, 3), "replica", OK, "ONLINE SECONDARY", "ONLINE SECONDARY"),
            (("ONLINE", "PRIMARY", 3, 3), "source", OK, "ONLINE PRIMARY", "ONLINE PRIMARY"),
            (("ONLINE", "PRIMARY", 2, 3), "any", OK, "ONLINE PRIMARY", "ONLINE"),
            (("ONLINE", "", 3, 3), "replica", OK, "ONLINE", "ONLINE SECONDARY"),
            (("ONLINE", "PRIMARY", 3, 3), "replica", FAIL, "ONLINE PRIMARY", "ONLINE SECONDARY"),
            (("ONLINE", "SECONDARY", 3, 3), "source", FAIL, "ONLINE SECONDARY", "ONLINE PRIMARY"),
            (("ONLINE", "SECONDARY", 1, 3), "any", FAIL, "no majority", "ONLINE"),
            (("ONLINE", "SECONDARY", 2, 4), "replica", FAIL, "no majority", "ONLINE SECONDARY"),
            (("RECOVERING", "SECONDARY", 3, 3), "replica", FAIL, "RECOVERING SECONDARY", "ONLINE SECONDARY"),
            (("ERROR", "", 3, 3), "any", FAIL, "ERROR", "ONLINE"),
            (("OFFLINE", "", 1, 1), "any", FAIL, "OFFLINE", "ONLINE"),
            (("UNREACHABLE", "SECONDARY", 2, 3), "any", FAIL, "UNREACHABLE SECONDARY", "ONLINE"),
        )
    ),
    Row(
        "member", observation(also=[GroupMember("ONLINE", "SECONDARY", 3, 3)]), "not_a_replica", OK, False, "a member",
        "replica",
    ),
    # load: connections in percent of max_connections, threads that run
    *(
        Row(
            f"{connected} of 150", observation(channel(), also=[Load(connected, 150, 1)]), "connections_saturated",
            severity, bars_entry, observed, 80, settings={"max_connections_used": 80},
        )
        for connected, severity, bars_entry, observed in (
            (1, OK, False, 0.7),
            (108, OK, False, 72.0),
            (109, NOTE, True, 72.7),
            (120, NOTE, True, 80.0),
            (121, DRAIN, True, 80.7),
            (151, DRAIN, True, 100.7),  # the one that is kept for an administrator
        )
    ),
    *(
        Row(
            f"{running} threads", observation(channel(), also=[Load(1, 150, running)]), "threads_running", severity,
            False, running, 30, settings={"max_threads_running": 30},
        )
        for running, severity in ((1, OK), (30, OK), (31, NOTE), (5000, NOTE))
    ),
    Row(
        "old beat", observation(channel(source_id=1), beats=Beats("a.b", (Beat(1, "then", 61.0),), 60)),
        "heartbeat_stale", NOTE, True, 61.0, 10.0, settings={"heartbeat_table": "a.b"},
    ),
    # read_only
    Row("writable replica", observation(channel(), read_only=False), "writable", FAIL, True, "OFF", "ON"),
    Row("read-only replica", observation(channel(), read_only=True), "writable", OK, False, "ON", "ON"),
    *(
        Row(
            name, observation(channel(), read_only=None, also=[ReadOnly(True, admins)]), "writable", severity,
            severity is FAIL, observed, "super ON", settings={"super_read_only": True},
        )
        for name, admins, severity, observed in (
            ("writable by administrators", False, FAIL, "super OFF"),
            ("that has no super_read_only", None, FAIL, "super OFF"),
            ("read-only for administrators", True, OK, "super ON"),
        )
    ),
    Row(
        "writable for all", observation(channel(), read_only=None, also=[ReadOnly(False, False)]), "writable", FAIL,
        True, "OFF", "ON", settings={"super_read_only": True},
    ),
    Row(
        "administrators may", observation(channel(), read_only=None, also=[ReadOnly(True, False)]), "writable", OK,
        False, "ON", "ON",
    ),
    Row(
        "read-only source", observation(read_only=True, replicates=False), "read_only", FAIL, True, "ON", "OFF",
        settings={"role": "source"},
    ),
    Row(
        "writable source", observation(read_only=False, replicates=False), "read_only", OK, False, "OFF", "OFF",
        settings={"role": "source"},
    ),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=[f"{row.code}: {row.name}" for row in ROWS])
def test_what_was_seen_gives_this_reason(row: Row) -> None:
    reason = of_code(verdict(row.seen, row.memory, **row.settings), row.code)
    assert reason.severity is row.severity
    assert reason.bars_entry is row.bars_entry
    assert reason.observed == (pytest.approx(row.observed) if isinstance(row.observed, float) else row.observed)
    assert reason.limit == row.limit
    assert reason.text.isprintable()


def test_every_code_has_a_row_that_speaks_against_the_server() -> None:
    assert {row.code for row in ROWS if row.severity > OK} == set(CODES)


def test_no_code_is_declared_twice() -> None:
    assert len(set(CODES)) == len(CODES)


def test_what_fails_or_drains_also_bars_entry() -> None:
    for row in ROWS:
        for reason in verdict(row.seen, row.memory, **row.settings).reasons:
            assert reason.bars_entry or reason.severity < DRAIN, (row.name, reason)


# judge


def test_reasons_come_the_most_severe_first_and_equals_in_the_order_of_the_registry() -> None:
    seen = observation(channel(sql_running=False, lag=None), channel(name="b", lag=61), lost(name="c"), read_only=False)
    assert against(verdict(seen)) == ["sql_stopped", "writable", "lag", "source_lost"]


any_channel = st.builds(
    Channel,
    name=st.sampled_from(["", "a", "b", "group_replication_recovery"]),
    source=st.just("192.168.1.200:3306"),
    io_state=st.sampled_from(IO_STATES),
    io_errno=st.sampled_from([0, 1045, 1236, 2003]),
    io_error=st.just("its words"),
    sql_running=st.booleans(),
    sql_errno=st.sampled_from([0, 1062]),
    sql_error=st.just("its words"),
    lag=st.none() | st.integers(0, 100),
)


@given(
    found=st.lists(any_channel, max_size=3),
    read_only=st.none() | st.booleans(),
    role=st.sampled_from(["replica", "source", "any"]),
    expected=st.sampled_from([(), ("",), ("a", "c")]),
    memory=st.sampled_from([Memory(), lag_on_record(0.0, 60), lag_on_record(0.0, 2 * HOUR)]),
)
def test_judge_orders_by_severity_and_says_no_code_twice(
    found: list[Channel], read_only: bool | None, role: str, expected: tuple[str, ...], memory: Memory
) -> None:
    seen = observation(*found, read_only=read_only, replicates=role != "source")
    judged = verdict(seen, memory, role=role, channel=expected)
    severities = [reason.severity for reason in judged.reasons]
    assert severities == sorted(severities, reverse=True)
    assert judged.severity == severities[0]
    codes = [reason.code for reason in judged.reasons]
    assert len(set(codes)) == len(codes)
    assert set(codes) <= set(CODES)


def test_of_a_server_that_nobody_reached_only_that_is_said() -> None:
    assert [reason.code for reason in verdict(unreachable()).reasons] == ["unreachable"]


def test_a_healthy_connection_is_ok_for_every_code_it_could_have_met() -> None:
    judged = verdict(observation(channel()), timeout=3.0)
    assert {of_code(judged, code).severity for code in connection.CODES} == {OK}
    assert (of_code(judged, "timeout").observed, of_code(judged, "timeout").limit) == (0.012, 3.0)


def test_what_was_seen_before_the_trouble_is_judged_too() -> None:
    denied = connection.lacks_privilege(
        1227, "Access denied", "REPLICA MONITOR", "'m'@'%'", ServerVersion("mariadb", (10, 11, 19), "")
    )
    assert against(verdict(observation(read_only=False, trouble=denied, replicates=False))) == [
        "credentials",
        "writable",
    ]


# channels


def test_a_channel_that_is_missing_is_named_and_so_are_those_that_are_there() -> None:
    seen = observation(channel(), channel(name="b"))
    assert of_code(verdict(seen, channel=("b", "c", "d")), "channel_missing").text == (
        "channels 'c', 'd' not configured; there is default, 'b'"
    )
    assert of_code(verdict(observation(channel(name="b")), channel=("",)), "channel_missing").text == (
        "channel default not configured; there is 'b'"
    )


def test_no_channel_is_missing_that_nobody_asked_for() -> None:
    judged = verdict(observation(channel()))
    assert "channel_missing" not in {reason.code for reason in judged.reasons}


def test_a_source_is_not_asked_for_its_channels() -> None:
    judged = verdict(observation(replicates=False, read_only=False), role="source", channel=("b",))
    assert against(judged) == []


def test_of_endless_channels_the_text_is_not() -> None:
    endless = [channel(name=f"{number:064}") for number in range(1000)]
    reason = of_code(verdict(observation(*endless), channel=("b",)), "channel_missing")
    assert len(reason.text) < 1000
    assert len(str(reason.observed)) <= 300


APPLIER, RECOVERY = channel(name="group_replication_applier"), channel(name="group_replication_recovery")


@pytest.mark.parametrize("role", ["replica", "any"])
@pytest.mark.parametrize("recovery", [{"io_state": "No", "sql_running": False}, {}], ids=["off", "on"])
def test_the_channels_that_group_replication_keeps_for_itself_are_not_judged(
    role: str, recovery: dict[str, Any]
) -> None:
    group = (APPLIER._replace(lag=None), RECOVERY._replace(lag=None, **recovery))
    assert against(verdict(observation(channel(lag=3), *group), role=role)) == []
    assert against(verdict(observation(*group, channel(name="b", lag=61)), role=role)) == ["lag"]
    assert against(verdict(observation(*group), role="any")) == []


def test_what_group_replication_s_own_channels_lag_takes_no_weight() -> None:
    assert verdict(observation(channel(), RECOVERY._replace(lag=50))).share == 1.0


# connection


@pytest.mark.parametrize(
    ("errno", "code"),
    [
        (1044, "credentials"),
        (1251, "credentials"),
        (1524, "credentials"),
        (1698, "credentials"),
        (1820, "credentials"),
        (2059, "credentials"),
        (2061, "credentials"),
        (3159, "credentials"),
        (3955, "credentials"),
        (1053, "unreachable"),
        (1927, "unreachable"),
        (2002, "unreachable"),
        (2003, "unreachable"),
        (2005, "unreachable"),
        (2006, "unreachable"),
        (2013, "unreachable"),
        (1064, "protocol_error"),
        (65535, "protocol_error"),
    ],
)
def test_an_error_number_of_the_server_means_this_reason(errno: int, code: str) -> None:
    reason = connection.said_no(errno, "its own words", "mysqlcheck")
    assert reason.code == code
    assert f"error {errno}: its own words" in reason.text


def test_a_refused_login_says_who_was_refused_and_where_to_look() -> None:
    text = connection.said_no(1045, "Access denied", "monitor").text
    assert text == "the server refuses 'monitor' (error 1045: Access denied); see `mysqlcheck grants`"


def test_a_blocked_host_is_told_the_command_that_unblocks() -> None:
    text = connection.said_no(1129, "Host is blocked", "mysqlcheck").text
    assert "TRUNCATE TABLE performance_schema.host_cache" in text
    assert "FLUSH HOSTS" in text


@pytest.mark.parametrize(
    ("flavor", "privilege"), [("mysql", "REPLICATION CLIENT"), ("mariadb", "REPLICA MONITOR")]
)  # fmt: skip
def test_a_missing_privilege_is_told_the_grant_to_give(flavor: str, privilege: str) -> None:
    server = ServerVersion(flavor, (10, 11), "")
    reason = connection.lacks_privilege(1227, "Access denied", privilege, "'mysqlcheck'@'%'", server)
    assert reason.code == "credentials"
    assert reason.text.endswith(f"give it: GRANT {privilege} ON *.* TO 'mysqlcheck'@'%';")
    assert reason.limit == privilege


# threads

LOST_BY = [1040, 1053, 1158, 1159, 1160, 1161, 1203, 1226, 2001, 2002, 2003, 2004, 2005, 2006, 2013, 2055]
REFUSED_BY = [1045, 1130, 1236, 1593, 1698, 2026, 2059, 2061, 3118, 4151, 13114, 13117]


@pytest.mark.parametrize("state", ["Connecting", "No"])
@pytest.mark.parametrize("errno", LOST_BY)
def test_a_network_error_is_a_lost_source_whatever_the_io_thread_calls_itself(state: str, errno: int) -> None:
    assert against(verdict(observation(lost(io_state=state, io_errno=errno)))) == ["source_lost"]


@pytest.mark.parametrize("state", ["Connecting", "No", "Preparing"])
@pytest.mark.parametrize("errno", REFUSED_BY)
def test_any_other_error_is_a_stopped_io_thread(state: str, errno: int) -> None:
    assert against(verdict(observation(lost(io_state=state, io_errno=errno)))) == ["io_stopped"]


@pytest.mark.parametrize(
    ("state", "code"), [("Connecting", "source_lost"), ("Preparing", "source_lost"), ("No", "io_stopped")]
)
def test_without_an_error_only_no_is_a_stopped_io_thread(state: str, code: str) -> None:
    assert against(verdict(observation(lost(io_state=state, io_errno=0)))) == [code]


def test_an_old_error_of_a_running_thread_means_nothing() -> None:
    assert against(verdict(observation(channel(io_errno=2003, sql_errno=1062)))) == []


def test_one_lost_channel_of_two_is_a_lost_source() -> None:
    judged = verdict(observation(channel(), lost(name="b", source="192.168.1.199:3306")))
    assert against(judged) == ["source_lost"]
    assert "channel 'b' from 192.168.1.199:3306" in of_code(judged, "source_lost").text


def test_one_stopped_and_one_lost_channel_are_both_said() -> None:
    judged = verdict(observation(channel(name="a", io_state="No", lag=None), lost(name="b")))
    assert against(judged) == ["io_stopped", "source_lost"]


def test_a_lost_source_and_a_stopped_sql_thread_fail() -> None:
    judged = verdict(observation(lost(sql_running=False)), lag_on_record(0.0, 10))
    assert against(judged) == ["sql_stopped", "source_lost"]
    assert judged.severity is FAIL


def test_a_clock_that_went_back_makes_no_data_young() -> None:
    """Where /proc hides the boot_id, two boots look like one, and the boot clock begins at 0 again."""
    memory = lag_on_record(5.0, 0, boot="")
    seen = observation(lost(), at=NOW._replace(boot_id="", seconds=20.0))
    reason = of_code(verdict(seen, memory, seen.ended), "source_lost")
    assert (reason.severity, reason.bars_entry, reason.observed) == (NOTE, True, None)


@pytest.mark.parametrize("role", ["source", "any"])
def test_only_a_replica_must_replicate(role: str) -> None:
    judged = verdict(observation(read_only=False), role=role)
    assert "not_a_replica" not in [reason.code for reason in judged.reasons]


# source


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("db1.example:3306", "db1.example"),
        ("DB1.Example:3306", "db1.example:3306"),
        ("db1.example:3307", "DB1.EXAMPLE:3307"),
        ("::1:3306", "::1"),
        ("fe80::1%eth0:3307", "[fe80::1%eth0]:3307"),
    ],
)
def test_a_source_is_known_by_its_name_in_any_case_and_its_port(source: str, expected: str) -> None:
    settings: dict[str, Any] = {"expect_source": Sources().from_text(expected)}
    assert against(verdict(observation(channel(source=source)), **settings)) == []


def test_a_name_and_an_address_of_one_host_are_two_sources() -> None:
    settings: dict[str, Any] = {"expect_source": Sources().from_text("localhost")}
    assert against(verdict(observation(channel(source="127.0.0.1:3306")), **settings)) == ["wrong_source"]


def test_a_wrong_source_is_told_in_the_words_that_were_expected() -> None:
    by_host = of_code(verdict(observation(channel(name="a", source_uuid=UUID)), **expect(THERE)), "wrong_source")
    assert by_host.text == f"replicates channel 'a' from {HERE}, and not from {THERE}"
    other = UUID.replace("8", "9")
    by_uuid = of_code(verdict(observation(channel(source_uuid=UUID)), **expect(other)), "wrong_source")
    assert by_uuid.text == f"replicates from {HERE} ({UUID}), and not from {other}"
    unknown = of_code(verdict(observation(channel()), **expect(UUID)), "wrong_source")
    assert unknown.text == f"replicates from {HERE} (whose server_uuid it does not tell), and not from {UUID}"


def test_what_does_not_replicate_has_no_wrong_source() -> None:
    assert against(verdict(observation(), role="any", **expect(HERE))) == []


# read_only


@pytest.mark.parametrize("read_only", [True, False])
def test_a_server_of_any_role_may_be_read_only_or_not(read_only: bool) -> None:
    codes = [reason.code for reason in verdict(observation(channel(), read_only=read_only), role="any").reasons]
    assert "writable" not in codes
    assert "read_only" not in codes


def test_a_node_that_takes_writes_is_told_which_role_it_has() -> None:
    text = of_code(verdict(observation(read_only=False, also=[Wsrep("Primary", 4, True)])), "writable").text
    assert text.endswith("; if it is to take writes as a member of a Galera cluster, check it with --role any")


@pytest.mark.parametrize("role", ["replica", "source", "any"])
def test_a_galera_node_is_judged_whatever_its_role(role: str) -> None:
    seen = observation(read_only=role == "replica", also=[Wsrep("non-Primary", 0, False)], replicates=role != "source")
    assert against(verdict(seen, role=role)) == ["wsrep"]


# lag and its share of the weight


@pytest.mark.parametrize(
    ("behind", "share"),
    [(None, 1.0), (0, 1.0), (10, 1.0), (35, 0.55), (60, 0.1), (61, 0.1), (10**9, 0.1)],
)
def test_between_lag_ok_and_max_lag_the_share_falls_to_a_tenth(behind: int | None, share: float) -> None:
    assert lag.share(behind, Settings.of()) == pytest.approx(share)


limits = st.floats(1, 1e6)


@given(first=limits, second=limits, third=st.floats(0, 2e6), fourth=st.floats(0, 2e6))
def test_the_share_never_rises_with_the_lag_and_stays_between_a_tenth_and_one(
    first: float, second: float, third: float, fourth: float
) -> None:
    settings = Settings.of(lag_ok=min(first, second), max_lag=max(first, second))
    less, more = lag.share(min(third, fourth), settings), lag.share(max(third, fourth), settings)
    assert 0.1 <= more <= less <= 1.0


@pytest.mark.parametrize(
    "standing",
    [lost(), channel(io_state="No", lag=None), channel(sql_running=False, lag=None)],
    ids=["source lost", "IO off", "SQL off"],
)
def test_with_a_thread_standing_still_null_is_no_surprise(standing: Channel) -> None:
    codes = [reason.code for reason in verdict(observation(standing)).reasons]
    assert "lag_unknown" not in codes
    assert "lag" not in codes


def test_lag_ok_may_be_max_lag_so_that_nothing_is_graded() -> None:
    settings = Settings.of(lag_ok=60.0, max_lag=60.0)
    assert [lag.share(behind, settings) for behind in (0, 60, 61)] == [1.0, 1.0, 0.1]


def test_the_share_in_the_verdict_is_that_of_the_worst_channel() -> None:
    settings = Settings.of(host="h")
    judged = judge(observation(channel(lag=3), channel(name="b", lag=35)), Memory(), settings, NOW)
    assert judged.share == pytest.approx(0.55)


@pytest.mark.parametrize(
    ("running", "behind", "share"),
    [(30, 0, 1.0), (45, 0, 0.55), (60, 0, 0.1), (5000, 0, 0.1), (45, 60, 0.1), (60, 35, 0.1), (31, 35, 0.55)],
)
def test_of_lag_and_running_threads_the_one_that_leaves_less_decides(running: int, behind: int, share: float) -> None:
    seen = observation(channel(lag=behind), also=[Load(1, 150, running)])
    assert verdict(seen, max_threads_running=30).share == pytest.approx(share)
    assert verdict(seen).share == lag.share(behind, Settings.of())


def test_what_no_limit_is_set_for_is_not_judged() -> None:
    seen = observation(channel(), also=[Load(150, 150, 5000)])
    assert against(verdict(seen)) == []
    assert against(verdict(seen, max_threads_running=30)) == ["threads_running"]
    assert against(verdict(seen, max_connections_used=99)) == ["connections_saturated"]


@given(st.integers(0, 200))
def test_a_lag_that_drains_is_never_one_that_may_come_in(behind: int) -> None:
    reason = of_code(verdict(observation(channel(lag=behind))), "lag")
    assert reason.bars_entry == (behind > 30)
    assert (reason.severity is DRAIN) == (behind > 60)
