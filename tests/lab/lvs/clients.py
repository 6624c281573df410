"""Clients on the VIP: one that connects again and again and notes who answered, and one that stays connected."""

from __future__ import annotations

import subprocess
import threading
import time

from tests.lab.lvs.network import VIP, inside

NOBODY = "nobody"
PATIENCE = 4.0
"""Seconds after which a query on a connection hangs."""
NAMES = {"201": "r1", "202": "r2", "200": "source"}
LOGIN = ("mariadb", "--no-defaults", "-h", VIP, "-ureader", "-plab", "--connect-timeout=2", "-N", "-B", "--unbuffered")


class Clients:
    """Connects to the VIP again and again for as long as it is open."""

    def __init__(self, every: float) -> None:
        self._every = every
        self.answers: list[tuple[float, float, str]] = []
        """When it began to connect, when it had its answer, and who answered."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._go_on, daemon=True)

    def _go_on(self) -> None:
        while not self._stop.wait(self._every):
            began = time.monotonic()
            answer = ask()
            self.answers.append((began, time.monotonic(), answer))

    def __enter__(self) -> Clients:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)

    def between(self, begin: float, end: float = float("inf")) -> list[str]:
        """Who answered those that began after the one moment and had their answer before the other."""
        return [answer for began, ended, answer in list(self.answers) if begin <= began and ended < end]


def ask() -> str:
    """Connect to the VIP once, and say who answered."""
    words = inside("client", [*LOGIN, "-e", "SELECT @@server_id"])
    ended = subprocess.run(words, capture_output=True, text=True, timeout=30)
    return NAMES.get(ended.stdout.strip(), NOBODY)


class Pooled:
    """A connection through the VIP that stays open, as a pool's do."""

    def __init__(self) -> None:
        words = inside("client", LOGIN)
        self._process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, bufsize=1
        )
        self.server = self.ask()

    def fate(self) -> str:
        """Ask on this connection, and say what became of it: goes on, is cut, or hangs."""
        began = time.monotonic()
        if self.ask() == self.server:
            return "goes on"
        return "is cut" if time.monotonic() - began < PATIENCE else "hangs"

    def ask(self, limit: float = PATIENCE) -> str:
        """Ask who answers on this connection; nobody if it is gone, or does not answer in time."""
        answers: list[str] = []

        def read() -> None:
            try:
                assert self._process.stdin is not None
                assert self._process.stdout is not None
                self._process.stdin.write("SELECT @@server_id;\n")
                self._process.stdin.flush()
                answers.append(self._process.stdout.readline().strip())
            except (OSError, ValueError):
                answers.append("")

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        reader.join(limit)
        return NAMES.get(answers[0] if answers else "", NOBODY)

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait(10)
