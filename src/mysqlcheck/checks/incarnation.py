"""Which incarnation of the server answers: what a restart changes, and a step of its clock does not.

`Uptime` counts from the start of the process and follows the server's wall clock: a step of an hour took it from 18 to
3,619 (run on MySQL 9.7 and MariaDB 10.11). Both servers compute it as the time of the query minus the time of the
start, so the time of the query minus Uptime is the time of the start, whatever happened to the clock meanwhile.
"""

from typing import NamedTuple

from mysqlcheck.checks.probe import column, one_line
from mysqlcheck.checks.words import Words
from mysqlcheck.errors import UnexpectedAnswer
from mysqlcheck.model import ServerVersion, Table

MOST = 1 << 61
"""Seconds beyond which nothing is meant."""


class Incarnation(NamedTuple):
    """server_uuid (MariaDB: server_id), Unix time of the start by the server's own clock, Uptime in seconds."""

    identity: str
    started: int
    uptime: int
    """Below zero where the server's clock went back to before its start."""


def expressions(server: ServerVersion) -> dict[str, str]:
    """MariaDB has no server_uuid. The time and Uptime are of the same moment, because they are of one query."""
    identity = "@@global.server_id" if server.mariadb else "@@global.server_uuid"
    return {"identity": identity, "now": "UNIX_TIMESTAMP()"}


def parse(table: Table) -> Incarnation:
    """Read the one row."""
    columns = [column(table, name) for name in ("identity", "now", "uptime")]
    identity, now, uptime = (table.rows[0][name] or "" for name in columns)
    if not identity:
        raise UnexpectedAnswer("the server does not tell its server_uuid or server_id")
    seconds = _signed(uptime, "Uptime")
    return Incarnation(one_line(identity, 64), _signed(now, "UNIX_TIMESTAMP()") - seconds, seconds)


def _signed(text: str, what: str) -> int:
    """Read a number of 64 bits; an Uptime below zero is shown as one near 2^64."""
    digits, point, fraction = text.removeprefix("-").partition(".")
    sound = (digits + fraction).isascii() and digits.isdecimal() and fraction.isdecimal() == bool(point)
    number = int(digits) if sound and len(digits) <= 20 else MOST
    if text.startswith("-"):
        number = -number
    elif 1 << 63 <= number < 1 << 64:
        number -= 1 << 64
    if not -MOST < number < MOST:
        raise UnexpectedAnswer(f"{what} is {one_line(text, 60)!r}, no number of seconds")
    return number


WORDS = Words(expressions, parse, status=("Uptime",))
