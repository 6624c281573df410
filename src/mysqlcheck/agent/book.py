"""What is on record of all servers, in memory, with the store behind it.

The store stays what the agent shares with checks beside it and with operators' commands. Writing it a thousand times a
second would cost more than all looks together, so a record is written when its phase changed, else every few seconds;
and who else has written one meanwhile wins: the last look is judged again in the light of that.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TypeAlias

from mysqlcheck.errors import NothingRecorded, StoreError
from mysqlcheck.judgement import Judgement
from mysqlcheck.model import Sighting
from mysqlcheck.record import Event, Record
from mysqlcheck.store import Changed, Store

Judge: TypeAlias = Callable[[Record | None, Sighting | None], Judgement]
"""Judges one look in the light of what is on record; may be called again."""
Pair: TypeAlias = tuple[str, str]
"""Target and role."""
MOST_EVENTS, MOST_CAPTURES = 100, 10
"""Of one server, kept for a store that cannot be written; and how many of them with the look that they came of."""


class _Entry:
    """One server in one role."""

    record: Record | None = None
    stored: Record | None = None
    """What stood in the store when we last read or wrote it."""
    judge: Judge | None = None
    """Judges the last look; None before the first."""
    changed = False
    """Whether the record is to be written."""
    events: tuple[Event, ...] = ()
    """To be written with it."""


class _Work:
    """A record on its way into the store."""

    def __init__(self, pair: Pair, entry: _Entry, record: Record, judge: Judge) -> None:
        self.pair, self.entry, self.record, self.judge = pair, entry, record, judge
        self._stored, self._events = entry.stored, entry.events
        entry.changed, entry.events = False, ()

    def change(self, found: Record | None, sighting: Sighting | None) -> Changed[Record]:
        """Write ours over what we know to stand there, and where the store was lost; else what follows from both."""
        ours = self.record.memory.sighting
        if found in (None, self._stored) and (sighting is None or _newer(ours, sighting)):
            return Changed(self.record, self.record, self._events)
        merged = self.judge(found, sighting)
        return Changed(merged.record, merged.record, merged.events)

    def put_back(self) -> None:
        """It could not be written."""
        self.entry.changed, self.entry.events = True, _newest(*self._events, *self.entry.events)


class Book:
    """All records. `take` may be called by any thread, the rest by one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._entries: dict[Pair, _Entry] = {}
        self._sightings: dict[str, Sighting] = {}
        self._signature: tuple[int, ...] | None = None
        self.urgent = False
        """Whether a phase has changed since the store was last written."""
        self.trouble: str | None = None
        """Why memory is not kept, or not read; None where all is well."""

    def take(self, target: str, role: str, judge: Judge) -> Judgement:
        """Judge a look, and keep what follows from it."""
        with self._lock:
            return self._judge((target, role), self._entries.setdefault((target, role), _Entry()), judge)

    def recall(self, target: str, role: str) -> Record | None:
        """Return what is on record of a server."""
        with self._lock:
            entry = self._entries.get((target, role))
            return entry.record if entry else None

    def forget(self, target: str, role: str) -> None:
        """Keep no more of a server that is no longer checked; what is in the store stays there."""
        with self._lock:
            self._entries.pop((target, role), None)

    def refresh(self, seconds: float) -> None:
        """Take in what others have written: a check, `mysqlcheck release`. Cheap where nobody has."""
        signature = self._file()
        if signature == self._signature:
            return
        try:
            kept = self._store.records(seconds)
        except NothingRecorded:
            kept = []
        except StoreError as error:
            self.trouble = f"what is on record cannot be read: {error}"
            return
        self._signature = signature
        with self._lock:
            for one in kept:
                entry = self._entries.setdefault((one.target, one.role), _Entry())
                if one.record != entry.stored:
                    entry.stored = one.record
                    self._adopt((one.target, one.role), entry, one.record, one.sighting)

    def flush(self, seconds: float) -> None:
        """Write what has changed into the store, in one transaction."""
        with self._lock:
            self.urgent = False
            work = [
                _Work(pair, entry, entry.record, entry.judge)
                for pair, entry in self._entries.items()
                if entry.changed and entry.record and entry.judge
            ]
        if not work:
            return
        try:
            written = self._store.update_all([(*one.pair, one.change) for one in work], seconds)
        except StoreError as error:
            self.trouble = f"no memory is kept: {error}"
            with self._lock:
                for one in work:
                    one.put_back()
            return
        self._signature, self.trouble = self._file(), self._store.begun_anew
        with self._lock:
            for one, record in zip(work, written, strict=True):
                one.entry.stored = _as_stored(record)
                if record is not one.record:  # another had written: what followed from that is now ours
                    self._adopt(one.pair, one.entry, record, record.memory.sighting, but=one.judge)

    def _judge(self, pair: Pair, entry: _Entry, judge: Judge) -> Judgement:
        found = judge(entry.record, self._sightings.get(pair[0]))
        entry.record, entry.judge, entry.changed = found.record, judge, True
        if found.record.memory.sighting is not None:
            self._sightings[pair[0]] = found.record.memory.sighting
        if found.events:
            entry.events = _newest(*entry.events, *found.events)
            self.urgent = True
        return found

    def _adopt(
        self, pair: Pair, entry: _Entry, record: Record, sighting: Sighting | None, but: Judge | None = None
    ) -> None:
        """Put another's record in the place of ours, and judge our last look again, but one that is in it already."""
        entry.record = record
        if sighting is not None and not _newer(self._sightings.get(pair[0]), sighting):
            self._sightings[pair[0]] = sighting
        if entry.judge is not None and entry.judge is not but:
            self._judge(pair, entry, entry.judge)

    def _file(self) -> tuple[int, ...] | None:
        """What tells whether the store has been written since: its inode, size and time."""
        try:
            found = os.stat(self._store.path)
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns


def _newest(*events: Event) -> tuple[Event, ...]:
    """Return as many as are kept."""
    older = (event._replace(capture=None) for event in events[-MOST_EVENTS:-MOST_CAPTURES])
    return (*older, *events[-MOST_CAPTURES:])


def _newer(ours: Sighting | None, other: Sighting) -> bool:
    """Whether what we saw of a server is at least as new as what another saw."""
    return ours is not None and ours.number >= other.number and not ours.seen.precedes(other.seen)


def _as_stored(record: Record) -> Record:
    """Return the record as it is read from the store, which keeps sightings apart."""
    return record._replace(memory=record.memory._replace(sighting=None))
