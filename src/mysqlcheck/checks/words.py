"""What subjects ask in one SELECT that they share: a round trip less for each of them.

System variables and other expressions stand in every row of the answer, and each row has a status variable::

    identity  now         read_only  variable_name  variable_value
    2         1795775096  1          UPTIME         864000

Rows and not MAX(IF(…)), because MariaDB says that read_only is 0 wherever a query aggregates (@@global.read_only beside
a MAX(), seen on 10.11 and 11.8 with read_only ON).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from mysqlcheck.checks.probe import Probe, column
from mysqlcheck.errors import UnexpectedAnswer
from mysqlcheck.model import ServerVersion, Table


class Words(NamedTuple):
    """What one subject asks. Nothing in it may fail or need a privilege: what is denied would silence all of them."""

    expressions: Callable[[ServerVersion], Mapping[str, str]]
    """SQL expressions by the names of their columns."""
    parse: Callable[[Table], Any]
    """Gets one row: the expressions, and the status variables by their names in lower case, None for one that the
    server does not have. Returns None where the server has nothing of the kind. Raises UnexpectedAnswer."""
    status: tuple[str, ...] = ()
    """Names of status variables."""


def together(words: Sequence[Words]) -> Probe:
    """Return the one query of them all; somebody among them must ask for a status variable."""
    status = tuple(dict.fromkeys(name for one in words for name in one.status))

    def query(server: ServerVersion) -> str:
        asked = {name: sql for one in words for name, sql in one.expressions(server).items()}
        names = ", ".join(f"'{name}'" for name in status)
        return (
            f"SELECT {', '.join(f'{sql} AS {name}' for name, sql in asked.items())}, VARIABLE_NAME AS variable_name, "  # noqa: S608
            f"VARIABLE_VALUE AS variable_value FROM {status_table(server)} WHERE VARIABLE_NAME IN ({names})"
        )

    def parse(table: Table) -> Iterator[Any]:
        row = _one_row(table, status)
        for one in words:
            fact = one.parse(row)
            if fact is not None:
                yield fact

    return Probe(query, parse, lambda server: "")


def status_table(server: ServerVersion) -> str:
    """The session's table does not walk all threads, and has what the server does not count by threads.

    MySQL moved it to performance_schema in 5.7, readable by all even where that is switched off
    (https://dev.mysql.com/doc/refman/8.4/en/performance-schema-status-variable-tables.html); MariaDB left it where it
    was (https://mariadb.com/kb/en/information-schema-global_status-and-session_status-tables/).
    """
    return "performance_schema.session_status" if _new(server) else "information_schema.SESSION_STATUS"


def global_status_table(server: ServerVersion) -> str:
    """The table that adds up what all threads count, for who must know."""
    return "performance_schema.global_status" if _new(server) else "information_schema.GLOBAL_STATUS"


def _new(server: ServerVersion) -> bool:
    return not server.mariadb and server.number >= (5, 7)


def _one_row(table: Table, status: tuple[str, ...]) -> Table:
    """Make one row of the answer's rows. A row that was not asked for is no answer, nor is one that comes twice."""
    name, value = column(table, "variable_name"), column(table, "variable_value")
    found = {(row[name] or "").lower(): row[value] for row in table.rows}
    asked = [one.lower() for one in status]
    if not table.rows or len(found) != len(table.rows) or not found.keys() <= set(asked):
        raise UnexpectedAnswer(f"the query for {', '.join(status)} returned {len(table.rows)} rows")
    row = {**table.rows[0], **{one: found.get(one) for one in asked}}
    return Table((*table.columns, *asked), [row])
