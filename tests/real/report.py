"""The closing lines of a run: on which servers the tests really ran, and why not on the others.

A skip is easily overlooked, and a suite that has met no server proves little. What is said here comes out of the
tests' reports, which pytest-xdist carries from its workers to the controller.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.lab.providers import PROVIDERS

PROVIDER = "provider"  # names of user properties
SERVER = "server"
RAN = ("passed", "failed", "xfailed", "xpassed")
NOT_GROUPED = " (came up more than once: is --dist loadgroup in force?)"


def servers_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say it; nothing where no test of a real server was selected."""
    reports = list(_reports(terminalreporter))
    if not reports:
        return
    terminalreporter.section("real servers")
    for provider in PROVIDERS:
        text, ran = _account(provider, reports)
        terminalreporter.write_line(f"{provider:14} {text}", **({} if ran else {"yellow": True, "bold": True}))


def _reports(terminalreporter: pytest.TerminalReporter) -> Iterator[tuple[str, pytest.TestReport]]:
    """All that belong to a provider, with their category."""
    for category in (*RAN, "skipped", "error"):
        for report in terminalreporter.stats.get(category, []):
            if isinstance(report, pytest.TestReport) and _property(report, PROVIDER):
                yield category, report


def _account(provider: str, reports: list[tuple[str, pytest.TestReport]]) -> tuple[str, bool]:
    own = [(category, report) for category, report in reports if _property(report, PROVIDER) == provider]
    counts = Counter(category for category, _ in own)
    told = ", ".join(f"{count} {category}" for category, count in counts.items())
    if any(counts[category] for category in RAN):
        servers = {server for _, report in own if (server := _property(report, SERVER))}
        # More than one for a provider: its tests were spread over workers, and each had to bring up its own.
        return f"{'; '.join(sorted(servers))}: {told}{NOT_GROUPED if len(servers) > 1 else ''}", True
    if not own:
        return "DID NOT RUN: no test of it was selected", False
    return f"DID NOT RUN: {_reason(own[0][1])} ({told})", False


def _property(report: pytest.TestReport, name: str) -> str:
    return next((str(value) for key, value in report.user_properties if key == name), "")


def _reason(report: pytest.TestReport) -> str:
    if isinstance(report.longrepr, (tuple, list)):  # of a skip: file, line, reason
        return str(report.longrepr[-1]).removeprefix("Skipped: ")
    return (report.longreprtext.strip().splitlines() or ["no reason given"])[-1]
