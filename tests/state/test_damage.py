"""Rows that make no sense, and files that are broken: the store is a cache, and is begun anew."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from mysqlcheck.errors import StoreError
from mysqlcheck.holddown import step
from mysqlcheck.model import Phase, Verdict
from mysqlcheck.options import Settings
from mysqlcheck.records import SCHEMA
from mysqlcheck.store import FILE, Store
from tests.state.building import (
    AMPLE,
    NOW,
    OTHER,
    TARGET,
    event,
    filled,
    keep,
    names,
    noise,
    record,
    sighting,
    sound,
    written,
)

BROKEN = f"{FILE}.broken"

# Rows.


def set_to(table: str, column: str, value: str) -> str:
    return f"UPDATE {table} SET {column} = {value} WHERE target = '{TARGET}'"


def loosened(table: str) -> tuple[str, ...]:
    """Make a table anew without its NOT NULL and its types, as no schema of ours would allow."""
    return (f"ALTER TABLE {table} RENAME TO old", f"CREATE TABLE {table} AS SELECT * FROM old", "DROP TABLE old")


SENSELESS = {
    "an unknown phase": ("phase", "'sideways'"),
    "a phase that is a number": ("phase", "7"),
    "an unknown action": ("action", "'maybe'"),
    "a moment that is none": ("since", "'soon'"),
    "an empty moment": ("since", "''"),
    "a moment in bytes": ("seen", "x'00ff'"),
    "an until that is none": ("until", "'soon boot'"),
    "an answer at no moment": ("answered_at", "'never'"),
    "a silence since no moment": ("silent_since", "'x'"),
    "a lag at no moment": ("lag_at", "'x'"),
    "a moment without a lag": ("lag", "NULL), (lag_at) = ('5 boot'"),
    "a lag that is no number": ("lag", "'much'), (lag_at) = ('5 boot'"),
    "a time that is no number": ("at", "'noon'"),
    "a change at no time": ("changed", "'noon'"),
    "an incarnation that is no number": ("incarnation", "'many'"),
    "an incarnation beyond all numbers": ("incarnation", "9e999"),
    "an incarnation of the standing beyond all numbers": ("of_incarnation", "-9e999"),
    "a factor that is no number": ("factor", "'big'"),
    "flaps that are none": ("flaps", "'a' || char(10) || 'b'"),
    "flaps in bytes": ("flaps", "x'ff'"),
    "transitions that are none": ("transitions", "'up down'"),
    "transitions without a count": ("transitions", "'up down often'"),
    "transitions that are a number": ("transitions", "7"),
    "a weight that is no number": ("weight", "'heavy'"),
    "a shown lag that is no number": ("shown_lag", "'much'"),
    "text that is no UTF-8": ("phase", "CAST(x'ff' AS TEXT)"),
    "a reason that is no UTF-8": ("text", "CAST(x'ff' AS TEXT)"),
}
NULLED = (
    *(
        "at",
        "changed",
        "seen",
        "incarnation",
        "phase",
        "since",
        "cause",
        "of_incarnation",
        "proven",
        "flaps",
        "counted",
    ),
    *("factor", "action", "code", "text", "transitions"),
)


def assert_no_record_and_no_harm(store: Store) -> None:
    """The damaged row is none; the others are as they were; and it is written anew like any first one."""
    assert store.read(TARGET, "replica", AMPLE)[0] in (None, record(told=record().told._replace(text="\ufffd")))
    assert store.read(OTHER, "replica", AMPLE)[0] == record(Phase.DRAINING)
    assert OTHER in {found.target for found in store.records(AMPLE)}
    keep(store, record(Phase.RAMPING), [event("anew")])
    assert store.read(TARGET, "replica", AMPLE)[0] == record(Phase.RAMPING)
    assert store.history(OTHER, 10, AMPLE) == [event("three", OTHER)]
    assert names(Path(store.directory)) == [FILE]


@pytest.mark.parametrize("what", SENSELESS)
def test_a_record_that_makes_no_sense_is_none_and_harms_no_other(tmp_path: Path, what: str) -> None:
    store = filled(tmp_path)
    column, value = SENSELESS[what]
    assignment = f"({column}) = ({value})"
    written(tmp_path, f"UPDATE record SET {assignment} WHERE target = '{TARGET}'")
    assert_no_record_and_no_harm(store)


@pytest.mark.parametrize("column", NULLED)
def test_a_record_in_which_something_is_missing_is_none(tmp_path: Path, column: str) -> None:
    store = filled(tmp_path)
    written(tmp_path, *loosened("record"), set_to("record", column, "NULL"))
    assert store.read(TARGET, "replica", AMPLE)[0] is None
    assert store.read(OTHER, "replica", AMPLE)[0] == record(Phase.DRAINING)


SENSELESS_SIGHTINGS = {
    "a connection id that is no number": ("connection_id", "'eleven'"),
    "a connection id in bytes": ("connection_id", "x'0b'"),
    "an identity that is no text": ("identity", "x'ff'"),
    "a start that is no number": ("started", "'then'"),
    "an Uptime that is no number": ("uptime", "'long'"),
    "a number that is none": ("number", "'many'"),
    "a number beyond all numbers": ("number", "9e999"),
    "a first sight at no moment": ("first_seen", "'then'"),
    "a sight at no moment": ("seen", "'now'"),
    "a boot that is no text": ("boot", "x'ff'"),
}


@pytest.mark.parametrize("what", SENSELESS_SIGHTINGS)
def test_a_sighting_that_makes_no_sense_is_none_and_harms_no_other(tmp_path: Path, what: str) -> None:
    """What came through as a text where a number belongs would break the rules that compare it, at every check."""
    store = filled(tmp_path)
    written(tmp_path, set_to("sighting", *SENSELESS_SIGHTINGS[what]))
    assert store.read(TARGET, "replica", AMPLE) == (record(), None)
    assert store.read(OTHER, "replica", AMPLE) == (record(Phase.DRAINING), sighting(number=7))
    keep(store, record(), seen=sighting(number=4))
    assert store.read(TARGET, "replica", AMPLE) == (record(), sighting(number=4))


@pytest.mark.parametrize("column", ["identity", "boot"])
def test_a_sighting_whose_text_is_no_utf_8_is_none_or_another_one(tmp_path: Path, column: str) -> None:
    """A flipped bit is nothing that SQLite would notice. Another identity is another incarnation: it is held."""
    store = filled(tmp_path)
    written(tmp_path, set_to("sighting", column, "CAST(x'ff' AS TEXT)"))
    kept, seen = store.read(TARGET, "replica", AMPLE)
    assert kept == record()
    assert seen != sighting()
    keep(store, record(), seen=sighting(number=4))
    assert store.read(TARGET, "replica", AMPLE) == (record(), sighting(number=4))


@pytest.mark.parametrize("kind", ["x'ff'", "CAST(x'ff' AS TEXT)", "'" + "x" * 100_000 + "'"])
def test_an_event_that_makes_no_sense_stands_in_nobodys_way(tmp_path: Path, kind: str) -> None:
    store = filled(tmp_path)
    written(tmp_path, f"UPDATE event SET kind = {kind}, text = {kind} WHERE text = 'one'")
    keep(store, record(Phase.HELD), [event("anew")])
    assert store.note_hook(TARGET, lambda _: event("noted", kind="notify-up"), AMPLE)[1]
    assert [found.text for found in store.history(TARGET, 10, AMPLE)][-3:] == ["two", "anew", "noted"]


def test_a_standing_from_an_infinite_future_is_judged_as_any_other(tmp_path: Path) -> None:
    """It parses; so it must not trip what reckons with it."""
    store = filled(tmp_path)
    written(tmp_path, set_to("record", "since", "'inf boot'"), set_to("record", "until", "'nan boot'"))
    kept = store.read(TARGET, "replica", AMPLE)[0]
    if kept is not None:
        step(kept.standing, Verdict((), 1.0), kept.memory, Settings.of(host="h"), NOW)


# Files.

Damage = Callable[[Path], None]


def overwritten(content: bytes) -> Damage:
    def damage(path: Path) -> None:
        path.write_bytes(content)

    return damage


def cut(size: int) -> Damage:
    return lambda path: os.truncate(path, size)


def of_other_tables(version: int) -> Damage:
    def damage(path: Path) -> None:
        path.unlink()
        database = sqlite3.connect(path)
        database.execute("CREATE TABLE recipe (name TEXT)")
        database.execute(f"PRAGMA user_version = {version}")
        database.commit()
        database.close()

    return damage


def changed_by(*statements: str) -> Damage:
    return lambda path: written(path.parent, *statements)


def holes(first: int, last: int | None = None) -> Damage:
    """Random bytes over some of the file."""

    def damage(path: Path) -> None:
        content = path.read_bytes()
        end = len(content) if last is None else last
        path.write_bytes(content[:first] + noise(end - first) + content[end:])

    return damage


PAGE = 4096
BROKEN_FILES: dict[str, Damage] = {
    "random bytes": overwritten(noise(3 * PAGE)),
    "a few random bytes": overwritten(b"\x07\xff\x00"),
    "a text": overwritten(b"# not a database\n" * 1000),
    "zeros": overwritten(bytes(8 * PAGE)),
    "cut within its header": cut(60),
    "cut after its header": cut(100),
    "cut after its first page": cut(PAGE),
    "cut in half": cut(4 * PAGE + 100),
    "random bytes for its header": holes(0, 100),
    "random bytes for its schema": holes(100, PAGE),
    "random bytes after its header": holes(100),
    "random bytes after its first page": holes(PAGE),
    "a schema of tomorrow": changed_by("PRAGMA user_version = 99"),
    "a schema without a number": changed_by("PRAGMA user_version = 0"),
    "another program's": of_other_tables(0),
    "another program's, with our number": of_other_tables(SCHEMA),
    "another program's, with our number of yesterday": of_other_tables(1),
    "no table of sightings": changed_by("DROP TABLE sighting"),
    "no table of records": changed_by("DROP TABLE record"),
    "no table of events": changed_by("DROP TABLE event"),
    "a record without until": changed_by("ALTER TABLE record DROP COLUMN until"),
    "a sighting without uptime": changed_by("ALTER TABLE sighting DROP COLUMN uptime"),
    "an event without text": changed_by("ALTER TABLE event DROP COLUMN text"),
    "records that are a view": changed_by("ALTER TABLE record RENAME TO r", "CREATE VIEW record AS SELECT * FROM r"),
}


@pytest.mark.parametrize("what", BROKEN_FILES)
def test_a_broken_file_is_set_aside_and_begun_anew(tmp_path: Path, what: str) -> None:
    store = filled(tmp_path)
    BROKEN_FILES[what](tmp_path / FILE)
    damaged = (tmp_path / FILE).read_bytes()
    keep(store, record(Phase.HELD), [event("anew")], seen=sighting(number=9))
    assert store.read(TARGET, "replica", AMPLE) == (record(Phase.HELD), sighting(number=9))
    assert [found.text for found in store.history(TARGET, 10, AMPLE)] == ["anew"]
    assert len(store.records(AMPLE)) == 1
    assert sound(tmp_path)
    assert (tmp_path / BROKEN).read_bytes() == damaged
    assert set(names(tmp_path)) <= {FILE, BROKEN}


@pytest.mark.parametrize("what", BROKEN_FILES)
def test_reading_a_broken_file_says_so_and_leaves_it_where_it_is(tmp_path: Path, what: str) -> None:
    """`status` and `explain` change nothing; what can be read of a file may still be told."""
    store = filled(tmp_path)
    BROKEN_FILES[what](tmp_path / FILE)
    damaged = (tmp_path / FILE).read_bytes()
    for look in (
        lambda: store.read(TARGET, "replica", AMPLE),
        lambda: store.records(AMPLE),
        lambda: store.history(TARGET, 10, AMPLE),
    ):
        try:
            look()
        except StoreError as error:
            assert str(tmp_path) in str(error)  # noqa: PT017
    assert (tmp_path / FILE).read_bytes() == damaged
    assert names(tmp_path) == [FILE]


@pytest.mark.parametrize("number", range(1, 8))
def test_random_bytes_for_any_one_page_cost_no_more_than_the_memory(tmp_path: Path, number: int) -> None:
    store = filled(tmp_path)
    assert (tmp_path / FILE).stat().st_size == 7 * PAGE, "another number of pages: mend this test's"
    holes((number - 1) * PAGE, number * PAGE)(tmp_path / FILE)
    keep(store, record(Phase.HELD), [event("anew")], seen=sighting(number=9))
    assert store.read(TARGET, "replica", AMPLE) == (record(Phase.HELD), sighting(number=9))
    keep(store, record(Phase.HELD), [event("another", OTHER)], target=OTHER, seen=sighting())
    assert store.read(OTHER, "replica", AMPLE) == (record(Phase.HELD), sighting())


def test_an_empty_file_is_the_beginning_of_a_store(tmp_path: Path) -> None:
    """A process that was killed before its first transaction leaves one."""
    (tmp_path / FILE).touch()
    keep(Store(str(tmp_path)), record())
    assert Store(str(tmp_path)).read(TARGET, "replica", AMPLE)[0] == record()
    assert names(tmp_path) == [FILE]


def test_a_journal_that_is_none_harms_nothing(tmp_path: Path) -> None:
    store = filled(tmp_path)
    (tmp_path / f"{FILE}-journal").write_bytes(noise(5000))
    keep(store, record(Phase.HELD))
    assert store.read(TARGET, "replica", AMPLE) == (record(Phase.HELD), sighting())
    assert store.read(OTHER, "replica", AMPLE)[0] == record(Phase.DRAINING)
    assert sound(tmp_path)


def test_the_journal_of_a_broken_file_is_not_played_back_into_the_new_one(tmp_path: Path) -> None:
    """A real journal: of a transaction that was on its way into the file when its process was killed."""
    store = filled(tmp_path / "live")
    database = sqlite3.connect(tmp_path / "live" / FILE, isolation_level=None)
    database.execute("PRAGMA cache_size = 1")  # so that the transaction reaches the file before it is committed
    database.execute("BEGIN IMMEDIATE")
    for number in range(500):
        database.execute("INSERT INTO event VALUES (?, 0, 'x', '', '', '', '', ?, NULL)", (1000 + number, "x" * 500))
    (tmp_path / "killed").mkdir()
    for name in names(tmp_path / "live"):
        shutil.copy(tmp_path / "live" / name, tmp_path / "killed" / name)
    database.close()
    assert names(tmp_path / "killed") == [FILE, f"{FILE}-journal"]
    overwritten(b"broken" * 1000)(tmp_path / "killed" / FILE)
    store = Store(str(tmp_path / "killed"))
    keep(store, record(Phase.HELD), [event("anew")])
    assert store.read(TARGET, "replica", AMPLE)[0] == record(Phase.HELD)
    assert sound(tmp_path / "killed")
    assert set(names(tmp_path / "killed")) <= {FILE, BROKEN}


def test_a_second_broken_file_takes_the_place_of_the_first(tmp_path: Path) -> None:
    """Bounded size: one broken file is kept for whoever wants to know, and no more."""
    store = filled(tmp_path)
    for content in (b"first" * 1000, b"second" * 1000):
        (tmp_path / FILE).write_bytes(content)
        keep(store, record())
        assert (tmp_path / BROKEN).read_bytes() == content
    assert set(names(tmp_path)) == {FILE, BROKEN}


@pytest.mark.parametrize("what", ["a FIFO", "a folder", "a dangling link"])
def test_what_is_no_file_at_all_is_said(tmp_path: Path, what: str) -> None:
    path = tmp_path / FILE
    if what == "a FIFO":
        os.mkfifo(path)
    elif what == "a folder":
        path.mkdir()
    else:
        path.symlink_to(tmp_path / "missing" / FILE)
    store = Store(str(tmp_path))
    with pytest.raises(StoreError, match=str(tmp_path)):
        store.update(TARGET, "replica", lambda *_: pytest.fail("there is nothing to change"), 1.0)
    with pytest.raises(StoreError, match=str(tmp_path)):
        store.read(TARGET, "replica", 0.5)
