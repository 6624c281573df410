"""A server's own clock, stepped while it runs, by libfaketime: an administrator's mistake, or NTP after a long outage.

Only what the server takes for the time of day is moved; how long something takes is measured by other clocks, which
go on. The library is Debian 12's, and works in the containers too: their C library is no older.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.lab.server import Server
from tests.lab.waiting import LabError

NAME = "libfaketimeMT.so.1"
SETTINGS = {
    "FAKETIME_NO_CACHE": "1",  # the file is read at each call, so that a step is seen at once
    "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    "FAKETIME_FORCE_MONOTONIC_FIX": "0",  # a workaround for other C libraries; with it MySQL's threads never sleep
    "NO_FAKE_STAT": "1",  # the times of files stay what they are
}


def library() -> Path | None:
    """Where libfaketime is; None where it is not installed."""
    return next(Path("/usr/lib").glob(f"*/faketime/{NAME}"), None)


def preloaded(library: str) -> dict[str, str]:
    """The environment in which a program takes its time of day from libfaketime."""
    return {"LD_PRELOAD": library, **SETTINGS}


class SteppedClock:
    """The clock of a server that has not been started yet. It is right until it is stepped."""

    def __init__(self, server: Server) -> None:
        found = library()
        if found is None:
            raise LabError("no libfaketime: run tests/lab/install clock")
        self._file = server.folder / "clock"
        self.step(0)
        # in the server's folder, which is all that a container has of this machine
        shutil.copy(found, server.folder / NAME)
        server.environment |= preloaded(server.as_seen_inside(server.folder / NAME))
        server.environment["FAKETIME_TIMESTAMP_FILE"] = server.as_seen_inside(self._file)

    def step(self, seconds: int) -> None:
        """Put it so many seconds off the true time, however far it was off before."""
        written = self._file.with_suffix(".new")
        written.write_text(f"{seconds:+d}\n")
        os.replace(written, self._file)
