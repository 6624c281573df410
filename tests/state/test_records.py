"""What is kept of a server comes back as it was."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysqlcheck.errors import StoreError
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
from mysqlcheck.records import MOST_RECORDS
from mysqlcheck.store import Changed, Kept, Store
from tests.state.building import AMPLE, BOOT, NOW, OTHER, TARGET, event, filled, keep, names, record, sighting
from tests.state.examples import anything

Kind = TypeVar("Kind")
numbers = st.floats(allow_nan=False, allow_infinity=False)
whole = st.integers(-(1 << 61), 1 << 61)
counts = st.integers(0, 1 << 40)
boots = st.sampled_from([BOOT, "", "another-boot"])  # hidden in some containers
lines = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"))
instants = st.builds(Instant, boots, numbers)
maybe = st.none() | instants
phases = st.sampled_from(list(Phase)).map(lambda phase: phase.value)


def every(kind: type[Kind], /, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Kind]:
    """Values of a kind with every field drawn: a field that is added must be drawn, too."""
    assert set(fields) == set(kind._fields)  # type: ignore[attr-defined]
    return st.builds(kind, **fields)


memories = every(
    Memory,
    sighting=st.none(),
    incarnation=counts,
    answered_at=maybe,
    silent_since=maybe,
    lag=st.none() | every(LastLag, seconds=numbers, at=instants),
    filters=st.none() | lines.map(Filters) | every(Filters, text=lines, before=lines, changed=instants),
    shared=st.none()
    | every(
        OperatorHold,
        reason=lines,
        who=lines,
        since=numbers,
        until=st.none() | numbers,
        left=st.none(),
        shared=st.just(True),
    ),
    beat=st.none() | every(LastBeat, name=lines, at=instants, late=numbers, received=lines, arrived=instants),
)
standings = every(
    Standing,
    phase=st.sampled_from(Phase),
    since=instants,
    until=maybe,
    cause=st.text(),
    incarnation=counts,
    proven=st.booleans(),
    flaps=st.lists(instants, max_size=16).map(tuple),
    factor=numbers,
    counted=st.booleans(),
)
told = every(
    Told,
    action=st.sampled_from(Action),
    weight=st.none() | st.integers(0, 253),
    code=st.text(),
    text=st.text(),
    lag=st.none() | numbers,
)
transitions = st.lists(st.tuples(phases, phases, counts), max_size=20).map(tuple)
records = every(
    Record,
    memory=memories,
    standing=standings,
    seen=instants,
    at=numbers,
    told=told,
    changed=numbers,
    transitions=transitions,
)
of_one_boot = boots.flatmap(lambda boot: st.tuples(*[st.builds(Instant, st.just(boot), numbers)] * 2))
sightings = every(
    Sighting,
    number=counts,
    first_seen=instants,
    seen=instants,
    connection_id=st.none() | st.integers(0, (1 << 32) - 1),
    identity=st.none() | st.text(max_size=64),
    started=st.none() | whole,
    uptime=st.none() | whole,
).flatmap(lambda seen: of_one_boot.map(lambda two: seen._replace(first_seen=two[0], seen=two[1])))
events = every(
    Event,
    at=numbers,
    target=st.just(TARGET),
    role=st.text(),
    kind=st.text(),
    before=st.text(),
    after=st.text(),
    text=st.text(),
    capture=st.none() | st.text(),
)


@pytest.fixture(scope="module")
def shared() -> Iterator[Store]:
    """One store for all examples of a property."""
    with tempfile.TemporaryDirectory(prefix="mysqlcheck-state-") as folder:
        yield Store(folder)


@anything
@given(kept=records, role=st.sampled_from(["replica", "source", "any"]), target=st.text(min_size=1))
def test_every_field_of_a_record_comes_back_as_it_was(shared: Store, kept: Record, role: str, target: str) -> None:
    keep(shared, kept, target=target, role=role)
    assert shared.read(target, role, AMPLE)[0] == kept


@anything
@given(kept=records, seen=sightings)
def test_every_field_of_a_sighting_comes_back_as_it_was(shared: Store, kept: Record, seen: Sighting) -> None:
    keep(shared, kept, seen=seen)
    assert shared.read(TARGET, "replica", AMPLE) == (kept, seen)


@anything
@given(happened=st.lists(events, max_size=5))
def test_every_field_of_an_event_comes_back_as_it_was(shared: Store, happened: list[Event]) -> None:
    keep(shared, record(), happened)
    assert shared.history(TARGET, len(happened), AMPLE) == happened


def test_an_update_gets_what_the_last_one_kept_and_returns_what_its_change_gave(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    met: list[tuple[Record | None, Sighting | None]] = []

    def change(before: Record | None, seen: Sighting | None) -> Changed[str]:
        met.append((before, seen))
        after = record(Phase.HELD)
        return Changed("held", after._replace(memory=after.memory._replace(sighting=sighting())))

    assert [store.update(TARGET, "replica", change, AMPLE) for _ in range(2)] == ["held", "held"]
    assert met == [(None, None), (record(Phase.HELD), sighting())]


def test_a_change_that_fails_keeps_nothing_and_its_error_comes_through(tmp_path: Path) -> None:
    store = filled(tmp_path)
    before = store.records(AMPLE), store.history(TARGET, 10, AMPLE)

    def fails(_record: Record | None, _sighting: Sighting | None) -> Changed[None]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.update(TARGET, "replica", fails, AMPLE)
    assert (store.records(AMPLE), store.history(TARGET, 10, AMPLE)) == before


# One server in two roles.


def test_what_was_seen_of_a_server_is_known_in_every_role(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    keep(store, record(), seen=sighting())
    assert store.read(TARGET, "source", AMPLE) == (None, sighting())
    keep(store, record(Phase.HELD), role="source", seen=sighting(number=4))
    assert store.read(TARGET, "replica", AMPLE) == (record(), sighting(number=4))


def test_where_nothing_was_seen_the_last_sighting_stays(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    keep(store, record(), seen=sighting())
    keep(store, record(Phase.DOWN), role="source")
    assert store.read(TARGET, "replica", AMPLE) == (record(), sighting())


def test_what_was_seen_first_before_a_reboot_counts_as_seen_first_after_it(tmp_path: Path) -> None:
    """The moments of two boots cannot be compared."""
    store = Store(str(tmp_path))
    keep(store, record(), seen=sighting(first_seen=Instant("before", 99_999.0)))
    assert store.read(TARGET, "replica", AMPLE)[1] == sighting(first_seen=NOW)


# All of them.


def test_all_records_are_told_in_the_order_of_their_names(tmp_path: Path) -> None:
    assert filled(tmp_path).records(AMPLE) == [
        Kept(TARGET, "replica", record(), sighting()),
        Kept(TARGET, "source", record(Phase.HELD), sighting()),
        Kept(OTHER, "replica", record(Phase.DRAINING), sighting(number=7)),
    ]


def test_the_servers_that_nobody_checks_any_more_make_room_whatever_the_clock_says(tmp_path: Path) -> None:
    """It says something else at each check here; what was kept longest ago goes first."""
    store = Store(str(tmp_path))
    keep(store, record(at=1e12), target="oldest", seen=sighting())
    keep(store, record(at=1e12), target="checked all the time", seen=sighting())
    for number in range(MOST_RECORDS + 10):
        wall = 1e11 if number % 2 else 0.0
        keep(store, record(at=wall), [event(at=wall)], target=f"db{number}", seen=sighting())
        if number % 500 == 0:
            keep(store, record(at=0.0), target="checked all the time", seen=sighting())
    kept = {found.target for found in store.records(AMPLE)}
    assert len(kept) <= MOST_RECORDS
    assert {"checked all the time", f"db{MOST_RECORDS + 9}", "db1000"} <= kept
    assert {"oldest", "db0"}.isdisjoint(kept)
    assert store.read("oldest", "replica", AMPLE) == (None, None)


def test_a_step_of_the_clock_prunes_nothing(tmp_path: Path) -> None:
    store = filled(tmp_path)
    before = store.records(AMPLE)
    keep(store, record(at=1e12, changed=1e12), [event("far ahead", at=1e12)], target="far ahead")
    keep(store, record(at=0.0, changed=0.0), [event("long ago", at=0.0)], target="long ago")
    assert len(store.records(AMPLE)) == len(before) + 2
    assert [found.text for found in store.history(TARGET, 10, AMPLE)] == ["one", "two", "far ahead", "long ago"]


# By hand.


def test_by_hand_every_role_of_one_server_may_be_changed(tmp_path: Path) -> None:
    store = filled(tmp_path)
    changed = store.amend(TARGET, lambda _role, _before: record(Phase.RAMPING), event("by hand"), AMPLE)
    assert changed == ["replica", "source"]
    assert [found.record.standing.phase for found in store.records(AMPLE)] == [
        Phase.RAMPING,
        Phase.RAMPING,
        Phase.DRAINING,
    ]
    assert store.history(TARGET, 1, AMPLE) == [event("by hand")]
    assert store.read(TARGET, "source", AMPLE)[1] == sighting()


def test_a_role_that_is_left_as_it_is_is_not_told(tmp_path: Path) -> None:
    store = filled(tmp_path)

    def held_only(_role: str, before: Record) -> Record | None:
        return record(Phase.RAMPING) if before.standing.phase is Phase.HELD else None

    assert store.amend(TARGET, held_only, event("by hand"), AMPLE) == ["source"]
    assert store.amend(OTHER, held_only, event("by hand", OTHER), AMPLE) == []
    assert [found.text for found in store.history(OTHER, 10, AMPLE)] == ["three"]
    assert store.amend("unknown", held_only, event("by hand", "unknown"), AMPLE) == []


# Where it lies.


@pytest.mark.parametrize("name", ["state", "100%", "%41", "a?mode=ro", "a#b", "a&b=c", "a b", "ü", "//", "'\""])
def test_a_state_directory_may_have_any_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name.replace("/", "x")
    folder.mkdir()
    path = f"/{folder}" if name == "//" else str(folder)  # as "$PREFIX/var/lib/mysqlcheck" is with PREFIX=/
    store = Store(path)
    keep(store, record(), [event()])
    keep(store, record(Phase.HELD), [event()])
    assert store.read(TARGET, "replica", AMPLE)[0] == record(Phase.HELD)
    assert names(folder) == ["state.db"]
    assert len(names(tmp_path)) == 1


def test_a_state_directory_may_be_named_from_where_we_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = Store("state")
    keep(store, record())
    assert store.read(TARGET, "replica", AMPLE)[0] == record()
    assert names(tmp_path / "state") == ["state.db"]


def test_before_anything_is_recorded_reading_says_so_and_makes_nothing(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        store = Store(str(folder))
        with pytest.raises(StoreError, match=str(folder)):
            store.read(TARGET, "replica", AMPLE)
        with pytest.raises(StoreError, match=str(folder)):
            store.records(AMPLE)
        with pytest.raises(StoreError, match=str(folder)):
            store.history(TARGET, 10, AMPLE)
    assert names(tmp_path) == []


@pytest.mark.parametrize("target", ["nul\0", "new\nline", "𝕏" * 1000, "' OR 1 = 1; --"])
def test_whatever_a_server_is_called_it_is_kept(tmp_path: Path, target: str) -> None:
    store = Store(str(tmp_path))
    kept = record(told=Told(Action.FAIL, None, "unreachable", f"{target} is not there", None))
    keep(store, kept, [event(f"{target} is not there", target)], target=target, seen=sighting(identity=target))
    assert store.read(target, "replica", AMPLE) == (kept, sighting(identity=target))
    assert store.history(target, 10, AMPLE) == [event(f"{target} is not there", target)]


def test_words_that_are_no_text_are_kept_as_well_as_may_be(tmp_path: Path) -> None:
    """An operator's reason comes from JSON, which can hold half a character; it must not break every check."""
    store = Store(str(tmp_path))
    kept = record(told=Told(Action.DRAIN, None, "operator_hold", "half a \ud800 character", None))
    keep(store, kept, [event("half a \ud800 character")])
    found, _ = store.read(TARGET, "replica", AMPLE)
    assert found is not None
    assert found._replace(told=kept.told) == kept
    assert len(store.history(TARGET, 10, AMPLE)) == 1
