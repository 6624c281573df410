"""From where a server stands to what keepalived is asked to do, with the reasons that people read."""

from __future__ import annotations

import math
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysqlcheck.holddown import step
from mysqlcheck.model import Action, Decision, LetIn, Memory, OperatorHold, Phase, Reason, Severity, Standing, Verdict
from mysqlcheck.options import Settings
from mysqlcheck.outcome import Answer, Style, decide, status_line
from mysqlcheck.standing import STANDING_CODES
from tests.core.builders import LOST, NOW, channel, lost, met, observation, unreachable, verdict

SETTINGS = Settings.of(host="h", hold_down=0.0)
WEIGHT = Answer(Style.WEIGHT, 100)


def decided(judged: Verdict, standing: Standing | None = None, hold: OperatorHold | None = None) -> Decision:
    """The decision of a server that was never met before and is trusted, or that stands like this."""
    stands = step(standing, judged, Memory(), SETTINGS, NOW)
    return decide(stands, judged, hold, SETTINGS, NOW)


def in_phase(phase: Phase, left: float | None = 30.0) -> Standing:
    """A standing of a while, with a timer that runs for so long yet."""
    until = None if left is None else NOW.plus(left)
    return Standing(phase, NOW.plus(-100), until, "lag" if phase is Phase.DRAINING else "sql_stopped")


@pytest.mark.parametrize(
    ("severity", "action", "phase"),
    [
        (Severity.OK, Action.SERVE, Phase.UP),
        (Severity.NOTE, Action.SERVE, Phase.UP),
        (Severity.DRAIN, Action.DRAIN, Phase.DRAINING),
        (Severity.FAIL, Action.FAIL, Phase.DOWN),
    ],
)
def test_of_a_server_that_served_the_worst_reason_decides(severity: Severity, action: Action, phase: Phase) -> None:
    judged = Verdict((Reason("code", severity, "text"), Reason("other", Severity.OK, "text")), 0.5)
    made = decided(judged, in_phase(Phase.UP, 0))
    assert (made.action, made.phase, made.share) == (action, phase, 0.5)


def test_only_reasons_that_speak_against_the_server_are_handed_on() -> None:
    made = decided(verdict(observation(channel(lag=20), lost(name="b"))))
    assert [reason.code for reason in made.reasons] == ["source_lost", "lag"]


CLEAN = Verdict((), 1.0)


@pytest.mark.parametrize(
    ("phase", "action"),
    [
        (Phase.UP, Action.SERVE),
        (Phase.RAMPING, Action.SERVE),
        (Phase.DRAINING, Action.DRAIN),
        (Phase.HELD, Action.FAIL),  # so that keepalived's notify_up and its mail fire when it really serves again
        (Phase.DOWN, Action.FAIL),
    ],
)
def test_each_phase_asks_one_thing_of_keepalived(phase: Phase, action: Action) -> None:
    assert decide(in_phase(phase), CLEAN, None, SETTINGS, NOW).action is action


# the weight of a ramp


@pytest.mark.parametrize(
    ("left", "share"), [(60.0, 0.1), (54.0, 0.19), (30.0, 0.55), (6.0, 0.91), (0.0, 1.0)]
)  # fmt: skip
def test_during_the_ramp_the_share_climbs_in_a_straight_line_from_a_tenth_to_full(left: float, share: float) -> None:
    made = decide(in_phase(Phase.RAMPING, left), CLEAN, None, SETTINGS, NOW)
    assert made.share == pytest.approx(share)


@pytest.mark.parametrize(("left", "lag_share", "share"), [(30.0, 0.2, 0.2), (30.0, 0.9, 0.55), (0.0, 0.3, 0.3)])
def test_a_lagging_server_that_ramps_gets_the_lesser_share(left: float, lag_share: float, share: float) -> None:
    made = decide(in_phase(Phase.RAMPING, left), Verdict((), lag_share), None, SETTINGS, NOW)
    assert made.share == pytest.approx(share)


def test_in_other_phases_nothing_ramps() -> None:
    for phase in set(Phase) - {Phase.RAMPING}:
        assert decide(in_phase(phase), CLEAN, None, SETTINGS, NOW).share == 1.0


