"""MariaDB as a plain process of this machine: no container, no service, no root needed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.lab import options
from tests.lab.server import Server
from tests.lab.waiting import LabError
from tests.lab.watcher import WATCHER

# Debian keeps servers out of an ordinary user's PATH.
SEARCH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])


def program(name: str) -> str | None:
    return shutil.which(name, path=SEARCH)


def as_whom() -> list[str]:
    """MariaDB refuses to run as root unless told so; an ordinary user needs no option."""
    return ["--user=root"] if os.getuid() == 0 else []


class LocalMariaDB(Server):
    """`mariadbd` of the distribution: 10.11 on Debian 12."""

    provider = "mariadb-10.11"
    flavor = "mariadb"
    before: tuple[str, ...] = ()  # a command that executes it elsewhere: in a network namespace
    _process: subprocess.Popen[bytes] | None = None

    @classmethod
    def missing(cls) -> str | None:
        if program("mariadbd") and program("mariadb-install-db"):
            return None
        return "no mariadbd on this machine: run tests/lab/install servers"

    @classmethod
    def make_empty_datadir(cls, datadir: Path) -> None:
        tool = program("mariadb-install-db") or "mariadb-install-db"
        command = [tool, "--no-defaults", f"--datadir={datadir}", "--auth-root-authentication-method=normal"]
        # --force: also on a machine that cannot look its own name up
        command += ["--skip-test-db", "--force", "--skip-name-resolve", "--innodb-log-file-size=8M", *as_whom()]
        made = subprocess.run(command, capture_output=True, text=True)
        if made.returncode != 0:
            raise LabError(f"mariadb-install-db failed:\n{made.stdout}\n{made.stderr}")

    def launch(self) -> None:
        command = [*self.before, program("mariadbd") or "mariadbd", "--no-defaults", f"--datadir={self.datadir}"]
        # Relative to the datadir, because the path of a socket must be shorter than a test's folder may be.
        command += [f"--port={self.port}", "--socket=socket", "--pid-file=pid", *as_whom()]
        with (self.folder / "error.log").open("ab") as output:
            self._process = subprocess.Popen(
                [*command, *options.MARIADB, *self.options],
                env=os.environ | self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for the tests, which still need the server to end in order
            )
        WATCHER.watch("process", self._process.pid)

    def pid(self) -> int | None:
        if self._process is None:
            return None
        if self._process.poll() is None:
            return self._process.pid
        WATCHER.forget("process", self._process.pid)
        self._process = None
        return None

    def log(self) -> str:
        file = self.folder / "error.log"
        return "\n".join(file.read_text(errors="replace").splitlines()[-20:]) if file.exists() else ""
