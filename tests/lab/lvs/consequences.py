"""What must follow, where several scenarios wait for the same."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab.lvs.clients import Pooled
from tests.lab.lvs.database import Database
from tests.lab.lvs.director import Director
from tests.lab.lvs.lab import Lab

HOLD_DOWN = 16.0
"""Seconds, as hosts.py sets it."""


def out(lab: Lab, replica: Database, *directors: Director) -> float:
    """Expect a replica to have left IPVS."""
    for director in directors or (lab.one,):
        lab.expect(f"{director.host}: {replica.host} is out", lambda d=director: replica.host not in d.weights())  # type: ignore[misc]
    return time.monotonic()


def connected_to(lab: Lab, host: str) -> Pooled:
    """Return a connection through the VIP that leads to this host."""
    for _ in range(20):
        pooled = Pooled()
        if pooled.server == host:
            return pooled
        pooled.close()
    lab.holds(f"a client can connect to {host}", False, "it got the others 20 times")
    return Pooled()


@contextmanager
def director2_with(lab: Lab, config: str, root: Path | None = None) -> Iterator[None]:
    """director2 with another configuration, and perhaps another system's programs.

    director1 rests meanwhile: a slow machine has enough to do with one.
    """
    before = lab.two.config.read_text()
    lab.one.stop()
    lab.two.restart(config, root)
    lab.all_serve(lab.two)
    yield
    lab.one.start()
    lab.all_serve(lab.one)
    lab.two.restart(before)  # and the VIP goes back to director1
    lab.all_serve(lab.two)
    lab.expect("director1 has the VIP", lab.one.has_vip)


class Entry:
    """Looks at IPVS again and again until a real server is there."""

    def __init__(self, director: Director, host: str) -> None:
        self._director, self._host = director, host
        self.weights: list[dict[str, int]] = []
        self.before = time.monotonic()
        """When the last look began that did not show it: who was answered before that was answered without it."""

    def seen(self) -> bool:
        """Look once."""
        now = time.monotonic()
        self.weights.append(self._director.weights())
        if self._host not in self.weights[-1]:
            self.before = now
        return self._host in self.weights[-1]
