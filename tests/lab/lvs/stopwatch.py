"""How long a director takes: from a fault until it sends no new clients, and from its end until it sends some again.

Any number of directors, each with a name, look at the same server; so their checks stand side by side.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import NamedTuple

from tests.lab.lvs.director import Director


class Look(NamedTuple):
    """A server in a director's table: whether it gets new clients, and the moments between which that was so."""

    began: float
    ended: float
    serves: bool


class Times(NamedTuple):
    """Seconds; None: not while we looked."""

    out: float | None
    """From the fault until it got no new clients."""
    back: float | None
    """From the fault's end until it got some again."""


class Stopwatch:
    """Looks at all directors again and again for as long as it is open."""

    def __init__(self, directors: Mapping[str, Director], host: str, every: float) -> None:
        self._directors, self._host, self._every = directors, host, every
        self._looks: dict[str, list[Look]] = {name: [] for name in directors}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._go_on, daemon=True)

    def _go_on(self) -> None:
        while not self._stop.wait(self._every):
            for name, director in self._directors.items():
                began = time.monotonic()
                serves = bool(director.weights().get(self._host))
                self._looks[name].append(Look(began, time.monotonic(), serves))

    def __enter__(self) -> Stopwatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)

    def serves(self, name: str, since: float) -> bool | None:
        """What the last look at a director showed; None where there was none since this moment."""
        looks = self._looks[name][-1:]
        return looks[0].serves if looks and looks[0].began >= since else None

    def first(self, name: str, serves: bool, since: float) -> float | None:
        """When a director was first seen to send clients there, or none, in a look that began after this moment."""
        return next((look.ended for look in self._looks[name] if look.began >= since and look.serves is serves), None)

    def times(self, name: str, struck: float, mending: float, mended: float) -> Times:
        """What the looks say of a fault that struck at a moment and was mended between two others."""
        out = self.first(name, False, struck)
        if out is None or out > mended:
            return Times(None, None)
        back = self.first(name, True, mending)
        return Times(out - struck, None if back is None else max(0.0, back - mended))
