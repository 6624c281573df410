"""A small file system of a test's own, to be filled or to become read-only under a check."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self


class NoDisk(Exception):
    """None can be had here."""


class Disk:
    """Mounted in a mount namespace of its own: no one else sees it, and it is gone with the process that keeps it.

    That process ends when its standard input does, so also when the tests were killed.
    """

    SCRIPT = 'mount -t tmpfs -o size="$1",mode=755 tmpfs "$2" && echo mounted && exec cat >/dev/null'

    def __init__(self, place: Path, size: str = "256k") -> None:
        self.place = place
        self._keeper = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", self.SCRIPT, "sh", size, str(place)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        assert self._keeper.stdout is not None
        if self._keeper.stdout.readline() != "mounted\n":
            _, why = self._keeper.communicate()
            raise NoDisk(f"this machine mounts no small file system: {why.strip()}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._keeper.kill()
        self._keeper.communicate()

    @property
    def before(self) -> tuple[str, ...]:
        """What to put before a command that shall see it."""
        return ("nsenter", f"--mount=/proc/{self._keeper.pid}/ns/mnt")

    @property
    def outside(self) -> Path:
        """The same place as seen by a process that does not."""
        return Path(f"/proc/{self._keeper.pid}/root{self.place}")

    def fill(self) -> None:
        """Leave no byte free."""
        with open(self.outside / "fill", "ab", buffering=0) as file:
            for size in (4096, 1):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    continue

    def make_read_only(self) -> None:
        subprocess.run([*self.before, "mount", "-o", "remount,ro", str(self.place)], check=True)
