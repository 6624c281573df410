"""The tables of the store, and how records become rows and rows records. Pruned by number, never by time.

A row that makes no sense is no record, and harms no other.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

from mysqlcheck.model import Action, Event, Instant, LastLag, Memory, Phase, Record, Sighting, Standing, Told

MOST_EVENTS_OF_ONE, MOST_EVENTS, MOST_RECORDS = 500, 20_000, 2_000

TABLES = """
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
"""


def _instant(text: str | None) -> Instant | None:
    """Instants stand in the table as `seconds boot_id`."""
    if text is None:
        return None
    seconds, _, boot_id = text.partition(" ")
    return Instant(boot_id, float(seconds))


def _some_instant(text: str) -> Instant:
    instant = _instant(text)
    if instant is None:
        raise ValueError
    return instant


def _text(instant: Instant | None) -> str | None:
    return None if instant is None else f"{instant.seconds!r} {instant.boot_id}"


def read_sighting(database: sqlite3.Connection, target: str) -> Sighting | None:
    """Read the last sighting of a server; one that makes no sense is none."""
    query = """SELECT boot, number, first_seen, seen, connection_id, identity, started, uptime
               FROM sighting WHERE target = ?"""
    row = database.execute(query, (target,)).fetchone()
    if row is None:
        return None
    boot, number, first_seen, seen, *rest = row
    try:
        return Sighting(int(number), Instant(boot, float(first_seen)), Instant(boot, float(seen)), *rest)
    except (TypeError, ValueError):
        return None


def read_record(database: sqlite3.Connection, target: str, role: str) -> Record | None:
    """Read a record; one that makes no sense is none."""
    query = f"SELECT {', '.join(COLUMNS)} FROM record WHERE target = ? AND role = ?"  # noqa: S608
    row = database.execute(query, (target, role)).fetchone()
    if row is None:
        return None
    value = dict(zip(COLUMNS, row, strict=True))
    try:
        return _parsed(value)
    except (TypeError, ValueError, AttributeError):
        return None


COLUMNS = (
    "at", "changed", "seen", "incarnation", "answered_at", "silent_since", "lag", "lag_at", "phase",
    "since", "until", "cause", "of_incarnation", "proven", "flaps", "factor", "counted", "action", "weight",
    "code", "text", "shown_lag", "transitions",
)  # fmt: skip


def _parsed(value: dict[str, Any]) -> Record:
    lag_at = _instant(value["lag_at"])
    memory = Memory(
        None,
        int(value["incarnation"]),
        _instant(value["answered_at"]),
        _instant(value["silent_since"]),
        LastLag(float(value["lag"]), lag_at) if lag_at else None,
    )
    standing = Standing(
        Phase(value["phase"]),
        _some_instant(value["since"]),
        _instant(value["until"]),
        str(value["cause"]),
        int(value["of_incarnation"]),
        bool(value["proven"]),
        tuple(_some_instant(part) for part in value["flaps"].split("\n") if part),
        float(value["factor"]),
        bool(value["counted"]),
    )
    weight, lag = value["weight"], value["shown_lag"]
    told = Told(
        Action(value["action"]),
        None if weight is None else int(weight),
        str(value["code"]),
        str(value["text"]),
        None if lag is None else float(lag),
    )
    transitions = tuple(line.split(" ") for line in value["transitions"].split("\n") if line)
    counts = tuple((before, after, int(count)) for before, after, count in transitions)
    return Record(
        memory, standing, _some_instant(value["seen"]), float(value["at"]), told, float(value["changed"]), counts
    )


def write_record(database: sqlite3.Connection, target: str, role: str, record: Record) -> None:
    """Replace the rows; a replaced row becomes the newest, so the oldest rows are those that nobody checks any more."""
    memory, standing, told = record.memory, record.standing, record.told
    flaps = "\n".join(_text(flap) or "" for flap in standing.flaps)
    if (seen := memory.sighting) is not None:
        # the two moments of a row are of one boot: what was first seen in another is as good as seen first in this one
        boot = seen.seen.boot_id
        first = seen.first_seen.seconds if seen.first_seen.boot_id == boot else seen.seen.seconds
        row = (target, boot, seen.number, first, seen.seen.seconds)
        row += (seen.connection_id, seen.identity, seen.started, seen.uptime)  # type: ignore[assignment]
        database.execute("REPLACE INTO sighting VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    values = (
        record.at, record.changed, _text(record.seen), memory.incarnation, _text(memory.answered_at),
        _text(memory.silent_since), memory.lag.seconds if memory.lag else None,
        _text(memory.lag.at) if memory.lag else None, standing.phase.value, _text(standing.since),
        _text(standing.until), standing.cause, standing.incarnation, standing.proven, flaps,
        standing.factor, standing.counted, told.action.value, told.weight, told.code, told.text, told.lag,
        "\n".join(f"{before} {after} {count}" for before, after, count in record.transitions),
    )  # fmt: skip
    places = ", ".join("?" * (len(COLUMNS) + 2))
    columns = ", ".join(("target", "role", *COLUMNS))
    database.execute(f"REPLACE INTO record ({columns}) VALUES ({places})", (target, role, *values))  # noqa: S608


def add_events(database: sqlite3.Connection, events: Iterable[Event]) -> None:
    """Add events, and prune what is too much: by number, because a step of the clock must not prune."""
    for event in events:
        added = database.execute(
            "INSERT INTO event (at, target, role, kind, before, after, text) VALUES (?, ?, ?, ?, ?, ?, ?)", event
        )
        of_one = """DELETE FROM event WHERE target = ? AND id <=
                    (SELECT id FROM event WHERE target = ? ORDER BY id DESC LIMIT 1 OFFSET ?)"""
        database.execute(of_one, (event.target, event.target, MOST_EVENTS_OF_ONE))
        database.execute("DELETE FROM event WHERE id <= ?", ((added.lastrowid or 0) - MOST_EVENTS,))
        for table in ("record", "sighting"):
            oldest = f"""DELETE FROM {table} WHERE rowid <=
                         (SELECT rowid FROM {table} ORDER BY rowid DESC LIMIT 1 OFFSET ?)"""  # noqa: S608
            database.execute(oldest, (MOST_RECORDS,))
