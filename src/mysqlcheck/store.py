"""Memory between checks: one SQLite file in the state directory. A cache, from which a check can do without.

Any trouble with it is "no store": StoreError, and the check goes on with the server's own words. A file of an earlier
schema is brought up to date by whoever writes it first, and read as if it were; one that is broken, or of a schema that
is not known, is set aside and begun anew. No fsync: the kernel keeps what a killed process wrote, and after a crash of
the machine all timers begin anew anyway. What must survive more, an operator's hold, is in holds.py.
"""

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from mysqlcheck import statedir
from mysqlcheck.errors import NoAnswer, NothingRecorded, OutOfTime, StoreError
from mysqlcheck.model import Sighting
from mysqlcheck.record import Event, Record
from mysqlcheck.records import (
    EVERYTHING,
    MIGRATIONS,
    SCHEMA,
    TABLES,
    add_events,
    decode,
    read_events,
    read_record,
    read_sighting,
    write_record,
)  # fmt: skip

FILE = "state.db"
BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISMATCH}
"""Error codes of a file that will be no better next time; SQLITE_ERROR is a table or column that is not there."""

Result = TypeVar("Result")


class Changed(NamedTuple, Generic[Result]):
    """What an update led to: the result for its caller, and what to keep."""

    result: Result
    record: Record
    events: tuple[Event, ...] = ()


Change: TypeAlias = Callable[[Record | None, Sighting | None], Changed[Result]]
"""Turns what is on record into what is to be."""


class Kept(NamedTuple):
    """One of the store's records, and the last sighting of its server."""

    target: str
    role: str
    record: Record
    sighting: Sighting | None = None


