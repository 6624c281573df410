"""Sources of one pool: which of two that both take writes is served, until who decides otherwise."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysqlcheck.captures import from_document, to_document
from mysqlcheck.judgement import Judgement, judge_again, take_in
from mysqlcheck.model import Action, Observation, OperatorHold, Phase, Refused
from mysqlcheck.options import Settings
from mysqlcheck.record import Record
from mysqlcheck.sources import Claim, State, against, claim, recall, step
from tests.core.builders import DENIED, LOST, NOW, REFUSED, met, observation

WANTS, YIELDS, SILENT, UNSEEN = Claim.WANTS, Claim.YIELDS, Claim.SILENT, Claim.UNSEEN
SOURCE = Settings.of(host="192.168.1.200", role="source", trust_uptime=0.0)
TAKES_WRITES, READS_ONLY = observation(read_only=False, replicates=False), observation(replicates=False)
HOLD = OperatorHold("switchover", "op", 0.0)


class Pool:
    """A pool's sources, each looked at in turn."""

    def __init__(self, state: State = State(), **claims: Claim) -> None:  # noqa: B008 - it is immutable
        self.state, self.claims, self.now = state, claims, NOW

    def see(self, name: str, claim: Claim) -> str:
        """One look; returns who is served."""
        self.claims[name], self.now = claim, self.now.plus(1)
        self.state = step(self.state, self.claims, self.now)
        return self.served

    @property
    def served(self) -> str:
        names = sorted(name for name, one in self.claims.items() if one is WANTS)
        return "".join(name for name in names if against(self.state, self.claims, name, "writers") is None)


@pytest.mark.parametrize(
    ("looks", "served"),
    [
        ("a wants", "a"),
        ("a yields, b yields", ""),
        ("a wants, b yields", "a"),
        ("a wants, b wants", "a"),  # whoever was first
        ("b wants, a wants, b wants", "b"),
        # a failover: b was read_only, a failed, b was promoted
        ("a wants, b yields, a silent", ""),
        ("a wants, b yields, a silent, b wants", "b"),
        ("a wants, b yields, a silent, b wants, a wants", "b"),  # the old one comes back writable
        ("a wants, b yields, a silent, b wants, a wants, b silent", ""),  # both took writes: nobody knows
        # a switchover, in either order
        ("a wants, b yields, a yields, b wants", "b"),
        ("a wants, b wants, a yields", "b"),
        # a failure that passes
        ("a wants, b yields, a silent, a wants", "a"),
        # both took writes, and then the incumbent fails: only an operator knows whose data counts
        ("a wants, b wants, a silent", ""),
        ("a wants, b wants, a silent, b silent, b wants", ""),
        ("a wants, b wants, a silent, a wants", "a"),
        ("a wants, b wants, a silent, a yields", "b"),  # `mysqlcheck hold` works on a dead one too
        ("a wants, b wants, a silent, b yields, b wants", "b"),  # held and released: somebody has looked
        ("a wants, b wants, b yields, b wants", "a"),
        # three of them
        ("a wants, c wants, b wants, a yields", "c"),  # who has waited longest
        ("a wants, b wants, a silent, c wants", "c"),
    ],
)
def test_of_all_that_take_writes_one_is_served(looks: str, served: str) -> None:
    pool = Pool()
    for look in looks.split(", "):
        name, word = look.split(" ")
        pool.see(name, Claim[word.upper()])
    assert pool.served == served


LOOKS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([WANTS, YIELDS, SILENT])), max_size=12)


@given(first=st.dictionaries(st.sampled_from("abc"), st.sampled_from([UNSEEN, SILENT])), looks=LOOKS)
def test_in_every_history(first: dict[str, Claim], looks: list[tuple[str, Claim]]) -> None:
    pool = Pool(State(min(first, default=None)), **first)
    for name, said in looks:
        before, was = pool.state, dict(pool.claims)
        pool.see(name, said)
        assert len(pool.served) <= 1, "two are served"
        assert pool.state == step(pool.state, pool.claims, pool.now), "the same again changes something"
        if before.incumbent and pool.served not in ("", before.incumbent):
            assert pool.claims[before.incumbent] in (YIELDS, SILENT), "the incumbent was put out"
        for one in before.refused.keys() - pool.state.refused.keys():
            decided = YIELDS in (pool.claims[one], pool.claims[before.incumbent or one])
            assert decided, "one that was refused is let in, and nobody decided that"
        if WANTS in pool.claims.values() and not pool.state.refused and UNSEEN not in pool.claims.values():
            assert pool.served, f"nobody is served: {was}"


# What a server claims.


def judged(seen: Observation, hold: OperatorHold | None = None) -> Judgement:
    first = take_in(None, None, TAKES_WRITES, None, SOURCE, 0.0)
    return take_in(first.record, None, seen, hold, SOURCE, 0.0)


@pytest.mark.parametrize(
    ("seen", "hold", "expected"),
    [
        (TAKES_WRITES, None, WANTS),
        (READS_ONLY, None, YIELDS),
        (TAKES_WRITES, HOLD, YIELDS),
        (met(REFUSED), None, SILENT),
        (met(REFUSED), HOLD, YIELDS),  # an operator decides about a dead one
        (met(LOST), None, WANTS),  # a lost packet: within a grace it is what it was
        (met(DENIED), None, WANTS),
    ],
)
def test_what_a_server_claims(seen: Observation, hold: OperatorHold | None, expected: Claim) -> None:
    found = judged(seen, hold)
    assert claim(found.verdict, found.decision, hold) is expected


