"""The lab as the scenarios see it: the hosts, and the protocol of what happened and what followed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from tests.lab.lvs.clients import Clients
from tests.lab.lvs.database import Database
from tests.lab.lvs.director import Director
from tests.lab.lvs.hosts import prepare, settle
from tests.lab.lvs.network import build
from tests.lab.lvs.pace import Pace
from tests.lab.page import DIM, GREEN, RED, Page
from tests.lab.waiting import LabError, wait_until

CONTRIB = Path(__file__).parents[3] / "contrib/keepalived"
CONFIGS = {"director1": "director.conf", "director2": "director-backup.conf"}
FULL = {"r1": 100, "r2": 100}
LIMIT = 60.0
ACCOUNTS = """
CREATE USER replicator@'%' IDENTIFIED BY 'lab'; GRANT REPLICATION SLAVE ON *.* TO replicator@'%';
CREATE USER mysqlcheck@'%' IDENTIFIED BY 'lab'; GRANT REPLICA MONITOR ON *.* TO mysqlcheck@'%';
CREATE USER reader@'%' IDENTIFIED BY 'lab';
CREATE DATABASE lab; CREATE TABLE lab.beat (id INT PRIMARY KEY AUTO_INCREMENT)
"""


class Lab:
    """The hosts of the topology, what runs on them, and what has failed so far."""

    def __init__(self, folder: Path, pace: Pace) -> None:
        self.page, self.failed, self.folder = Page(), list[str](), folder
        prepare(folder)
        self.pace = pace.here()
        settle(self.pace)
        build(CONTRIB)
        self.source, self.r1, self.r2 = (Database(host, folder, folder / "empty") for host in ("source", "r1", "r2"))
        self.databases = (self.source, self.r1, self.r2)
        self.one, self.two = self.directors = [
            Director(host, folder, self.config(name, backup=host == "director2")) for host, name in CONFIGS.items()
        ]
        self.clients = Clients(self.pace.clients)

    def config(self, name: str, backup: bool = False) -> str:
        """A file of contrib, with a sorry server, for a machine of this pace."""
        return self.pace.config((CONTRIB / name).read_text().replace(NO_SORRY, SORRY), backup)

    def start(self) -> None:
        """Start the servers, their replication, and keepalived on both directors."""
        for server in self.databases:
            server.launch()
        for server in self.databases:
            wait_until(server.answers, f"MariaDB on {server.host}", 120, every=0.2)
        self.source.sql(ACCOUNTS)
        for replica in (self.r1, self.r2):
            replica.replicate(self.source)
        for director in self.directors:
            director.start()

    def close(self) -> None:
        """End what was started; the namespaces end with this process."""
        for director in self.directors:
            director.close()
        for server in self.databases:
            server.close()

    # The protocol.

    def does(self, where: str, what: str) -> float:
        """Say what is done to a host; returns the moment."""
        self.page.done(where, what)
        return time.monotonic()

    def expect(self, what: str, condition: Callable[[], bool], limit: float = LIMIT) -> float:
        """Wait until something holds, and say how long it took, or that it has failed; returns the moment.

        The limit is for a machine of the usual pace.
        """
        began, limit = time.monotonic(), limit * self.pace.slowness
        try:
            wait_until(condition, what, limit, every=self.pace.poll)
        except LabError:
            self._fails(f"{what}: not within {limit:.0f} s")
        else:
            self.page.line(f"pass  {what}  [{time.monotonic() - began:.1f} s]", GREEN)
        return time.monotonic()

    def holds(self, what: str, is_so: bool, seen: object) -> None:
        """Say whether something holds now; `seen` is told where it does not."""
        if is_so:
            self.page.line(f"pass  {what}", GREEN)
        else:
            self._fails(f"{what}: {seen}")

    def _fails(self, what: str) -> None:
        self.failed.append(what)
        self.page.line(f"FAIL  {what}", RED)
        for director in self.directors:
            told = [*director.table().splitlines()[2:], director.command("status"), director.log(6)]
            for line in "\n".join(told).splitlines():
                self.page.line(f"{director.host}: {line}", DIM)

    def show(self, director: Director, *words: str) -> None:
        """Show what IPVS has, or what our command says on a director."""
        self.page.command(f"{' '.join(('mysqlcheck', *words)) if words else 'ipvsadm -Ln'}   # on {director.host}")
        for line in director.command(*words).splitlines() if words else director.table().splitlines()[3:]:
            self.page.line(line)

    def all_serve(self, *directors: Director) -> float:
        """Expect both replicas at full weight."""
        for director in directors or (self.one,):
            self.expect(f"{director.host}: both replicas at full weight", lambda d=director: d.weights() == FULL)  # type: ignore[misc]
        return time.monotonic()


NO_SORRY, SORRY = "#sorry_server ADDRESS PORT", "sorry_server 192.168.1.200 3306"
