"""Metrics: every series is always there, and what is unknown is NaN."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from mysqlcheck import holddown
from mysqlcheck.checks import CODES
from mysqlcheck.checks.channels import Channels
from mysqlcheck.judgement import Look, take_in
from mysqlcheck.metrics import AGENT_METRICS, CHANNEL_METRICS, METRICS, Own, Row, file_name, render
from mysqlcheck.model import Action, Memory, Observation, OperatorHold, Phase, Standing, Target
from mysqlcheck.options import Settings
from mysqlcheck.outcome import always_serve, answer_style, exit_code
from mysqlcheck.record import Record, Told
from mysqlcheck.standing import STANDING_CODES
from tests.core.builders import NOW, channel, lost, observation, recorded, unreachable
from tests.core.rows import load

PLAIN: dict[str, Any] = {}
WEIGHT: dict[str, Any] = {"weight": 100}
AT = 1_795_388_000.0
Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def look(
    seen: Observation,
    record: Record | None = None,
    hold: OperatorHold | None = None,
    state_trouble: str | None = None,
    **settings: Any,
) -> tuple[Look, Settings]:
    """A whole look, of a server that is trusted where nothing else is on record."""
    told = Settings.of(**{"host": "h", "hold_down": 0.0, **settings})
    judgement = take_in(record, record.memory.sighting if record else None, seen, hold, told, AT)
    return Look(seen, judgement, answer_style(told), hold, state_trouble), told


def text_of(seen: Observation, **how: Any) -> str:
    found, settings = look(seen, **how)
    made = always_serve(found.judged) if settings.shadow else found.judged
    return render([Row(found, settings, exit_code(made, found.answer))]).decode()


def series(seen: Observation, **how: Any) -> Series:
    """Every sample by its name and its labels beyond target and role."""
    found: Series = {}
    for family in text_string_to_metric_families(text_of(seen, **how)):
        assert family.type == ("counter" if family.name == "mysqlcheck_transitions" else "gauge")
        assert family.documentation
        for sample in family.samples:
            assert sample.timestamp is None
            labels = dict(sample.labels)
            assert labels.pop("target") == str(seen.target)
            assert labels.pop("role") == how.get("role", "replica")
            key = (sample.name, frozenset(labels.items()))
            assert key not in found
            found[key] = sample.value
    return found


def value(found: Series, name: str, **labels: str) -> float:
    return found[f"mysqlcheck_{name}", frozenset(labels.items())]


HEALTHY = observation(channel(lag=3))
FAILED = observation(channel(sql_running=False, lag=None), channel(name="b", lag=61), read_only=False)
LOOKS = {
    "healthy": HEALTHY,
    "failed": FAILED,
    "unreachable": unreachable(),
    "not a replica": observation(),
    "source lost": observation(lost()),
    "real": recorded(load("mariadb-10.11"), "healthy"),
}
looks = pytest.mark.parametrize("seen", LOOKS.values(), ids=LOOKS)


def keys_that_must_be_there(*channels: str) -> set[tuple[str, frozenset[tuple[str, str]]]]:
    labelled: dict[str, list[dict[str, str]]] = {
        "mysqlcheck_decision": [{"decision": action.value} for action in Action],
        "mysqlcheck_phase": [{"phase": phase.value} for phase in Phase],
        "mysqlcheck_reason": [{"code": code} for code in (*CODES, *STANDING_CODES)],
        "mysqlcheck_transitions_total": [{"from": before, "to": after} for before, after in holddown.edges()],
    }
    labelled |= {metric.name: [{"channel": name} for name in channels] for metric in CHANNEL_METRICS}
    keys = {(name, frozenset(labels.items())) for name, found in labelled.items() for labels in found}
    names = {metric.name for metric in METRICS} - set(labelled) - {"mysqlcheck_server_info"}
    return keys | {(name, frozenset[tuple[str, str]]()) for name in names}


@looks
@pytest.mark.parametrize("style", [PLAIN, WEIGHT], ids=["plain", "weight"])
def test_every_series_is_there_whatever_was_seen(seen: Observation, style: dict[str, Any]) -> None:
    found = {key for key in series(seen, **style) if key[0] != "mysqlcheck_server_info"}
    told = seen.fact(Channels)
    assert found == keys_that_must_be_there(*(one.name for one in told.channels) if told else ())
    assert len([key for key in series(seen, **style) if key[0] == "mysqlcheck_server_info"]) == 1


def test_the_reference_page_has_exactly_the_metrics_that_are_written() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"
    assert set(re.findall(r"^\| `(mysqlcheck_\w+)`", page.read_text(encoding="utf-8"), re.MULTILINE)) == {
        metric.name for metric in (*METRICS, *AGENT_METRICS)
    }


def test_the_agent_counts_its_looks_without_labels() -> None:
    found, settings = look(HEALTHY)
    own = Own(looks=1000, late=2, refused=[("writers", 1)])
    text = render([Row(found, settings, 0)], own).decode()
    assert '\nmysqlcheck_pool_sources_refused{pool="writers"} 1.0\n' in text
    assert "\nmysqlcheck_agent_looks_total 1000.0\n" in text
    assert "\nmysqlcheck_agent_late_looks_total 2.0\n" in text
    assert "mysqlcheck_agent" not in text_of(HEALTHY)


def test_a_healthy_replica_in_numbers() -> None:
    found = series(HEALTHY, **WEIGHT)
    assert value(found, "decision", decision="serve") == 1
    assert value(found, "decision", decision="fail") == 0
    assert {value(found, "reason", code=code) for code in CODES} == {0}
    assert (value(found, "weight"), value(found, "full_weight"), value(found, "exit_code")) == (100, 100, 102)
    assert (value(found, "lag_seconds"), value(found, "replication_channels")) == (3, 1)
    assert (value(found, "io_threads_running"), value(found, "sql_threads_running")) == (1, 1)
    assert (value(found, "read_only"), value(found, "shadow")) == (1, 0)
    assert value(found, "observation_duration_seconds") == pytest.approx(0.012)
    assert value(found, "last_check_timestamp_seconds") == AT


def test_a_failed_replica_in_numbers() -> None:
    found = series(FAILED, **WEIGHT)
    assert value(found, "decision", decision="fail") == 1
    assert {code for code in CODES if value(found, "reason", code=code)} == {"sql_stopped", "writable", "lag"}
    assert (value(found, "weight"), value(found, "exit_code"), value(found, "read_only")) == (0, 1, 0)
    assert (value(found, "io_threads_running"), value(found, "sql_threads_running")) == (2, 1)
    assert value(found, "lag_seconds") == 61


def test_of_an_unreachable_server_everything_it_did_not_say_is_nan() -> None:
    found = series(unreachable(), **WEIGHT)
    for name in ("lag_seconds", "replication_channels", "io_threads_running", "sql_threads_running", "read_only"):
        assert math.isnan(value(found, name)), name
    assert value(found, "server_info", flavor="", version="") == 1
    assert value(found, "reason", code="unreachable") == 1
    assert value(found, "weight") == 0


def test_a_server_that_is_no_replica_has_no_channels_and_no_lag() -> None:
    found = series(observation())
    assert (value(found, "replication_channels"), value(found, "io_threads_running")) == (0, 0)
    assert math.isnan(value(found, "lag_seconds"))


def test_a_lost_source_leaves_the_lag_unknown() -> None:
    assert math.isnan(value(series(observation(lost())), "lag_seconds"))


# each channel


def of_channel(found: Series, name: str) -> list[float]:
    """Lag, IO thread, SQL thread."""
    return [value(found, metric.name.removeprefix("mysqlcheck_"), channel=name) for metric in CHANNEL_METRICS]


def test_each_channel_in_numbers() -> None:
    found = series(observation(channel(lag=3), channel(name="B", lag=61), lost(name="c", sql_running=False)))
    assert of_channel(found, "") == [3, 1, 1]
    assert of_channel(found, "b") == [61, 1, 1]
    assert of_channel(found, "c") == [pytest.approx(math.nan, nan_ok=True), 0, 0]
    assert value(found, "lag_seconds") == 61


@looks
def test_a_channel_that_is_asked_for_has_its_series_whatever_was_seen(seen: Observation) -> None:
    found = series(seen, channel=("", "Orders"))
    told = seen.fact(Channels)
    runs = math.nan if told is None else 0.0  # of a server that was not asked nobody knows; what is gone does not run
    assert of_channel(found, "orders") == pytest.approx([math.nan, runs, runs], nan_ok=True)
    assert len(of_channel(found, "")) == 3


def test_a_channel_that_is_there_in_another_case_has_one_series() -> None:
    found = series(observation(channel(name="Orders", lag=2)), channel=("ORDERS",))
    assert of_channel(found, "orders") == [2, 1, 1]


def test_channels_that_look_alike_do_not_spoil_the_file() -> None:
    assert series(observation(channel(name="a"), channel(name="A"), channel(name='b"\\'), channel(name="")))


def test_group_replication_s_own_channels_have_series_and_are_not_counted() -> None:
    recovery = channel(name="group_replication_recovery", io_state="No", sql_running=False, lag=None)
    found = series(observation(channel(lag=3), recovery))
    assert of_channel(found, recovery.name)[1:] == [0, 0]
    assert (value(found, "replication_channels"), value(found, "sql_threads_running")) == (1, 1)


@looks
def test_plain_style_has_no_weight(seen: Observation) -> None:
    found = series(seen)
    assert math.isnan(value(found, "weight"))
    assert math.isnan(value(found, "full_weight"))


def test_a_shadow_shows_the_decision_and_the_code_that_was_given() -> None:
    found = series(FAILED, shadow=True)
    assert (value(found, "shadow"), value(found, "exit_code")) == (1, 0)
    assert value(found, "decision", decision="fail") == 1


# the phase, and what is remembered


def on_record(standing: Standing, transitions: tuple[tuple[str, str, int], ...] = ()) -> Record:
    """A record of ten minutes ago."""
    seen = NOW.plus(-600)
    return Record(Memory(), standing, seen, AT - 600, Told(Action.SERVE, None, "", "", 0.0), AT - 3600, transitions)


def held(left: float | None) -> Record:
    return on_record(Standing(Phase.HELD, NOW.plus(-700), None if left is None else NOW.plus(left), "restarted"))


@pytest.mark.parametrize(
    ("record", "phase", "remaining"),
    [
        (held(42.5), "held", 42.5),
        (held(None), "held", math.inf),
        (held(-1), "ramping", 0),
        (on_record(Standing(Phase.UP, NOW.plus(-700), NOW.plus(-600))), "up", 0),
    ],
    ids=["held", "held until released by hand", "no longer held", "up"],
)
def test_the_phase_is_1_for_one_and_the_hold_counts_down(record: Record, phase: str, remaining: float) -> None:
    found = series(HEALTHY, record=record, release="manual" if remaining == math.inf else "auto")
    assert {each.value: value(found, "phase", phase=each.value) for each in Phase} == {
        each.value: float(each.value == phase) for each in Phase
    }
    assert value(found, "hold_remaining_seconds") == remaining


def test_what_the_standing_says_is_a_reason_too() -> None:
    found = series(HEALTHY, record=held(42.5))
    assert {code for code in (*CODES, *STANDING_CODES) if value(found, "reason", code=code)} == {"held"}


def test_an_operator_s_hold_is_shown_and_is_a_reason() -> None:
    hold = OperatorHold("index rebuild", "operator", AT)
    found = series(HEALTHY, hold=hold)
    assert (value(found, "operator_hold"), value(found, "reason", code="operator_hold")) == (1, 1)
    assert value(found, "decision", decision="drain") == 1
    assert value(series(HEALTHY), "operator_hold") == 0


def test_flaps_are_counted_as_they_are_remembered() -> None:
    standing = Standing(Phase.UP, NOW.plus(-700), NOW.plus(-600), flaps=(NOW.plus(-900), NOW.plus(0)))
    assert value(series(HEALTHY, record=on_record(standing)), "flaps") == pytest.approx(1.5)
    assert value(series(HEALTHY), "flaps") == 0


def test_transitions_are_counted_from_the_record_and_with_this_look() -> None:
    record = on_record(Standing(Phase.UP, NOW.plus(-700), NOW.plus(-600)), (("up", "down", 3), ("down", "held", 2)))
    found = series(unreachable(), record=record)
    assert value(found, "transitions_total", **{"from": "up", "to": "down"}) == 4
    assert value(found, "transitions_total", **{"from": "down", "to": "held"}) == 2
    assert value(found, "transitions_total", **{"from": "held", "to": "ramping"}) == 0


def test_every_transition_that_a_look_can_make_has_its_counter() -> None:
    for phase in Phase:
        standing = Standing(phase, NOW.plus(-700), NOW.plus(-600), "sql_stopped")
        for seen in (HEALTHY, FAILED, unreachable(), observation(channel(lag=61))):
            after = look(seen, record=on_record(standing), ramp=0.0)[0].judged.phase
            if after is not phase:
                counted = series(seen, record=on_record(standing), ramp=0.0)
                assert value(counted, "transitions_total", **{"from": phase.value, "to": after.value}) == 1


def test_the_last_change_is_that_of_the_phase_and_not_of_the_check() -> None:
    record = on_record(Standing(Phase.UP, NOW.plus(-700), NOW.plus(-600)))
    assert value(series(HEALTHY, record=record), "last_change_timestamp_seconds") == AT - 3600
    assert value(series(FAILED, record=record), "last_change_timestamp_seconds") == AT


def test_a_state_directory_that_cannot_be_used_is_an_error() -> None:
    assert value(series(HEALTHY, state_trouble="no memory is kept: it is full"), "state_error") == 1
    assert value(series(HEALTHY), "state_error") == 0


# the server


@pytest.mark.parametrize(
    ("provider", "flavor", "version"),
    [("mariadb-10.11", "mariadb", "10.11.18"), ("mariadb-11.8", "mariadb", "11.8.9"), ("mysql-9.7", "mysql", "9.7.4")],
)
def test_the_server_is_named_with_flavor_and_version(provider: str, flavor: str, version: str) -> None:
    assert value(series(recorded(load(provider), "healthy")), "server_info", flavor=flavor, version=version) == 1


def test_the_target_may_be_a_path_or_an_ipv6_address() -> None:
    for target in (Target("::1"), Target("localhost", 3306, '/odd "path"\\.sock')):
        assert series(HEALTHY._replace(target=target))


# the name of a file in a directory


def test_the_name_of_a_file_tells_target_and_role() -> None:
    assert file_name("192.168.1.201:3306", "replica") == "mysqlcheck-192.168.1.201_3a_3306-replica.prom"


roles = st.sampled_from(["replica", "source", "any"])
names = st.text("ab_-.:/[]3aF", max_size=12) | st.text(max_size=8)


@given(names, roles, names, roles)
def test_two_pairs_of_target_and_role_never_share_a_file(one: str, role: str, other: str, role2: str) -> None:
    assert (file_name(one, role) == file_name(other, role2)) == ((one, role) == (other, role2))


@given(names, roles)
def test_the_name_of_a_file_stays_in_its_directory_and_is_read_by_node_exporter(target: str, role: str) -> None:
    name = file_name(target, role)
    assert re.fullmatch(r"mysqlcheck-[A-Za-z0-9._-]*\.prom", name)
