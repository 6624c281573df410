"""What the doctor asks a server beyond the check's own questions: who it is, the line, and what the account may do.

None of these needs a privilege. Passwords' hashes, which some answers hold, are left behind in the parsing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from mysqlcheck.checks.probe import Probe, column, one_line
from mysqlcheck.model import ServerVersion, Table

READS_STATE = frozenset(
    {"USAGE", "REPLICATION CLIENT", "BINLOG MONITOR", "REPLICA MONITOR", "SLAVE MONITOR", "PROCESS", "SHOW DATABASES"}
)
"""Privileges that show how a server does and none of its data; MariaDB 10.5 has its own names for the first."""
OF_STATE = ("performance_schema", "information_schema", "sys")
"""Schemas that hold no data of anybody's."""


class Identity(NamedTuple):
    """Who answered, and as whom we are known."""

    account: str
    hostname: str
    server_id: str
    server_uuid: str
    """Empty on MariaDB, which has none."""
    bind_address: str
    lifetime: int
    """Days until a password expires that says nothing of its own; 0: never."""

    @property
    def key(self) -> str:
        """What tells one server from another."""
        return self.server_uuid or f"server_id {self.server_id} on {self.hostname}"


class Tls(NamedTuple):
    """What was negotiated; empty where nothing was."""

    version: str
    cipher: str


class Privileges(NamedTuple):
    """What the account has beyond looking at the server's state, in the server's own words."""

    beyond: tuple[str, ...]


class Expiry(NamedTuple):
    """Days for which a password of this account is good; 0: for ever. None: as default_password_lifetime says."""

    days: int | None


def identity_query(server: ServerVersion) -> str:
    """Ask for what this version has: MariaDB knows bind_address since 10.3.3, and expiry since 10.4.3.

    https://mariadb.com/kb/en/server-system-variables/#bind_address, .../#default_password_lifetime;
    https://dev.mysql.com/doc/refman/8.4/en/server-system-variables.html#sysvar_default_password_lifetime (5.7.4).
    """
    uuid = "''" if server.mariadb else "@@global.server_uuid"
    bind = "@@global.bind_address" if not server.mariadb or server.number >= (10, 3, 3) else "'*'"
    expires = server.number >= ((10, 4, 3) if server.mariadb else (5, 7, 4))
    lifetime = "@@global.default_password_lifetime" if expires else "0"
    return (
        f"SELECT CURRENT_USER() AS account, @@global.hostname AS hostname, @@global.server_id AS server_id, "
        f"{uuid} AS server_uuid, {bind} AS bind_address, {lifetime} AS lifetime"
    )


def parse_identity(table: Table) -> Identity:
    """Read the one row; a bind_address that is NULL is none that binds."""
    row = table.rows[0] if table.rows else {}
    account, hostname, number, uuid, bind, days = (
        one_line(row.get(column(table, name)) or "", 255) for name in (*Identity._fields[:5], "lifetime")
    )
    return Identity(account, hostname, number, uuid, bind, int(days) if days.isdecimal() else 0)


def parse_tls(table: Table) -> Tls:
    """Read the session's two status variables."""
    name, value = column(table, "Variable_name"), column(table, "Value")
    found = {row[name]: one_line(row[value] or "", 80) for row in table.rows}
    return Tls(found.get("Ssl_version", ""), found.get("Ssl_cipher", ""))


def parse_grants(table: Table) -> Privileges:
    """Read SHOW GRANTS: `GRANT A, B (column) ON what TO whom …`. Of a role that is granted nothing is told here."""
    beyond: list[str] = []
    for row in table.rows:
        found = re.match(r"GRANT (.+?) ON (.+?) TO ", row[table.columns[0]] or "")
        if found is None:
            continue
        where = one_line(found[2].replace("`", ""), 80)
        schema = where.partition(".")[0]
        for privilege in re.sub(r"\([^)]*\)", "", found[1]).split(","):
            name = privilege.strip().upper()
            if name not in READS_STATE and not (name == "SELECT" and (schema in OF_STATE or _one_table(where))):
                beyond.append(f"{one_line(name, 60)} ON {where}")
        if "WITH GRANT OPTION" in (row[table.columns[0]] or ""):
            beyond.append(f"GRANT OPTION ON {where}")
    return Privileges(tuple(dict.fromkeys(beyond)))


def _one_table(where: str) -> bool:
    """Whether it is one table of somebody's, as a heartbeat is, and none of the server's accounts."""
    schema, _, name = where.partition(".")
    return "*" not in (schema, name) and schema != "mysql"


def parse_expiry(table: Table) -> Expiry:
    """Read SHOW CREATE USER, and of it no more than when the password expires."""
    text = str(table.rows[0][table.columns[0]]) if table.rows else ""
    if found := re.search(r"PASSWORD EXPIRE INTERVAL (\d{1,6}) DAY", text):
        return Expiry(int(found[1]))
    return Expiry(0 if "PASSWORD EXPIRE NEVER" in text else None)


def _probe(query: Callable[[ServerVersion], str], parse: Callable[[Table], Any]) -> Probe:
    return Probe(query, lambda table: iter((parse(table),)), lambda _: "")


IDENTITY = _probe(identity_query, parse_identity)
TLS = _probe(lambda _: "SHOW SESSION STATUS WHERE Variable_name IN ('Ssl_version', 'Ssl_cipher')", parse_tls)
GRANTS = _probe(lambda _: "SHOW GRANTS", parse_grants)
EXPIRY = _probe(lambda _: "SHOW CREATE USER CURRENT_USER()", parse_expiry)
PROBES = (IDENTITY, TLS, GRANTS, EXPIRY)
"""In this order: what a server may refuse comes last, and the facts before it stand."""
