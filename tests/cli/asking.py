"""How the tests of this folder ask about one of their servers."""

from collections.abc import Mapping

from tests.command import Ended, mysqlcheck
from tests.hostile.personas import PASSWORD
from tests.hostile.server import HostileServer


def address(server: HostileServer) -> tuple[str, ...]:
    """The options that name a server."""
    return ("--host", server.host, "--port", str(server.port))


def check(server: HostileServer, *arguments: str, env: Mapping[str, str] | None = None) -> Ended:
    """Check a server with the password that the fake ones know."""
    return mysqlcheck(*address(server), *arguments, env=env, password=PASSWORD)
