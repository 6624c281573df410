"""The fixture `topology`: a test that asks for it runs once against each kind of server.

    def test_a_stopped_sql_thread_fails(topology):
        topology.stop_sql_thread(topology.replica)

A kind that cannot run here is skipped; TEST_REQUIRE (names separated by commas, or `all`) makes that a failure.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.lab.providers import PROVIDERS, Unavailable, load
from tests.lab.server import Server
from tests.lab.topology import Topology
from tests.real.report import PROVIDER, SERVER
from tests.state.conftest import disks as disks
from tests.state.conftest import ordinary as ordinary

FIXTURE = "running_topology"
REQUIRE = "TEST_REQUIRE"
REPLICAS = 2


def required() -> set[str]:
    names = {name.strip() for name in os.environ.get(REQUIRE, "").split(",") if name.strip()}
    if "all" in names:
        return set(PROVIDERS)
    if unknown := names - set(PROVIDERS):
        known = ", ".join(PROVIDERS)
        pytest.fail(f"{REQUIRE}: unknown {', '.join(sorted(unknown))} (known: {known}, all)", pytrace=False)
    return names


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of one provider share a worker (--dist loadgroup), and so a topology; each report names its provider."""
    for item in items:
        callspec = getattr(item, "callspec", None)
        provider = callspec.params.get(FIXTURE) if callspec else None
        if provider:
            item.add_marker(pytest.mark.xdist_group(provider))
            item.user_properties.append((PROVIDER, provider))


def load_or_reason(provider: str) -> type[Server] | str:
    try:
        return load(provider)
    except Unavailable as error:
        return str(error)


@pytest.fixture(scope="session", params=list(PROVIDERS))
def running_topology(request: pytest.FixtureRequest) -> Iterator[Topology]:
    """One for all tests of a provider. Use `topology`."""
    provider: str = request.param
    must = provider in required()
    kind = load_or_reason(provider)
    if isinstance(kind, str) and must:
        pytest.fail(f"{provider} is required by {REQUIRE}: {kind}", pytrace=False)
    if isinstance(kind, str):
        pytest.skip(kind)
    with Topology.start(kind, replicas=REPLICAS) as topology:
        yield topology


@pytest.fixture
def topology(running_topology: Topology, request: pytest.FixtureRequest) -> Topology:
    """Healthy, whatever the test before has done to it."""
    running_topology.reset()
    version = ".".join(str(part) for part in running_topology.source.version)
    up = f"{version}, topology up in {running_topology.came_up_in:.1f} s"
    request.node.user_properties.append((SERVER, up))
    return running_topology
