"""The closing lines of a run: how many steps the random histories made, and the seed that repeats them."""

from __future__ import annotations

import pytest

HISTORY = "history"  # name of a user property


def histories_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what each kind of history made; nothing where none ran."""
    reports = [one for category in ("passed", "failed") for one in terminalreporter.stats.get(category, [])]
    lines = [str(told) for one in reports for name, told in one.user_properties if name == HISTORY]
    if lines:
        terminalreporter.section("random histories")
    for line in sorted(lines):
        terminalreporter.write_line(line)
