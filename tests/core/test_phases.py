"""The table of phases: every cell walked through, by a verdict that gives its sign."""

from __future__ import annotations

from itertools import product
from typing import Any, NamedTuple

import pytest

from mysqlcheck.holddown import TABLE, Sign, edges, sign_of, step
from mysqlcheck.model import Memory, Phase, Reason, Severity, Sighting, Standing, Verdict
from mysqlcheck.options import Settings
from tests.core.builders import NOW

UP, DRAINING, DOWN, HELD, RAMPING = Phase.UP, Phase.DRAINING, Phase.DOWN, Phase.HELD, Phase.RAMPING
FAIL, RESTART, DRAIN, BARRED, CLEAN = Sign.FAIL, Sign.RESTART, Sign.DRAIN, Sign.BARRED, Sign.CLEAN


def said(severity: Severity, bars_entry: bool = False) -> Verdict:
    return Verdict((Reason("code", severity, "text", bars_entry=bars_entry),), 1.0)


VERDICTS = {
    FAIL: said(Severity.FAIL, bars_entry=True),
    RESTART: said(Severity.OK),
    DRAIN: said(Severity.DRAIN, bars_entry=True),
    BARRED: said(Severity.NOTE, bars_entry=True),
    CLEAN: said(Severity.NOTE),
}


class Cell(NamedTuple):
    """A phase, what a look says, and where that leads before and after the moment `until`."""

    phase: Phase
    sign: Sign
    before: Phase
    after: Phase


CELLS = [
    # it serves: what bars entry does not take it out
    Cell(UP, FAIL, DOWN, DOWN),
    Cell(UP, RESTART, HELD, HELD),
    Cell(UP, DRAIN, DRAINING, DRAINING),
    Cell(UP, BARRED, UP, UP),
    Cell(UP, CLEAN, UP, UP),
    # it serves, with a weight that climbs until the ramp is over
    Cell(RAMPING, FAIL, DOWN, DOWN),
    Cell(RAMPING, RESTART, HELD, HELD),
    Cell(RAMPING, DRAIN, DRAINING, DRAINING),
    Cell(RAMPING, BARRED, RAMPING, UP),
    Cell(RAMPING, CLEAN, RAMPING, UP),
    # drained: straight back when nothing bars it, and never through HELD
    Cell(DRAINING, FAIL, DOWN, DOWN),
    Cell(DRAINING, RESTART, HELD, HELD),
    Cell(DRAINING, DRAIN, DRAINING, DRAINING),
    Cell(DRAINING, BARRED, DRAINING, DRAINING),
    Cell(DRAINING, CLEAN, RAMPING, UP),
    # failed: it recovers into HELD, whatever else there is to say
    Cell(DOWN, FAIL, DOWN, DOWN),
    Cell(DOWN, RESTART, HELD, HELD),
    Cell(DOWN, DRAIN, HELD, HELD),
    Cell(DOWN, BARRED, HELD, HELD),
    Cell(DOWN, CLEAN, HELD, RAMPING),  # the timer was over when it recovered: through HELD in one look
    # held: out of it only when the timer is over and nothing bars it
    Cell(HELD, FAIL, DOWN, DOWN),
    Cell(HELD, RESTART, HELD, HELD),
    Cell(HELD, DRAIN, HELD, HELD),
    Cell(HELD, BARRED, HELD, HELD),
    Cell(HELD, CLEAN, HELD, RAMPING),
]


def walked(
    phase: Phase,
    verdict: Verdict,
    *,
    over: bool,
    restarted: bool,
    seen_before: float = 0.0,
    **settings: Any,
) -> Standing:
    """One step from this phase; `until` is a while ago or a while ahead."""
    until = NOW.plus(-1 if over else 30)
    standing = Standing(phase, NOW.plus(-300), until, "code", incarnation=1, proven=True)
    memory = Memory(Sighting(2 if restarted else 1, NOW.plus(-seen_before), NOW))
    return step(standing, verdict, memory, Settings.of(host="h", **settings), NOW)


