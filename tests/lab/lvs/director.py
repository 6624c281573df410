"""keepalived on one of the directors, as keepalived_script with enable_script_security; and what IPVS says there."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.lab.lvs.clients import NAMES
from tests.lab.lvs.database import Database
from tests.lab.lvs.hosts import NUMBER
from tests.lab.lvs.network import VIP, inside, run
from tests.lab.waiting import wait_until

PROGRAM = "/opt/mysqlcheck/bin/keepalived-mysqlcheck"


class Director:
    """A director with directories of its own: in a mount namespace /run/mysqlcheck and /var/lib/mysqlcheck are its."""

    def __init__(self, host: str, folder: Path, config: str) -> None:
        self.host, self.folder = host, folder / host
        self.config = self.folder / "keepalived.conf"
        for name in ("run/weights", "state"):
            (self.folder / name).mkdir(parents=True)
        for name in ("run/weights", "state"):
            os.chown(self.folder / name, NUMBER, NUMBER)
        self.config.write_text(config)
        self.root: Path | None = None
        """Another system's files, where keepalived and our program are that system's."""
        self.places = {"run": "/run/mysqlcheck", "state": "/var/lib/mysqlcheck"}
        """Directories of its own, and where it has them."""
        self._process: subprocess.Popen[bytes] | None = None

    def enter(self, *words: str) -> list[str]:
        """The command line that runs this there."""
        root = self.root or ""
        mounts = " && ".join(f"mount --bind {self.folder}/{name} {root}{place}" for name, place in self.places.items())
        words = ("chroot", str(root), *words) if root else words
        return inside(self.host, ["unshare", "--mount", "sh", "-c", f'{mounts} && exec "$@"', "sh", *words])

    def start(self) -> None:
        """Start keepalived."""
        words = ["keepalived", "--dont-fork", "--log-console", "--use-file", str(self.config)]
        words += [f"--{kind}pid={self.folder}/{kind or 'keepalived'}.pid" for kind in ("", "vrrp_", "checkers_")]
        with (self.folder / "log").open("ab") as output:
            self._process = subprocess.Popen(
                self.enter(*words), stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )

    def send(self, number: signal.Signals) -> None:
        """Send a signal to keepalived."""
        assert self._process is not None
        self._process.send_signal(number)

    def reload(self, config: str | None = None) -> None:
        """kill -HUP, with another configuration if one is given."""
        if config is not None:
            self.config.write_text(config)
        self.send(signal.SIGHUP)

    def reloads(self) -> int:
        """How often it has reloaded."""
        return self.logged("Reload complete")

    def logged(self, words: str) -> int:
        """How often keepalived has said something so far."""
        return (self.folder / "log").read_text(errors="replace").count(words)

    def restart(self, config: str, root: Path | None = None) -> None:
        """End it, and start it with another configuration, and perhaps as another system's."""
        self.stop()
        self.config.write_text(config)
        self.root = root
        self.start()

    def own_program(self) -> Path:
        """A copy of our program that only this director uses."""
        program = self.folder / "keepalived-mysqlcheck"
        program.unlink(missing_ok=True)
        shutil.copy(PROGRAM, program)
        return program

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it, and wait for its children too, as systemd does: until they are gone it refuses to start again."""
        assert self._process is not None
        files = [self.folder / f"{kind}_.pid" for kind in ("vrrp", "checkers")]
        children = [int(file.read_text()) for file in files if file.exists()]
        self.send(number)
        self._process.wait(30)
        wait_until(lambda: not any(map(_lives, children)), f"keepalived's children on {self.host} to end")

    def command(self, *words: str) -> str:
        """Run our program as an operator of this director."""
        return run(*self.enter(PROGRAM, *words), check=False)

    def weights(self) -> dict[str, int]:
        """The weights of the real servers in IPVS, by host; who is not in the table is not here."""
        found = re.findall(r"-> 192\.168\.1\.(\d+):\d+ +\w+ +(\d+)", self.table())
        return {NAMES.get(last, last): int(weight) for last, weight in found}

    def table(self) -> str:
        """What `ipvsadm -Ln` prints."""
        return run("ipvsadm", "-Ln", host=self.host)

    def checked(self) -> dict[str, float]:
        """When the last check of each server ended, in Unix time, by host."""
        return {_host(target): at for target, at in self._recorded("SELECT target, at FROM record")}

    def phase(self, server: Database) -> str:
        """The phase of a server on this director's record."""
        rows = self._recorded("SELECT phase FROM record WHERE target = ?", f"{server.address}:3306")
        return str(rows[0][0]) if rows else ""

    def hooks(self, server: Database, since: float) -> list[tuple[str, float]]:
        """What keepalived's hooks have noted of a server since a moment: which, and when, in the order of the notes."""
        query = "SELECT kind, at FROM event WHERE target = ? AND kind LIKE 'notify-%' ORDER BY id"
        ahead = time.time() - time.monotonic()
        found = [(kind, at - ahead) for kind, at in self._recorded(query, f"{server.address}:3306")]
        return [(kind, moment) for kind, moment in found if moment >= since]

    def _recorded(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        """Ask the check's own records, beside the checks that write them; nothing while they cannot be read."""
        try:
            with contextlib.closing(sqlite3.connect(f"file://{self.folder}/state/state.db?mode=ro", uri=True)) as file:
                return file.execute(query, values).fetchall()
        except sqlite3.OperationalError:
            return []

    def has_vip(self) -> bool:
        """Whether VRRP has put the VIP here."""
        return f" {VIP}/32 " in run("ip", "-4", "-o", "address", "show", "dev", "eth0", host=self.host)

    def log(self, lines: int = 30) -> str:
        """The end of keepalived's log."""
        return "\n".join((self.folder / "log").read_text(errors="replace").splitlines()[-lines:])

    def close(self) -> None:
        """End it."""
        if self._process and self._process.poll() is None:
            self.stop()


def _host(target: str) -> str:
    """The host of a target, `192.168.1.201:3306`."""
    last = target.partition(":")[0].rpartition(".")[2]
    return NAMES.get(last, last)


def _lives(pid: int) -> bool:
    """Whether a process runs; one that is dead and not yet fetched does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
