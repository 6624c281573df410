"""Metrics for node_exporter's textfile collector: the only import of prometheus_client.

Every series is always there. A value that is unknown is NaN, never a series that vanishes: an alert on a
series that is gone never fires (prometheus/mysqld_exporter#604). Only a channel that `--channel` does not name
has its series no longer than the server tells of it. No timestamps: with one the collector drops the whole file.
`Metric` below is the table that docs/reference/metrics.md is generated from.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from mysqlcheck import holddown
from mysqlcheck.checks import CODES
from mysqlcheck.checks.channels import Channels
from mysqlcheck.checks.read_only import ReadOnly
from mysqlcheck.judgement import JudgementSettings, Look
from mysqlcheck.model import Action, Phase
from mysqlcheck.outcome import Style, weight
from mysqlcheck.pool import Count
from mysqlcheck.standing import STANDING_CODES

Family: TypeAlias = GaugeMetricFamily | CounterMetricFamily


class Metric(NamedTuple):
    """One metric family: its name, help, and labels beyond `target` and `role`."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    type: str = "gauge"


DECISION = Metric("mysqlcheck_decision", "1 for what the rules say of the server, 0 for the others.", ("decision",))
REASON = Metric("mysqlcheck_reason", "1 where this reason speaks against the server, else 0.", ("code",))
WEIGHT = Metric("mysqlcheck_weight", "Weight that keepalived is asked to set; NaN in plain style.")
FULL_WEIGHT = Metric("mysqlcheck_full_weight", "Weight of a server that has nothing against it; NaN in plain style.")
EXIT_CODE = Metric("mysqlcheck_exit_code", "Exit code given to keepalived; its meaning depends on the style.")
SHADOW = Metric("mysqlcheck_shadow", "1 where --shadow always says serve, whatever the decision is.")
LAG = Metric("mysqlcheck_lag_seconds", "Largest lag of all replication channels; NaN where unknown.")
CHANNELS = Metric("mysqlcheck_replication_channels", "Configured replication channels; NaN where unknown.")
IO_RUNNING = Metric("mysqlcheck_io_threads_running", "Channels whose IO thread is connected; NaN where unknown.")
SQL_RUNNING = Metric("mysqlcheck_sql_threads_running", "Channels whose SQL thread runs; NaN where unknown.")
CHANNEL_LAG = Metric(
    "mysqlcheck_channel_lag_seconds",
    "Lag that this channel reports, NaN where it reports none.",
    ("channel",),
)
CHANNEL_IO = Metric(
    "mysqlcheck_channel_io_running",
    "1 where this channel's IO thread is connected, 0 where not or it is missing, NaN where unknown.",
    ("channel",),
)
CHANNEL_SQL = Metric(
    "mysqlcheck_channel_sql_running",
    "1 where this channel's SQL thread runs, 0 where not or it is missing, NaN where unknown.",
    ("channel",),
)
CHANNEL_METRICS = (CHANNEL_LAG, CHANNEL_IO, CHANNEL_SQL)
READ_ONLY = Metric("mysqlcheck_read_only", "1 for read_only ON, 0 for OFF, NaN where unknown.")
DURATION = Metric("mysqlcheck_observation_duration_seconds", "Time from name resolution to the last answer.")
LAST_CHECK = Metric("mysqlcheck_last_check_timestamp_seconds", "Unix time at which this check ended.")
SERVER = Metric(
    "mysqlcheck_server_info",
    "Always 1; the server's flavor and version, empty where unknown.",
    ("flavor", "version"),
)
PHASE = Metric("mysqlcheck_phase", "1 for the phase that the server is in, 0 for the others.", ("phase",))
HOLD = Metric(
    "mysqlcheck_hold_remaining_seconds",
    "How long the hold timer still runs: 0 where nothing is held, +Inf until released by hand.",
)
OPERATOR_HOLD = Metric("mysqlcheck_operator_hold", "1 while an operator has drained the server by hand.")
FLAPS = Metric("mysqlcheck_flaps", "Restarts and failures remembered; each half-life halves what one counts.")
TRANSITIONS = Metric(
    "mysqlcheck_transitions_total",
    "Changes of phase since the state directory was begun; 0 where it cannot be read.",
    ("from", "to"),
    "counter",
)
LAST_CHANGE = Metric("mysqlcheck_last_change_timestamp_seconds", "Unix time of the last change of phase.")
STATE_ERROR = Metric("mysqlcheck_state_error", "1 where memory could not be read or kept in the state directory.")
CONFIG_ERROR = Metric("mysqlcheck_config_error", "1 where a file is broken and its last good version is used.")
LOOKS = Metric("mysqlcheck_agent_looks_total", "Looks at servers since the agent began.", type="counter")
LATE = Metric(
    "mysqlcheck_agent_late_looks_total",
    "Looks that began more than 0.1 s after their time: the director cannot keep up.",
    type="counter",
)
POOL_SIZE = Metric("mysqlcheck_pool_servers", "Servers of the pool.", ("pool",))
POOL_MIN = Metric("mysqlcheck_pool_min_serving", "How many of them must serve.", ("pool",))
POOL_SERVING = Metric("mysqlcheck_pool_serving", "How many serve by themselves; below the minimum: panic.", ("pool",))
POOL_LET_IN = Metric("mysqlcheck_pool_let_in", "How many more are let in because too few would serve.", ("pool",))
POOL_SOURCE_LOST = Metric(
    "mysqlcheck_pool_source_lost",
    "1 where several of the pool ask the same source, and it answers none of them, else 0.",
    ("pool",),
)
POOL_LINKS_LOST = Metric(
    "mysqlcheck_pool_links_lost",
    "Replicas that have lost a source to which others of the pool are connected.",
    ("pool",),
)
POOL_METRICS = (POOL_SIZE, POOL_MIN, POOL_SERVING, POOL_LET_IN, POOL_SOURCE_LOST, POOL_LINKS_LOST)
POOL_REFUSED = Metric(
    "mysqlcheck_pool_sources_refused",
    "Servers of role source that would serve and are refused, because the pool has another source.",
    ("pool",),
)
AGENT_METRICS = (LOOKS, LATE, *POOL_METRICS, POOL_REFUSED)
METRICS = (
    DECISION, PHASE, REASON, WEIGHT, FULL_WEIGHT, HOLD, OPERATOR_HOLD, FLAPS, TRANSITIONS, LAST_CHANGE, STATE_ERROR,
    CONFIG_ERROR, EXIT_CODE, SHADOW, LAG, CHANNELS, IO_RUNNING, SQL_RUNNING, *CHANNEL_METRICS, READ_ONLY,
    DURATION, LAST_CHECK, SERVER,
)  # fmt: skip


