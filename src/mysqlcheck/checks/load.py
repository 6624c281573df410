"""How much the server has to do already: `connections_saturated` and `threads_running`; both only where asked for.

Threads_connected in percent of max_connections
    up to nine tenths of max_connections_used    fine
    from there to max_connections_used           bars entry
    above                                        drain
Threads_running
    up to max_threads_running                    full weight
    from there to twice that                     less, in a straight line to a tenth

Off unless set: a server that is drained for its load leaves it to the others, and where all have much to do that takes
one after the other out. Threads_connected counts every connection, also those on MySQL's admin port or MariaDB's
extra_port, and the one that is kept for an administrator above max_connections, so that it may be above 100 percent
(https://dev.mysql.com/doc/refman/8.4/en/too-many-connections.html).
"""

from collections.abc import Iterator
from typing import NamedTuple

from mysqlcheck.checks.lag import LEAST_SHARE
from mysqlcheck.checks.probe import Rule, column, whole
from mysqlcheck.checks.words import Words, global_status_table
from mysqlcheck.errors import UnexpectedAnswer
from mysqlcheck.kinds import Whole
from mysqlcheck.model import Instant, Memory, Observation, Reason, ServerVersion, Severity, Table
from mysqlcheck.settings import Group, Setting

RESUME = 0.9
"""What a server drained for its connections must be at or below, of max_connections_used."""


class LoadSettings(Group):
    """How much is too much."""

    max_connections_used = Setting[int | None](
        Whole(1, 100),
        default=None,
        help="Drain a server with more connections than this percentage of its max_connections; it comes back at nine "
        "tenths of that. Not set: never, as the load that it gives away may drain the next.",
    )
    max_threads_running = Setting[int | None](
        Whole(1, 100_000),
        default=None,
        help="Less weight where more threads run than this (Threads_running): a tenth of it at twice as many. Not set: "
        "they do not matter.",
    )


class Load(NamedTuple):
    """How many connections there are, how many there may be, and how many threads run: our own is among them."""

    connected: int
    max_connections: int
    running: int

    @property
    def used(self) -> float:
        """The connections in percent of those that there may be."""
        return round(100 * self.connected / self.max_connections, 1)


def expressions(server: ServerVersion) -> dict[str, str]:
    """Threads_running is not in the table that all share: there MariaDB counts the session alone (10.11, 11.8)."""
    table = global_status_table(server)
    running = f"SELECT VARIABLE_VALUE FROM {table} WHERE VARIABLE_NAME = 'Threads_running'"  # noqa: S608
    return {"max_connections": "@@global.max_connections", "threads_running": f"({running})"}


def parse(table: Table) -> Load:
    """Read the three numbers."""
    row = table.rows[0]
    connected = whole(row["threads_connected"], "Threads_connected")
    running = whole(row[column(table, "threads_running")], "Threads_running")
    most = whole(row[column(table, "max_connections")], "max_connections")
    if most == 0:
        raise UnexpectedAnswer("max_connections is 0")
    return Load(connected, most, running)


def share(load: Load | None, settings: LoadSettings) -> float:
    """Return the share of full weight (0.1 to 1) that so many running threads leave."""
    limit = settings.max_threads_running
    if load is None or limit is None:
        return 1.0
    over = min(1.0, max(0.0, load.running / limit - 1.0))
    return 1.0 - over * (1.0 - LEAST_SHARE)


def rule(observation: Observation, memory: Memory, settings: LoadSettings, now: Instant) -> Iterator[Reason]:
    """Judge what a limit is set for."""
    load = observation.fact(Load)
    if load is None:
        return
    if settings.max_connections_used is not None:
        yield _connections(load, settings.max_connections_used)
    if settings.max_threads_running is not None:
        yield _threads(load.running, settings.max_threads_running)


def _connections(load: Load, limit: int) -> Reason:
    text = f"{load.connected} of {load.max_connections} connections are used ({load.used:g} %)"
    bars_entry = load.used > limit * RESUME
    severity = Severity.OK
    if load.used > limit:
        severity, text = Severity.DRAIN, f"{text}, more than max_connections_used {limit} %"
    elif bars_entry:
        severity, text = Severity.NOTE, f"{text}, close to max_connections_used {limit} %"
    return Reason("connections_saturated", severity, text, load.used, limit, bars_entry)


def _threads(running: int, limit: int) -> Reason:
    if running > limit:
        text = f"{running} threads run, more than max_threads_running {limit}: less weight"
        return Reason("threads_running", Severity.NOTE, text, running, limit)
    return Reason("threads_running", Severity.OK, f"{running} threads run", running, limit)


WORDS = Words(expressions, parse, status=("Threads_connected",))
RULE = Rule(("connections_saturated", "threads_running"), rule)
