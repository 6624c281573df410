"""The registry: what is asked of a server, and every rule that judges the answers.

A new rule is a new file in this folder, a line here, and a section in docs/reference/reasons.md.
"""

from __future__ import annotations

from mysqlcheck.checks import (
    applier,
    channels,
    checksums,
    connection,
    disk_full,
    filters,
    group,
    gtid,
    heartbeat,
    incarnation,
    lag,
    load,
    offline_mode,
    read_only,
    shared_hold,
    source,
    threads,
    words,
    wsrep,
)
from mysqlcheck.checks.probe import Probe, Rule
from mysqlcheck.model import Instant, Memory, Observation, Reason, Severity, Verdict


class Policy(
    connection.ConnectionSettings,
    threads.ThreadsSettings,
    channels.ChannelsSettings,
    source.SourceSettings,
    gtid.GtidSettings,
    checksums.ChecksumSettings,
    read_only.ReadOnlySettings,
    lag.LagSettings,
    load.LoadSettings,
):
    """The settings of all rules."""


RULES: tuple[Rule, ...] = (
    Rule(connection.CODES, connection.rule),
    offline_mode.RULE,
    wsrep.RULE,
    group.RULE,
    threads.RULE,
    disk_full.RULE,
    channels.RULE,
    source.RULE,
    gtid.RULE,
    checksums.RULE,
    filters.RULE,
    read_only.RULE,
    lag.RULE,
    shared_hold.RULE,
    load.RULE,
)
CODES: tuple[str, ...] = tuple(code for rule in RULES for code in rule.codes)

FACTS: tuple[type, ...] = (
    incarnation.Incarnation,
    read_only.ReadOnly,
    shared_hold.HoldTable,
    shared_hold.SharedHold,
    channels.Channels,
    heartbeat.Beats,
    applier.Applier,
    gtid.Gtids,
    gtid.Compared,
    checksums.Checksums,
    offline_mode.OfflineMode,
    wsrep.Wsrep,
    wsrep.RejectsQueries,
    group.GroupPlugin,
    group.Group,
    group.GroupMember,
    load.Load,
)
"""The types of facts: a capture names its facts by these (captures.py)."""


def probes(settings: Policy) -> tuple[Probe, ...]:
    """Return what to ask a server; a source's own replication is not ours to judge."""
    # who it is first: all else is about that
    asked = [incarnation.WORDS, read_only.WORDS, offline_mode.WORDS, wsrep.WORDS, group.WORDS, shared_hold.WORDS]
    if settings.max_connections_used is not None or settings.max_threads_running is not None:
        asked.append(load.WORDS)
    own = (wsrep.PROBE, group.NAME_PROBE, group.PROBE, shared_hold.probe(str(settings.target)))
    if settings.role == "source":
        return words.together(asked), *own
    if settings.gtid_check != "off":
        asked.append(gtid.WORDS)
    probed = (words.together(asked), *own, channels.PROBE)
    if settings.lag_source in lag.READ_BEATS and settings.heartbeat_table:
        return (*probed, heartbeat.probe(settings))
    return (*probed, applier.PROBE) if settings.lag_source in lag.READ_APPLIER else probed


def judge(observation: Observation, memory: Memory, settings: Policy, now: Instant) -> Verdict:
    """Let every rule speak. Reasons come the most severe first, equals in the order of the registry."""
    reasons: list[Reason] = []
    for rule in RULES:
        reasons.extend(rule.judge(observation, memory, settings, now))
    reasons.sort(key=lambda reason: -reason.severity)
    known = lag.known(observation, memory, settings, now)
    behind = known.seconds if known else None
    if memory.lag and observation.fact(channels.Channels) is None:  # what it was before this look failed
        behind = memory.lag.seconds
    blind = observation.trouble is not None and reasons[0].severity is Severity.NOTE
    share = min(lag.share(behind, settings), load.share(observation.fact(load.Load), settings))
    if blind and reasons[0].code == "connections_exhausted":
        share = lag.LEAST_SHARE
    return Verdict(tuple(reasons), share, blind, known)
