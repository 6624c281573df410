"""Runs our command against a server of the lab, logged in as the monitor."""

from __future__ import annotations

from tests.command import Ended, mysqlcheck
from tests.lab.server import Server
from tests.lab.topology import Topology


class Checker:
    """Checks servers of one topology with the account that `mysqlcheck grants` would make."""

    def __init__(self, topology: Topology) -> None:
        self.topology = topology

    def __call__(self, server: Server, *arguments: str, password: str | None = None) -> Ended:
        where = ["--host", server.host, "--port", str(server.port), "--timeout", "5s"]
        secret = self.topology.monitor.password if password is None else password
        ended = mysqlcheck(*where, *arguments, password=secret)
        assert secret not in ended.out + ended.err
        assert "Traceback" not in ended.err
        return ended

    def json(self, server: Server, *arguments: str, password: str | None = None) -> Ended:
        """The same with --output json."""
        return self(server, "--output", "json", *arguments, password=password)
