"""Records and sightings of a made-up server, and a store that already holds some."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mysqlcheck.model import Action, Instant, Memory, Phase, Sighting, Standing
from mysqlcheck.record import Event, Record, Told
from mysqlcheck.store import FILE, Changed, Store

BOOT = "8e2c1a6e-5f7b-4f6e-9d52-0242ac110002"
NOW = Instant(BOOT, 10_000.0)
WALL = 1_700_000_000.0
AMPLE = 60.0
"""Seconds that the store may take, on a machine that is busy with other tests."""
TARGET, OTHER = "192.168.1.201:3306", "192.168.1.202:3306"


def sighting(**changes: Any) -> Sighting:
    """An incarnation that was seen, but for the changes."""
    return Sighting(3, NOW, NOW, 11, "0c9d1cf4-5f7c-11f0", 1_600_000_000, 700)._replace(**changes)


def record(phase: Phase = Phase.UP, **changes: Any) -> Record:
    """What is kept of a server in some phase, but for the changes."""
    memory = Memory(None, 3, NOW)
    told = Told(Action.SERVE, 100, "", "", 0.0)
    return Record(memory, Standing(phase, NOW, None, "", 3, True), NOW, WALL, told, WALL)._replace(**changes)


def event(text: str = "", target: str = TARGET, at: float = WALL, kind: str = "transition", role: str = "") -> Event:
    """Something that happened to a server."""
    return Event(at, target, role, kind, "up", "down", text)


def keep(
    store: Store,
    kept: Record,
    events: Iterable[Event] = (),
    target: str = TARGET,
    role: str = "replica",
    seen: Sighting | None = None,
) -> None:
    """Put a record in the place of whatever is kept."""
    if seen is not None:
        kept = kept._replace(memory=kept.memory._replace(sighting=seen))
    store.update(target, role, lambda _record, _sighting: Changed(None, kept, tuple(events)), AMPLE)


def filled(directory: Path) -> Store:
    """A store with records, sightings and a history of two servers, one of them in two roles."""
    store = Store(str(directory))
    keep(store, record(), [event("one")], seen=sighting())
    keep(store, record(Phase.HELD), [event("two")], role="source", seen=sighting())
    keep(store, record(Phase.DRAINING), [event("three", OTHER)], target=OTHER, seen=sighting(number=7))
    return store


def sound(directory: Path) -> bool:
    """Whether SQLite itself has nothing against the file, having played back whatever journal lies beside it."""
    database = sqlite3.connect(directory / FILE, timeout=AMPLE)
    try:
        return bool(database.execute("PRAGMA integrity_check").fetchall() == [("ok",)])
    finally:
        database.close()


def written(directory: Path, *statements: str) -> None:
    """Change the file behind the store's back; the statements may break all that its tables demand."""
    database = sqlite3.connect(directory / FILE, timeout=AMPLE)
    try:
        database.execute("PRAGMA ignore_check_constraints = ON")
        for statement in statements:
            database.execute(statement)
        database.commit()
    finally:
        database.close()


def names(directory: Path) -> list[str]:
    """What lies in a state directory, but for a file that is there to be locked."""
    return sorted(path.name for path in directory.iterdir() if path.name != "lock")


def noise(size: int) -> bytes:
    """Bytes without any sense, the same ones each time."""
    return hashlib.shake_128(b"noise").digest(size)
