"""A hold in a table on the source: read from the replica that is checked, and remembered while nobody can read it."""

from __future__ import annotations

from typing import Any

import pytest

from mysqlcheck.checks import shared_hold
from mysqlcheck.checks.shared_hold import COLUMNS, HoldTable, SharedHold, literal, probe
from mysqlcheck.errors import UnexpectedAnswer
from mysqlcheck.judgement import Judgement, take_in
from mysqlcheck.memory import remember
from mysqlcheck.model import Action, Memory, Observation, OperatorHold, Reason, ServerVersion, Severity, Table
from mysqlcheck.options import Settings
from mysqlcheck.record import Record
from tests.core.builders import DENIED, LOST, NOW, REFUSED, TARGET, channel, met, observation, of_code, verdict

HOLD = OperatorHold("index rebuild", "ops", 1000.0, None, shared=True)
TIMED = HOLD._replace(until=2000.0)
ROW = {"target": str(TARGET), "who": "ops", "reason": "index rebuild", "since": "1000", "until": None}
SETTINGS = Settings.of(host=TARGET.host, trust_uptime=0.0)


def read(**changes: str | None) -> OperatorHold | None:
    return shared_hold.parse(Table(COLUMNS, [{**ROW, **changes}])).hold


def seen(
    hold: OperatorHold | None = None, at: float = 0.0, readable: bool = True, error: str | None = None
) -> Observation:
    """A healthy look; where the table is not readable nothing is read from it."""
    found = observation(channel(), at=NOW.plus(at))
    facts: tuple[Any, ...] = (HoldTable(readable), *([SharedHold(hold, error)] if readable else []))
    return found._replace(facts=(*found.facts, *facts))


def look(before: Record | None, observed: Observation, wall: float = 1500.0) -> Judgement:
    return take_in(before, None, observed, None, SETTINGS, wall)


# the query


def test_the_row_is_asked_for_only_where_the_account_may_read_the_table() -> None:
    asked = probe(str(TARGET))
    others = observation(channel()).facts  # read_only ON among them, which is a tuple of one True too
    assert [asked.when(facts) for facts in ((), others, (HoldTable(False),), (HoldTable(True),))] == [
        False, False, False, True,
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["192.168.1.201:3306", "[fe80::1]:3306", "/a'b\\c.sock", "dätenbank:3306"])
def test_the_name_is_written_so_that_nothing_in_it_is_sql(name: str) -> None:
    hexadecimal = literal(name).removeprefix("_utf8mb4 X'").removesuffix("'")
    assert bytes.fromhex(hexadecimal).decode() == name
    assert probe(name).query(ServerVersion.parse("9.7.4")).endswith(f"WHERE target = {literal(name)}")


# the answer


def test_a_row_is_a_hold_with_its_times_by_unix_time() -> None:
    assert read() == HOLD
    assert read(until="2000") == TIMED


def test_no_row_is_no_hold() -> None:
    assert shared_hold.parse(Table(COLUMNS, [])) == SharedHold()


@pytest.mark.parametrize(
    "changes",
    [{"who": None}, {"reason": ""}, {"since": None}, {"since": "long ago"}, {"until": "never"}, {"until": ""}],
)
def test_a_row_in_which_something_makes_no_sense_is_a_hold_all_the_same(changes: dict[str, str | None]) -> None:
    hold = read(**changes)
    assert hold is not None
    assert hold.until is None


def test_what_somebody_wrote_there_fits_a_line() -> None:
    hold = read(reason="two\nlines \x1b[31m" + "x" * 10_000, who="a\tb")
    assert hold is not None
    assert (len(hold.reason), hold.reason.isprintable(), hold.who) == (500, True, "a b")


@pytest.mark.parametrize("word", ["banana", None, "-1", ""])
def test_a_word_that_is_none_is_unexpected(word: str | None) -> None:
    with pytest.raises(UnexpectedAnswer):
        shared_hold.readable(Table(("may_read_holds",), [{"may_read_holds": word}]))


# the rule: whether shared holds can be read


@pytest.mark.parametrize(
    ("observed", "severity", "text"),
    [
        (seen(readable=False), Severity.OK, "none: no table mysqlcheck.hold that this account may read"),
        (seen(), Severity.OK, "read from mysqlcheck.hold"),
        (seen(error="error 1146: no such table"), Severity.NOTE, "a hold there would not be seen"),
    ],
)
def test_that_a_table_cannot_be_read_is_said_aloud_and_takes_nobody_out(
    observed: Observation, severity: Severity, text: str
) -> None:
    reason = of_code(verdict(observed), "shared_holds")
    assert (reason.severity, reason.bars_entry) == (severity, False)
    assert text in reason.text


# the decision


def test_a_shared_hold_drains_until_it_is_released_or_its_time_is_over() -> None:
    held = look(None, seen(TIMED))
    assert (held.decision.action, held.shared) == (Action.DRAIN, TIMED._replace(left=500.0))
    over = look(held.record, seen(TIMED, 1), wall=2000.0)
    assert (over.decision.action, over.shared) == (Action.SERVE, None)
    assert look(held.record, seen(None, 1)).decision.action is Action.SERVE


@pytest.mark.parametrize("trouble", [LOST, DENIED], ids=["a lost packet", "a new password"])
def test_a_grace_lets_no_server_in_that_is_held_on_all_directors(trouble: Reason) -> None:
    """Its last verdict stays, and that is one of a server that serves: only the hold is between it and its clients."""
    held = look(None, seen(HOLD))
    blind = look(held.record, met(trouble, NOW.plus(1)))
    assert blind.verdict.blind
    assert (blind.decision.action, blind.events) == (Action.DRAIN, ())


@pytest.mark.parametrize(
    ("observed", "after"),
    [
        (seen(), None),
        (seen(TIMED), TIMED),
        (seen(readable=False), None),  # somebody dropped the table, or took the privilege away
        (seen(error="error 1194: crashed"), HOLD),
        (met(LOST), HOLD),
        (met(REFUSED), HOLD),
        (observation(channel()), HOLD),
    ],
)
def test_the_last_hold_that_was_read_stays_while_nobody_can_tell(
    observed: Observation, after: OperatorHold | None
) -> None:
    assert remember(Memory(shared=HOLD), observed, Settings.of(host="192.168.1.201")).shared == after


def test_a_look_that_is_older_than_the_record_is_held_by_what_is_on_record() -> None:
    held = look(None, seen(HOLD, 5))
    assert look(held.record, seen(None, 0)).decision.action is Action.DRAIN


def test_every_director_tells_in_its_history_when_a_shared_hold_comes_and_goes() -> None:
    before = look(None, seen())
    held = look(before.record, seen(TIMED, 1))
    same = look(held.record, seen(TIMED, 2))
    gone = look(same.record, seen(None, 3))
    told = [(event.kind, event.text) for judged in (held, same, gone) for event in judged.events]
    assert told == [
        ("hold", "ops: drain on all directors for another 8m20s: index rebuild"),
        ("release", "the shared hold by ops has ended"),
    ]
