"""Whether the server keeps clients out: `offline_mode`.

An account without CONNECTION_ADMIN (SUPER) is not even let in to ask: error 3032, which connection.py knows
(https://dev.mysql.com/doc/refman/8.4/en/server-system-variables.html#sysvar_offline_mode). MariaDB has none.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from mysqlcheck.checks.connection import keeps_clients_out
from mysqlcheck.checks.probe import Rule, on_or_off
from mysqlcheck.checks.words import Words
from mysqlcheck.model import Instant, Memory, Observation, Reason, ServerVersion, Severity, Table


class OfflineMode(NamedTuple):
    """The server's offline_mode."""

    on: bool


def expressions(server: ServerVersion) -> dict[str, str]:
    """MySQL has it since 5.7.5."""
    known = not server.mariadb and server.number >= (5, 7, 5)
    return {"offline_mode": "@@global.offline_mode"} if known else {}


def parse(table: Table) -> OfflineMode | None:
    """Read it where it was asked for."""
    if "offline_mode" not in table.columns:
        return None
    return OfflineMode(on_or_off(table.rows[0]["offline_mode"], "offline_mode"))


def rule(observation: Observation, memory: Memory, settings: Any, now: Instant) -> Iterator[Reason]:
    """Clients are thrown out, whatever we ourselves may do."""
    fact = observation.fact(OfflineMode)
    if fact is not None:
        fine = Reason("offline_mode", Severity.OK, "clients are let in", "OFF", "OFF")
        yield keeps_clients_out() if fact.on else fine


WORDS = Words(expressions, parse)
RULE = Rule(("offline_mode",), rule)
