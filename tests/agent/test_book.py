"""The agent's memory: in memory, with the store behind it, which it shares with checks and with operators' commands."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from mysqlcheck import clock
from mysqlcheck.agent.book import MOST_EVENTS, Book, Judge
from mysqlcheck.captures import from_document
from mysqlcheck.holddown import released
from mysqlcheck.judgement import Judgement, judge_again, take_in
from mysqlcheck.model import Observation, Phase, Sighting, Target
from mysqlcheck.options import Settings
from mysqlcheck.record import Event, Record
from mysqlcheck.store import Changed, Store
from tests.core.builders import REFUSED, channel, met, observation

SETTINGS = Settings.of(host="192.168.1.201", trust_uptime=0.0, hold_down=60.0, recover_after=60.0)
NAME = str(Target("192.168.1.201"))
PAIR = (NAME, "replica")
LIMIT = 5.0


def judged(seen: Observation) -> Judge:
    """Judge a look that ended now."""
    now = clock.now()
    seen = seen._replace(began=now.plus(-0.01), ended=now, connection_id=1000)

    def judge(record: Record | None, sighting: Sighting | None) -> Judgement:
        return take_in(record, sighting, seen, None, SETTINGS, time.time())

    return judge


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path))


@pytest.fixture
def book(store: Store) -> Book:
    return Book(store)


def healthy() -> Judge:
    return judged(observation(channel()))


def refused() -> Judge:
    return judged(met(REFUSED)._replace(connection_id=None))


def stored(store: Store) -> Phase:
    record, _ = store.read(*PAIR, LIMIT)
    assert record is not None
    return record.standing.phase


def events(store: Store) -> list[tuple[str, str]]:
    return [(event.before, event.after) for event in store.history(NAME, 100, LIMIT)]


def a_check_beside_it(store: Store, judge: Judge) -> Judgement:
    """What oneshot.py does."""

    def change(record: Record | None, sighting: Sighting | None) -> Changed[Judgement]:
        found = judge(record, sighting)
        return Changed(found, found.record, found.events)

    return store.update(*PAIR, change, LIMIT)


def release(store: Store) -> None:
    """What `mysqlcheck release` does."""

    def change(_: str, record: Record) -> Record:
        return record._replace(standing=released(record.standing, clock.now()))

    assert store.amend(NAME, change, Event(time.time(), NAME, "", "release", "", "", ""), LIMIT) == ["replica"]


def test_what_a_look_led_to_is_remembered_and_written_when_it_is_due(book: Book, store: Store) -> None:
    assert book.take(*PAIR, healthy()).decision.phase is Phase.UP
    assert book.urgent
    book.flush(LIMIT)
    assert (stored(store), book.urgent, book.trouble) == (Phase.UP, False, None)
    book.take(*PAIR, healthy())
    assert not book.urgent  # nothing has changed: the store can wait
    book.take(*PAIR, refused())
    assert (book.urgent, stored(store)) == (True, Phase.UP)
    book.flush(LIMIT)
    assert (stored(store), events(store)) == (Phase.DOWN, [("unknown", "up"), ("up", "down")])


def test_it_begins_with_what_is_on_record(book: Book, store: Store) -> None:
    a_check_beside_it(store, healthy())
    a_check_beside_it(store, refused())
    book.refresh(LIMIT)
    assert book.take(*PAIR, healthy()).decision.phase is Phase.HELD


def test_a_release_counts_at_the_next_look(book: Book, store: Store) -> None:
    for judge in (healthy(), refused(), healthy()):
        book.take(*PAIR, judge)
    book.flush(LIMIT)
    assert stored(store) is Phase.HELD
    release(store)
    book.refresh(LIMIT)
    assert book.take(*PAIR, healthy()).decision.phase is Phase.RAMPING


def test_a_release_is_not_written_over(book: Book, store: Store) -> None:
    """It came between two looks at the store."""
    for judge in (healthy(), refused(), healthy()):
        book.take(*PAIR, judge)
    book.flush(LIMIT)
    release(store)
    book.take(*PAIR, healthy())
    book.flush(LIMIT)
    assert stored(store) is Phase.RAMPING
    assert book.take(*PAIR, healthy()).decision.phase is Phase.RAMPING


def test_what_a_check_beside_it_saw_is_not_written_over(book: Book, store: Store) -> None:
    book.take(*PAIR, healthy())
    book.flush(LIMIT)
    book.take(*PAIR, healthy())
    a_check_beside_it(store, refused())
    last = healthy()
    book.take(*PAIR, last)
    book.flush(LIMIT)
    assert stored(store) is Phase.HELD  # it failed and recovered
    assert book.take(*PAIR, healthy()).decision.phase is Phase.HELD
    assert events(store) == [("unknown", "up"), ("up", "down"), ("down", "held")]


def test_a_store_that_was_lost_is_written_anew_from_memory(book: Book, store: Store) -> None:
    for judge in (healthy(), refused(), healthy()):
        book.take(*PAIR, judge)
    book.flush(LIMIT)
    Path(store.path).unlink()
    book.refresh(LIMIT)
    book.take(*PAIR, healthy())
    book.flush(LIMIT)
    assert stored(store) is Phase.HELD


def test_a_store_that_cannot_be_written_is_said_and_written_when_it_can(book: Book, store: Store) -> None:
    Path(store.path).mkdir()
    book.take(*PAIR, healthy())
    book.flush(LIMIT)
    assert (book.trouble or "").startswith("no memory is kept: ")
    assert book.take(*PAIR, refused()).decision.phase is Phase.DOWN
    book.flush(LIMIT)
    Path(store.path).rmdir()
    book.flush(LIMIT)
    assert (book.trouble, stored(store), events(store)) == (None, Phase.DOWN, [("unknown", "up"), ("up", "down")])


def test_the_look_that_changed_a_phase_is_kept_with_the_event(book: Book, store: Store) -> None:
    book.take(*PAIR, healthy())
    before = book.take(*PAIR, refused())
    book.flush(LIMIT)
    first, second = (event.capture for event in store.history(NAME, 100, LIMIT))
    assert first is not None
    assert second is not None
    capture = from_document(json.loads(second))
    assert capture == before.capture
    assert judge_again(capture, SETTINGS).decision == before.decision


def test_of_a_flapping_server_few_looks_wait_for_a_store_that_cannot_be_written(book: Book, store: Store) -> None:
    Path(store.path).mkdir()
    for _ in range(60):
        book.take(*PAIR, healthy())
        book.take(*PAIR, refused())
        book.flush(LIMIT)
    Path(store.path).rmdir()
    book.flush(LIMIT)
    kept = store.history(NAME, 1000, LIMIT)
    assert (len(kept), [event.capture is not None for event in kept].index(True)) == (MOST_EVENTS, 90)


def test_nothing_is_written_of_what_nobody_looked_at(book: Book, store: Store) -> None:
    a_check_beside_it(store, healthy())
    before = Path(store.path).stat()
    book.refresh(LIMIT)
    book.flush(LIMIT)
    assert Path(store.path).stat().st_mtime_ns == before.st_mtime_ns


def test_many_are_written_in_one_transaction(book: Book, store: Store) -> None:
    for number in range(200):
        book.take(f"192.168.1.201:{number + 1}", "replica", healthy())
    book.flush(LIMIT)
    assert len(store.records(LIMIT)) == 200
