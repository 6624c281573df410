"""A look is captured with all that it was judged from, and judged again: by the same rules to the same answer."""

from __future__ import annotations

import contextlib
import json
from enum import Enum
from importlib import import_module
from pkgutil import iter_modules
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysqlcheck import checks
from mysqlcheck.captures import FORMAT, MOST_BYTES, from_document, to_document, to_text
from mysqlcheck.checks import FACTS
from mysqlcheck.checks.channels import Channel
from mysqlcheck.errors import BadCapture
from mysqlcheck.judgement import Judgement, judge_again, take_in
from mysqlcheck.model import Action, Instant, LetIn, Memory, Observation, OperatorHold, Phase, ServerVersion, Sighting
from mysqlcheck.options import Settings
from mysqlcheck.record import Capture
from tests.core.builders import BOOT, DENIED, LOST, NOW, REFUSED, channel, lost, met, observation, recorded
from tests.core.rows import PROVIDERS, load

NIGHT = 1_800_000_000.0
SETTINGS = Settings.of(host="192.168.1.201")
SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=8) | st.just("half a \ud800 character"),
    bool: st.booleans(),
    int: st.integers(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    type(None): st.none(),
}


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a type, as its annotations say."""
    if kind in SCALARS:
        return SCALARS[kind]
    if kind == tuple[Any, ...]:  # facts: no two of a type
        return st.tuples(*(st.none() | values(fact) for fact in FACTS)).map(lambda all: tuple(filter(None, all)))
    kinds = get_args(kind)
    if get_origin(kind) is tuple:
        one = values(kinds[0])
        return st.lists(one, max_size=3).map(tuple) if kinds[-1] is ... else st.tuples(*map(values, kinds))
    if kinds:
        return st.one_of(*map(values, kinds))
    if issubclass(kind, Enum):
        return st.sampled_from(kind)
    if kind is Instant:
        return st.builds(Instant, st.sampled_from([BOOT, "another boot", ""]), SCALARS[float])
    return st.builds(kind, **{name: values(one) for name, one in get_type_hints(kind).items()})


def judged(seen: Observation, before: Judgement | None = None, settings: Settings = SETTINGS) -> Judgement:
    """Judge a look in the light of the one before, as the store would tell of it."""
    if before is None:
        return take_in(None, None, seen, None, settings, NIGHT)
    memory = before.record.memory
    record = before.record._replace(memory=memory._replace(sighting=None))
    return take_in(record, memory.sighting, seen, None, settings, NIGHT)


def document(**changes: Any) -> dict[str, Any]:
    return {**to_document(judged(observation(channel(lag=20))).capture), **changes}


# Nothing is lost on the way.


@given(values(Capture))
def test_every_field_comes_back_as_it_was(capture: Capture) -> None:
    assert from_document(json.loads(json.dumps(to_document(capture)))) == capture


@pytest.mark.parametrize("kind", FACTS, ids=lambda kind: str(kind.__name__))
@given(data=st.data())
def test_every_type_of_facts_comes_back_as_it_was(kind: type, data: st.DataObject) -> None:
    fact = data.draw(values(kind))
    seen = observation(channel())._replace(facts=(fact,))
    capture = judged(observation(channel())).capture._replace(observation=seen)
    assert from_document(to_document(capture)) == capture


def test_what_every_subject_parses_can_be_captured() -> None:
    subjects = [import_module(f"{checks.__name__}.{found.name}") for found in iter_modules(checks.__path__)]
    parsed = [get_type_hints(subject.parse)["return"] for subject in subjects if hasattr(subject, "parse")]
    assert parsed
    for facts in parsed:
        assert {fact for fact in get_args(facts) or (facts,) if fact is not NoneType} <= set(FACTS)


def test_it_is_written_in_the_words_of_the_values_themselves() -> None:
    seen = observation(channel(lag=20), at=NOW, took=1.0, connection_id=7)
    told = {name: value for name, value in channel(lag=20)._asdict().items() if name not in Channel._field_defaults}
    assert to_document(judged(seen, settings=Settings.of(host="h", trust_uptime=0.0)).capture) == {
        "format": FORMAT, "boot_id": BOOT, "at": NIGHT, "role": "replica", "action": "serve", "share": 0.82,
        "phase": "up",
        "observation": {
            "target": {"host": "192.168.1.201"}, "began": NOW.seconds - 1, "ended": NOW.seconds, "connection_id": 7,
            "facts": {"ReadOnly": {"on": True}, "Channels": {"channels": [told]}},
        },
    }  # fmt: skip


# Judged again.

WALKS = {
    "healthy": [observation(channel())],
    "lags more and more": [observation(channel(lag=lag), at=NOW.plus(lag)) for lag in (0, 20, 45, 61, 45, 20)],
    "refused, and back": [observation(channel()), met(REFUSED, NOW.plus(2)), observation(channel(), at=NOW.plus(4))],
    "silent within its grace": [observation(channel()), met(LOST, NOW.plus(2)), met(LOST, NOW.plus(6))],
    "the password changed": [observation(channel()), met(DENIED, NOW.plus(2)), met(DENIED, NOW.plus(900))],
    "its source is gone": [
        observation(channel(lag=3)),
        *[observation(lost(), at=NOW.plus(t)) for t in (9, 3600, 9999)],
    ],
    "an older look ends late": [observation(channel()), met(REFUSED, NOW.plus(9)), observation(channel(), at=NOW)],
    "the director reboots": [observation(channel()), observation(channel(), at=Instant("another boot", 30.0))],
}


@pytest.mark.parametrize("walk", WALKS)
@pytest.mark.parametrize("trust_uptime", [0.0, 600.0])
def test_the_same_rules_lead_to_the_same(walk: str, trust_uptime: float) -> None:
    settings = Settings.of(host="192.168.1.201", trust_uptime=trust_uptime)
    before = None
    for seen in WALKS[walk]:
        before = judged(seen, before, settings)
        again = judge_again(from_document(to_document(before.capture)), settings)
        assert (again.verdict, again.decision, again.capture) == (before.verdict, before.decision, before.capture)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_so_do_the_answers_of_real_servers(provider: str) -> None:
    recording = load(provider)
    for situation in recording.answers:
        first = judged(recorded(recording, situation))
        assert judge_again(from_document(to_document(first.capture)), SETTINGS).decision == first.decision


def test_an_operators_hold_and_a_pools_need_count_again() -> None:
    hold = OperatorHold("new index", "op", NIGHT - 60, NIGHT + 60, 60.0)
    need = LetIn("readers", "1 of 3 serve by themselves, min_serving 2", NOW.plus(-9))
    for let_in, of_operator in ((None, hold), (need, None), (need, hold)):
        first = take_in(None, None, observation(channel()), of_operator, SETTINGS, NIGHT, let_in)
        assert judge_again(from_document(to_document(first.capture)), SETTINGS).decision == first.decision


def test_other_rules_lead_to_something_else() -> None:
    capture = from_document(document())
    serves = Settings.of(host="192.168.1.201", trust_uptime=0.0)
    drains = Settings.of(host="192.168.1.201", trust_uptime=0.0, max_lag=10.0, resume_lag=5.0, lag_ok=2.0)
    assert judge_again(capture, serves).decision.action is Action.SERVE
    assert judge_again(capture, drains).decision.action is Action.DRAIN


def test_what_is_only_counted_is_not_captured() -> None:
    first = judged(observation(channel()))
    second = judged(met(REFUSED, NOW.plus(2)), first)
    third = judged(observation(channel(), at=NOW.plus(4)), second)
    assert second.record.transitions
    assert third.capture.record is not None
    assert (third.capture.record.transitions, third.capture.record.memory.sighting) == ((), None)


# How long it is.


def test_that_of_a_flapping_server_fits_a_history() -> None:
    words = "Could not execute Write_rows event on table shop.orders; Duplicate entry for key 'PRIMARY'. " * 3
    seen = observation(channel(sql_running=False, sql_errno=1062, sql_error=words[:300], lag=None), connection_id=7)
    seen = seen._replace(server=ServerVersion.parse("9.7.4-commercial"))
    first = judged(seen)
    standing = first.record.standing._replace(flaps=tuple(NOW.plus(-60.123456 * n) for n in range(16)))
    sighting = Sighting(9, NOW, NOW, 123456, "0c9d1cf4-5f7c-11f0-9d52-0242ac110002", 1_700_000_000, 864_000)
    memory = Memory(None, 9, NOW, NOW)
    record = first.record._replace(memory=memory, standing=standing)
    text = to_text(take_in(record, sighting, seen._replace(ended=NOW.plus(1.123456)), None, SETTINGS, NIGHT).capture)
    assert text is not None
    assert len(text) < MOST_BYTES / 2


def test_one_that_is_too_long_for_a_history_is_not_kept() -> None:
    seen = observation(*(channel(name=f"channel {number}") for number in range(40)))
    assert to_text(judged(seen).capture) is None


# What is no capture.


def with_fact(kind: str, **fields: Any) -> dict[str, Any]:
    """The document with a field of a fact changed; one given as ... taken away."""
    changed = document()
    fact = changed["observation"]["facts"][kind]
    fact = fact["channels"][0] if kind == "Channels" else fact
    fact.update(fields)
    for name in [name for name, value in fields.items() if value is ...]:
        del fact[name]
    return changed


MISTAKES: dict[str, tuple[object, str]] = {
    "no object": ([], "there is no capture here"),
    "no format": ({"target": "192.168.1.201:3306", "facts": {}}, "there is no capture here"),
    "nothing under capture": ({"capture": None}, "capture: there is no capture here"),
    "a format of tomorrow": (document(format=2), "format: 2 is not allowed; allowed is 1"),
    "no boot": ({"format": 1}, "boot_id: None is not allowed; allowed is text"),
    "a key is missing": ({"format": 1, "boot_id": ""}, "at: is missing"),
    "below capture": ({"capture": {"format": 1, "boot_id": ""}}, "capture.at: is missing"),
    "an unknown key": (document(obsrvation={}), "obsrvation: there is no such key; did you mean observation?"),
    "an unknown phase": (document(phase="gone"), "phase: 'gone' is not allowed; allowed is up, draining, down, held"),
    "text for a number": (document(at="now"), "at: 'now' is not allowed; allowed is a number"),
    "an endless number": (document(share=float("inf")), "share: inf is not allowed; allowed is a finite number"),
    "a number too large": (document(share=10**400), "share: inf is not allowed; allowed is a finite number"),
    "true for a number": (document(at=True), "at: True is not allowed; allowed is a number"),
    "text for an object": (document(observation="x"), "observation: 'x' is not allowed; allowed is an object"),
    "an unknown fact": (
        document(observation={**document()["observation"], "facts": {"Channel": {}}}),
        "observation.facts.Channel: there is no such key; did you mean Channels?",
    ),
    "a fact without a field": (with_fact("ReadOnly", on=...), "observation.facts.ReadOnly.on: is missing"),
    "a fact with another field": (
        with_fact("Channels", colour=1),
        "observation.facts.Channels.channels[0].colour: there is no such key; allowed are name, source,",
    ),
    "a field of another type": (
        with_fact("Channels", lag="much"),
        "observation.facts.Channels.channels[0].lag: 'much' is not allowed; allowed is a whole number or null",
    ),
    "no list": (
        document(observation={**document()["observation"], "facts": {"Channels": {"channels": {}}}}),
        "observation.facts.Channels.channels: {} is not allowed; allowed is a list",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_is_no_capture_is_refused_with_its_key_and_what_is_allowed(mistake: str) -> None:
    given_document, words = MISTAKES[mistake]
    with pytest.raises(BadCapture) as refused:
        from_document(given_document)
    assert str(refused.value).startswith(words)


def test_a_capture_of_before_there_was_a_field_is_read() -> None:
    found = document()
    for name in ("facts", "kept", "connection_id"):
        found["observation"].pop(name, None)
    assert from_document(found).observation.facts == ()


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=5), st.lists, max_leaves=5), st.data())
def test_whatever_stands_there_it_is_a_capture_or_refused(anything: Any, data: st.DataObject) -> None:
    """Somewhere in the document stands something else."""
    seen = judged(observation(channel(), at=NOW.plus(4)), judged(met(REFUSED, NOW), judged(observation(channel()))))
    found = to_document(seen.capture)
    assert isinstance(found["record"], dict)
    where: Any = found
    while True:
        keys = list(where) if isinstance(where, dict) else list(range(len(where)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(where[key], (dict, list)) or not where[key] or data.draw(st.booleans()):
            break
        where = where[key]
    where[key] = anything
    with contextlib.suppress(BadCapture):
        assert isinstance(judge_again(from_document(found), SETTINGS).decision.phase, Phase)
