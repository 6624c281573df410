"""What holds for every run of the tests, and the two servers that most of them ask for."""

from collections.abc import Iterator

import pytest

from tests.hostile.personas import MYSQL
from tests.hostile.server import HostileServer
from tests.real.report import pytest_terminal_summary

# the closing lines of a run name the real servers that did not run
__all__ = ["dead", "healthy", "pytest_terminal_summary"]


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
