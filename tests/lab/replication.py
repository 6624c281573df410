"""Replication between servers of either dialect: set it up, look at it, stop and start it, wait for it.

The statements are spelled out for each dialect in two small tables, so that the rest reads the same for both.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.lab.server import Server
from tests.lab.waiting import LabError, wait_until

CATCH_UP_LIMIT = 60.0


class Dialect(NamedTuple):
    """How a flavor says it. `{channel}` is a quoted name; the default channel is the empty one in both dialects."""

    status: str
    start: str
    start_io: str
    stop_io: str
    stop_sql: str
    stop: str
    forget: str
    delay: str
    configure: str
    position: str
    wait_for: str
    columns: tuple[str, str, str, str, str, str, str]


MYSQL = Dialect(
    status="SHOW REPLICA STATUS",
    start="START REPLICA FOR CHANNEL {channel}",
    start_io="START REPLICA IO_THREAD FOR CHANNEL {channel}",
    stop_io="STOP REPLICA IO_THREAD FOR CHANNEL {channel}",
    stop_sql="STOP REPLICA SQL_THREAD FOR CHANNEL {channel}",
    stop="STOP REPLICA FOR CHANNEL {channel}",
    forget="RESET REPLICA ALL FOR CHANNEL {channel}",
    delay="CHANGE REPLICATION SOURCE TO SOURCE_DELAY={seconds} FOR CHANNEL {channel}",
    configure=(
        "CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT={port}, SOURCE_USER='replicator',"
        " SOURCE_PASSWORD='{password}', SOURCE_AUTO_POSITION=1, SOURCE_CONNECT_RETRY=1, SOURCE_SSL=1"
        " FOR CHANNEL {channel}"
    ),
    position="SELECT @@global.gtid_executed AS position",
    wait_for="SELECT WAIT_FOR_EXECUTED_GTID_SET(%s, {limit}) AS late",
    columns=(
        "Channel_Name",
        "Replica_IO_Running",
        "Replica_SQL_Running",
        "Seconds_Behind_Source",
        "Last_IO_Errno",
        "Last_SQL_Errno",
        "Source_Port",
    ),
)

MARIADB = Dialect(
    status="SHOW ALL SLAVES STATUS",
    start="START SLAVE {channel}",  # FOR CHANNEL came with 10.7
    start_io="START SLAVE {channel} IO_THREAD",
    stop_io="STOP SLAVE {channel} IO_THREAD",
    stop_sql="STOP SLAVE {channel} SQL_THREAD",
    stop="STOP SLAVE {channel}",
    forget="RESET SLAVE {channel} ALL",
    delay="CHANGE MASTER {channel} TO MASTER_DELAY={seconds}",
    configure=(
        "CHANGE MASTER {channel} TO MASTER_HOST='127.0.0.1', MASTER_PORT={port}, MASTER_USER='replicator',"
        " MASTER_PASSWORD='{password}', MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1, MASTER_SSL=0"
    ),
    position="SELECT @@global.gtid_binlog_pos AS position",
    wait_for="SELECT MASTER_GTID_WAIT(%s, {limit}) AS late",
    columns=(
        "Connection_name",
        "Slave_IO_Running",
        "Slave_SQL_Running",
        "Seconds_Behind_Master",
        "Last_IO_Errno",
        "Last_SQL_Errno",
        "Master_Port",
    ),
)


class Channel(NamedTuple):
    """One channel of a replica, in the server's own words."""

    name: str
    io: str  # Yes, No, Connecting, Preparing
    sql: str  # Yes, No
    lag: int | None  # Seconds_Behind
    io_errno: int
    sql_errno: int
    source_port: int


def dialect(server: Server) -> Dialect:
    return MYSQL if server.flavor == "mysql" else MARIADB


def status(replica: Server) -> list[dict[str, Any]]:
    """The rows as the server gives them, one a channel."""
    return replica.sql(dialect(replica).status)


def channels(replica: Server) -> list[Channel]:
    return [Channel(*(row[column] for column in dialect(replica).columns)) for row in status(replica)]


class Replication:
    """What can be done to the replication of a replica, one channel at a time."""

    source: Server
    replicas: list[Server]
    replication_password: str

    def channel(self, replica: Server, name: str = "") -> Channel | None:
        """What the replica says of one channel, in whatever case; None when it is not configured."""
        return next((channel for channel in channels(replica) if channel.name.lower() == name.lower()), None)

    def lag(self, replica: Server, channel: str = "") -> int | None:
        found = self.channel(replica, channel)
        return found.lag if found else None

    def configure_replication(self, replica: Server, channel: str = "", source: Server | None = None) -> None:
        """Replicate by GTID from the source (or another server that has its accounts), from where it left off."""
        port = (source or self.source).port
        self._run(replica, "configure", channel, port=port, password=self.replication_password)
        self.start_threads(replica, channel)

    def forget_replication(self, replica: Server, channel: str = "") -> None:
        """RESET REPLICA ALL: the replica no longer knows that it is one."""
        self.stop_threads(replica, channel)
        self._run(replica, "forget", channel)

    def delay(self, replica: Server, seconds: int, channel: str = "") -> None:
        """Keep every event back for so long, from now on."""
        self.stop_threads(replica, channel)
        self._run(replica, "delay", channel, seconds=seconds)
        self.start_threads(replica, channel)

    def start_io_thread(self, replica: Server, channel: str = "") -> None:
        """Start it, whether or not it gets anywhere."""
        self._run(replica, "start_io", channel)

    def stop_io_thread(self, replica: Server, channel: str = "") -> None:
        self._run(replica, "stop_io", channel)

    def stop_sql_thread(self, replica: Server, channel: str = "") -> None:
        self._run(replica, "stop_sql", channel)

    def stop_threads(self, replica: Server, channel: str = "") -> None:
        self._run(replica, "stop", channel)

    def start_threads(self, replica: Server, channel: str = "") -> None:
        """Start both threads and wait until they run."""
        self._run(replica, "start", channel)
        wait_until(lambda: self.runs(replica, channel), f"both threads of {replica.name} to run")

    def runs(self, replica: Server, channel: str = "") -> bool:
        found = self.channel(replica, channel)
        return found is not None and (found.io, found.sql) == ("Yes", "Yes")

    def wait_for_lag(self, replica: Server, at_least: float, channel: str = "", limit: float = 120.0) -> int:
        """Wait until the replica itself reports a lag of at least so many seconds; returns it."""
        lags: list[int] = []

        def lags_enough() -> bool:
            lag = self.lag(replica, channel)
            lags.append(-1 if lag is None else lag)
            return lags[-1] >= at_least

        wait_until(lags_enough, f"a lag of {at_least:g} s on {replica.name}", limit, every=0.05)
        return lags[-1]

    def wait_until_caught_up(self, replica: Server, limit: float = CATCH_UP_LIMIT) -> None:
        """Everything the source has written is applied, and the replica reports a lag of 0."""
        position = str(self.source.sql(dialect(self.source).position)[0]["position"])
        statement = dialect(replica).wait_for.format(limit=limit)
        if replica.sql(statement, position)[0]["late"] != 0:
            raise LabError(f"{replica.name} has not caught up with {position} after {limit:g} s: {status(replica)}")
        wait_until(lambda: self.lag(replica) == 0, f"{replica.name} to report a lag of 0", limit)

    def _run(self, replica: Server, what: str, channel: str, **values: object) -> None:
        statement: str = getattr(dialect(replica), what)
        replica.sql(statement.format(channel=f"'{channel}'", **values))
