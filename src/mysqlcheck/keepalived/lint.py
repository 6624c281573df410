"""The linter: every rule over every view of a configuration. Pure: what is on the machine comes in as a value."""

from __future__ import annotations

from mysqlcheck.keepalived.conf import Config
from mysqlcheck.keepalived.findings import Context, Finding
from mysqlcheck.keepalived.machine import Machine, Version
from mysqlcheck.keepalived.rules import command, scripts, service, syntax, tracking, users, weights
from mysqlcheck.keepalived.servers import Judge

SUBJECTS = {
    "Scripts": scripts.RULES,
    "Users": users.RULES,
    "Our own command lines": command.RULES,
    "Weights and quorum": weights.RULES,
    "Track files": tracking.RULES,
    "The virtual server": service.RULES,
    "The text": syntax.RULES,
}
"""Every rule by its subject; docs/reference/lint.md is written from them."""
RULES = tuple(rule for rules in SUBJECTS.values() for rule in rules)


def findings(config: Config, judge: Judge, machine: Machine | None, version: Version | None) -> list[Finding]:
    """Return what the rules find, each once, in the order of files and lines.

    `judge` reads our own command lines; without a machine, or a version of keepalived, what needs it is passed over.
    """
    found: dict[Finding, None] = {}
    for view in config.views:
        context = Context(view, judge, machine, version)
        for rule in RULES:
            for place, text, advice in rule.find(context):
                finding = Finding(rule.code, rule.severity, place.file, place.line, text, advice or rule.instead)
                found[finding] = None
    order = {file: index for index, file in enumerate(config.files)}
    return sorted(found, key=lambda finding: (order.get(finding.file, 0), finding.line, -finding.severity))
