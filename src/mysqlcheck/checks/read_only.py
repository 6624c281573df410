"""Whether the server can be written to, against its role: `writable` and `read_only`."""

from collections.abc import Iterator
from typing import NamedTuple

from mysqlcheck.checks.member import member_of
from mysqlcheck.checks.probe import Rule, column, on_or_off, one_line
from mysqlcheck.checks.role import RoleSettings
from mysqlcheck.checks.words import Words
from mysqlcheck.errors import UnexpectedAnswer
from mysqlcheck.kinds import Flag
from mysqlcheck.model import Instant, Memory, Observation, Reason, ServerVersion, Severity, Table
from mysqlcheck.settings import Setting

OFF, ON = ("0", "OFF"), ("1", "ON", "NO_LOCK", "NO_LOCK_NO_ADMIN")
"""MariaDB 12 made read_only an enumeration; every value but OFF refuses ordinary writes
(https://mariadb.com/kb/en/server-system-variables/#read_only)."""


ADMIN_TOO = ("NO_LOCK_NO_ADMIN",)
"""MariaDB 12's word for what MySQL's super_read_only does: administrators do not write either."""


class ReadOnlySettings(RoleSettings):
    """Whom a replica must refuse."""

    super_read_only = Setting[bool](
        Flag(),
        default=False,
        help="A replica must have super_read_only ON too, so that administrators do not write to it by mistake. "
        "MySQL has it since 5.7.8; on MariaDB it is read_only = NO_LOCK_NO_ADMIN, from 12 on, and an older one fails.",
    )


class ReadOnly(NamedTuple):
    """The server's read_only; `admins` says whether administrators are refused too, None where it has no such thing."""

    on: bool
    admins: bool | None = None


def expressions(server: ServerVersion) -> dict[str, str]:
    """https://dev.mysql.com/doc/refman/8.4/en/server-system-variables.html#sysvar_super_read_only."""
    super_too = not server.mariadb and server.number >= (5, 7, 8)
    return {
        "read_only": "@@global.read_only",
        **({"super_read_only": "@@global.super_read_only"} if super_too else {}),
    }


def parse(table: Table) -> ReadOnly:
    """Read the one or the two."""
    name = column(table, "read_only")
    value = (table.rows[0][name] or "").upper()
    if value not in OFF + ON:
        raise UnexpectedAnswer(f"read_only is {one_line(value, 60)!r}, not ON or OFF")
    if "super_read_only" in table.columns:
        return ReadOnly(value in ON, on_or_off(table.rows[0]["super_read_only"], "super_read_only"))
    return ReadOnly(value in ON, True if value in ADMIN_TOO else None)


def rule(observation: Observation, memory: Memory, settings: ReadOnlySettings, now: Instant) -> Iterator[Reason]:
    """A replica takes no writes, the source takes them."""
    fact = observation.fact(ReadOnly)
    if fact is None:
        return
    observed = "ON" if fact.on else "OFF"
    if settings.role == "replica":
        yield _writable(fact, settings, member_of(observation))
    elif settings.role == "source":
        if fact.on:
            text = "read_only is ON on the source: clients could not write"
            yield Reason("read_only", Severity.FAIL, text, observed, "OFF", bars_entry=True)
        else:
            yield Reason("read_only", Severity.OK, "read_only is OFF", observed, "OFF")


def _writable(fact: ReadOnly, settings: ReadOnlySettings, member: str) -> Reason:
    if not fact.on:
        text = "read_only is OFF on a replica: clients could write to it"
        if member:
            text += f"; if it is to take writes as a member of {member}, check it with --role any"
        return Reason("writable", Severity.FAIL, text, "OFF", "ON", bars_entry=True)
    if not settings.super_read_only:
        return Reason("writable", Severity.OK, "read_only is ON", "ON", "ON")
    if fact.admins:
        return Reason("writable", Severity.OK, "read_only and super_read_only are ON", "super ON", "super ON")
    if fact.admins is None:
        text = "this server has no super_read_only, which --super-read-only demands (MySQL 5.7.8, MariaDB 12)"
    else:
        text = "super_read_only is OFF on a replica: administrators could write to it"
    return Reason("writable", Severity.FAIL, text, "super OFF", "super ON", bars_entry=True)


WORDS = Words(expressions, parse)
RULE = Rule(("writable", "read_only"), rule)
