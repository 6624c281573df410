"""What pt-table-checksum has found: what is asked for, and how the answer is read."""

from __future__ import annotations

import pytest

from mysqlcheck.checks import checksums, connection
from mysqlcheck.checks.checksums import Checksums, parse, probe, take
from mysqlcheck.checks.incarnation import Incarnation
from mysqlcheck.errors import UnexpectedAnswer
from mysqlcheck.kinds import TableName
from mysqlcheck.model import ServerVersion, Table
from tests.core.builders import REFUSED, channel, met, observation, of_code, verdict

SERVER = ServerVersion("mysql", (9, 7, 4), "")


def answer(*values: str | None) -> Table:
    return Table(("differences",), [{"differences": value} for value in values])


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("0", Checksums(0, "")),
        ("1 lab.written", Checksums(1, "lab.written")),
        ("12 a.b,a.c d", Checksums(12, "a.b,a.c d")),
    ],
)
def test_the_number_of_chunks_and_their_tables_are_read(value: str, found: Checksums) -> None:
    assert list(parse(answer(value))) == [found]


@pytest.mark.parametrize("table", [answer(), answer("0", "0"), answer(None), answer("x"), Table((), [])])
def test_what_no_server_answers_is_unexpected(table: Table) -> None:
    with pytest.raises(UnexpectedAnswer):
        list(parse(table))


def test_only_what_is_later_than_the_start_is_asked_for() -> None:
    seen = observation(channel(), incarnation=Incarnation("id", 1_795_388_000, 60))
    assert "FROM `percona`.`checksums` WHERE ts > FROM_UNIXTIME(1795388000)" in probe("percona.checksums", seen).query(
        SERVER
    )


def test_the_privilege_is_that_to_read_the_table() -> None:
    privilege = probe("percona.checksums", observation()).privilege(SERVER)
    reason = connection.lacks_privilege(1142, "denied", privilege, "'mysqlcheck'@'%'", SERVER)
    assert reason.text.endswith("give it: GRANT SELECT ON `percona`.`checksums` TO 'mysqlcheck'@'%';")


def test_a_server_that_does_not_answer_leaves_it_unknown() -> None:
    assert take(met(REFUSED)) == Checksums(0, "", f"unreachable: {REFUSED.text}")


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (Checksums(1, "a.b"), "1 chunk of a.b differs from the source, checksummed since it started"),
        (Checksums(2, "a.b"), "2 chunks of a.b differ from the source, checksummed since it started"),
        (Checksums(0, "", "why"), "percona.checksums cannot be read (why)"),
    ],
)
def test_what_was_found_is_said(found: Checksums, text: str) -> None:
    seen = observation(channel())
    judged = verdict(seen._replace(facts=(*seen.facts, found)), checksum_table="percona.checksums")
    assert of_code(judged, checksums.RULE.codes[0]).text == text


@pytest.mark.parametrize("name", ["a.b", "my db.my-table", "a'b.c"])
def test_a_table_has_a_database_and_a_name(name: str) -> None:
    assert TableName().from_text(name) == name
    assert TableName.quoted(name) == "`{}`.`{}`".format(*name.split("."))


@pytest.mark.parametrize("name", ["", "b", "a.b.c", ".b", "a.", "a.b`", "a.b\n"])
def test_what_is_no_table_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"^$"):
        TableName().from_text(name)