class Store:
    """The store of one state directory. Each call opens it anew: nothing is kept open between checks."""

    def __init__(self, directory: str) -> None:
        self.directory, self.path = directory, os.path.join(directory, FILE)
        self.begun_anew: str | None = None
        """Said where the file was broken, and has been set aside."""

    def update(
        self,
        target: str,
        role: str,
        change: Change[Result],
        seconds: float,
    ) -> Result:
        """Read a record, change it and write it in one transaction; returns the result that `change` gave.

        `change` gets what is on record of the pair, and the last sighting of the server in any role. It may be called
        twice. Raises StoreError.
        """

        return self.update_all([(target, role, change)], seconds)[0]

    def update_all(self, changes: Sequence[tuple[str, str, Change[Result]]], seconds: float) -> list[Result]:
        """Do the same for several pairs of target and role in one transaction: all of them, or none."""

        def work(database: sqlite3.Connection) -> list[Result]:
            results = []
            for target, role, change in changes:
                changed = change(read_record(database, target, role), read_sighting(database, target))
                write_record(database, target, role, changed.record)
                add_events(database, changed.events)
                results.append(changed.result)
            return results

        return self._transact(work, seconds)

    def note(self, event: Event, seconds: float) -> None:
        """Add an event. Raises StoreError."""
        self._transact(lambda database: add_events(database, [event]), seconds)

    def note_hook(self, target: str, write: Callable[[list[Kept]], Event], seconds: float) -> tuple[Event, bool]:
        """Add what keepalived tells of a target; returns the event, and whether it is not what it told last.

        The same hook fires for each virtual server, and again at a reload: that is told once. `write` gets what is on
        record of the target at the same moment. It may be called twice. Raises StoreError.
        """

        def work(database: sqlite3.Connection) -> tuple[Event, bool]:
            event = write(_kept(database, target))
            last = "SELECT kind FROM event WHERE target = ? AND kind LIKE 'notify-%' ORDER BY id DESC LIMIT 1"
            new = database.execute(last, (target,)).fetchone() != (event.kind,)
            if new:
                add_events(database, [event])
            return event, new

        return self._transact(work, seconds)

    def amend(
        self, target: str, change: Callable[[str, Record], Record | None], event: Event, seconds: float
    ) -> list[str]:
        """Change a target's records by hand, and note the event where anything changed; returns the roles changed.

        `change` gets a role and its record, and returns None to leave it as it is. Raises StoreError.
        """

        def work(database: sqlite3.Connection) -> list[str]:
            changed = []
            for kept in _kept(database, target):
                if (after := change(kept.role, kept.record)) is not None:
                    write_record(database, target, kept.role, after)
                    changed.append(kept.role)
            if changed:
                add_events(database, [event])
            return changed

        return self._transact(work, seconds)

    def read(self, target: str, role: str, seconds: float) -> tuple[Record | None, Sighting | None]:
        """Read without changing anything, also what cannot be written or is locked. Raises StoreError."""

        def work(database: sqlite3.Connection) -> tuple[Record | None, Sighting | None]:
            return read_record(database, target, role), read_sighting(database, target)

        return self._look(work, seconds)

    def records(self, seconds: float) -> list[Kept]:
        """Return every record. Raises StoreError."""
        return self._look(_kept, seconds)

    def history(self, target: str, most: int, seconds: float) -> list[Event]:
        """Return the last events of a target, the oldest first. Raises StoreError."""
        return self._look(lambda database: read_events(database, target, most), seconds)

    # How it is opened.

    def _transact(self, work: Callable[[sqlite3.Connection], Result], seconds: float) -> Result:
        def attempt() -> Result:
            for last in (False, True):
                try:
                    with self._kept_in_place(), self._open(0.8 * seconds) as database:
                        return _in_transaction(database, work)
                except (sqlite3.Error, _UnknownSchema) as error:
                    if last or not _broken(error):
                        raise
                    self._set_aside()
            raise AssertionError

        return self._guarded(attempt, seconds)

    def _look(self, work: Callable[[sqlite3.Connection], Result], seconds: float) -> Result:
        """Read from the file as it is where it cannot be opened as usual: read-only, or locked by another."""

        def attempt() -> Result:
            if not os.path.exists(self.path):
                raise NothingRecorded(f"{self.path}: nothing has been recorded yet")
            try:
                with self._open(0.4 * seconds, "mode=ro") as database:
                    return _in_transaction(database, work, "BEGIN")
            except (sqlite3.Error, _UnknownSchema):
                with self._open(0.4 * seconds, "mode=ro&immutable=1") as database, _up_to_date(database) as readable:
                    return work(readable)

        return self._guarded(attempt, seconds, make=False)

    def _guarded(self, attempt: Callable[[], Result], seconds: float, make: bool = True) -> Result:
        """Do it in time, as the directory's owner; whatever goes wrong is a StoreError that says what to do."""
        try:
            return statedir.work_in(self.directory, seconds, attempt, make)
        except OutOfTime:
            raise NoAnswer(f"{self.path}: no answer within {seconds:.1f} s (a disk that hangs?)") from None
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: {_plainly(error)}") from error
        except _UnknownSchema as error:
            raise StoreError(f"{self.path}: {error}") from error
        except OSError as error:
            raise StoreError(statedir.explain(error, self.directory)) from error

    @contextlib.contextmanager
    def _open(self, seconds: float, how: str = "mode=rwc") -> Iterator[sqlite3.Connection]:
        name = os.path.abspath(self.path).lstrip("/").replace("%", "%25").replace("?", "%3f").replace("#", "%23")
        database = sqlite3.connect(f"file:///{name}?{how}", timeout=seconds, isolation_level=None, uri=True)
        try:
            database.text_factory = decode
            database.execute("PRAGMA synchronous = OFF")
            yield database
        finally:
            database.close()

    @contextlib.contextmanager
    def _kept_in_place(self, how: int = fcntl.LOCK_SH) -> Iterator[None]:
        """Keep the file from being set aside while we work with it; or all others from working with it (LOCK_EX)."""
        with open(os.path.join(self.directory, "lock"), "ab") as lock:
            fcntl.flock(lock, how)
            yield

    def _set_aside(self) -> None:
        """Put a broken file out of the way, if it is still the broken one when nobody works with it."""
        with self._kept_in_place(fcntl.LOCK_EX):
            try:
                with self._open(0.1, "mode=ro") as database:
                    _in_transaction(database, _examine, "BEGIN")
            except (sqlite3.Error, _UnknownSchema) as error:
                if not _broken(error):
                    return
                for suffix in ("-journal", "-wal", "-shm"):  # first, or it would be played back into the new file
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(self.path + suffix)
                with contextlib.suppress(FileNotFoundError):
                    os.replace(self.path, self.path + ".broken")
                    self.begun_anew = (
                        f"{self.path} was broken, its memory is lost: set aside as {FILE}.broken ({error})"
                    )


