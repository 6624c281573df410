"""Hostile and strange answers: what no server of that version says becomes UnexpectedAnswer, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysqlcheck.checks import channels, group, read_only, wsrep
from mysqlcheck.checks.load import Load
from mysqlcheck.checks.load import parse as parse_load
from mysqlcheck.checks.probe import one_line, whole
from mysqlcheck.errors import UnexpectedAnswer
from mysqlcheck.model import Table
from tests.core.rows import PROVIDERS, load

RECORDING = load("mysql-9.7")
HEALTHY = RECORDING.answer("healthy", channels.query(RECORDING.server))


def with_value(column: str, value: str | None) -> Table:
    return Table(HEALTHY.columns, [{**HEALTHY.rows[0], column: value}])


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("Replica_IO_Running", None, "Replica_IO_Running is 'None', not one of Yes, No, Connecting, Preparing"),
        ("Replica_IO_Running", "", "Replica_IO_Running is '', not one of Yes, No, Connecting, Preparing"),
        ("Replica_IO_Running", "yes", "Replica_IO_Running is 'yes', not one of Yes, No, Connecting, Preparing"),
        ("Replica_SQL_Running", None, "Replica_SQL_Running is 'None', not Yes or No"),
        ("Replica_SQL_Running", "Connecting", "Replica_SQL_Running is 'Connecting', not Yes or No"),
        ("Seconds_Behind_Source", "", "Seconds_Behind_Source is '', not a whole number"),
        ("Seconds_Behind_Source", "-1", "Seconds_Behind_Source is '-1', not a whole number"),
        ("Seconds_Behind_Source", "1.5", "Seconds_Behind_Source is '1.5', not a whole number"),
        ("Seconds_Behind_Source", "nan", "Seconds_Behind_Source is 'nan', not a whole number"),
        ("Seconds_Behind_Source", "٣", "Seconds_Behind_Source is '٣', not a whole number"),
        ("Last_IO_Errno", None, "Last_IO_Errno is 'None', not a whole number"),
        ("Last_SQL_Errno", "NULL", "Last_SQL_Errno is 'NULL', not a whole number"),
    ],
)
def test_a_value_that_no_server_gives_is_named(column: str, value: str | None, text: str) -> None:
    with pytest.raises(UnexpectedAnswer) as raised:
        channels.parse(with_value(column, value))
    assert str(raised.value) == text


def test_a_number_of_a_million_digits_is_refused_at_once_and_not_repeated() -> None:
    with pytest.raises(UnexpectedAnswer) as raised:
        channels.parse(with_value("Seconds_Behind_Source", "9" * 1_000_000))
    assert len(str(raised.value)) < 200


@pytest.mark.parametrize(
    "column",
    [
        "Replica_IO_Running",
        "Replica_SQL_Running",
        "Seconds_Behind_Source",
        "Last_IO_Errno",
        "Last_IO_Error",
        "Last_SQL_Errno",
        "Last_SQL_Error",
        "Source_Host",
        "Source_Port",
    ],
)
def test_an_answer_without_a_column_is_no_answer(column: str) -> None:
    columns = tuple(name for name in HEALTHY.columns if name != column)
    with pytest.raises(UnexpectedAnswer, match=f"has no column {column}"):
        channels.parse(Table(columns, HEALTHY.rows))


def test_an_answer_without_columns_is_not_a_server_without_replication() -> None:
    with pytest.raises(UnexpectedAnswer, match="has no column"):
        channels.parse(Table((), []))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_answer_with_columns_and_without_rows_is_a_server_without_replication(provider: str) -> None:
    recording = load(provider)
    assert channels.parse(recording.answer("not a replica", channels.query(recording.server))).channels == ()


def test_an_answer_without_channel_names_is_one_default_channel() -> None:
    columns = tuple(name for name in HEALTHY.columns if name != "Channel_Name")
    assert [channel.name for channel in channels.parse(Table(columns, HEALTHY.rows)).channels] == [""]


def test_a_server_s_words_fit_one_line() -> None:
    found = channels.parse(with_value("Last_IO_Error", "line\nfeed\x1b[31m\x00" + "x" * 10_000)).channels[0]
    assert found.io_error.startswith("line feed [31m xxx")
    assert len(found.io_error) == 300


SITUATIONS = [
    (channels.parse, HEALTHY),
    (read_only.parse, Table(("read_only",), [{"read_only": "1"}])),
]


@pytest.mark.parametrize(("parse", "table"), SITUATIONS, ids=["channels", "read_only"])
@given(data=st.data())
def test_whatever_the_values_are_parse_raises_nothing_but_unexpected_answer(
    parse: Callable[[Table], Any], table: Table, data: st.DataObject
) -> None:
    values = st.none() | st.text(max_size=30) | st.sampled_from(["Yes", "No", "0", "1", "ON", "²", "1e3", "0x1"])
    changed = data.draw(st.dictionaries(st.sampled_from(table.columns), values, max_size=8))
    try:
        parse(Table(table.columns, [{**table.rows[0], **changed}]))
    except UnexpectedAnswer as error:
        text = str(error)
    else:
        text = ""
    assert text.isprintable()


# read_only


def answer(value: str | None) -> Table:
    return Table(("read_only",), [{"read_only": value}])


@pytest.mark.parametrize(
    ("value", "on"),
    [
        ("0", False),
        ("1", True),
        ("OFF", False),
        ("ON", True),
        ("off", False),
        ("NO_LOCK", True),
        ("NO_LOCK_NO_ADMIN", True),
    ],
)
def test_read_only_in_the_words_of_every_version(value: str, on: bool) -> None:
    assert read_only.parse(answer(value)).on is on


@pytest.mark.parametrize(
    ("table", "text"),
    [
        (answer(None), "read_only is '', not ON or OFF"),
        (answer("2"), "read_only is '2', not ON or OFF"),
        (answer("yes"), "read_only is 'YES', not ON or OFF"),
        (Table(("something",), [{"something": "1"}]), "has no column read_only; it has 1 others"),
    ],
    ids=["NULL", "2", "yes", "another column"],
)
def test_read_only_that_is_none_is_unexpected(table: Table, text: str) -> None:
    with pytest.raises(UnexpectedAnswer) as raised:
        read_only.parse(table)
    assert text in str(raised.value)


# the two tools of every parser


@given(st.integers(0, 10**19 - 1))
def test_a_whole_number_is_read(number: int) -> None:
    assert whole(str(number), "it") == number


@given(st.text(), st.integers(1, 50))
def test_one_line_is_printable_not_longer_than_asked_and_stays_as_it_is(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert line.isprintable()
    assert len(line) <= limit
    assert one_line(line, limit) == line.strip()


# wsrep

NODE: dict[str, str | None] = {
    "wsrep_provider_name": "Galera",
    "wsrep_cluster_status": "Primary",
    "wsrep_local_state": "4",
    "wsrep_ready": "ON",
}


def of_one_row(values: dict[str, str | None]) -> Table:
    return Table(tuple(values), [values])


@pytest.mark.parametrize("name", [None, ""], ids=["MySQL", "MariaDB without the library"])
def test_a_server_without_galera_is_no_node_whatever_else_it_says(name: str | None) -> None:
    assert wsrep.parse(of_one_row({**NODE, "wsrep_provider_name": name})) is None


def test_a_node_says_what_it_is() -> None:
    assert wsrep.parse(of_one_row(NODE)) == wsrep.Wsrep("Primary", 4, True)
    assert list(wsrep.parse_rejects(of_one_row({"wsrep_reject_queries": "all_kill"}))) == [
        wsrep.RejectsQueries("ALL_KILL")
    ]


@pytest.mark.parametrize(
    ("name", "value"), [("wsrep_local_state", "x"), ("wsrep_local_state", None), ("wsrep_ready", "")]
)
def test_a_node_that_says_something_else_is_unexpected(name: str, value: str | None) -> None:
    with pytest.raises(UnexpectedAnswer, match=name):
        wsrep.parse(of_one_row({**NODE, name: value}))


def test_wsrep_reject_queries_has_one_value() -> None:
    with pytest.raises(UnexpectedAnswer, match="returned 0 rows"):
        list(wsrep.parse_rejects(Table(("wsrep_reject_queries",), [])))


# group_member


@pytest.mark.parametrize(
    ("of_80", "of_81", "loaded"), [(None, None, False), ("", None, True), (None, "0", True)], ids=["no", "8.0", "8.1"]
)
def test_any_status_variable_of_the_plugin_tells_that_it_is_loaded(
    of_80: str | None, of_81: str | None, loaded: bool
) -> None:
    said = of_one_row({"group_replication_primary_member": of_80, "gr_control_messages_sent_count": of_81})
    assert group.is_loaded([group.parse(said)]) is loaded


@pytest.mark.parametrize(("name", "there"), [("8f3c", True), ("", False), (None, False)])
def test_a_plugin_without_a_group_s_name_is_no_member(name: str | None, there: bool) -> None:
    assert group.has_group(list(group.parse_name(of_one_row({"group_name": name})))) is there


def members(*found: tuple[str, str, str]) -> Table:
    names = ("own", "member_state", "member_role")
    return Table(names, [dict(zip(names, row, strict=True)) for row in found])


@pytest.mark.parametrize(
    ("table", "member"),
    [
        (members(("0", "ONLINE", "PRIMARY"), ("1", "ONLINE", "SECONDARY")), ("ONLINE", "SECONDARY", 2, 2)),
        (members(("0", "UNREACHABLE", "PRIMARY"), ("1", "ONLINE", "SECONDARY")), ("ONLINE", "SECONDARY", 1, 2)),
        (members(("1", "OFFLINE", "")), ("OFFLINE", "", 1, 1)),
        (members(), ("OFFLINE", "", 0, 0)),
    ],
    ids=["ONLINE", "the other is gone", "as it starts", "a table without a row"],
)
def test_a_member_is_found_among_its_group(table: Table, member: tuple[str, str, int, int]) -> None:
    assert list(group.parse_members(table)) == [group.GroupMember(*member)]


@pytest.mark.parametrize(
    ("table", "text"),
    [
        (members(("1", "FINE", "PRIMARY")), "MEMBER_STATE is 'FINE'"),
        (members(("1", "ONLINE", "PRIMARY"), ("1", "ONLINE", "PRIMARY")), "in its group 2 times"),
    ],
)
def test_a_group_that_no_server_has_is_unexpected(table: Table, text: str) -> None:
    with pytest.raises(UnexpectedAnswer, match=text):
        list(group.parse_members(table))


# load

LOAD: dict[str, str | None] = {"max_connections": "150", "threads_connected": "15", "threads_running": "2"}


def test_the_load_is_three_numbers() -> None:
    found = parse_load(of_one_row(LOAD))
    assert (found, found.used) == (Load(15, 150, 2), 10.0)


@pytest.mark.parametrize(
    ("name", "value"), [("max_connections", "0"), ("threads_connected", None), ("threads_running", "-1")]
)
def test_a_load_that_no_server_has_is_unexpected(name: str, value: str | None) -> None:
    with pytest.raises(UnexpectedAnswer, match=f"(?i){name}"):
        parse_load(of_one_row({**LOAD, name: value}))