@pytest.mark.parametrize("over", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("cell", CELLS, ids=[f"{cell.phase.value}, {cell.sign.value}" for cell in CELLS])
def test_from_this_phase_this_sign_leads_there(cell: Cell, over: bool) -> None:
    found = walked(cell.phase, VERDICTS[cell.sign], over=over, restarted=cell.sign is RESTART)
    assert found.phase is (cell.after if over else cell.before)
    assert found.since == (NOW if found.phase is not cell.phase or cell.sign is RESTART else NOW.plus(-300))


def test_the_table_says_something_to_every_sign_in_every_phase() -> None:
    assert {(phase, sign) for phase, row in TABLE.items() for sign in row} == set(product(Phase, Sign))


def test_every_cell_of_the_table_is_walked_through_here() -> None:
    assert [(cell.phase, cell.sign) for cell in CELLS] == list(product([UP, RAMPING, DRAINING, DOWN, HELD], Sign))


def test_the_cells_here_are_the_table() -> None:
    """But for DOWN and nothing against it: there two cells are one look, and the test above walked through both."""
    told = {(cell.phase, cell.sign): (cell.before, cell.after) for cell in CELLS}
    for phase, row in TABLE.items():
        for sign, found in row.items():
            both = found if isinstance(found, tuple) else (found, found)
            assert both == ((HELD, HELD) if (phase, sign) == (DOWN, CLEAN) else told[phase, sign])


def test_only_fail_leads_to_down_and_only_from_held_or_draining_a_server_comes_back() -> None:
    for phase, sign in product(Phase, Sign):
        found = TABLE[phase][sign]
        nexts = set(found) if isinstance(found, tuple) else {found}
        assert (DOWN in nexts) == (sign is FAIL)
        if nexts & {UP, RAMPING} and phase not in (UP, RAMPING):
            assert (phase in (HELD, DRAINING), sign) == (True, CLEAN)


# the signs


@pytest.mark.parametrize("severity", Severity)
@pytest.mark.parametrize("bars_entry", [False, True])
@pytest.mark.parametrize("restarted", [False, True])
def test_the_first_sign_that_applies_counts(severity: Severity, bars_entry: bool, restarted: bool) -> None:
    found = sign_of(said(severity, bars_entry), restarted)
    if severity is Severity.FAIL:
        assert found is FAIL
    elif restarted:
        assert found is RESTART
    elif severity is Severity.DRAIN:
        assert found is DRAIN
    else:
        assert found is (BARRED if bars_entry else CLEAN)


def test_one_reason_of_many_is_enough_to_bar_entry() -> None:
    reasons = (Reason("a", Severity.NOTE, "text"), Reason("b", Severity.OK, "text", bars_entry=True))
    assert sign_of(Verdict(reasons, 1.0), False) is BARRED


def test_nothing_said_is_nothing_against_it() -> None:
    assert sign_of(Verdict((), 1.0), False) is CLEAN


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("over", [False, True])
def test_a_look_that_failed_within_a_grace_changes_nothing_in_any_phase(phase: Phase, over: bool) -> None:
    blind = said(Severity.NOTE, bars_entry=True)._replace(blind=True)
    found = walked(phase, blind, over=over, restarted=False)
    assert (found.phase, found.since, found.cause) == (phase, NOW.plus(-300), "code")


# the edges, for the metric that counts them and for the diagram


def reached() -> set[tuple[str, str]]:
    """Every change of phase that any look can lead to, found by trying."""
    found = set()
    verdicts = [said(severity, bars) for severity, bars in product(Severity, (False, True))]
    for phase, verdict, over, restarted in product(Phase, verdicts, (False, True), (False, True)):
        for seen_before, ramp, release in product((0.0, 300.0), (0.0, 60.0), ("auto", "manual")):
            after = walked(
                phase, verdict, over=over, restarted=restarted, seen_before=seen_before, ramp=ramp, release=release
            )
            if after.phase is not phase:
                found.add((phase.value, after.phase.value))
    return found


def test_the_edges_are_exactly_the_changes_that_a_look_can_lead_to() -> None:
    assert edges() == sorted(reached())


def test_no_edge_leads_from_out_of_service_through_to_draining() -> None:
    """What recovers while a rule drains waits in HELD: it has no clients whose sessions might finish."""
    assert not {("down", "draining"), ("held", "draining")} & set(edges())