@given(st.floats(0, 100), st.floats(0, 100))
def test_a_ramp_never_goes_down_and_begins_with_at_least_a_tenth(one: float, other: float) -> None:
    """Also where the setting was shortened meanwhile: more may be left of the ramp than it now takes."""
    shares = [
        decide(in_phase(Phase.RAMPING, left), CLEAN, None, SETTINGS, NOW).share
        for left in sorted((one, other), reverse=True)
    ]
    assert 0.1 <= shares[0] <= shares[1] <= 1.0


# re-entry


@pytest.mark.parametrize(
    ("standing", "reentry"),
    [
        (in_phase(Phase.HELD, 30), 30.0),
        (in_phase(Phase.HELD, 0), 0.0),
        (in_phase(Phase.HELD, -5), 0.0),
        (in_phase(Phase.HELD, None), math.inf),
        (in_phase(Phase.DOWN), None),
        (in_phase(Phase.RAMPING), None),
        (in_phase(Phase.DRAINING), None),
        (in_phase(Phase.UP), None),
    ],
    ids=["held", "over", "long over", "by hand", "down", "ramping", "draining", "up"],
)
def test_only_what_is_held_has_a_time_to_its_re_entry(standing: Standing, reentry: float | None) -> None:
    assert decide(standing, CLEAN, None, SETTINGS, NOW).reentry == reentry


# what the standing has to say

LAGGING = verdict(observation(channel(lag=45)))
BLIND = verdict(met(LOST), Memory(answered_at=NOW.plus(-1), silent_since=NOW.plus(-0.5)))


class Said(NamedTuple):
    name: str
    standing: Standing
    verdict: Verdict
    code: str
    severity: Severity
    text: str


SAID = [
    Said(
        "held after a restart", in_phase(Phase.HELD)._replace(cause="restarted"), CLEAN,
        "held", Severity.FAIL, "it restarted; serves in 30s",
    ),
    Said(
        "held after a restart, by hand", in_phase(Phase.HELD, None)._replace(cause="restarted"), CLEAN,
        "held", Severity.FAIL, "it restarted; serves after `mysqlcheck release`",
    ),
    Said(
        "held at first sight", in_phase(Phase.HELD)._replace(cause="first_seen"), CLEAN,
        "held", Severity.FAIL, "no record of it, and its Uptime is below trust_uptime 10m; serves in 30s",
    ),
    Said(
        "held after a failure", in_phase(Phase.HELD, 90), CLEAN,
        "held", Severity.FAIL, "it recovered from sql_stopped; serves in 1m30s",
    ),
    Said(
        "held only by its lag", in_phase(Phase.HELD, -5), LAGGING, "held", Severity.FAIL,
        "it recovered from sql_stopped; its time is over, "
        "serves without: lag (45 s behind, more than lag_ok 10s: less weight)",
    ),
    Said(
        "ramping", in_phase(Phase.RAMPING), CLEAN,
        "ramping", Severity.NOTE, "in service again; full weight in 30s (ramp 1m)",
    ),
    Said(
        "drained, and not low enough", in_phase(Phase.DRAINING), LAGGING, "not_back", Severity.DRAIN,
        "drained for lag; serves again without: lag (45 s behind, more than lag_ok 10s: less weight)",
    ),
    Said(
        "down, and silent within a grace", in_phase(Phase.DOWN), BLIND,
        "not_back", Severity.FAIL, "failed for sql_stopped when it last answered",
    ),
]  # fmt: skip


@pytest.mark.parametrize("row", SAID, ids=[row.name for row in SAID])
def test_the_standing_says_why_a_server_with_nothing_new_against_it_does_not_fully_serve(row: Said) -> None:
    first = decide(row.standing, row.verdict, None, SETTINGS, NOW).reasons[0]
    assert (first.code, first.severity, first.text) == (row.code, row.severity, row.text)
    assert first.bars_entry is (row.severity > Severity.NOTE)


def test_every_code_of_the_standing_is_said_here() -> None:
    over_the_phase = {"operator_hold", "panic", "two_sources"}  # test_pool.py, test_sources.py
    assert {row.code for row in SAID} | over_the_phase == set(STANDING_CODES)


@pytest.mark.parametrize(
    ("standing", "judged"),
    [
        (in_phase(Phase.UP), CLEAN),
        (in_phase(Phase.RAMPING, 0), CLEAN),
        (in_phase(Phase.DRAINING), verdict(observation(channel(lag=90)))),
        (in_phase(Phase.DOWN), verdict(unreachable())),
    ],
    ids=["up", "ramp over", "a rule drains", "a rule fails"],
)
def test_where_a_rule_says_it_all_the_standing_is_silent(standing: Standing, judged: Verdict) -> None:
    assert not {reason.code for reason in decide(standing, judged, None, SETTINGS, NOW).reasons} & set(STANDING_CODES)


