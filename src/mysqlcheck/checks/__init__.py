"""The registry: what is asked of a server, and every rule that judges the answers.

A new rule is a new file in this folder, a line here, and a section in docs/reference/reasons.md.
"""

from __future__ import annotations

from mysqlcheck.checks import channels, connection, lag, read_only, threads
from mysqlcheck.checks.probe import Probe, Rule
from mysqlcheck.model import Instant, Memory, Observation, Reason, Verdict


class Policy(connection.ConnectionSettings, threads.ThreadsSettings, lag.LagSettings):
    """The settings of all rules."""


RULES: tuple[Rule, ...] = (
    Rule(connection.CODES, connection.rule),
    threads.RULE,
    read_only.RULE,
    lag.RULE,
)
CODES: tuple[str, ...] = tuple(code for rule in RULES for code in rule.codes)


def probes(role: str) -> tuple[Probe, ...]:
    """Return what to ask a server of this role; a source's own replication is not ours to judge."""
    return (read_only.PROBE,) if role == "source" else (read_only.PROBE, channels.PROBE)


def judge(observation: Observation, memory: Memory, settings: Policy, now: Instant) -> Verdict:
    """Let every rule speak. Reasons come the most severe first, equals in the order of the registry."""
    reasons: list[Reason] = []
    for rule in RULES:
        reasons.extend(rule.judge(observation, memory, settings, now))
    reasons.sort(key=lambda reason: -reason.severity)
    facts = observation.fact(channels.Channels)
    behind = lag.worst(facts.channels) if facts else None
    return Verdict(tuple(reasons), lag.share(behind, settings))