def file_name(target: str, role: str) -> str:
    """Return the name of a target's own file in a directory: no two pairs of target and role share one."""
    safe = re.sub(r"[^A-Za-z0-9.-]", lambda found: f"_{ord(found[0]):x}_", target)
    return f"mysqlcheck-{safe}-{role}.prom"


class Row(NamedTuple):
    """One check: what it saw and was told, and the exit code that it gave."""

    look: Look
    settings: JudgementSettings
    exit_code: int
    config_broken: bool = False


class Own(NamedTuple):
    """What the agent has to tell beside its checks: how many looks it has made, how many of them late, its pools."""

    looks: int
    late: int
    pools: Sequence[Count] = ()
    refused: Sequence[tuple[str, int]] = ()
    """Each pool that has sources, and how many of them are refused."""


def render(rows: Sequence[Row], own: Own | None = None) -> bytes:
    """Return checks as Prometheus text: what the rules said, shadow or not; and what the agent tells of itself."""
    all_values = [((str(row.look.observation.target), row.settings.role), _values(row)) for row in rows]

    class Checks(Collector):
        def collect(self) -> Iterable[Family]:
            for metric in METRICS:
                counts = metric.type == "counter"
                kind = CounterMetricFamily if counts else GaugeMetricFamily
                name = metric.name.removesuffix("_total")
                family: Family = kind(name, metric.help, labels=("target", "role", *metric.labels))
                for common, values in all_values:
                    for labels, value in values[metric]:
                        family.add_metric((*common, *labels), value)
                yield family
            if own is None:
                return
            for metric, count in ((LOOKS, own.looks), (LATE, own.late)):
                family = CounterMetricFamily(metric.name.removesuffix("_total"), metric.help)
                family.add_metric((), count)
                yield family
            for position, metric in enumerate(POOL_METRICS):
                family = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
                for pool in own.pools:
                    numbers = (*pool[1:],)
                    family.add_metric((pool.name,), numbers[position])
                yield family
            family = GaugeMetricFamily(POOL_REFUSED.name, POOL_REFUSED.help, labels=POOL_REFUSED.labels)
            for name, number in own.refused:
                family.add_metric((name,), number)
            yield family

    registry = CollectorRegistry()
    registry.register(Checks())
    return generate_latest(registry)


