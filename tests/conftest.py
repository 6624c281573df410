"""What holds for every run of the tests, and the two servers that most of them ask for."""

import os
from collections.abc import Generator, Iterator

import pytest

from tests.command import COMMAND
from tests.core.report import histories_summary
from tests.hostile.personas import MYSQL
from tests.hostile.server import HostileServer
from tests.real.report import servers_summary


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name the real servers that did not run, and the seeds of what is random."""
    if not config.option.collectonly:
        histories_summary(terminalreporter)
        servers_summary(terminalreporter)


@pytest.fixture
def dead() -> Iterator[HostileServer]:
    """A port that refuses connections and belongs to nobody else meanwhile."""
    with HostileServer(None) as server:
        yield server


@pytest.fixture
def healthy() -> Iterator[HostileServer]:
    """A replica with nothing against it."""
    with HostileServer(MYSQL.script()) as server:
        yield server


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where everything is required (CI), a test that is skipped has failed: nothing is left out in silence."""
    report = yield
    why = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
    unreachable = f"an ordinary user cannot run {COMMAND}" in why  # a checkout that only root may enter
    if report.skipped and os.environ.get("TEST_REQUIRE") == "all" and not unreachable:
        report.outcome = "failed"
        report.longrepr = f"skipped, although TEST_REQUIRE=all: {report.longrepr}"
    return report