def _kept(database: sqlite3.Connection, target: str | None = None) -> list[Kept]:
    """Return the records of a target, or all."""
    query = "SELECT target, role FROM record WHERE target = coalesce(?, target) ORDER BY target, role"
    pairs = database.execute(query, (target,)).fetchall()
    found = [(*pair, read_record(database, *pair)) for pair in pairs]
    return [
        Kept(target, role, record, read_sighting(database, target))
        for target, role, record in found
        if record is not None
    ]


class _UnknownSchema(Exception):
    pass


def _broken(error: Exception) -> bool:
    return isinstance(error, _UnknownSchema) or _code(error) in BROKEN


def _code(error: Exception) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _plainly(error: sqlite3.Error) -> str:
    code = _code(error)
    if code == sqlite3.SQLITE_BUSY:
        return "locked by another process for too long"
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
        return f"{error}; the user that keepalived runs the check as must be able to write it"
    return str(error)


def _in_transaction(
    database: sqlite3.Connection, work: Callable[[sqlite3.Connection], Result], begin: str = "BEGIN IMMEDIATE"
) -> Result:
    database.execute(begin)
    try:
        if begin == "BEGIN IMMEDIATE":
            _make_tables(database)
            result = work(database)
        else:
            with _up_to_date(database) as readable:
                _check(readable)
                result = work(readable)
        database.execute("COMMIT")
        return result
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            database.execute("ROLLBACK")
        raise


def _version(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def _check(database: sqlite3.Connection) -> None:
    if (version := _version(database)) != SCHEMA:
        raise _UnknownSchema(f"its schema is number {version}, this version's is {SCHEMA}")


def _examine(database: sqlite3.Connection) -> None:
    """Look whether the file is sound, as a file and as a store."""
    _check(database)
    if database.execute(OUR_TABLES).fetchone()[0] != 3:
        raise _UnknownSchema("its tables are not ours")
    for query in EVERYTHING:
        database.execute(query).fetchone()
    if (found := database.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        raise _UnknownSchema(f"it is damaged: {found}")


OUR_TABLES = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('sighting', 'record', 'event')"


def _make_tables(database: sqlite3.Connection) -> None:
    if _version(database) == 0 and not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        for statement in TABLES.split(";\n"):
            if statement.strip():
                database.execute(statement)
        database.execute(f"PRAGMA user_version = {SCHEMA}")
    _migrate(database)
    _check(database)


def _migrate(database: sqlite3.Connection) -> None:
    """Bring the tables of an earlier version up to date; where they are not what it wrote SQLite raises an error."""
    while (version := _version(database)) in MIGRATIONS:
        for statement in MIGRATIONS[version]:
            database.execute(statement)
        database.execute(f"PRAGMA user_version = {version + 1}")


@contextlib.contextmanager
def _up_to_date(database: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Yield what can be read: of a file that an earlier version wrote a copy in memory, as writing would make it."""
    if _version(database) not in MIGRATIONS:
        yield database
        return
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as copy:
        copy.text_factory = decode
        database.backup(copy)
        _migrate(copy)
        yield copy
