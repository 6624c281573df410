"""The replication channels of a server, as SHOW REPLICA STATUS tells them: the facts for threads and lag."""

from typing import NamedTuple

from mysqlcheck.checks.probe import Probe, column, one_line, whole
from mysqlcheck.errors import UnexpectedAnswer
from mysqlcheck.model import ServerVersion, Table

IO_STATES = ("Yes", "No", "Connecting", "Preparing")
"""What both flavors write for the IO thread; Preparing is MariaDB's, before the first connect."""


class Channel(NamedTuple):
    """One replication channel; `name` is empty for the default one, lag in seconds is None for NULL."""

    name: str
    source: str
    io_state: str
    io_errno: int
    io_error: str
    sql_running: bool
    sql_errno: int
    sql_error: str
    lag: int | None

    @property
    def io_running(self) -> bool:
        """Whether the IO thread is connected to the source."""
        return self.io_state == "Yes"

    def __str__(self) -> str:
        return f"channel {self.name!r} from {self.source}" if self.name else f"from {self.source}"


class Channels(NamedTuple):
    """All channels of a server; none where it is no replica."""

    channels: tuple[Channel, ...]


def query(server: ServerVersion) -> str:
    """Every channel counts, and each flavor has its own words for all of them.

    MariaDB's SHOW SLAVE STATUS shows only the default connection, SHOW ALL SLAVES STATUS all of them
    (https://mariadb.com/kb/en/show-replica-status/). MySQL has the new words since 8.0.22 and only these
    since 8.4 (https://dev.mysql.com/doc/refman/8.4/en/show-replica-status.html).
    """
    if server.mariadb:
        return "SHOW ALL SLAVES STATUS"
    return "SHOW REPLICA STATUS" if server.number >= (8, 0, 22) else "SHOW SLAVE STATUS"


def privilege(server: ServerVersion) -> str:
    """MariaDB split a privilege of its own off in 10.5 (https://mariadb.com/kb/en/grant/#replica-monitor)."""
    return "REPLICA MONITOR" if server.mariadb and server.number >= (10, 5) else "REPLICATION CLIENT"


def parse(table: Table) -> Channels:
    """Read one row a channel. An answer without the columns, even without rows, is no answer."""
    io = column(table, "Replica_IO_Running", "Slave_IO_Running")
    sql = column(table, "Replica_SQL_Running", "Slave_SQL_Running")
    lag = column(table, "Seconds_Behind_Source", "Seconds_Behind_Master")
    host = column(table, "Source_Host", "Master_Host")
    port = column(table, "Source_Port", "Master_Port")
    io_errno, io_error = column(table, "Last_IO_Errno"), column(table, "Last_IO_Error")
    sql_errno, sql_error = column(table, "Last_SQL_Errno"), column(table, "Last_SQL_Error")
    name = next((name for name in ("Channel_Name", "Connection_name") if name in table.columns), None)
    channels = []
    for row in table.rows:
        io_state, sql_state, seconds = row[io], row[sql], row[lag]
        if io_state not in IO_STATES:
            raise UnexpectedAnswer(f"{io} is {one_line(str(io_state), 60)!r}, not one of {', '.join(IO_STATES)}")
        if sql_state not in ("Yes", "No"):
            raise UnexpectedAnswer(f"{sql} is {one_line(str(sql_state), 60)!r}, not Yes or No")
        channels.append(
            Channel(
                name=one_line(row[name] or "", 80) if name else "",
                source=one_line(f"{row[host] or ''}:{row[port] or ''}", 120),
                io_state=io_state,
                io_errno=whole(row[io_errno], io_errno),
                io_error=one_line(row[io_error] or ""),
                sql_running=sql_state == "Yes",
                sql_errno=whole(row[sql_errno], sql_errno),
                sql_error=one_line(row[sql_error] or ""),
                lag=None if seconds is None else whole(seconds, lag),
            )
        )
    return Channels(tuple(channels))


PROBE = Probe(query, lambda table: iter((parse(table),)), privilege)
