"""What is read from a server's answers; the rows are as MySQL 8.4, MySQL 9.7 and MariaDB 10.11 write them."""

from __future__ import annotations

import pytest

from mysqlcheck.doctor.probes import Expiry, Identity, Tls, parse_expiry, parse_grants, parse_identity, parse_tls
from mysqlcheck.model import Table

HASH = "*6BB4837EB74329105EE4568DDA7DC67ED2CA2AD9"


def one_column(*rows: str) -> Table:
    return Table(("Grants for mysqlcheck@%",), [{"Grants for mysqlcheck@%": row} for row in rows])


@pytest.mark.parametrize(
    ("rows", "beyond"),
    [
        (["GRANT REPLICATION CLIENT ON *.* TO `mysqlcheck`@`%`"], []),
        ([f"GRANT SLAVE MONITOR ON *.* TO `mysqlcheck`@`%` IDENTIFIED BY PASSWORD '{HASH}'"], []),
        (["GRANT USAGE ON *.* TO `mysqlcheck`@`%`", "GRANT SELECT ON `performance_schema`.* TO `mysqlcheck`@`%`"], []),
        (["GRANT SELECT ON `percona`.`heartbeat` TO `mysqlcheck`@`%`"], []),
        (["GRANT SELECT (ts, server_id) ON `percona`.`heartbeat` TO `mysqlcheck`@`%`"], []),
        (["GRANT `monitor`@`%` TO `mysqlcheck`@`%`"], []),
        (["GRANT ALL PRIVILEGES ON *.* TO `mysqlcheck`@`%`"], ["ALL PRIVILEGES ON *.*"]),
        (
            ["GRANT SUPER, REPLICATION CLIENT ON *.* TO `mysqlcheck`@`%` WITH GRANT OPTION"],
            ["SUPER ON *.*", "GRANT OPTION ON *.*"],
        ),
        (["GRANT SYSTEM_VARIABLES_ADMIN ON *.* TO `mysqlcheck`@`%`"], ["SYSTEM_VARIABLES_ADMIN ON *.*"]),
        (["GRANT SELECT, INSERT ON `shop`.* TO `mysqlcheck`@`%`"], ["SELECT ON shop.*", "INSERT ON shop.*"]),
        (["GRANT SELECT ON `mysql`.`user` TO `mysqlcheck`@`%`"], ["SELECT ON mysql.user"]),
        (["GRANT UPDATE (a, b) ON `shop`.`orders` TO `mysqlcheck`@`%`"], ["UPDATE ON shop.orders"]),
        (["GRANT PROXY ON ``@`` TO `mysqlcheck`@`%`"], ["PROXY ON @"]),
        (["something else"], []),
        ([], []),
    ],
)
def test_what_the_account_has_beyond_looking(rows: list[str], beyond: list[str]) -> None:
    found = parse_grants(one_column(*rows))
    assert list(found.beyond) == beyond
    assert HASH not in str(found)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        (f"CREATE USER `m`@`%` IDENTIFIED WITH 'x' AS '{HASH}' REQUIRE NONE PASSWORD EXPIRE DEFAULT ACCOUNT", None),
        ("CREATE USER `m`@`%` PASSWORD EXPIRE INTERVAL 90 DAY ACCOUNT UNLOCK", 90),
        ("CREATE USER `m`@`%` PASSWORD EXPIRE NEVER", 0),
        (f"CREATE USER `m`@`%` IDENTIFIED BY PASSWORD '{HASH}'", None),
    ],
)
def test_when_a_password_expires_and_no_word_of_the_password(text: str, days: int | None) -> None:
    found = parse_expiry(one_column(text))
    assert found == Expiry(days)
    assert HASH not in str(found)


def test_who_answered_is_told_by_its_uuid_or_else_by_number_and_name() -> None:
    columns = ("account", "hostname", "server_id", "server_uuid", "bind_address", "lifetime")
    row = dict(zip(columns, ("mysqlcheck@%", "r1", "201", "", None, "90"), strict=True))
    found = parse_identity(Table(columns, [row]))
    assert found == Identity("mysqlcheck@%", "r1", "201", "", "", 90)
    assert found.key == "server_id 201 on r1"
    assert parse_identity(Table(columns, [row | {"server_uuid": "0c9d"}])).key == "0c9d"


def test_a_line_that_is_not_encrypted_has_no_version() -> None:
    rows: list[dict[str, str | None]] = [
        {"Variable_name": "Ssl_cipher", "Value": ""},
        {"Variable_name": "Ssl_version", "Value": ""},
    ]
    assert parse_tls(Table(("Variable_name", "Value"), rows)) == Tls("", "")
