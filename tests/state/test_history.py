"""Events: what happened to a server, and how much of it is kept: by number, never by the clock."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from mysqlcheck.captures import MOST_BYTES
from mysqlcheck.record import Event
from mysqlcheck.records import MOST_CAPTURES, MOST_CAPTURES_OF_ONE, MOST_EVENTS, MOST_EVENTS_OF_ONE
from mysqlcheck.store import FILE, Kept, Store
from tests.state.building import AMPLE, OTHER, TARGET, WALL, event, filled, keep, record, sighting, sound


def texts(store: Store, target: str = TARGET, most: int = 1_000_000) -> list[str]:
    return [found.text for found in store.history(target, most, AMPLE)]


def test_the_history_tells_the_oldest_first_and_no_more_than_wanted(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    keep(store, record(), [event(str(number)) for number in range(9)])
    assert texts(store) == list("012345678")
    assert texts(store, most=3) == ["6", "7", "8"]
    assert texts(store, most=0) == []


def test_the_history_is_in_the_order_of_what_happened_whatever_the_clock_said(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    keep(store, record(), [event("first", at=WALL), event("clock went back", at=0.0), event("and ahead", at=1e12)])
    store.note(event("last", at=WALL), AMPLE)
    assert texts(store) == ["first", "clock went back", "and ahead", "last"]


def test_each_server_has_its_own_history_over_all_its_roles(tmp_path: Path) -> None:
    store = filled(tmp_path)
    assert texts(store) == ["one", "two"]
    assert texts(store, OTHER) == ["three"]
    assert texts(store, "unknown") == []


def test_a_note_may_be_the_first_thing_that_is_ever_kept(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "made"))
    store.note(event("keepalived took it out", kind="hold"), AMPLE)
    assert texts(store) == ["keepalived took it out"]
    assert store.records(AMPLE) == []


def test_the_same_hook_again_is_not_kept_twice(tmp_path: Path) -> None:
    """keepalived calls it at each of its reloads, too; what our own checks saw meanwhile makes it no news."""
    store = filled(tmp_path)
    down, up = event("down", kind="notify-down"), event("up", kind="notify-up")
    assert [is_news(store, what) for what in (down, down, up, up, down)] == [True, False, True, False, True]
    keep(store, record(), [event("seen by us")])
    assert not is_news(store, down)
    assert texts(store) == ["one", "two", "down", "up", "down", "seen by us"]


def test_what_happens_to_others_makes_no_hook_news(tmp_path: Path) -> None:
    store = filled(tmp_path)
    assert is_news(store, event("down", kind="notify-down"))
    assert is_news(store, event("down", OTHER, kind="notify-down"))
    assert not is_news(store, event("down", kind="notify-down"))


def test_a_hook_is_written_in_the_light_of_what_is_on_record_of_its_server_alone(tmp_path: Path) -> None:
    store = filled(tmp_path)
    mine = [kept for kept in store.records(AMPLE) if kept.target == TARGET]
    assert mine != store.records(AMPLE)
    seen: list[list[Kept]] = []

    def write(kept: list[Kept]) -> Event:
        seen.append(kept)
        return event("down", kind="notify-down")

    assert store.note_hook(TARGET, write, AMPLE) == (event("down", kind="notify-down"), True)
    assert seen == [mine]


def is_news(store: Store, what: Event) -> bool:
    """Note a hook; returns whether it was kept."""
    _, new = store.note_hook(what.target, lambda _: what, AMPLE)
    return new


def test_a_note_that_may_come_twice_does(tmp_path: Path) -> None:
    store = filled(tmp_path)
    for _ in range(2):
        store.note(event("held", kind="hold"), AMPLE)
    assert texts(store) == ["one", "two", "held", "held"]


def test_one_server_that_flaps_all_day_costs_the_others_none_of_their_history(tmp_path: Path) -> None:
    store = filled(tmp_path)
    keep(store, record(), [event(str(number)) for number in range(MOST_EVENTS_OF_ONE + 100)])
    assert texts(store) == [str(number) for number in range(100, MOST_EVENTS_OF_ONE + 100)]
    assert texts(store, OTHER) == ["three"]


@pytest.mark.parametrize("step", [-3600.0, 0.0, 3600.0], ids=["backwards", "not", "ahead"])
def test_a_full_history_keeps_its_newest_however_the_clock_steps(tmp_path: Path, step: float) -> None:
    store = Store(str(tmp_path))
    keep(store, record(), [event(str(n), at=WALL + n * step) for n in range(MOST_EVENTS_OF_ONE + 1)])
    assert texts(store) == [str(n) for n in range(1, MOST_EVENTS_OF_ONE + 1)]


def test_a_hundred_thousand_events_fit_into_a_few_megabytes(tmp_path: Path) -> None:
    """Of ordinary length, over more servers than a director has, with a record for each of them."""
    store, servers = Store(str(tmp_path)), [f"db{number}.example.com:3306" for number in range(250)]
    why = "unreachable: connection refused while connecting; its last verdict stays for 2.9 s (fail_after)"
    began = time.monotonic()
    for batch in range(0, 100_000, 1000):
        happened = [event(f"{n} {why}", servers[n % len(servers)]) for n in range(batch, batch + 1000)]
        keep(store, record(), happened, target=servers[batch // 1000], seen=sighting())
    seconds, size = time.monotonic() - began, (tmp_path / FILE).stat().st_size
    print(f"100,000 events: {seconds:.1f} s, {size / 1e6:.1f} MB")
    kept = [texts(store, server) for server in servers]
    assert sum(map(len, kept)) == MOST_EVENTS
    assert {line.partition(" ")[0] for lines in kept for line in lines} == set(map(str, range(80_000, 100_000)))
    assert size < 8_000_000
    assert sound(tmp_path)
    assert store.read(servers[0], "replica", AMPLE) == (record(), sighting())


def test_the_longest_words_of_servers_do_not_make_it_grow_for_ever(tmp_path: Path) -> None:
    """A server's own words are cut to 300 characters, each of four bytes at worst."""
    store = Store(str(tmp_path))
    sizes = []
    for turn in range(3):
        for number in range(50):
            words = [event("𝕏" * 300, f"{turn}-{number}") for _ in range(MOST_EVENTS_OF_ONE)]
            keep(store, record(), words, target=f"{turn}-{number}")
        sizes.append((tmp_path / FILE).stat().st_size)
    print("MB after 25,000, 50,000 and 75,000 of the longest events:", [round(size / 1e6, 1) for size in sizes])
    assert sizes[2] <= sizes[1] * 1.05
    assert sizes[2] < 40_000_000


