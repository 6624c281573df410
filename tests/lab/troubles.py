"""Making real trouble on a replica, and putting it right again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab.accounts import REPLICATOR
from tests.lab.replication import Replication
from tests.lab.server import Server
from tests.lab.waiting import wait_until

DUPLICATE_ENTRY = 1062


class Troubles(Replication):
    """Needs the tables that `create_tables` makes on the source."""

    def create_tables(self) -> None:
        self.source.sql("CREATE DATABASE lab")
        self.source.sql("CREATE TABLE lab.written (id INT AUTO_INCREMENT PRIMARY KEY, note VARCHAR(200))")
        self.source.sql("CREATE TABLE lab.lagging (id INT AUTO_INCREMENT PRIMARY KEY)")
        self.source.sql("CREATE TABLE lab.breaking (id INT AUTO_INCREMENT PRIMARY KEY)")

    def write(self, note: str = "") -> int:
        """One row on the source; returns its id."""
        with self.source.connect() as connection, connection.cursor() as cursor:
            cursor.execute("INSERT INTO lab.written (note) VALUES (%s)", (note,))
            return int(cursor.lastrowid or 0)

    def set_read_only(self, replica: Server, on: bool) -> None:
        replica.sql(f"SET GLOBAL read_only = {'ON' if on else 'OFF'}")

    def break_sql_thread(self, replica: Server) -> None:
        """A row that only this replica has, then the same row from the source: error 1062 stops the SQL thread."""
        row = self.source.sql("SELECT COALESCE(MAX(id), 0) + 1 AS next FROM lab.breaking")[0]["next"]
        replica.sql_here_only(f"INSERT INTO lab.breaking VALUES ({row})")
        self.source.sql(f"INSERT INTO lab.breaking VALUES ({row})")
        wait_until(lambda: self._met_the_duplicate(replica), f"{replica.name} to stop at the duplicate row")

    def repair_sql_thread(self, replica: Server) -> None:
        """Remove the row that stands in the way, and let the source's one in."""
        replica.sql_here_only("DELETE FROM lab.breaking ORDER BY id DESC LIMIT 1")
        self.start_threads(replica)
        self.wait_until_caught_up(replica)

    @contextmanager
    def broken_sql_thread(self, replica: Server) -> Iterator[None]:
        self.break_sql_thread(replica)
        yield
        self.repair_sql_thread(replica)

    def write_as_of(self, seconds_ago: int, source: Server | None = None) -> None:
        """One row on the source (or another), with the event's timestamp of so long ago."""
        with (source or self.source).connect() as writer, writer.cursor() as cursor:
            cursor.execute(f"SET timestamp = UNIX_TIMESTAMP() - {seconds_ago}")
            cursor.execute("INSERT INTO lab.lagging VALUES ()")

    @contextmanager
    def make_lag(
        self, replica: Server, seconds: int = 0, channel: str = "", source: Server | None = None
    ) -> Iterator[None]:
        """A real lag: the applier waits for a lock while the source has written; Seconds_Behind grows by 1 a second.

        With `seconds` the source writes as of so long ago, so that the replica reports that lag at once: it computes
        Seconds_Behind from the event's timestamp, whether or not we waited for it to grow old. (The microsecond
        commit timestamps of MySQL's performance_schema stay those of now.) With a channel its own source writes, and
        the servers must be built anew afterwards: their data is no longer the source's.
        """
        with replica.connect() as holder:
            # READ is enough to hold up the applier, and super_read_only does not forbid it.
            holder.cursor().execute("LOCK TABLES lab.lagging READ")
            self.write_as_of(seconds, source)
            self.wait_for_lag(replica, max(seconds, 1), channel)
            yield
        if replica.pid() is not None and self.runs(replica):
            self.wait_until_caught_up(replica)

    def write_errant(self, replica: Server) -> None:
        """Two transactions on the replica itself, of which the second undoes the first: its data is its source's."""
        replica.sql("CREATE DATABASE errant")
        replica.sql("DROP DATABASE errant")

    def mend_errant(self, replica: Server) -> None:
        """Make both agree: empty transactions on MySQL's source, a new binary log on MariaDB's replica."""
        if replica.flavor == "mariadb":
            replica.sql("RESET MASTER")
            return
        executed = replica.sql("SELECT @@global.gtid_executed AS executed")[0]["executed"]
        missing = self.source.sql("SELECT GTID_SUBTRACT(%s, @@global.gtid_executed) AS missing", executed)
        uuid, *ranges = str(missing[0]["missing"]).split(":")
        with self.source.connect() as connection, connection.cursor() as cursor:
            for one in ranges:
                first, _, last = one.partition("-")
                for number in range(int(first), int(last or first) + 1):
                    cursor.execute(f"SET GTID_NEXT = '{uuid}:{number}'")
                    cursor.execute("BEGIN")
                    cursor.execute("COMMIT")
        self.wait_until_caught_up(replica)

    @contextmanager
    def delayed(self, replica: Server, seconds: int) -> Iterator[None]:
        """A replica that is kept behind on purpose (SQL_Delay)."""
        self.delay(replica, seconds)
        yield
        self.delay(replica, 0)
        self.wait_until_caught_up(replica)

    @contextmanager
    def one_connection_to_the_source(self) -> Iterator[None]:
        """Cut all replicas off, and let the account that replicates in once only: the others get error 1226."""
        dumps = "SELECT ID AS id FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'"
        try:
            self._limit_connections(1)
            for row in self.source.sql(dumps):
                self.source.sql(f"KILL {row['id']}")
            yield
        finally:
            self.let_all_connect()

    def let_all_connect(self) -> None:
        """End that; one whose IO thread has given up is started."""
        self._limit_connections(0)
        for replica in self.replicas:
            self.start_io_thread(replica)

    def _limit_connections(self, most: int) -> None:
        self.source.sql(f"ALTER USER {REPLICATOR} WITH MAX_USER_CONNECTIONS {most}")

    def _met_the_duplicate(self, replica: Server) -> bool:
        """MySQL shows the error an instant before the thread has stopped."""
        channel = self.channel(replica)
        return channel is not None and (channel.sql, channel.sql_errno) == ("No", DUPLICATE_ENTRY)
