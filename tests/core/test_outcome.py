"""The contract with keepalived: which exit code, which weight, which value in the track file."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysqlcheck.holddown import step
from mysqlcheck.model import Action, Decision, Memory, Phase, Reason, Verdict
from mysqlcheck.options import Settings
from mysqlcheck.outcome import (
    Answer,
    ExitCode,
    Style,
    always_serve,
    answer_style,
    decide,
    exit_code,
    status_line,
    track_value,
    weight,
)
from tests.core.builders import NOW, channel, observation, unreachable, verdict

PHASE = {Action.SERVE: Phase.UP, Action.DRAIN: Phase.DRAINING, Action.FAIL: Phase.DOWN}


def decision(action: Action, share: float = 1.0, *reasons: Reason) -> Decision:
    return Decision(action, share, PHASE[action], reasons)


SERVE, DRAIN, FAIL = decision(Action.SERVE), decision(Action.DRAIN), decision(Action.FAIL)
HALF, LEAST = decision(Action.SERVE, 0.5), decision(Action.SERVE, 0.1)
PLAIN = Answer(Style.PLAIN, 100)
TRACK = Answer(Style.TRACK_FILE, 100, 1)
WEIGHT = Answer(Style.WEIGHT, 100)


class Row(NamedTuple):
    name: str
    decision: Decision
    answer: Answer
    code: int
    file: int | None = None
    published: bool = True


CONTRACT = [
    Row("plain: serve", SERVE, PLAIN, 0),
    Row("plain: serve, degraded", HALF, PLAIN, 0),
    Row("plain: drain", DRAIN, PLAIN, 1),
    Row("plain: fail", FAIL, PLAIN, 1),
    Row("track file: serve, full", SERVE, TRACK, 0, 99),
    Row("track file: serve, degraded", HALF, TRACK, 0, 49),
    Row("track file: serve, least", LEAST, TRACK, 0, 9),
    Row("track file: drain", DRAIN, TRACK, 0, -1),
    Row("track file: fail", FAIL, TRACK, 1, -1),
    Row("track file not written: serve", SERVE, TRACK, 0, published=False),
    Row("track file not written: drain", DRAIN, TRACK, 1, published=False),
    Row("track file not written: fail", FAIL, TRACK, 1, published=False),
    Row("track file, base 10: serve", SERVE, Answer(Style.TRACK_FILE, 100, 10), 0, 90),
    Row("track file, base 10: drain", DRAIN, Answer(Style.TRACK_FILE, 100, 10), 0, -10),
    Row("track file, base over weight: serve", SERVE, Answer(Style.TRACK_FILE, 5, 50), 0, -45),
    Row("weight: serve, full", SERVE, WEIGHT, 102),
    Row("weight: serve, degraded", HALF, WEIGHT, 52),
    Row("weight: serve, least", LEAST, WEIGHT, 12),
    Row("weight: drain", DRAIN, WEIGHT, 2),
    Row("weight: fail", FAIL, WEIGHT, 1),
    Row("weight 1: serve, full", SERVE, Answer(Style.WEIGHT, 1), 3),
    Row("weight 1: serve, least", LEAST, Answer(Style.WEIGHT, 1), 3),
    Row("weight 253: serve, full", SERVE, Answer(Style.WEIGHT, 253), 255),
    Row("weight 10: a share of 0.01", decision(Action.SERVE, 0.01), Answer(Style.WEIGHT, 10), 3),
    Row("weight 10: a share of 0.11", decision(Action.SERVE, 0.11), Answer(Style.WEIGHT, 10), 4),
    Row("weight 10: a share of 0.999", decision(Action.SERVE, 0.999), Answer(Style.WEIGHT, 10), 12),
]


@pytest.mark.parametrize("row", CONTRACT, ids=[row.name for row in CONTRACT])
def test_the_exit_contract(row: Row) -> None:
    code = exit_code(row.decision, row.answer, published=row.published)
    assert code == row.code
    assert type(code) is ExitCode
    if row.file is not None:
        assert track_value(row.decision, row.answer) == row.file


decisions = st.builds(decision, st.sampled_from(Action), st.floats(0, 1))
answers = (
    st.just(PLAIN)
    | st.builds(Answer, st.just(Style.TRACK_FILE), st.integers(1, 253), st.integers(1, 253))
    | st.builds(Answer, st.just(Style.WEIGHT), st.integers(1, 253), st.just(1))
)


@given(decisions, answers, st.booleans())
def test_whatever_is_decided_keepalived_understands_the_code(made: Decision, answer: Answer, published: bool) -> None:
    code = exit_code(made, answer, published=published)
    if made.action is Action.FAIL:
        assert code == 1
    elif answer.style is Style.WEIGHT:
        assert code != 0, "keepalived turns a last exit of 0 into weight 0 at its next reload"
        assert code != 1, "only a failure is down"
        assert code == 2 if made.action is Action.DRAIN else 3 <= code <= answer.full + 2 <= 255
    elif made.action is Action.SERVE:
        assert code == 0, "a track file that could not be written takes out no healthy server"
    else:
        assert code == (0 if answer.style is Style.TRACK_FILE and published else 1)


@given(decisions, answers)
def test_the_track_file_and_the_base_weight_add_up_to_the_weight(made: Decision, answer: Answer) -> None:
    assert track_value(made, answer) + answer.base == weight(made, answer.full)


@given(st.floats(0, 1), st.integers(1, 253))
def test_a_server_that_serves_has_a_weight_from_1_to_full_in_tenths_of_it(share: float, full: int) -> None:
    given_weight = weight(decision(Action.SERVE, share), full)
    assert 1 <= given_weight <= full
    assert given_weight in {max(1, round(full * tenth / 10)) for tenth in range(1, 11)}


@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 253))
def test_a_larger_share_never_gives_a_smaller_weight(one: float, other: float, full: int) -> None:
    less, more = (weight(decision(Action.SERVE, share), full) for share in sorted((one, other)))
    assert less <= more


@pytest.mark.parametrize("tenth", range(1, 11))
def test_a_share_of_whole_tenths_is_not_rounded_up(tenth: int) -> None:
    assert weight(decision(Action.SERVE, tenth / 10), 100) == tenth * 10


@pytest.mark.parametrize("made", [DRAIN, FAIL], ids=["drain", "fail"])
def test_what_does_not_serve_has_no_weight(made: Decision) -> None:
    assert weight(made, 253) == 0


# the style


@pytest.mark.parametrize(
    ("given_settings", "answer"),
    [
        ({}, Answer(Style.PLAIN, 100)),
        ({"weight": 50}, Answer(Style.WEIGHT, 50)),
        ({"track_file": "/run/w"}, Answer(Style.TRACK_FILE, 100, 1)),
        ({"track_file": "/run/w", "weight": 50}, Answer(Style.TRACK_FILE, 50, 1)),
        ({"track_file": "/run/w", "weight": 50, "base_weight": 10}, Answer(Style.TRACK_FILE, 50, 10)),
    ],
    ids=["nothing", "weight", "track file", "both", "both and a base"],
)
def test_the_settings_choose_the_style(given_settings: dict[str, object], answer: Answer) -> None:
    assert answer_style(Settings.of(host="h", **given_settings)) == answer


# shadow


@given(decisions)
def test_shadow_always_serves_in_full_and_keeps_the_reasons(made: Decision) -> None:
    shown = always_serve(made)
    assert (shown.action, shown.share) == (Action.SERVE, 1.0)
    assert shown.reasons == made.reasons
    assert exit_code(shown, PLAIN) == 0
    assert exit_code(shown, WEIGHT) == 102


# the line


def line(judged: Verdict, answer: Answer = PLAIN, shadow: bool = False) -> str:
    settings = Settings.of(host="h", hold_down=0.0)
    made = decide(step(None, judged, Memory(), settings, NOW), judged, None, settings, NOW)
    return status_line("db1:3306", made, answer, "lag 0 s", shadow)


@pytest.mark.parametrize(
    ("judged", "answer", "text"),
    [
        (verdict(observation(channel())), PLAIN, "SERVE db1:3306 lag 0 s"),
        (verdict(observation(channel())), WEIGHT, "SERVE weight 100 db1:3306 lag 0 s"),
        (
            verdict(observation(channel(lag=35))), TRACK,
            "SERVE weight 60 db1:3306 lag: 35 s behind, more than lag_ok 10s: less weight",
        ),
        (verdict(observation(channel(lag=90))), WEIGHT, "DRAIN db1:3306 lag: 90 s behind, more than max_lag 1m"),
        (verdict(unreachable()), WEIGHT, "FAIL db1:3306 unreachable: connection refused"),
        (
            verdict(observation(channel(lag=90), read_only=False)), PLAIN,
            "FAIL db1:3306 writable: read_only is OFF on a replica: clients could write to it (and lag)",
        ),
    ],
    ids=["serve", "serve, weight", "degraded", "drain", "fail", "two reasons"],
)  # fmt: skip
def test_the_line_tells_state_weight_and_the_reason_that_matters_most(
    judged: Verdict, answer: Answer, text: str
) -> None:
    assert line(judged, answer) == text


def test_the_line_of_a_shadow_says_what_it_would_have_done() -> None:
    assert line(verdict(unreachable()), shadow=True).startswith("SHADOW: would FAIL db1:3306 ")