# an operator's hold lies over the phase

HOLD = OperatorHold("index rebuild", "operator", since=1_795_388_000.0)


@pytest.mark.parametrize(
    ("phase", "action"),
    [
        (Phase.UP, Action.DRAIN),
        (Phase.RAMPING, Action.DRAIN),
        (Phase.DRAINING, Action.DRAIN),
        (Phase.HELD, Action.FAIL),
        (Phase.DOWN, Action.FAIL),
    ],
)
def test_an_operator_s_hold_drains_what_serves_and_makes_nothing_better(phase: Phase, action: Action) -> None:
    made = decide(in_phase(phase), CLEAN, HOLD, SETTINGS, NOW)
    assert (made.action, made.phase) == (action, phase)
    assert "operator_hold" in [reason.code for reason in made.reasons]


@pytest.mark.parametrize(
    ("hold", "text"),
    [
        (HOLD, "drained by operator until released: index rebuild"),
        (HOLD._replace(until=1_795_395_200.0, left=7200.0), "drained by operator for another 2h: index rebuild"),
        (HOLD._replace(until=1_795_395_200.0, left=0.3), "drained by operator for another 1s: index rebuild"),
    ],
    ids=["without end", "for two hours", "nearly over"],
)
def test_an_operator_s_hold_says_who_why_and_for_how_long(hold: OperatorHold, text: str) -> None:
    (reason,) = decide(in_phase(Phase.UP), CLEAN, hold, SETTINGS, NOW).reasons
    assert (reason.code, reason.severity, reason.text, reason.bars_entry) == (
        "operator_hold",
        Severity.DRAIN,
        text,
        True,
    )


def test_an_operator_s_hold_stands_before_what_is_only_to_be_noted_and_behind_what_fails() -> None:
    serving = decide(in_phase(Phase.UP), verdict(observation(channel(lag=20))), HOLD, SETTINGS, NOW)
    assert [reason.code for reason in serving.reasons] == ["operator_hold", "lag"]
    failed = decide(in_phase(Phase.DOWN), verdict(unreachable()), HOLD, SETTINGS, NOW)
    assert [reason.code for reason in failed.reasons] == ["unreachable", "operator_hold"]


SHARED = HOLD._replace(who="another", shared=True)


def test_a_shared_hold_drains_as_one_of_this_director_does_and_both_are_told() -> None:
    shared = decide(in_phase(Phase.UP), CLEAN, None, SETTINGS, NOW, None, SHARED)
    assert shared.action is Action.DRAIN
    assert shared.reasons[0].text == f"drained by another on all directors until released: {HOLD.reason}"
    both = decide(in_phase(Phase.UP), CLEAN, HOLD, SETTINGS, NOW, None, SHARED)
    assert [reason.observed for reason in both.reasons] == [HOLD.who, "another"]


def test_no_pool_lets_in_what_is_held_on_all_directors() -> None:
    needed = LetIn("readers", "0 of 2", NOW)
    made = decide(in_phase(Phase.HELD), CLEAN, None, SETTINGS, NOW, needed, SHARED)
    assert (made.action, [reason.code for reason in made.reasons]) == (Action.FAIL, ["held", "operator_hold"])


def test_an_operator_s_hold_moves_no_timer() -> None:
    held, free = (decide(in_phase(Phase.HELD), CLEAN, hold, SETTINGS, NOW) for hold in (HOLD, None))
    assert (held.reentry, held.share) == (free.reentry, free.share) == (30.0, 1.0)


# the line


def test_the_line_of_a_held_server_counts_down() -> None:
    made = decide(in_phase(Phase.HELD)._replace(cause="restarted"), CLEAN, None, SETTINGS, NOW)
    assert status_line("db1:3306", made, WEIGHT, "lag 0 s") == "FAIL db1:3306 held: it restarted; serves in 30s"


def test_the_line_of_a_ramping_server_shows_the_weight_that_climbs() -> None:
    made = decide(in_phase(Phase.RAMPING), CLEAN, None, SETTINGS, NOW)
    assert status_line("db1:3306", made, WEIGHT, "lag 0 s") == (
        "SERVE weight 60 db1:3306 ramping: in service again; full weight in 30s (ramp 1m)"
    )
