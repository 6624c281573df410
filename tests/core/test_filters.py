"""Replication filters: how they are read, remembered over restarts, and told when they change."""

from __future__ import annotations

from mysqlcheck.checks import filters
from mysqlcheck.model import Filters, Memory, Phase, Severity
from tests.core.builders import NOW, against, channel, observation, of_code, verdict
from tests.core.watching import Director, serving

DO_A, NOT_B = "Replicate_Do_DB=a", "Replicate_Wild_Ignore_Table=b.%"


def told(director: Director, at: float, text: str) -> list[str]:
    judged = director.look(at, channel(filters=text))
    return [reason.text for reason in judged.verdict.reasons if reason.code == "filters_changed" and reason.severity]


def test_filters_of_several_channels_are_told_apart_in_any_order() -> None:
    a, b, plain = channel(name="a", filters=DO_A), channel(name="b", filters=NOT_B), channel(name="c")
    assert filters.written((b, plain, a)) == f"a: {DO_A}; b: {NOT_B}"
    assert filters.written((channel(filters=NOT_B),)) == NOT_B


def test_the_filters_of_the_first_look_are_the_right_ones() -> None:
    assert against(verdict(observation(channel(filters=DO_A)))) == []
    assert filters.remember(None, (channel(filters=DO_A),), NOW) == Filters(DO_A)


def test_a_change_is_told_for_a_day_and_takes_nobody_out() -> None:
    director = serving()
    assert told(director, 1, "") == []
    assert told(director, 2, DO_A) == [f"replication filters changed 0s ago, from none to {DO_A}"]
    assert told(director, 62, DO_A) == [f"replication filters changed 1m ago, from none to {DO_A}"]
    assert director.phase(63, channel(filters=DO_A)) is Phase.UP
    assert told(director, 86_402, DO_A) != []
    assert told(director, 86_403, DO_A) == []


def test_what_is_taken_back_has_not_changed() -> None:
    director = serving()
    told(director, 1, DO_A)
    assert told(director, 2, "") == []
    assert told(director, 3, "") == []


def test_a_second_change_begins_anew() -> None:
    director = serving()
    told(director, 1, DO_A)
    assert told(director, 11, NOT_B) == [f"replication filters changed 0s ago, from {DO_A} to {NOT_B}"]


def test_a_filter_that_came_with_a_restart_is_told() -> None:
    director = serving()
    director.server.restart(1)
    assert told(director, 2, DO_A) == [f"replication filters changed 0s ago, from none to {DO_A}"]


def test_a_server_without_channels_forgets_nothing() -> None:
    director = serving()
    before = director.records["replica"].memory.filters
    director.server.restart(1)
    judged = director.look(2, channel(io_state="No", lag=None, filters=""))
    assert judged.record.memory.filters == before == Filters("")


def test_after_a_reboot_of_the_director_it_is_no_longer_told() -> None:
    director = serving()
    told(director, 1, DO_A)
    director.reboot()
    assert told(director, 2, DO_A) == []


def test_endless_filters_fit_the_line() -> None:
    memory = Memory(filters=Filters(DO_A * 100, NOT_B * 100, NOW))
    reason = of_code(verdict(observation(channel(filters=DO_A * 100)), memory), "filters_changed")
    assert (reason.severity, len(reason.text) < 300) == (Severity.NOTE, True)