# The looks that events came of.


def captured(text: str, target: str = TARGET) -> Event:
    return event(text, target)._replace(capture=f'{{"of":"{text}"}}')


def captures(store: Store, target: str = TARGET) -> list[str]:
    """The texts of the events that have one."""
    return [found.text for found in store.history(target, 1_000_000, AMPLE) if found.capture is not None]


def test_the_newest_events_of_a_server_keep_the_look_that_they_came_of(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    keep(store, record(), [captured(str(number)) for number in range(MOST_CAPTURES_OF_ONE + 9)])
    for number in range(20):  # what came of no look costs none
        store.note(event(f"held {number}", kind="hold"), AMPLE)
    keep(store, record(), [captured("other", OTHER)], target=OTHER)
    assert captures(store) == [str(number) for number in range(9, MOST_CAPTURES_OF_ONE + 9)]
    assert captures(store, OTHER) == ["other"]
    assert len(texts(store)) == MOST_CAPTURES_OF_ONE + 29


def test_looks_of_thousands_of_events_do_not_make_it_grow_for_ever(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    look = "x" * MOST_BYTES
    for number in range(0, 2 * MOST_CAPTURES, 100):
        target = f"db{number}"
        keep(store, record(), [event(str(n), target)._replace(capture=look) for n in range(100)], target=target)
    kept = [captures(store, f"db{number}") for number in range(0, 2 * MOST_CAPTURES, 100)]
    assert sum(map(len, kept)) <= MOST_CAPTURES
    assert len(kept[-1]) == MOST_CAPTURES_OF_ONE
    assert not kept[0]
    assert (tmp_path / FILE).stat().st_size < 12_000_000
