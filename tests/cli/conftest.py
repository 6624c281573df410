"""The two servers that most questions need: one that refuses, and one that is healthy."""

from collections.abc import Iterator

import pytest

from tests.hostile.personas import MYSQL
from tests.hostile.server import HostileServer


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
