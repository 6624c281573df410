"""The replication channels of a server, as SHOW REPLICA STATUS tells them: `channel_missing`, and the facts for others.

MariaDB's named connections are channels too. Both flavors tell names apart without regard to case
(https://dev.mysql.com/doc/refman/8.4/en/channels-naming-conventions.html,
https://mariadb.com/kb/en/multi-source-replication/).
"""

from collections.abc import Iterator
from typing import NamedTuple

from mysqlcheck.checks.probe import Probe, Rule, column, one_line, whole
from mysqlcheck.errors import UnexpectedAnswer
from mysqlcheck.kinds import Names
from mysqlcheck.model import Instant, Memory, Observation, Reason, ServerVersion, Severity, Table
from mysqlcheck.settings import Group, Setting

IO_STATES = ("Yes", "No", "Connecting", "Preparing")
"""What both flavors write for the IO thread; Preparing is MariaDB's, before the first connect."""

WAITS_FOR_DISK = ("Waiting for disk space", "Waiting for someone to free space")
"""A thread's state while its disk is full: the first is MySQL 9.7's (seen). A relay log that has reached its
relay_log_space_limit is another thing, and has other words."""
GROUP_OWN = ("group_replication_applier", "group_replication_recovery")
"""Channels that Group Replication keeps for itself; MySQL lets nobody else have these names
(https://dev.mysql.com/doc/refman/8.4/en/channels-naming-conventions.html)."""


class ChannelsSettings(Group):
    """Which channels there should be."""

    channel = Setting[tuple[str, ...]](
        Names("names of channels", nameless="default", longest=64, most=256),
        default=(),
        default_text="none",
        help="Channels (MariaDB: named connections) that a replica must have, separated by commas, or the option once "
        "for each: one that is not there fails. `default` is the channel without a name. Case does not matter. Others "
        "may be there, and are judged too; without this option whatever is there is all. A source is not asked.",
    )


RECEIVED = (
    *("Source_Log_File", "Master_Log_File", "Read_Source_Log_Pos", "Read_Master_Log_Pos"),
    "Slave_received_heartbeats",
)


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
    source_uuid: str = ""
    """The source's server_uuid; empty on MariaDB, which has none, and before the first connection."""
    filters: str = ""
    """Its replication filters: `Replicate_Do_DB=a, Replicate_Wild_Ignore_Table=b.%`."""
    delay: int = 0
    """SQL_Delay: for how many seconds an event is kept back on purpose."""
    source_id: int | None = None
    """The source's server_id; 0 before the first connect."""
    received: str = ""
    """What came from the source: how far its binary log was read, and on MariaDB how many heartbeats came."""
    waits_for_disk: str = ""
    """IO or SQL, for the thread that waits for room on the disk; empty where none does."""

    @property
    def io_running(self) -> bool:
        """Whether the IO thread is connected to the source."""
        return self.io_state == "Yes"

    @property
    def running(self) -> bool:
        """Whether both threads run."""
        return self.io_running and self.sql_running

    def __str__(self) -> str:
        return f"channel {self.name!r} from {self.source}" if self.name else f"from {self.source}"


class Channels(NamedTuple):
    """All channels of a server; none where it is no replica."""

    channels: tuple[Channel, ...]

    @property
    def judged(self) -> tuple[Channel, ...]:
        """All that somebody has configured.

        Group Replication starts and stops its own channels as it needs them: the recovery channel is off in a healthy
        member (https://dev.mysql.com/doc/refman/8.4/en/group-replication-distributed-recovery.html).
        """
        return tuple(channel for channel in self.channels if channel.name not in GROUP_OWN)

    def missing(self, expected: tuple[str, ...]) -> tuple[str, ...]:
        """Return the names among these that no channel has."""
        there = {channel.name.lower() for channel in self.channels}
        return tuple(name for name in expected if one_line(name).lower() not in there)


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
    """MariaDB took it out of REPLICATION CLIENT in 10.5.2, and gave it a privilege of its own in 10.5.9.

    https://mariadb.com/kb/en/grant/#replica-monitor; for the versions between, which know no smaller one:
    https://mariadb.com/docs/server/ref/mdb/privileges/REPLICATION_SLAVE_ADMIN.
    """
    if not server.mariadb or server.number < (10, 5, 2):
        return "REPLICATION CLIENT"
    return "REPLICA MONITOR" if server.number >= (10, 5, 9) else "REPLICATION SLAVE ADMIN"


