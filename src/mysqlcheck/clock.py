"""Where time comes from, and how long things may take; the core gets the time as an argument."""

from __future__ import annotations

import _thread
import time
from collections.abc import Callable
from functools import cache
from typing import TypeVar

from mysqlcheck.errors import OutOfTime
from mysqlcheck.model import Instant

Result = TypeVar("Result")


def now() -> Instant:
    """Return this moment in CLOCK_BOOTTIME, which runs on through suspend and no clock step moves."""
    return Instant(_boot_id(), time.clock_gettime(time.CLOCK_BOOTTIME))


@cache
def _boot_id() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""  # a container may hide it


class Deadline:
    """One end for all of a check: name resolution, connecting, TLS, authentication, queries and state."""

    def __init__(self, seconds: float, began: float | None = None) -> None:
        self._end = (time.monotonic() if began is None else began) + seconds

    def left(self) -> float:
        """Seconds that are left, never below zero."""
        return max(0.0, self._end - time.monotonic())

    def sooner(self, seconds: float) -> Deadline:
        """Return a deadline that leaves so many seconds for what comes after."""
        return Deadline(0.0, self._end - seconds)


def within(seconds: float, work: Callable[[], Result]) -> Result:
    """Do work that knows no deadline (getaddrinfo, syslog) in a thread of its own, and wait so long for it.

    Raises OutOfTime, or what the work raised. Where there is no thread to be had it is done here and now,
    under the backstop of funnel.py alone.
    """
    ended: list[Result | BaseException] = []
    done = _thread.allocate_lock()
    done.acquire()

    def run() -> None:
        try:
            ended.append(work())
        except BaseException as error:  # noqa: BLE001 - handed over to the thread that waits
            ended.append(error)
        finally:
            done.release()

    try:
        _thread.start_new_thread(run, ())
    except RuntimeError:
        return work()
    if not done.acquire(timeout=seconds):
        raise OutOfTime
    if isinstance(ended[0], BaseException):
        raise ended[0]
    return ended[0]
