"""The tables of the store, and how records become rows and rows records. Pruned by number, never by time.

A row that makes no sense is no record, and harms no other.
"""

from __future__ import annotations

import contextlib
import math
import sqlite3
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from mysqlcheck.model import (
    Action,
    Filters,
    Instant,
    LastBeat,
    LastLag,
    Memory,
    OperatorHold,
    Phase,
    Sighting,
    Standing,
)
from mysqlcheck.record import Event, Record, Told

Value = TypeVar("Value")
MOST_EVENTS_OF_ONE, MOST_EVENTS, MOST_RECORDS = 500, 20_000, 2_000
MOST_CAPTURES_OF_ONE, MOST_CAPTURES = 50, 2_000
"""Events that keep the look they came of, which is up to 4 KB (captures.MOST_BYTES): 8 MB for all servers at most."""

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
    transitions TEXT NOT NULL, filters TEXT, shared_hold TEXT, beat TEXT, PRIMARY KEY (target, role)
);
CREATE TABLE event (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, target TEXT NOT NULL, role TEXT NOT NULL, kind TEXT NOT NULL,
    before TEXT NOT NULL, after TEXT NOT NULL, text TEXT NOT NULL, capture TEXT
);
CREATE INDEX event_of ON event (target, id);
"""
SCHEMA = 2
MIGRATIONS = {
    1: (
        "ALTER TABLE event ADD COLUMN capture TEXT",
        "ALTER TABLE record ADD COLUMN filters TEXT",
        "ALTER TABLE record ADD COLUMN shared_hold TEXT",
        "ALTER TABLE record ADD COLUMN beat TEXT",
    )
}
"""What makes each earlier schema the next: columns that may be null, in the order in which they came."""

MOST = 1 << 62
"""Beyond this no number in a row is meant; and where numbers are added no sum leaves 64 bits."""


def _storable(values: Iterable[object]) -> list[object]:
    """Write text as SQLite can: an undecodable byte of a command line stands in Python's text as half a character."""
    return [v.encode("utf-8", "backslashreplace").decode() if isinstance(v, str) else v for v in values]


def decode(text: bytes) -> str:
    """Read text as it is: whatever bytes stand there, a row must not stand in the way of the others."""
    return text.decode("utf-8", "replace")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError
    return value


def _number(value: object) -> float:
    if not isinstance(value, (int, float)) or not -math.inf < value < math.inf:  # refuses nan too
        raise ValueError
    return float(value)


def _whole(value: object) -> int:
    if not isinstance(value, int) or not -MOST < value < MOST:
        raise ValueError
    return value


def _instant(value: object) -> Instant:
    """Instants stand in the table as `seconds boot_id`."""
    seconds, _, boot_id = _text(value).partition(" ")
    return Instant(boot_id, _number(float(seconds)))


def _or_none(read: Callable[[object], Value], value: object) -> Value | None:
    return None if value is None else read(value)


def _hold(value: object) -> OperatorHold:
    """Shared holds stand in the table as `since until|-`, who, and the reason, in three lines."""
    times, who, reason = _text(value).split("\n")
    since, until = times.split(" ")
    ends = None if until == "-" else _number(float(until))
    return OperatorHold(reason, who, _number(float(since)), ends, shared=True)


def _shown_hold(hold: OperatorHold | None) -> str | None:
    if hold is None:
        return None
    until = "-" if hold.until is None else repr(hold.until)
    return f"{hold.since!r} {until}\n{hold.who}\n{hold.reason}"


def _shown(instant: Instant | None) -> str | None:
    return None if instant is None else f"{instant.seconds!r} {instant.boot_id}"


def _filters(value: object) -> Filters:
    """Filters stand in the table on three lines: when they changed, what they were, what they are."""
    changed, before, text = _text(value).split("\n", 2)
    return Filters(text, before, _instant(changed)) if changed else Filters(text)


