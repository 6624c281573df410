"""One database server under test, whatever runs it: the interface that every provider fills."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import socket
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import pymysql
from pymysql.cursors import DictCursor

from tests.lab.waiting import LabError, wait_until
from tests.lab.watcher import WATCHER

Flavor = Literal["mysql", "mariadb"]
START_LIMIT = 90.0


def free_port() -> int:
    """Below the range from which the kernel takes ports for outgoing connections: a killed server's port stays free."""
    for port in random.SystemRandom().sample(range(14_000, 32_000), 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise LabError("found no free port on 127.0.0.1")


class Server(ABC):
    """A server with a datadir and a port of its own, which both survive kill() and start()."""

    provider: ClassVar[str]
    flavor: ClassVar[Flavor]

    def __init__(self, name: str, folder: Path, options: Sequence[str] = ()) -> None:
        self.name = name
        self.host = "127.0.0.1"
        self.port = free_port()
        self.options = tuple(options)
        self.environment: dict[str, str] = {}  # on top of its own; to be filled in before the first start
        self.version: tuple[int, ...] = ()
        self.folder = folder / f"{name}-{self.port}"
        self.datadir = self.folder / "data"
        self._empty = folder / f"empty-{self.provider}"
        self._prepare_datadir()

    # What a provider fills in.

    @classmethod
    def missing(cls) -> str | None:
        """What has to be installed before this can run here, or None."""
        return None

    @classmethod
    @abstractmethod
    def make_empty_datadir(cls, datadir: Path) -> None:
        """Let the server's own tools make a datadir in which root has no password."""

    @abstractmethod
    def launch(self) -> None:
        """Begin to start: does not wait until the server answers."""

    @abstractmethod
    def pid(self) -> int | None:
        """The server's own process, as the host sees it; None while it does not run."""

    @abstractmethod
    def log(self) -> str:
        """The end of the server's error log."""

    def as_seen_inside(self, path: Path) -> str:
        """A path in its folder, as the server itself has to be told it."""
        return str(path)

    def _remove(self) -> None:  # noqa: B027 - most have nothing
        """What is left to remove when the process has ended, beside the folder."""

    # What is the same for all.

    def start(self) -> Self:
        """Start unless it runs, and wait until it answers. After kill() it is the same datadir and port."""
        if self.pid() is None:
            self.launch()
        self.wait_until_it_answers()
        return self

    def stop(self) -> None:
        """A clean shutdown."""
        self._end_with(signal.SIGTERM)

    def kill(self) -> None:
        """kill -9 of the server's process."""
        self._end_with(signal.SIGKILL)

    def pause(self) -> None:
        """SIGSTOP: connections are still accepted by the kernel, and nothing answers."""
        os.kill(self._running_pid(), signal.SIGSTOP)
        wait_until(lambda: self._process_state() == "T", f"{self.name} to be paused")

    def resume(self) -> None:
        os.kill(self._running_pid(), signal.SIGCONT)

    def wait_until_it_answers(self) -> None:
        wait_until(self._answers, f"{self.name} ({self.provider}) to answer", START_LIMIT)
        if not self.version:
            version = str(self.sql("SELECT VERSION() AS version")[0]["version"])
            self.version = tuple(int(part) for part in re.findall(r"\d+", version)[:3])

    def connect(self, **changes: Any) -> pymysql.connections.Connection[DictCursor]:
        """A connection as root, by default without TLS, autocommit, rows as dicts; each keyword can be changed."""
        settings: dict[str, Any] = {
            "host": self.host,
            "port": self.port,
            "user": "root",
            "password": "",
            "autocommit": True,
            "charset": "utf8mb4",
            "connect_timeout": 5,
            "read_timeout": 90,
            "cursorclass": DictCursor,
            "ssl_disabled": True,
        }
        return pymysql.connect(**(settings | changes))

    def sql(self, statement: str, *arguments: object) -> list[dict[str, Any]]:
        """Run one statement as root over a fresh connection."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(statement, arguments or None)
            return list(cursor.fetchall())

    def sql_here_only(self, *statements: str) -> None:
        """Run statements that do not enter the binary log, so that they happen on this server alone."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SET SESSION sql_log_bin = 0")
            for statement in statements:
                cursor.execute(statement)

    def begin_anew(self) -> None:
        """Forget all data: an empty datadir on the same port."""
        if self.pid() is not None:
            self.kill()
        shutil.rmtree(self.datadir)
        shutil.copytree(self._empty, self.datadir)
        self.start()

    def close(self) -> None:
        """Leave nothing: no process, no container, no datadir."""
        if self.pid() is not None:
            self.kill()
        self._remove()
        shutil.rmtree(self.folder, ignore_errors=True)
        WATCHER.forget("folder", str(self.folder))

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{self.name}: {self.provider} on {self.host}:{self.port}>"

    def _prepare_datadir(self) -> None:
        """To copy a datadir takes a tenth of the time to make one; so it is made once for a test session."""
        if not self._empty.exists():
            self.make_empty_datadir(self._empty)
        WATCHER.watch("folder", str(self.folder))
        self.folder.mkdir(parents=True)
        shutil.copytree(self._empty, self.datadir)

    def _answers(self) -> bool:
        if self.pid() is None:
            raise LabError(f"{self.name} ({self.provider}) ended while starting:\n{self.log()}")
        try:
            self.connect().close()
        except pymysql.err.OperationalError:
            return False
        return True

    def _end_with(self, number: signal.Signals) -> None:
        pid = self._running_pid()
        os.kill(pid, number)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)  # a paused process takes the SIGTERM only when it goes on
        wait_until(lambda: self.pid() is None, f"{self.name} to end after {number.name}", 60)

    def _running_pid(self) -> int:
        pid = self.pid()
        if pid is None:
            raise LabError(f"{self.name} ({self.provider}) does not run")
        return pid

    def _process_state(self) -> str:
        """The letter of /proc/PID/stat, which follows the name in parentheses."""
        return Path(f"/proc/{self._running_pid()}/stat").read_text().rpartition(")")[2].split()[0]