def _values(row: Row) -> dict[Metric, list[tuple[tuple[str, ...], float]]]:
    seen, settings, exit_code, config_broken = row
    observation, judged, answer, record = seen.observation, seen.judged, seen.answer, seen.judgement.record
    facts, read_only = observation.fact(Channels), observation.fact(ReadOnly)
    channels = facts.judged if facts else None
    lag = seen.judgement.verdict.lag
    weighted = answer.style is not Style.PLAIN
    server = observation.server
    single = {
        WEIGHT: weight(judged, answer.full) if weighted else math.nan,
        FULL_WEIGHT: answer.full if weighted else math.nan,
        EXIT_CODE: exit_code,
        SHADOW: settings.shadow,
        HOLD: judged.reentry or 0.0,
        OPERATOR_HOLD: (seen.hold or seen.judgement.shared) is not None,
        FLAPS: holddown.penalty(record.standing.flaps, settings, observation.ended),
        LAST_CHANGE: record.changed,
        STATE_ERROR: seen.state_trouble is not None,
        CONFIG_ERROR: config_broken,
        LAG: lag.seconds if lag else math.nan,
        CHANNELS: math.nan if channels is None else len(channels),
        IO_RUNNING: math.nan if channels is None else sum(channel.io_running for channel in channels),
        SQL_RUNNING: math.nan if channels is None else sum(channel.sql_running for channel in channels),
        READ_ONLY: math.nan if read_only is None else read_only.on,
        DURATION: observation.ended.seconds - observation.began.seconds,
        LAST_CHECK: record.at,
    }
    against = {reason.code for reason in judged.reasons}
    info = (server.flavor, ".".join(map(str, server.number))) if server else ("", "")
    counts = {(before, after): count for before, after, count in record.transitions}
    return {
        **{metric: [((), float(value))] for metric, value in single.items()},
        DECISION: [((action.value,), float(action is judged.action)) for action in Action],
        PHASE: [((phase.value,), float(phase is judged.phase)) for phase in Phase],
        REASON: [((code,), float(code in against)) for code in (*CODES, *STANDING_CODES)],
        TRANSITIONS: [(edge, float(counts.get(edge, 0))) for edge in holddown.edges()],
        SERVER: [(info, 1.0)],
        **_of_channels(facts, settings.channel),
    }


def _of_channels(
    facts: Channels | None, expected: tuple[str, ...]
) -> dict[Metric, list[tuple[tuple[str, ...], float]]]:
    """Every channel that is there and every one that should be: one that is missing does not run."""
    runs = math.nan if facts is None else 0.0
    values = {name.lower(): (math.nan, runs, runs) for name in expected}
    for one in facts.channels if facts else ():
        behind = math.nan if one.lag is None else one.lag
        values[one.name.lower()] = (behind, one.io_running, one.sql_running)
    return {
        metric: [((name,), float(numbers[place])) for name, numbers in values.items()]
        for place, metric in enumerate(CHANNEL_METRICS)
    }
