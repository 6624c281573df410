"""Two nodes of a Galera cluster, as plain MariaDB processes of this machine::

with Cluster() as cluster:
    cluster.nodes[1].sql("SET GLOBAL wsrep_desync = ON")

Two are enough for every state: where one is alone, it has no majority. Both begin with the datadir of a cluster of
one that ended in order, so that the second needs only what happened since (an IST), and no copy of the first.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from pymysql.err import OperationalError

from tests.lab.accounts import Monitor
from tests.lab.local import SEARCH, LocalMariaDB
from tests.lab.server import START_LIMIT, free_port
from tests.lab.waiting import wait_until
from tests.lab.watcher import WATCHER

NO_TRANSFER = "skip"
LIBRARY = Path("/usr/lib/galera/libgalera_smm.so")


class Node(LocalMariaDB):
    """One node. Without the address of another it begins a cluster."""

    provider = "galera"

    def __init__(
        self, name: str, folder: Path, options: Sequence[str] = (), cluster: str = "", transfer: str = "lab"
    ) -> None:
        super().__init__(name, folder, options)
        self.group_port, self.transfer = free_port(), transfer
        self.environment["PATH"] = f"{Path(__file__).parent}:{SEARCH}"  # where mariadbd looks for wsrep_sst_lab
        listen = f"gmcast.listen_addr=tcp://127.0.0.1:{self.group_port}"
        self.options += (
            "--wsrep-on=ON",
            f"--wsrep-provider={LIBRARY}",
            f"--wsrep-provider-options=gcache.size=4M; {listen}; ist.recv_addr=127.0.0.1:{free_port()}",
            f"--wsrep-cluster-address=gcomm://{cluster}",
            "--wsrep-node-address=127.0.0.1",
            f"--wsrep-sst-method={transfer}",
            "--innodb-autoinc-lock-mode=2",
        )

    @classmethod
    def missing(cls) -> str | None:
        return super().missing() or (None if LIBRARY.exists() else f"no {LIBRARY}: run tests/lab/install galera")

    @classmethod
    def make_empty_datadir(cls, datadir: Path) -> None:
        """A cluster of one that ended in order."""
        super().make_empty_datadir(datadir)
        with cls("first", datadir.parent, ["--server-id=1"]) as first:
            first.stop()
            shutil.rmtree(datadir)
            shutil.copytree(first.datadir, datadir)

    def wsrep(self, name: str) -> str:
        return str(self.sql(f"SHOW GLOBAL STATUS LIKE 'wsrep_{name}'")[0]["Value"])

    def wait_until_it_answers(self) -> None:
        """As a member, which it becomes with a last closing of all connections; one that gets no state never does."""
        if self.transfer != NO_TRANSFER:
            self.wait_until_synced()
        super().wait_until_it_answers()

    def wait_until_synced(self) -> None:
        def synced() -> bool:
            try:
                return self._answers() and (self.wsrep("local_state"), self.wsrep("ready")) == ("4", "ON")
            except OperationalError:
                return False

        wait_until(synced, f"{self.name} to be synced", START_LIMIT)


class Cluster:
    """Both nodes synced. It is a context manager that leaves nothing behind."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mysqlcheck-lab-"))
        WATCHER.watch("folder", str(self.folder))
        self.monitor = Monitor("mariadb")
        self.nodes: list[Node] = []
        try:
            self.nodes.append(Node("node1", self.folder, ["--server-id=1"]))
            self.nodes[0].start()
            for statement in self.monitor.statements():
                self.nodes[0].sql(statement)
            self.address = f"127.0.0.1:{self.nodes[0].group_port}"
            self.nodes.append(Node("node2", self.folder, ["--server-id=2"], self.address))
            self.nodes[1].start()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """No process or datadir is left."""
        for node in self.nodes:
            node.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        WATCHER.forget("folder", str(self.folder))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
