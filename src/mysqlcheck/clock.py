"""Where time comes from; everything below this module gets it as an argument."""

from __future__ import annotations

import time

from mysqlcheck.model import Instant


def now() -> Instant:
    """Return this moment in CLOCK_BOOTTIME, which runs on through suspend and no clock step moves."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            boot_id = file.read().strip()
    except OSError:
        # A container may hide it. Two boots then look like one; the clock going back tells them apart.
        boot_id = ""
    return Instant(boot_id, time.clock_gettime(time.CLOCK_BOOTTIME))


class Deadline:
    """One end for all of a check: name resolution, connecting, TLS, authentication, queries and state."""

    def __init__(self, seconds: float, began: float | None = None) -> None:
        self._end = (time.monotonic() if began is None else began) + seconds

    def left(self) -> float:
        """Seconds that are left, never below zero."""
        return max(0.0, self._end - time.monotonic())
