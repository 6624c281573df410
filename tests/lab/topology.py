"""One source and its replicas, replicating for real; healthy when it comes up, and healthy again after reset()::

with Topology.start(LocalMariaDB, replicas=2) as topology:
    topology.replicas[0].kill()
    with topology.make_lag(topology.replicas[1], seconds=90):
        ...
    topology.reset()
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import pymysql

from tests.lab.accounts import Monitor, replicator_statements
from tests.lab.replication import channels, status
from tests.lab.server import Server
from tests.lab.troubles import Troubles
from tests.lab.waiting import LabError
from tests.lab.watcher import WATCHER

# What tests change and reset() puts back; read_only comes last, as switching super_read_only on switches it on too.
VARIABLES = (
    "connect_timeout",
    "max_connect_errors",
    "max_connections",
    "max_user_connections",
    "offline_mode",
    "replica_net_timeout",
    "require_secure_transport",
    "slave_net_timeout",
    "super_read_only",
    "wait_timeout",
    "read_only",
)
HEAL_LIMIT = 20.0


class Topology(Troubles):
    """Use `Topology.start(provider)`; it is a context manager that leaves nothing behind."""

    def __init__(
        self, provider: type[Server], folder: Path | None, replicas: int, grants: Sequence[str] | None
    ) -> None:
        began = time.monotonic()
        self._own_folder: Path | None = None
        if folder is None:
            folder = self._own_folder = Path(tempfile.mkdtemp(prefix="mysqlcheck-lab-"))
            WATCHER.watch("folder", str(folder))
        self.provider = provider
        self.replication_password = secrets.token_urlsafe(18)
        self.monitor = Monitor(provider.flavor, grants)
        self.servers: list[Server] = []
        self._variables: dict[str, dict[str, str]] = {}
        try:
            for number in range(replicas + 1):
                options = [f"--server-id={number + 1}", *(["--read-only=ON"] if number else [])]
                name = f"replica{number}" if number else "source"
                self.servers.append(provider(name, folder, options))
                self.servers[-1].launch()
            self.source, self.replicas = self.servers[0], self.servers[1:]
            self._come_up()
        except BaseException:
            self.close()
            raise
        self.came_up_in = time.monotonic() - began

    @classmethod
    def start(
        cls,
        provider: type[Server],
        folder: Path | None = None,
        replicas: int = 1,
        grants: Sequence[str] | None = None,
    ) -> Self:
        """`grants` are whole GRANT statements for the monitor's account, in place of the least privileges."""
        return cls(provider, folder, replicas, grants)

    @property
    def replica(self) -> Server:
        return self.replicas[0]

    def set_monitor_grants(self, *grants: str) -> None:
        """Create the monitor's account anew with other privileges, on the source: it replicates. reset() undoes it."""
        for statement in self.monitor.statements(grants):
            self.source.sql(statement)

    def reset(self) -> None:
        """Everything healthy again, whatever a test did; a few milliseconds when nothing is wrong."""
        for server in self.servers:
            if server.pid() is None:
                server.launch()
            else:
                server.resume()
        for server in self.servers:
            server.wait_until_it_answers()
            self._restore_variables(server)
        for replica in self.replicas:
            try:
                self._heal(replica)
            except (LabError, pymysql.err.MySQLError):
                self.rebuild(replica)
        for server in self.servers:
            self.monitor.restore(server)

    def rebuild(self, replica: Server) -> None:
        """From an empty datadir: the source still has its whole binary log."""
        replica.begin_anew()
        self.configure_replication(replica)
        self.wait_until_caught_up(replica)
        replica.sql_here_only(*self.monitor.statements())
        self.monitor.remember(replica)

    def close(self) -> None:
        """No process, container or datadir is left, whatever state they are in."""
        for server in self.servers:
            server.close()
        if self._own_folder is not None:
            shutil.rmtree(self._own_folder, ignore_errors=True)
            WATCHER.forget("folder", str(self._own_folder))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _come_up(self) -> None:
        for server in self.servers:
            server.wait_until_it_answers()
        for statement in [*replicator_statements(self.replication_password), *self.monitor.statements()]:
            self.source.sql(statement)
        self.create_tables()
        for replica in self.replicas:
            self.configure_replication(replica)
        for replica in self.replicas:
            self.wait_until_caught_up(replica)
        for server in self.servers:
            self._variables[server.name] = self._read_variables(server)
            self.monitor.remember(server)

    def _restore_variables(self, server: Server) -> None:
        now, wanted = self._read_variables(server), self._variables[server.name]
        for name in VARIABLES:
            if name in wanted and now[name] != wanted[name]:
                value = wanted[name] if wanted[name].isdigit() else f"'{wanted[name]}'"
                server.sql(f"SET GLOBAL {name} = {value}")

    @staticmethod
    def _read_variables(server: Server) -> dict[str, str]:
        names = ", ".join(f"'{name}'" for name in VARIABLES)
        rows = server.sql(f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({names})")
        return {str(row["Variable_name"]): str(row["Value"]) for row in rows}

    def _heal(self, replica: Server) -> None:
        """One channel, from our source, without delay, running, no error left, caught up."""
        delays = {row["SQL_Delay"] for row in status(replica)}
        for channel in channels(replica):
            if channel.name or channel.source_port != self.source.port or delays != {0}:
                self.forget_replication(replica, channel.name)
        found = self.channel(replica)
        if found is None:
            self.configure_replication(replica)
        elif not self.runs(replica) or found.io_errno or found.sql_errno:
            replica.sql_here_only("DELETE FROM lab.breaking")
            self.stop_threads(replica)
            self.start_threads(replica)
        self.wait_until_caught_up(replica, HEAL_LIMIT)