def _shown_filters(filters: Filters) -> str:
    return f"{_shown(filters.changed) or ''}\n{filters.before or ''}\n{filters.text}"


def _beat(value: object) -> LastBeat:
    name, at, late, received, arrived = _text(value).split("\n")
    return LastBeat(name, _instant(at), _number(float(late)), received, _instant(arrived))


def _shown_beat(beat: LastBeat) -> str:
    return f"{beat.name}\n{_shown(beat.at)}\n{beat.late!r}\n{beat.received}\n{_shown(beat.arrived)}"


def read_sighting(database: sqlite3.Connection, target: str) -> Sighting | None:
    """Read the last sighting of a server; one that makes no sense is none."""
    query = """SELECT boot, number, first_seen, seen, connection_id, identity, started, uptime
               FROM sighting WHERE target = ?"""
    row = database.execute(query, (target,)).fetchone()
    if row is None:
        return None
    boot, number, first_seen, seen, connection_id, identity, started, uptime = row
    try:
        boot = _text(boot)
        return Sighting(
            _whole(number),
            Instant(boot, _number(first_seen)),
            Instant(boot, _number(seen)),
            _or_none(_whole, connection_id),
            _or_none(_text, identity),
            _or_none(_whole, started),
            _or_none(_whole, uptime),
        )
    except ValueError:
        return None


def read_record(database: sqlite3.Connection, target: str, role: str) -> Record | None:
    """Read a record; one that makes no sense is none."""
    query = f"SELECT {', '.join(COLUMNS)} FROM record WHERE target = ? AND role = ?"  # noqa: S608
    row = database.execute(query, (target, role)).fetchone()
    if row is None:
        return None
    try:
        return _parsed(dict(zip(COLUMNS, row, strict=True)))
    except ValueError:
        return None


def read_events(database: sqlite3.Connection, target: str, most: int) -> list[Event]:
    """Read the last events of a target, the oldest first; those that make no sense are left out."""
    query = """SELECT at, target, role, kind, before, after, text, capture
               FROM event WHERE target = ? ORDER BY id DESC LIMIT ?"""
    found = []
    for at, *texts, capture in database.execute(query, (target, most)).fetchall():
        with contextlib.suppress(ValueError):
            event = Event(_number(at), *map(_text, texts))
            found.append(event._replace(capture=_or_none(_text, capture)))
    return found[::-1]


COLUMNS = (
    "at", "changed", "seen", "incarnation", "answered_at", "silent_since", "lag", "lag_at", "phase",
    "since", "until", "cause", "of_incarnation", "proven", "flaps", "factor", "counted", "action", "weight",
    "code", "text", "shown_lag", "transitions", "filters", "shared_hold", "beat",
)  # fmt: skip
EVERYTHING = (
    "SELECT target, boot, number, first_seen, seen, connection_id, identity, started, uptime FROM sighting LIMIT 1",
    f"SELECT target, role, {', '.join(COLUMNS)} FROM record LIMIT 1",  # noqa: S608
    "SELECT id, at, target, role, kind, before, after, text, capture FROM event LIMIT 1",
)
"""Queries that fail where a table or a column is missing."""


def _parsed(value: dict[str, Any]) -> Record:
    lag_at = _or_none(_instant, value["lag_at"])
    memory = Memory(
        None,
        _whole(value["incarnation"]),
        _or_none(_instant, value["answered_at"]),
        _or_none(_instant, value["silent_since"]),
        LastLag(_number(value["lag"]), lag_at) if lag_at else None,
        _or_none(_filters, value["filters"]),
        _or_none(_hold, value["shared_hold"]),
        _or_none(_beat, value["beat"]),
    )
    standing = Standing(
        Phase(value["phase"]),
        _instant(value["since"]),
        _or_none(_instant, value["until"]),
        _text(value["cause"]),
        _whole(value["of_incarnation"]),
        bool(_whole(value["proven"])),
        tuple(_instant(line) for line in _text(value["flaps"]).split("\n") if line),
        _number(value["factor"]),
        bool(_whole(value["counted"])),
    )
    told = Told(
        Action(value["action"]),
        _or_none(_whole, value["weight"]),
        _text(value["code"]),
        _text(value["text"]),
        _or_none(_number, value["shown_lag"]),
    )
    transitions = (line.split(" ") for line in _text(value["transitions"]).split("\n") if line)
    counts = tuple((before, after, int(count)) for before, after, count in transitions)
    return Record(
        memory, standing, _instant(value["seen"]), _number(value["at"]), told, _number(value["changed"]), counts
    )


