"""Judges a text as keepalived.conf."""

from __future__ import annotations

from pathlib import Path

from mysqlcheck.cli.lint import timeout
from mysqlcheck.keepalived import conf
from mysqlcheck.keepalived.lint import Finding, findings
from mysqlcheck.keepalived.machine import Machine
from mysqlcheck.keepalived.rules import Known, Version
from mysqlcheck.options import Settings

from .machines import MadeUp

OPTIONS = frozenset(setting.option for setting in Settings.declared().values() if "cli" in setting.sources)


def judge(path: Path, machine: Machine | None = None, version: Version | None = (2, 2, 7)) -> list[Finding]:
    """Everything that is found in a file."""
    return findings(Known(conf.read(str(path)), machine or MadeUp(), OPTIONS, timeout, version))
