"""A store that an earlier version wrote is brought up to date by whoever writes it first, and nothing in it is lost."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from mysqlcheck.model import Phase, Sighting
from mysqlcheck.record import Record
from mysqlcheck.records import SCHEMA
from mysqlcheck.store import FILE, Changed, Store
from tests.state.building import AMPLE, BOOT, TARGET, event, keep, names, record, sighting, sound
from tests.state.writer import Writer

SCHEMA_1 = f"""
CREATE TABLE sighting (
    target TEXT PRIMARY KEY, boot TEXT NOT NULL, number INTEGER NOT NULL, first_seen REAL NOT NULL, seen REAL NOT NULL,
    connection_id INTEGER, identity TEXT, started INTEGER, uptime INTEGER
);
CREATE TABLE record (
    target TEXT NOT NULL, role TEXT NOT NULL, at REAL NOT NULL, changed REAL NOT NULL, seen TEXT NOT NULL,
    incarnation INTEGER NOT NULL, answered_at TEXT, silent_since TEXT, lag REAL, lag_at TEXT,
    phase TEXT NOT NULL, since TEXT NOT NULL, until TEXT, cause TEXT NOT NULL, of_incarnation INTEGER NOT NULL,
    proven INTEGER NOT NULL, flaps TEXT NOT NULL, factor REAL NOT NULL, counted INTEGER NOT NULL,
    action TEXT NOT NULL, weight INTEGER, code TEXT NOT NULL, text TEXT NOT NULL, shown_lag REAL,
    transitions TEXT NOT NULL, PRIMARY KEY (target, role)
);
CREATE TABLE event (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, target TEXT NOT NULL, role TEXT NOT NULL, kind TEXT NOT NULL,
    before TEXT NOT NULL, after TEXT NOT NULL, text TEXT NOT NULL
);
CREATE INDEX event_of ON event (target, id);
INSERT INTO sighting VALUES
    ('{TARGET}', '{BOOT}', 3, 10000.0, 10000.0, 11, '0c9d1cf4-5f7c-11f0', 1600000000, 700);
INSERT INTO record VALUES
    ('{TARGET}', 'replica', 1700000000.0, 1700000000.0, '10000.0 {BOOT}', 3, '10000.0 {BOOT}', NULL, NULL, NULL,
     'up', '10000.0 {BOOT}', NULL, '', 3, 1, '', 1.0, 0, 'serve', 100, '', '', 0.0, '');
INSERT INTO event (at, target, role, kind, before, after, text) VALUES
    (1700000000.0, '{TARGET}', '', 'transition', 'up', 'down', 'one');
PRAGMA user_version = 1;
"""
"""A file of schema 1, as it was written: what `filled` has of the first server, before events had a look."""


@pytest.fixture
def old(tmp_path: Path) -> Store:
    database = sqlite3.connect(tmp_path / FILE)
    database.executescript(SCHEMA_1)
    database.close()
    return Store(str(tmp_path))


@pytest.fixture
def writers() -> Iterator[list[Writer]]:
    with ExitStack() as stack:
        yield [stack.enter_context(Writer()) for _ in range(4)]


def schema(store: Store) -> int:
    database = sqlite3.connect(store.path)
    number: int = database.execute("PRAGMA user_version").fetchone()[0]
    database.close()
    return number


def test_reading_it_finds_everything_and_changes_nothing(old: Store) -> None:
    before = Path(old.path).read_bytes()
    assert old.read(TARGET, "replica", AMPLE) == (record(), sighting())
    assert [kept.target for kept in old.records(AMPLE)] == [TARGET]
    assert old.history(TARGET, 10, AMPLE) == [event("one")]
    assert Path(old.path).read_bytes() == before


def test_the_first_to_write_it_brings_it_up_to_date(old: Store) -> None:
    keep(old, record(Phase.HELD), [event("two")._replace(capture="{}")], seen=sighting(number=4))
    assert schema(old) == SCHEMA
    assert old.read(TARGET, "replica", AMPLE) == (record(Phase.HELD), sighting(number=4))
    assert old.history(TARGET, 10, AMPLE) == [event("one"), event("two")._replace(capture="{}")]
    assert (old.begun_anew, names(Path(old.directory))) == (None, [FILE])
    assert sound(Path(old.directory))


def test_what_follows_is_judged_in_the_light_of_what_the_earlier_version_wrote(old: Store) -> None:
    met: list[tuple[Record | None, Sighting | None]] = []

    def change(before: Record | None, seen: Sighting | None) -> Changed[None]:
        met.append((before, seen))
        return Changed(None, record())

    old.update(TARGET, "replica", change, AMPLE)
    assert met == [(record(), sighting())]


def test_what_cannot_be_written_is_read_all_the_same(old: Store) -> None:
    """Its disk is full, or read-only, since the day of the update: here another process holds the lock."""
    database = sqlite3.connect(old.path, isolation_level=None)
    database.execute("BEGIN EXCLUSIVE")
    try:
        assert old.read(TARGET, "replica", 4.0) == (record(), sighting())
    finally:
        database.close()
    assert schema(old) == 1


def test_whoever_meets_there_brings_it_up_to_date_once(old: Store, writers: list[Writer]) -> None:
    folder = Path(old.directory)
    assert [writer.answer() for writer in writers] == ["ready"] * len(writers)
    for number, writer in enumerate(writers):
        writer.order("once", f"db{number}", 0.0, folder)
    assert [writer.answer() for writer in writers] == ["ok"] * len(writers)
    assert {kept.target for kept in old.records(AMPLE)} == {TARGET, *(f"db{number}" for number in range(len(writers)))}
    assert old.history(TARGET, 10, AMPLE) == [event("one")]
    assert names(folder) == [FILE]


def test_one_that_is_damaged_is_set_aside(old: Store) -> None:
    database = sqlite3.connect(old.path)
    database.execute("DROP TABLE event")
    database.commit()
    database.close()
    keep(old, record(), [event("anew")])
    assert "was broken, its memory is lost" in (old.begun_anew or "")
    assert (schema(old), old.history(TARGET, 10, AMPLE)) == (SCHEMA, [event("anew")])
    assert os.path.exists(old.path + ".broken")