def parse(table: Table) -> Channels:
    """Read one row a channel. An answer without the columns, even without rows, is no answer."""
    io = column(table, "Replica_IO_Running", "Slave_IO_Running")
    sql = column(table, "Replica_SQL_Running", "Slave_SQL_Running")
    lag = column(table, "Seconds_Behind_Source", "Seconds_Behind_Master")
    host = column(table, "Source_Host", "Master_Host")
    port = column(table, "Source_Port", "Master_Port")
    io_errno, io_error = column(table, "Last_IO_Errno"), column(table, "Last_IO_Error")
    sql_errno, sql_error = column(table, "Last_SQL_Errno"), column(table, "Last_SQL_Error")
    uuid = next((name for name in ("Source_UUID", "Master_UUID") if name in table.columns), None)
    name = next((name for name in ("Channel_Name", "Connection_name") if name in table.columns), None)
    filters = [name for name in table.columns if name.startswith("Replicate_")]
    source_id = next((name for name in ("Source_Server_Id", "Master_Server_Id") if name in table.columns), None)
    delay = "SQL_Delay" if "SQL_Delay" in table.columns else None  # MySQL 5.5 and MariaDB 10.1 have none
    doing = [
        (thread, name)
        for thread, names in (
            ("IO", ("Replica_IO_State", "Slave_IO_State")),
            ("SQL", ("Replica_SQL_Running_State", "Slave_SQL_Running_State")),
        )
        for name in names
        if name in table.columns
    ]
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
                source=one_line(f"{row[host] or ''}:{row[port] or ''}", 270),  # a host name has up to 255
                io_state=io_state,
                io_errno=whole(row[io_errno], io_errno),
                io_error=one_line(row[io_error] or ""),
                sql_running=sql_state == "Yes",
                sql_errno=whole(row[sql_errno], sql_errno),
                sql_error=one_line(row[sql_error] or ""),
                lag=None if seconds is None else whole(seconds, lag),
                source_uuid=one_line(row[uuid] or "", 64) if uuid else "",
                filters=one_line(", ".join(f"{name}={row[name]}" for name in filters if row[name]), 4000),
                delay=whole(row[delay], delay) if delay else 0,
                source_id=whole(row[source_id], source_id) if source_id else None,
                received=" ".join(one_line(row[name] or "", 80) for name in RECEIVED if name in table.columns),
                waits_for_disk=next((thread for thread, name in doing if row[name] in WAITS_FOR_DISK), ""),
            )
        )
    return Channels(tuple(channels))


def rule(observation: Observation, memory: Memory, settings: ChannelsSettings, now: Instant) -> Iterator[Reason]:
    """Every channel that was asked for must be there."""
    facts, expected = observation.fact(Channels), settings.channel
    if facts is None or not expected:
        return
    show = ChannelsSettings.channel.kind.show
    there, limit = tuple(channel.name for channel in facts.channels), show(expected)
    observed = one_line(show(there)) or "no channel"
    if missing := facts.missing(expected):
        text = f"channel{'s' if len(missing) > 1 else ''} {_named(missing)} not configured; there is {_named(there)}"
        yield Reason("channel_missing", Severity.FAIL, text, observed, limit, bars_entry=True)
    else:
        yield Reason("channel_missing", Severity.OK, "every channel asked for is there", observed, limit)


def _named(names: tuple[str, ...]) -> str:
    return one_line(", ".join(repr(name) if name else "default" for name in names)) or "none"


PROBE = Probe(query, lambda table: iter((parse(table),)), privilege)
RULE = Rule(("channel_missing",), rule)
