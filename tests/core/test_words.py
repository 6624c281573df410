"""What subjects ask together: one query, and one row for each of them to read."""

from __future__ import annotations

import re
from typing import Any

import pytest

from mysqlcheck.checks import group, probes, wsrep
from mysqlcheck.checks.words import Words, together
from mysqlcheck.errors import UnexpectedAnswer
from mysqlcheck.model import ServerVersion, Table
from mysqlcheck.options import Settings

MYSQL = ServerVersion.parse("9.7.4")


def words(*columns: str, status: tuple[str, ...] = ()) -> Words:
    """A subject that asks for these system variables, and gets them and its status variables as a dictionary."""

    def parse(table: Table) -> dict[str, str | None]:
        return {name: table.rows[0][name] for name in (*columns, *(name.lower() for name in status))}

    return Words(lambda server: {name: f"@@global.{name}" for name in columns}, parse, status)


UPTIME = words("server_id", status=("Uptime",))
THREADS = words("max_connections", status=("Threads_running", "Uptime"))


def answer(
    *rows: tuple[str | None, ...], columns: str = "server_id max_connections variable_name variable_value"
) -> Table:
    names = tuple(columns.split())
    return Table(names, [dict(zip(names, row, strict=True)) for row in rows])


def read(*subjects: Words, table: Table) -> list[Any]:
    return list(together(subjects).parse(table))


# the query


STATUS = ", ".join(f"'{name}'" for name in ("Uptime", *wsrep.WORDS.status, *group.WORDS.status))
OF_MARIADB = "server_id", "read_only"
OF_MYSQL = "server_uuid", "read_only"
OF_MYSQL_57 = *OF_MYSQL, "super_read_only", "offline_mode"


@pytest.mark.parametrize(
    ("version", "variables", "table"),
    [
        ("5.6.51-log", OF_MYSQL, "information_schema.SESSION_STATUS"),
        ("5.7.44-log", OF_MYSQL_57, "performance_schema.session_status"),
        ("8.0.36-28", OF_MYSQL_57, "performance_schema.session_status"),
        ("9.7.4", OF_MYSQL_57, "performance_schema.session_status"),
        ("5.5.5-10.4.34-MariaDB", OF_MARIADB, "information_schema.SESSION_STATUS"),
        ("11.8.6-MariaDB", OF_MARIADB, "information_schema.SESSION_STATUS"),
    ],
)
@pytest.mark.parametrize("role", ["replica", "source", "any"])
def test_each_version_is_asked_in_the_words_that_it_knows(
    role: str, version: str, variables: tuple[str, ...], table: str
) -> None:
    query = probes(Settings.of(host="192.168.1.201", role=role))[0].query(ServerVersion.parse(version))
    assert re.findall(r"@@global\.(\w+)", query) == [*variables]
    assert query.endswith(f"VARIABLE_VALUE AS variable_value FROM {table} WHERE VARIABLE_NAME IN ({STATUS})")


@pytest.mark.parametrize("limit", ["max_connections_used", "max_threads_running"])
def test_the_load_is_asked_for_only_where_it_has_a_limit_and_in_the_same_query(limit: str) -> None:
    without = probes(Settings.of(host="192.168.1.201"))
    with_it = probes(Settings.of(host="192.168.1.201", **{limit: 50}))
    assert len(with_it) == len(without)
    assert "Threads_" not in without[0].query(MYSQL)
    assert "'Threads_connected'" in with_it[0].query(MYSQL)
    assert "FROM performance_schema.global_status WHERE VARIABLE_NAME = 'Threads_running')" in with_it[0].query(MYSQL)


def test_all_is_asked_once_and_needs_no_privilege() -> None:
    asked = together((UPTIME, THREADS))
    assert asked.query(MYSQL).endswith(" WHERE VARIABLE_NAME IN ('Uptime', 'Threads_running')")
    assert asked.query(MYSQL).startswith("SELECT @@global.server_id AS server_id, @@global.max_connections AS max_conn")
    assert asked.privilege(MYSQL) == ""


# the answer


def test_each_subject_reads_its_own_from_the_rows_whatever_their_order_and_case() -> None:
    table = answer(("2", "151", "THREADS_RUNNING", "7"), ("2", "151", "Uptime", "864000"))
    assert read(UPTIME, THREADS, table=table) == [
        {"server_id": "2", "uptime": "864000"},
        {"max_connections": "151", "threads_running": "7", "uptime": "864000"},
    ]


def test_a_status_variable_that_the_server_does_not_have_is_none() -> None:
    table = answer(("2", "151", "Uptime", "864000"))
    assert read(THREADS, table=table) == [{"max_connections": "151", "threads_running": None, "uptime": "864000"}]


@pytest.mark.parametrize(
    ("table", "text"),
    [
        (answer(), "the query for Uptime returned 0 rows"),
        (answer(("2", "151", "Uptime", "1"), ("2", "151", "UPTIME", "1")), "the query for Uptime returned 2 rows"),
        (answer(("2", "151", "Threads_running", "1")), "the query for Uptime returned 1 rows"),
        (answer(("2", "151", None, "1")), "the query for Uptime returned 1 rows"),
        (answer(("2", "1"), columns="server_id Uptime"), "the answer has no column variable_name; it has 2 others"),
    ],
    ids=["no row", "a row twice", "another variable", "no name", "other columns"],
)
def test_what_no_server_says_is_unexpected(table: Table, text: str) -> None:
    with pytest.raises(UnexpectedAnswer) as raised:
        read(UPTIME, table=table)
    assert str(raised.value) == text


def test_what_was_read_before_something_unexpected_is_known() -> None:
    """Who the server is comes first, and a restart must be seen although another answer is broken."""

    def broken(table: Table) -> None:
        raise UnexpectedAnswer("broken")

    facts = together((UPTIME, Words(lambda server: {}, broken))).parse(answer(("2", "151", "Uptime", "864000")))
    assert next(facts) == {"server_id": "2", "uptime": "864000"}
    with pytest.raises(UnexpectedAnswer, match="broken"):
        next(facts)
