"""Servers, and keys made once a worker."""

from collections.abc import Iterator

import pytest
from hypothesis.configuration import set_hypothesis_home_dir

from tests.hostile.keys import Keys, make_keys
from tests.hostile.server import HostileServer


@pytest.fixture(scope="session", autouse=True)
def hypothesis_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What hypothesis keeps for itself goes into the run's own temporary folder."""
    set_hypothesis_home_dir(tmp_path_factory.mktemp("hypothesis"))


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def silent() -> Iterator[HostileServer]:
    """A server that accepts and says nothing."""
    with HostileServer(lambda session: session.wait_for_hangup()) as server:
        yield server
