"""Waiting for a condition with a limit: the lab never sleeps in the hope that something has happened meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable


class LabError(Exception):
    """The lab could not do what a test asked of it: never the fault of the code under test."""


def wait_until(condition: Callable[[], bool], what: str, limit: float = 30.0, every: float = 0.02) -> None:
    """Poll until the condition holds; `what` completes the sentence "waited 30 s in vain for …"."""
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise LabError(f"waited {limit:g} s in vain for {what}")
        time.sleep(every)
