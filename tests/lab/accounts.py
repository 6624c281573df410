"""The accounts of the lab: the monitor's, as an operator would create it, and the one that replication uses."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from tests.lab.server import Server

MONITOR_USER = "mysqlcheck"
MONITOR_ACCOUNT = f"'{MONITOR_USER}'@'%'"
REPLICATOR = "'replicator'@'127.0.0.1'"
LEAST_PRIVILEGES = {
    "mysql": (f"GRANT REPLICATION CLIENT ON *.* TO {MONITOR_ACCOUNT}",),
    "mariadb": (f"GRANT REPLICA MONITOR ON *.* TO {MONITOR_ACCOUNT}",),  # since 10.5; SHOW REPLICA STATUS needs it
}


class Monitor:
    """The monitor's account on all servers of a topology."""

    def __init__(self, flavor: str, grants: Sequence[str] | None = None) -> None:
        self.user = MONITOR_USER
        self.password = secrets.token_urlsafe(18)
        self.grants = tuple(LEAST_PRIVILEGES[flavor] if grants is None else grants)
        self._as_created: dict[str, list[str]] = {}

    def statements(self, grants: Sequence[str] | None = None) -> list[str]:
        """Create the account anew; neither dialect's default authentication is named, so it is what people get."""
        return [
            f"DROP USER IF EXISTS {MONITOR_ACCOUNT}",
            f"CREATE USER {MONITOR_ACCOUNT} IDENTIFIED BY '{self.password}'",
            *(self.grants if grants is None else grants),
        ]

    def remember(self, server: Server) -> None:
        self._as_created[server.name] = self._description(server)

    def restore(self, server: Server) -> None:
        """If a test has changed the account, create it anew on this server alone."""
        if self._description(server) != self._as_created[server.name]:
            server.sql_here_only(*self.statements())
            self.remember(server)

    @staticmethod
    def _description(server: Server) -> list[str]:
        """Its password, locks, limits and privileges, without a login, which would fill MySQL's password cache."""
        with server.connect() as connection, connection.cursor() as cursor:
            if server.flavor == "mysql":
                cursor.execute("SET SESSION print_identified_with_as_hex = ON")  # a salt may be no valid text
            if not cursor.execute("SELECT 1 FROM mysql.user WHERE user = %s AND host = '%%'", (MONITOR_USER,)):
                return []
            cursor.execute(f"SHOW CREATE USER {MONITOR_ACCOUNT}")
            rows = list(cursor.fetchall())
            cursor.execute(f"SHOW GRANTS FOR {MONITOR_ACCOUNT}")
            return [str(value) for row in [*rows, *cursor.fetchall()] for value in row.values()]


def replicator_statements(password: str) -> list[str]:
    return [
        f"CREATE USER {REPLICATOR} IDENTIFIED BY '{password}'",
        f"GRANT REPLICATION SLAVE ON *.* TO {REPLICATOR}",
    ]