# An agent that begins.


def on_record(seen: Observation, since: float, word: Refused | None = None) -> Record:
    first = take_in(None, None, TAKES_WRITES, None, SOURCE, 0.0)
    return take_in(first.record, None, seen, None, SOURCE, since, None, word).record._replace(changed=since)


WORD = Refused("writers", "another is")
SERVED, FAILED, READ_ONLY, TURNED_AWAY = (
    on_record(TAKES_WRITES, 5.0),
    on_record(met(REFUSED), 1.0),
    on_record(READS_ONLY, 1.0),
    on_record(TAKES_WRITES, 1.0, WORD),
)


@pytest.mark.parametrize(
    ("records", "incumbent", "refused"),
    [
        ({}, None, ""),
        ({"a": SERVED}, "a", ""),
        ({"a": SERVED, "b": READ_ONLY}, "a", ""),
        ({"a": SERVED, "b": FAILED}, "a", ""),
        ({"a": TURNED_AWAY, "b": SERVED}, "b", "a"),
        ({"a": SERVED, "b": SERVED._replace(changed=4.0)}, "b", ""),  # checks by themselves served both
        ({"a": TURNED_AWAY, "b": FAILED}, "b", "a"),
        ({"a": TURNED_AWAY, "b": READ_ONLY}, None, ""),
    ],
)
def test_an_agent_begins_with_what_is_on_record(
    records: dict[str, Record], incumbent: str | None, refused: str
) -> None:
    state, _ = recall(records, NOW)
    assert (state.incumbent, "".join(state.refused)) == (incumbent, refused)


@pytest.mark.parametrize(
    ("records", "looks", "served"),
    [
        ({"a": SERVED, "b": READ_ONLY}, [("b", WANTS)], ""),  # not before somebody has looked at a
        ({"a": SERVED, "b": READ_ONLY}, [("b", WANTS), ("a", WANTS)], "a"),
        ({"a": SERVED, "b": READ_ONLY}, [("b", WANTS), ("a", SILENT)], "b"),  # promoted while there was no agent
        ({"a": TURNED_AWAY, "b": SERVED}, [("a", WANTS)], ""),
        ({"a": TURNED_AWAY, "b": SERVED}, [("a", WANTS), ("b", SILENT)], ""),  # as if it had never ended
        ({"a": TURNED_AWAY, "b": FAILED}, [("b", SILENT), ("a", WANTS)], ""),
        ({"a": TURNED_AWAY, "b": FAILED}, [("b", YIELDS), ("a", WANTS)], "a"),
    ],
)
def test_and_goes_on_from_there(records: dict[str, Record], looks: Sequence[tuple[str, Claim]], served: str) -> None:
    state, claims = recall(records, NOW)
    pool = Pool(state, **claims)
    for name, said in looks:
        pool.see(name, said)
    assert pool.served == served


# What it is told, and tells.


def test_one_that_is_refused_fails_whatever_else_is_said_of_it() -> None:
    text = "192.168.1.200:3306 is the source of pool writers and takes writes too: refused until …"
    found = take_in(judged(TAKES_WRITES).record, None, TAKES_WRITES, None, SOURCE, 1.0, None, Refused("writers", text))
    assert (found.decision.action, found.decision.reasons[0].text) == (Action.FAIL, text)
    assert (found.record.told.code, found.record.standing.phase) == ("two_sources", Phase.UP)  # it lies over the phase
    assert found.events == ()


def test_history_has_when_it_was_refused_and_when_no_longer() -> None:
    known = judged(TAKES_WRITES).record
    for over, kind, action in ((False, "refused", Action.FAIL), (True, "accepted", Action.SERVE)):
        word = Refused("writers", "why", new=True, over=over)
        found = take_in(known, None, TAKES_WRITES, None, SOURCE, 1.0, None, word)
        assert [(event.kind, event.text) for event in found.events] == [(kind, "two_sources: why")]
        assert found.decision.action is action


def test_a_look_that_others_have_overtaken_is_refused_as_well() -> None:
    newer = judged(TAKES_WRITES).record
    older = TAKES_WRITES._replace(ended=NOW.plus(-1))
    assert take_in(newer, None, older, None, SOURCE, 1.0, None, WORD).decision.action is Action.FAIL


def test_a_captured_look_is_refused_again() -> None:
    first = take_in(None, None, TAKES_WRITES, None, SOURCE, 1.0, None, WORD)
    again = judge_again(from_document(to_document(first.capture)), SOURCE)
    assert again.decision == first.decision
    assert again.decision.action is Action.FAIL


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (WANTS, "a is the source of pool writers and takes writes too: refused until a is read_only or drained"),
        (SILENT, "a, the source of pool writers, took writes too, and fails now: refused until a is read_only"),
        (UNSEEN, "a was the source of pool writers and has not been looked at yet"),
    ],
)
def test_it_is_told_who_is_the_source_and_what_ends_it(claim: Claim, expected: str) -> None:
    assert (against(State("a", {"b": NOW}), {"a": claim, "b": WANTS}, "b", "writers") or "").startswith(expected)
