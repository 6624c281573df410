"""Operators' holds that all directors share: rows of `mysqlcheck.hold`, written on the source, carried by replication.

    target           the server as directors name it, `192.168.1.201:3306`
    who, reason      who holds it, and why
    since, until     Unix times; until is NULL where it stands until it is released

Whether we may read such a table is asked with the words of all subjects: an account sees its own grants on tables. Both
flavors tell that, for a tenth of a millisecond; information_schema.TABLES of MySQL takes six tenths (run on 9.7). Only
where it is granted a query of its own reads the server's row.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mysqlcheck.checks.connection import NETWORK, SHUTTING_DOWN, ConnectionSettings
from mysqlcheck.checks.probe import Probe, Rule, column, one_line, whole
from mysqlcheck.checks.words import Words
from mysqlcheck.model import Instant, Memory, Observation, OperatorHold, Reason, ServerVersion, Severity, Table

DATABASE, NAME = "mysqlcheck", "hold"
TABLE = f"{DATABASE}.{NAME}"
COLUMNS = ("target", "who", "reason", "since", "until")
MAY_READ = (
    "EXISTS (SELECT 1 FROM information_schema.TABLE_PRIVILEGES "  # noqa: S608
    f"WHERE TABLE_SCHEMA = '{DATABASE}' AND TABLE_NAME = '{NAME}' AND PRIVILEGE_TYPE = 'SELECT')"
)
"""No COUNT: where a query aggregates MariaDB says that read_only is 0 (words.py)."""


class HoldTable(NamedTuple):
    """Whether the server has granted this account to read its table of shared holds."""

    readable: bool


class SharedHold(NamedTuple):
    """What stands in the table of this server; or why it could not be read, in the server's words."""

    hold: OperatorHold | None = None
    error: str | None = None


def readable(table: Table) -> HoldTable:
    """Read the one word."""
    return HoldTable(whole(table.rows[0][column(table, "may_read_holds")], "may_read_holds") == 1)


def probe(target: str) -> Probe:
    """Return the query for the row of this target, as it is named here."""

    def query(server: ServerVersion) -> str:
        return f"SELECT {columns()} FROM {TABLE} WHERE target = {literal(target)}"  # noqa: S608

    def granted(facts: Sequence[object]) -> bool:
        return any(isinstance(fact, HoldTable) and fact.readable for fact in facts)

    return Probe(
        query, lambda table: iter((parse(table),)), lambda server: f"SELECT ON {TABLE}", granted, excused, unread
    )


def columns() -> str:
    """Name the columns in SQL."""
    return ", ".join(f"`{name}`" for name in COLUMNS)


def literal(text: str) -> str:
    """Write text in SQL, whatever is in it and whatever sql_mode says of backslashes."""
    return f"_utf8mb4 X'{text.encode('utf-8', 'replace').hex()}'"


def writing(target: str, hold: OperatorHold) -> str:
    """Return the statement that puts a hold on a target. No function in it: every format of binary log carries it."""
    until = "NULL" if hold.until is None else f"{hold.until:.0f}"
    values = f"{literal(target)}, {literal(hold.who)}, {literal(hold.reason)}, {hold.since:.0f}, {until}"
    return f"REPLACE INTO {TABLE} ({columns()}) VALUES ({values})"  # noqa: S608


def erasing(target: str) -> str:
    """Return the statement that ends the hold on a target."""
    return f"DELETE FROM {TABLE} WHERE target = {literal(target)}"  # noqa: S608


def parse(table: Table) -> SharedHold:
    """Read the row. A row that is there is a hold, whatever stands in it: somebody put it there."""
    names = [column(table, name) for name in COLUMNS]
    if not table.rows:
        return SharedHold()
    _, who, reason, since, until = (table.rows[0][name] for name in names)
    hold = OperatorHold(
        one_line(reason or "no reason given", 500), one_line(who or "an operator", 64), _unix(since) or 0.0,
        _unix(until), shared=True,
    )  # fmt: skip
    return SharedHold(hold)


def excused(errno: int) -> bool:
    """Whatever it says of the table, the server works; but for what says that it is gone."""
    return bool(errno) and errno not in NETWORK | SHUTTING_DOWN


def unread(errno: int, message: str, account: str) -> SharedHold:
    """The server does not let us read it after all: the table was dropped and its grant is left, or it is damaged."""
    return SharedHold(error=f"error {errno}: {message}")


def _unix(text: str | None) -> float | None:
    return float(text) if text is not None and text.isascii() and text.isdecimal() and len(text) < 16 else None


def rule(observation: Observation, memory: Memory, settings: ConnectionSettings, now: Instant) -> Iterator[Reason]:
    """Say whether shared holds can be read. The hold itself is no reason of a rule: it lies over all of them."""
    table, found = observation.fact(HoldTable), observation.fact(SharedHold)
    if found is not None and found.error is not None:
        last = "the one that stood there last still counts" if memory.shared else "a hold there would not be seen"
        text = f"{TABLE} cannot be read ({found.error}); {last}"
        yield Reason("shared_holds", Severity.NOTE, text, found.error)
    elif found is not None:
        said = f"held by {found.hold.who}" if found.hold else "not held"
        yield Reason("shared_holds", Severity.OK, f"read from {TABLE}", said)
    elif table is not None and not table.readable:
        yield Reason("shared_holds", Severity.OK, f"none: no table {TABLE} that this account may read", "no table")


WORDS = Words(lambda server: {"may_read_holds": MAY_READ}, readable)
RULE = Rule(("shared_holds",), rule)
