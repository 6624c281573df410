"""Pools: who is let in where too few would serve, in which order, for how long; and who never is."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysqlcheck.holddown import FIRST_SEEN
from mysqlcheck.judgement import take_in
from mysqlcheck.model import Action, Instant, LetIn, Memory, Observation, OperatorHold, Phase, Standing, Verdict
from mysqlcheck.options import Settings
from mysqlcheck.outcome import Answer, Style, decide, status_line
from mysqlcheck.pool import Kind, Member, PoolSettings, State, member, serving, step
from mysqlcheck.record import Record, Told
from tests.core.builders import CROWDED, LOST, NOW, channel, lag_on_record, lost, met, observation, verdict

SETTINGS = PoolSettings.of(min_serving=1, panic_max_lag=600.0, recover_after=10.0)
CALM = State()
SERVES, OUT = Member(Kind.SERVES), Member(Kind.OUT)
WORD = LetIn("readers", "0 of 2 serve by themselves, min_serving 1", NOW)


def lags(behind: float) -> Member:
    return Member(Kind.LAGS, behind)


def held(left: float, behind: float = 0.0) -> Member:
    return Member(Kind.HELD, behind, left)


def let_in(members: Mapping[str, Member], before: State = CALM, now: Instant = NOW, **changes: float) -> list[str]:
    return sorted(stepped(members, before, now, **changes).let_in)


def stepped(members: Mapping[str, Member], before: State = CALM, now: Instant = NOW, **changes: float) -> State:
    settings = PoolSettings.of(**{**SETTINGS.values, **changes})
    return step(before, members, len(members), settings, now)


# Whom.


@pytest.mark.parametrize(
    ("members", "min_serving", "expected"),
    [
        ({"a": SERVES, "b": lags(61)}, 1, []),  # enough serve
        ({"a": OUT, "b": lags(61)}, 1, ["b"]),
        ({"a": lags(70), "b": lags(61)}, 1, ["b"]),  # the least behind
        ({"a": lags(70), "b": lags(61)}, 2, ["a", "b"]),
        ({"a": lags(600), "b": lags(601)}, 2, ["a"]),  # up to panic_max_lag
        ({"a": held(5), "b": lags(599)}, 1, ["b"]),  # who lags comes before who is held
        ({"a": held(5), "b": held(4)}, 1, ["b"]),  # the shortest wait
        ({"a": held(4, 30), "b": held(4)}, 1, ["b"]),
        ({"a": held(4, 601)}, 1, []),
        ({"a": SERVES, "b": held(4), "c": OUT}, 2, ["b"]),
        ({"a": OUT, "b": OUT}, 2, []),  # never one that fails for a reason of its own
        ({"a": SERVES, "b": OUT}, 2, []),
    ],
)
def test_the_best_of_those_that_merely_lag_or_wait_are_let_in(
    members: Mapping[str, Member], min_serving: int, expected: list[str]
) -> None:
    assert let_in(members, min_serving=min_serving) == expected


def test_a_server_that_was_not_looked_at_yet_counts_as_one_that_serves() -> None:
    members = {"a": held(5)}
    assert serving(members, 2) == 1
    assert step(State(), members, 2, SETTINGS, NOW).let_in == {}
    assert list(step(State(), {**members, "b": OUT}, 2, SETTINGS, NOW).let_in) == ["a"]


# For how long.


def test_who_is_let_in_stays_although_another_is_better_now() -> None:
    state = stepped({"a": lags(70), "b": lags(80)})
    assert let_in({"a": lags(90), "b": lags(61)}, state) == ["a"]


def test_and_is_sent_away_for_its_own_reasons_at_once() -> None:
    state = stepped({"a": lags(70), "b": lags(80)})
    assert let_in({"a": OUT, "b": lags(80)}, state) == ["b"]
    assert let_in({"a": lags(601), "b": lags(80)}, state) == ["b"]


def test_it_stays_for_recover_after_when_others_serve_again() -> None:
    state, members = stepped({"a": lags(70), "b": OUT}), {"a": lags(70), "b": SERVES}
    for after in (0, 5, 9.9):
        state = stepped(members, state, NOW.plus(after))
        assert sorted(state.let_in) == ["a"]
    assert stepped(members, state, NOW.plus(10)) == State()


def test_that_begins_anew_where_the_others_fail_meanwhile() -> None:
    state = stepped({"a": lags(70), "b": OUT})
    for after, other in ((0, SERVES), (9, OUT), (11, SERVES), (20, SERVES)):
        state = stepped({"a": lags(70), "b": other}, state, NOW.plus(after))
    assert sorted(state.let_in) == ["a"]
    assert let_in({"a": lags(70), "b": SERVES}, state, NOW.plus(21)) == []


def test_the_worst_are_sent_away_first() -> None:
    state = stepped({"a": lags(70), "b": lags(80), "c": OUT}, min_serving=2)
    members = {"a": lags(90), "b": lags(80), "c": SERVES}
    state = stepped(members, state, min_serving=2)
    assert sorted(state.let_in) == ["a", "b"]
    assert let_in(members, state, NOW.plus(10), min_serving=2) == ["b"]


def test_who_serves_by_itself_is_no_longer_let_in() -> None:
    state = stepped({"a": held(5), "b": OUT})
    assert let_in({"a": SERVES, "b": OUT}, state) == []


def test_who_lagged_too_much_comes_back_only_below_nine_tenths_of_the_limit() -> None:
    state = stepped({"a": lags(600)})
    for behind, expected in ((601, []), (600, []), (541, []), (540, ["a"]), (600, ["a"])):
        state = stepped({"a": lags(behind)}, state)
        assert sorted(state.let_in) == expected


MEMBERS = st.dictionaries(
    st.sampled_from("abcd"),
    st.builds(
        Member, st.sampled_from(Kind), st.sampled_from([0.0, 61.0, 539.0, 541.0, 600.0, 601.0]), st.floats(0, 60)
    ),
)


@given(
    history=st.lists(st.tuples(MEMBERS, st.sampled_from([0.0, 1.0, 9.0, 10.0])), max_size=8), least=st.integers(1, 4)
)
def test_in_every_history(history: list[tuple[dict[str, Member], float]], least: int) -> None:
    settings = PoolSettings.of(min_serving=least, panic_max_lag=600.0, recover_after=10.0)
    state, now = State(), NOW
    for members, later in history:
        now = now.plus(later)
        before, state = state, step(state, members, 4, settings, now)
        chosen = state.let_in.keys()
        able = {name for name, one in members.items() if one.may_help and one.behind <= 600}
        assert chosen <= able, "somebody is let in who may not be"
        lacks = max(0, least - serving(members, 4))
        assert len(chosen - before.let_in.keys()) <= max(0, lacks - len(before.let_in.keys() & able))
        assert len(chosen) >= min(lacks, len(able - state.too_late)), "too few are let in"
        assert state == step(state, members, 4, settings, now), "the same again changes something"
        for name in before.let_in.keys() - chosen:
            sent_away = name not in able or len(before.let_in) > lacks
            assert sent_away, "one is sent away that is needed"


# What a server is to its pool.


def of(phase: Phase, judged: Verdict, left: float | None = 30.0, hold: OperatorHold | None = None) -> Member:
    standing = Standing(phase, NOW.plus(-100), None if left is None else NOW.plus(left), FIRST_SEEN)
    made = decide(standing, judged, hold, Settings.of(host="h"), NOW)
    return member(standing, judged, made, hold, NOW)


FINE = verdict(observation(channel()))


@pytest.mark.parametrize(
    ("phase", "judged", "expected"),
    [
        (Phase.UP, FINE, SERVES),
        (Phase.RAMPING, FINE, SERVES),
        (Phase.DOWN, FINE, OUT),
        (Phase.DRAINING, verdict(observation(channel(lag=61))), lags(61)),
        (Phase.DRAINING, verdict(observation(channel(lag=45))), lags(45)),  # above resume_lag yet
        (Phase.DRAINING, verdict(observation(channel(lag=None))), OUT),  # lag_unknown
        (Phase.DRAINING, verdict(met(CROWDED), Memory()), OUT),
        (Phase.DRAINING, verdict(observation(lost()), lag_on_record(5, 4000)), lags(4005)),  # the source is lost
        (Phase.HELD, FINE, held(30)),
        (Phase.HELD, verdict(observation(channel(lag=500))), held(30, 500)),
        (Phase.HELD, verdict(observation(lost()), lag_on_record(5, 100)), held(30, 105)),
        (Phase.HELD, verdict(observation(lost())), OUT),  # its staleness is unknown
        (Phase.HELD, verdict(met(LOST)), OUT),
    ],
)
def test_what_a_server_is_to_its_pool(phase: Phase, judged: Verdict, expected: Member) -> None:
    assert of(phase, judged) == expected


def test_one_that_waits_for_an_operator_is_never_let_in() -> None:
    assert of(Phase.HELD, FINE, left=None) == OUT
    for phase in (Phase.UP, Phase.HELD, Phase.DRAINING):
        assert of(phase, FINE, hold=OperatorHold("repair", "op", 0.0)) == OUT


def test_a_look_that_failed_within_a_grace_leaves_it_what_it_was() -> None:
    standing = Standing(Phase.HELD, NOW.plus(-100), NOW.plus(30), FIRST_SEEN)
    blind = verdict(met(LOST), Memory(answered_at=NOW.plus(-1)))
    assert blind.blind
    made = decide(standing, blind, None, Settings.of(host="h"), NOW)
    assert member(standing, blind, made, None, NOW, held(31, 5)) == held(31, 5)
    assert member(standing, blind, made, None, NOW, SERVES) == OUT
    assert member(standing, blind, made, None, NOW) == OUT


# What it is told, and tells.


def decided(phase: Phase, seen: Observation, word: LetIn | None, ago: float = 0.0) -> tuple[Action, float, list[str]]:
    standing = Standing(phase, NOW.plus(-100), NOW.plus(30), FIRST_SEEN)
    word = word and word._replace(since=NOW.plus(-ago))
    made = decide(standing, verdict(seen), None, Settings.of(host="h", ramp=60.0), NOW, word)
    return made.action, round(made.share, 2), [reason.code for reason in made.reasons]


def test_a_server_that_is_let_in_serves_and_says_in_spite_of_what() -> None:
    assert decided(Phase.HELD, observation(channel()), None) == (Action.FAIL, 1.0, ["held"])
    assert decided(Phase.HELD, observation(channel()), WORD) == (Action.SERVE, 0.1, ["panic", "held"])
    assert decided(Phase.DRAINING, observation(channel(lag=61)), WORD) == (Action.SERVE, 1.0, ["panic", "lag"])


def test_a_held_one_ramps_from_then_on_as_it_would_after_its_hold() -> None:
    shares = [decided(Phase.HELD, observation(channel()), WORD, ago)[1] for ago in (0, 30, 60, 90)]
    assert shares == [0.1, 0.55, 1.0, 1.0]


@pytest.mark.parametrize("phase", [Phase.UP, Phase.RAMPING])
def test_one_that_serves_by_itself_does_so_as_ever(phase: Phase) -> None:
    assert decided(phase, observation(channel()), WORD) == decided(phase, observation(channel()), None)


def test_a_pool_that_needs_it_no_more_changes_nothing() -> None:
    over = WORD._replace(over=True)
    assert decided(Phase.HELD, observation(channel()), over) == decided(Phase.HELD, observation(channel()), None)


def test_an_operator_s_hold_is_stronger() -> None:
    standing, hold = Standing(Phase.HELD, NOW, NOW.plus(30), FIRST_SEEN), OperatorHold("repair", "op", 0.0)
    made = decide(standing, FINE, hold, Settings.of(host="h"), NOW, WORD)
    assert (made.action, made.reasons[0].code) == (Action.FAIL, "held")


def test_the_line_says_it_first() -> None:
    standing = Standing(Phase.HELD, NOW.plus(-100), NOW.plus(30), "sql_stopped")
    made = decide(standing, FINE, None, Settings.of(host="h", ramp=0.0), NOW, WORD)
    assert status_line("192.168.1.201:3306", made, Answer(Style.WEIGHT, 100), "") == (
        "SERVE weight 100 192.168.1.201:3306 panic: let in by pool readers: 0 of 2 serve by themselves, min_serving 1; "
        "in spite of held: it recovered from sql_stopped; serves in 30s (and held)"
    )


def record(phase: Phase) -> Record:
    standing = Standing(phase, NOW.plus(-100), NOW.plus(30), FIRST_SEEN, incarnation=0)
    return Record(Memory(), standing, NOW.plus(-1), 0.0, Told(Action.FAIL, 0, "held", "", None), 0.0)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        (None, []),
        (WORD, []),
        (WORD._replace(new=True), [("let-in", "let in by pool readers: 0 of 2 serve by themselves, min_serving 1")]),
        (
            WORD._replace(new=True, over=True),
            [("let-out", "no longer let in by pool readers: 0 of 2 serve by themselves, min_serving 1")],
        ),
    ],
)
def test_history_has_when_it_was_let_in_and_when_no_longer(word: LetIn | None, expected: list[tuple[str, str]]) -> None:
    found = take_in(record(Phase.HELD), None, observation(channel()), None, Settings.of(host="h"), 1.0, word)
    assert [(event.kind, event.text) for event in found.events] == expected
    assert found.record.standing.phase is Phase.HELD  # what it is by itself does not change
    assert found.record.told.code == ("panic" if word and not word.over else "held")
