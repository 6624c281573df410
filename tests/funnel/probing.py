"""Watches a running command from outside, by what the kernel tells of it in /proc."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import time
from pathlib import Path

MOST_SECONDS = 20.0


def armed(process: subprocess.Popen[bytes]) -> bool:
    """Whether the command has blocked SIGTERM: the first thing that its funnel does against signals."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    (mask,) = (line.split()[1] for line in status.splitlines() if line.startswith("SigBlk:"))
    return bool(int(mask, 16) >> (signal.SIGTERM - 1) & 1)


def wait_for_reader(fifo: Path, process: subprocess.Popen[bytes]) -> int:
    """Wait until the command has opened the FIFO, and return our end, which keeps it waiting for content."""
    end = time.monotonic() + MOST_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            return os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:  # ENXIO: nobody reads yet
                raise
            os.sched_yield()
    raise AssertionError(f"the command never opened {fifo}")


class Beacon:
    """A pipe on which injected code tells that it has got where it was to go."""

    def __init__(self) -> None:
        self._reader, self.writer = os.pipe()

    def wait(self) -> None:
        """Return when the other side has lit it; fail when it has gone without."""
        os.close(self.writer)
        with open(self._reader, "rb") as reader:
            assert reader.read(1), "the command ended before it got there"

    @property
    def light(self) -> str:
        """Python code that lights it."""
        return f"os.write({self.writer}, b'!')"