def write_record(database: sqlite3.Connection, target: str, role: str, record: Record) -> None:
    """Replace the rows; a replaced row becomes the newest, so the oldest rows are those that nobody checks any more."""
    memory, standing, told = record.memory, record.standing, record.told
    flaps = "\n".join(_shown(flap) or "" for flap in standing.flaps)
    if (seen := memory.sighting) is not None:
        # the two moments of a row are of one boot: what was first seen in another is as good as seen first in this one
        boot = seen.seen.boot_id
        first = seen.first_seen.seconds if seen.first_seen.boot_id == boot else seen.seen.seconds
        row = (target, boot, seen.number, first, seen.seen.seconds)
        row += (seen.connection_id, seen.identity, seen.started, seen.uptime)  # type: ignore[assignment]
        database.execute("REPLACE INTO sighting VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", _storable(row))
    values = (
        record.at, record.changed, _shown(record.seen), memory.incarnation, _shown(memory.answered_at),
        _shown(memory.silent_since), memory.lag.seconds if memory.lag else None,
        _shown(memory.lag.at) if memory.lag else None, standing.phase.value, _shown(standing.since),
        _shown(standing.until), standing.cause, standing.incarnation, standing.proven, flaps,
        standing.factor, standing.counted, told.action.value, told.weight, told.code, told.text, told.lag,
        "\n".join(f"{before} {after} {count}" for before, after, count in record.transitions),
        memory.filters and _shown_filters(memory.filters),
        _shown_hold(memory.shared),
        _shown_beat(memory.beat) if memory.beat else None,
    )  # fmt: skip
    places = ", ".join("?" * (len(COLUMNS) + 2))
    columns = ", ".join(("target", "role", *COLUMNS))
    database.execute(f"REPLACE INTO record ({columns}) VALUES ({places})", _storable((target, role, *values)))  # noqa: S608


def add_events(database: sqlite3.Connection, events: Iterable[Event]) -> None:
    """Add events, and prune what is too much: by number, because a step of the clock must not prune."""
    for event in events:
        added = database.execute(
            "INSERT INTO event (at, target, role, kind, before, after, text, capture) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            _storable(event),
        )
        of_one = """DELETE FROM event WHERE target = ? AND id <=
                    (SELECT id FROM event WHERE target = ? ORDER BY id DESC LIMIT 1 OFFSET ?)"""
        database.execute(of_one, (event.target, event.target, MOST_EVENTS_OF_ONE))
        captured = """UPDATE event SET capture = NULL WHERE target = ? AND capture NOTNULL AND id <=
                      (SELECT id FROM event WHERE target = ? AND capture NOTNULL ORDER BY id DESC LIMIT 1 OFFSET ?)"""
        database.execute(captured, (event.target, event.target, MOST_CAPTURES_OF_ONE))
        added_id = added.lastrowid or 0
        database.execute("UPDATE event SET capture = NULL WHERE id = ?", (added_id - MOST_CAPTURES,))
        database.execute("DELETE FROM event WHERE id <= ?", (added_id - MOST_EVENTS,))
        for table in ("record", "sighting"):
            oldest = f"""DELETE FROM {table} WHERE rowid <=
                         (SELECT rowid FROM {table} ORDER BY rowid DESC LIMIT 1 OFFSET ?)"""  # noqa: S608
            database.execute(oldest, (MOST_RECORDS,))
