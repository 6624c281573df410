"""Metrics: every series is always there, and what is unknown is NaN."""

from __future__ import annotations

import math
import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from mysqlcheck.checks import CODES
from mysqlcheck.holddown import step
from mysqlcheck.metrics import METRICS, file_name, render
from mysqlcheck.model import Action, Observation, Target
from mysqlcheck.outcome import Answer, Style, always_serve, decide, exit_code
from tests.core.builders import NOW, channel, lost, observation, recorded, unreachable, verdict
from tests.core.rows import load

PLAIN, WEIGHT = Answer(Style.PLAIN, 100), Answer(Style.WEIGHT, 100)
Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def text_of(seen: Observation, answer: Answer = PLAIN, shadow: bool = False, role: str = "replica") -> str:
    judged = verdict(seen, role=role)
    made = decide(step(None, judged, NOW), judged)
    code = exit_code(always_serve(made) if shadow else made, answer)
    return render(seen, role, made, answer, code, shadow).decode()


def series(seen: Observation, **how: Any) -> Series:
    """Every sample by its name and its labels beyond target and role."""
    found: Series = {}
    for family in text_string_to_metric_families(text_of(seen, **how)):
        assert family.type == "gauge"
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


def keys_that_must_be_there() -> set[tuple[str, frozenset[tuple[str, str]]]]:
    names = {metric.name for metric in METRICS} - {"mysqlcheck_decision", "mysqlcheck_reason", "mysqlcheck_server_info"}
    keys = {(name, frozenset[tuple[str, str]]()) for name in names}
    keys |= {("mysqlcheck_decision", frozenset({("decision", action.value)})) for action in Action}
    return keys | {("mysqlcheck_reason", frozenset({("code", code)})) for code in CODES}


@looks
@pytest.mark.parametrize("answer", [PLAIN, WEIGHT], ids=["plain", "weight"])
def test_every_series_is_there_whatever_was_seen(seen: Observation, answer: Answer) -> None:
    found = {key for key in series(seen, answer=answer) if key[0] != "mysqlcheck_server_info"}
    assert found == keys_that_must_be_there()
    assert len([key for key in series(seen, answer=answer) if key[0] == "mysqlcheck_server_info"]) == 1


def test_the_reference_page_has_exactly_the_metrics_that_are_written() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"
    assert set(re.findall(r"^\| `(mysqlcheck_\w+)`", page.read_text(encoding="utf-8"), re.MULTILINE)) == {
        metric.name for metric in METRICS
    }


def test_a_healthy_replica_in_numbers() -> None:
    found = series(HEALTHY, answer=WEIGHT)
    assert value(found, "decision", decision="serve") == 1
    assert value(found, "decision", decision="fail") == 0
    assert {value(found, "reason", code=code) for code in CODES} == {0}
    assert (value(found, "weight"), value(found, "full_weight"), value(found, "exit_code")) == (100, 100, 102)
    assert (value(found, "lag_seconds"), value(found, "replication_channels")) == (3, 1)
    assert (value(found, "io_threads_running"), value(found, "sql_threads_running")) == (1, 1)
    assert (value(found, "read_only"), value(found, "shadow")) == (1, 0)
    assert value(found, "observation_duration_seconds") == pytest.approx(0.012)
    assert abs(value(found, "last_check_timestamp_seconds") - time.time()) < 60


def test_a_failed_replica_in_numbers() -> None:
    found = series(FAILED, answer=WEIGHT)
    assert value(found, "decision", decision="fail") == 1
    assert {code for code in CODES if value(found, "reason", code=code)} == {"sql_stopped", "writable", "lag"}
    assert (value(found, "weight"), value(found, "exit_code"), value(found, "read_only")) == (0, 1, 0)
    assert (value(found, "io_threads_running"), value(found, "sql_threads_running")) == (2, 1)
    assert value(found, "lag_seconds") == 61


def test_of_an_unreachable_server_everything_it_did_not_say_is_nan() -> None:
    found = series(unreachable(), answer=WEIGHT)
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


@looks
def test_plain_style_has_no_weight(seen: Observation) -> None:
    found = series(seen)
    assert math.isnan(value(found, "weight"))
    assert math.isnan(value(found, "full_weight"))


def test_a_shadow_shows_the_decision_and_the_code_that_was_given() -> None:
    found = series(FAILED, shadow=True)
    assert (value(found, "shadow"), value(found, "exit_code")) == (1, 0)
    assert value(found, "decision", decision="fail") == 1


@pytest.mark.parametrize(
    ("provider", "flavor", "version"),
    [("mariadb-10.11", "mariadb", "10.11.19"), ("mariadb-11.8", "mariadb", "11.8.6"), ("mysql-9.7", "mysql", "9.7.4")],
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
