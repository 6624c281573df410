"""MariaDB on one of the hosts."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

from tests.lab.lvs.network import HOSTS, inside, run
from tests.lab.options import MARIADB
from tests.lab.waiting import wait_until

START_LIMIT = 120.0


class Database:
    """A server with a datadir of its own, which survives kill() and start()."""

    def __init__(self, host: str, folder: Path, empty: Path) -> None:
        self.host, self.address = host, HOSTS[host]
        self.number = int(self.address.rpartition(".")[2])
        self.datadir = folder / host
        shutil.copytree(empty, self.datadir)
        self._process: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        """Begin to start."""
        words = ["mariadbd", "--no-defaults", f"--datadir={self.datadir}", "--port=3306", "--socket=socket"]
        words += ["--pid-file=pid", "--user=root", *MARIADB, "--bind-address=*", f"--server-id={self.number}"]
        words += [] if self.host == "source" else ["--read-only=ON"]
        with (self.datadir / "error.log").open("ab") as output:
            self._process = subprocess.Popen(
                inside(self.host, words), stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )

    def start(self) -> None:
        """Start, and wait until it answers."""
        self.launch()
        wait_until(self.answers, f"MariaDB on {self.host} to answer", START_LIMIT, every=0.1)

    def answers(self) -> bool:
        """Whether it answers on its socket."""
        try:
            return self.sql("SELECT 1") == "1"
        except RuntimeError:
            return False

    def sql(self, statement: str) -> str:
        """Run statements as root; returns the rows as text."""
        socket = f"--socket={self.datadir}/socket"
        return run("mariadb", "--no-defaults", "-uroot", socket, "-N", "-B", "-e", statement).strip()

    def replicate(self, source: Database) -> None:
        """Replicate by GTID."""
        self.sql(
            f"CHANGE MASTER TO MASTER_HOST='{source.address}', MASTER_USER='replicator', MASTER_PASSWORD='lab',"
            " MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1; START SLAVE"
        )

    def hold_lock(self) -> subprocess.Popen[bytes]:
        """Begin a session that keeps replication from applying anything, until it is ended."""
        words = ["mariadb", "--no-defaults", "-uroot", f"--socket={self.datadir}/socket", "-e"]
        return subprocess.Popen([*words, "FLUSH TABLES WITH READ LOCK; DO SLEEP(600)"])

    def kill(self) -> None:
        """kill -9."""
        self.send(signal.SIGKILL)
        assert self._process is not None
        self._process.wait(30)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the server."""
        assert self._process is not None
        os.kill(self._process.pid, number)

    def close(self) -> None:
        """End it, however it is."""
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait(30)
