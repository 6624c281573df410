"""Records as checks would have left them, for the commands that show and change them; and ways to spoil a store."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mysqlcheck import clock
from mysqlcheck.model import Action, Memory, Phase, Standing
from mysqlcheck.outcome import ACTION
from mysqlcheck.record import Event, Record, Told
from mysqlcheck.store import FILE, Changed, Store

TARGET = "192.168.1.201:3306"
ROLE = "replica"
SECONDS = 30.0


def record(
    phase: Phase = Phase.UP,
    reason: str = "",
    *,
    left: float | None = 0.0,
    since: float = 90.0,
    checked: float = 2.0,
    weight: int | None = None,
    lag: float | None = 0.0,
    action: Action | None = None,
    boot: str | None = None,
) -> Record:
    """A server in this phase for `since` seconds, last checked `checked` seconds ago, its timer over in `left`.

    `reason` is what was last told: `code: text`. `left=None` waits for an operator; `boot` is another boot's id.
    """
    now, wall = clock.now(), time.time()
    now = now._replace(boot_id=boot) if boot else now
    seen = now.plus(-checked)
    code, _, text = reason.partition(": ")
    standing = Standing(phase, now.plus(-since), None if left is None else now.plus(left), "restarted", 1)
    told = Told(action or ACTION[phase], weight, code, text, lag)
    return Record(Memory(None, 1, seen), standing, seen, wall - checked, told, wall - since)


def keep(state: Path, kept: Record, target: str = TARGET, role: str = ROLE, events: tuple[Event, ...] = ()) -> None:
    """Put a record into the store of a state directory."""
    Store(str(state)).update(target, role, lambda *_: Changed(None, kept, events), SECONDS)


def kept(state: Path, target: str = TARGET, role: str = ROLE) -> Record:
    """The record that is in the store."""
    found, _ = Store(str(state)).read(target, role, SECONDS)
    assert found is not None
    return found


def events(state: Path, target: str = TARGET) -> list[Event]:
    """What the store has of a target's history."""
    return Store(str(state)).history(target, 500, SECONDS)


def noted(state: Path, target: str = TARGET) -> list[str]:
    """The same, kinds only."""
    return [event.kind for event in events(state, target)]


@contextmanager
def locked(state: Path) -> Iterator[None]:
    """Another process has locked the store and does not let go of it."""
    database = sqlite3.connect(state / FILE, isolation_level=None)
    try:
        database.execute("BEGIN EXCLUSIVE")
        yield
    finally:
        database.close()


def corrupt(state: Path) -> None:
    """Something wrote over the store."""
    (state / FILE).write_bytes(b"this is no database, and it is long enough to look at\n" * 100)
