"""Whether the server can be written to, against its role: `writable` and `read_only`."""

from collections.abc import Iterator
from typing import NamedTuple

from mysqlcheck.checks.probe import Rule, column, one_line
from mysqlcheck.checks.role import RoleSettings
from mysqlcheck.checks.words import Words
from mysqlcheck.errors import UnexpectedAnswer
from mysqlcheck.model import Instant, Memory, Observation, Reason, Severity, Table

OFF, ON = ("0", "OFF"), ("1", "ON", "NO_LOCK", "NO_LOCK_NO_ADMIN")
"""MariaDB 12 made read_only an enumeration; every value but OFF refuses ordinary writes
(https://mariadb.com/kb/en/server-system-variables/#read_only)."""


class ReadOnly(NamedTuple):
    """The server's read_only."""

    on: bool


def parse(table: Table) -> ReadOnly:
    """Read the one row with the one value."""
    name = column(table, "read_only")
    value = (table.rows[0][name] or "").upper()
    if value not in OFF + ON:
        raise UnexpectedAnswer(f"read_only is {one_line(value, 60)!r}, not ON or OFF")
    return ReadOnly(value in ON)


def rule(observation: Observation, memory: Memory, settings: RoleSettings, now: Instant) -> Iterator[Reason]:
    """A replica takes no writes, the source takes them."""
    fact = observation.fact(ReadOnly)
    if fact is None:
        return
    observed = "ON" if fact.on else "OFF"
    if settings.role == "replica":
        if fact.on:
            yield Reason("writable", Severity.OK, "read_only is ON", observed, "ON")
        else:
            text = "read_only is OFF on a replica: clients could write to it"
            yield Reason("writable", Severity.FAIL, text, observed, "ON", bars_entry=True)
    elif settings.role == "source":
        if fact.on:
            text = "read_only is ON on the source: clients could not write"
            yield Reason("read_only", Severity.FAIL, text, observed, "OFF", bars_entry=True)
        else:
            yield Reason("read_only", Severity.OK, "read_only is OFF", observed, "OFF")


WORDS = Words(lambda server: {"read_only": "@@global.read_only"}, parse)
RULE = Rule(("writable", "read_only"), rule)
