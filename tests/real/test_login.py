"""Logging in to real servers: least privileges, refusals that say what to do, TLS, and a password kept to itself."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path

import pymysql
import pytest

from tests.command import mysqlcheck
from tests.lab.accounts import MONITOR_ACCOUNT
from tests.lab.topology import Topology
from tests.real.checking import Checker


@pytest.fixture
def check(topology: Topology) -> Checker:
    return Checker(topology)


def test_the_statements_of_grants_are_all_that_is_needed(topology: Topology, check: Checker) -> None:
    printed = mysqlcheck("grants", "--flavor", topology.source.flavor, "--user", "fromgrants").out
    for statement in printed.replace("…", "the password").splitlines():
        if not statement.startswith("--"):
            topology.source.sql(statement.removesuffix(";"))
    try:
        topology.wait_until_caught_up(topology.replica)
        assert check(topology.replica, "--user", "fromgrants", password="the password").code == 0
    finally:
        topology.source.sql("DROP USER 'fromgrants'@'%'")


def test_a_missing_privilege_names_the_grant_that_mends_it(topology: Topology, check: Checker) -> None:
    topology.set_monitor_grants()
    topology.wait_until_caught_up(topology.replica)
    ended = check.json(topology.replica)
    assert (ended.code, ended.codes) == (1, ["credentials"])
    grant = re.search(r"(GRANT [A-Z ]+ ON \*\.\* TO \S+);", ended.json["reasons"][0]["text"])
    assert grant is not None
    topology.source.sql(grant[1])
    topology.wait_until_caught_up(topology.replica)
    assert check(topology.replica).code == 0


def test_a_wrong_password_is_credentials(topology: Topology, check: Checker) -> None:
    ended = check.json(topology.replica, password="not the right one")
    assert (ended.code, ended.codes) == (1, ["credentials"])
    assert "1045" in ended.json["reasons"][0]["text"]


def test_a_locked_account_is_credentials(topology: Topology, check: Checker) -> None:
    topology.replica.sql_here_only(f"ALTER USER {MONITOR_ACCOUNT} ACCOUNT LOCK")
    ended = check.json(topology.replica)
    assert (ended.code, ended.codes) == (1, ["credentials"])


def test_an_expired_password_is_credentials(topology: Topology, check: Checker) -> None:
    topology.replica.sql_here_only(f"ALTER USER {MONITOR_ACCOUNT} PASSWORD EXPIRE")
    ended = check.json(topology.replica)
    assert (ended.code, ended.codes) == (1, ["credentials"])


def test_a_full_server_drains_and_does_not_fail(topology: Topology, check: Checker) -> None:
    topology.replica.sql("SET GLOBAL max_connections = 10")
    with ExitStack() as crowd:
        with pytest.raises(pymysql.err.OperationalError, match="1040"):  # noqa: PT012
            for _ in range(20):
                crowd.enter_context(topology.replica.connect(user="mysqlcheck", password=topology.monitor.password))
        ended = check.json(topology.replica, "--weight", "100")
        assert (ended.code, ended.codes) == (2, ["connections_exhausted"])


def test_a_name_with_several_addresses_is_tried_in_turn(topology: Topology) -> None:
    """The lab's servers listen on 127.0.0.1; `localhost` is ::1 first where the machine has IPv6."""
    where = ["--host", "localhost", "--port", str(topology.replica.port)]
    assert mysqlcheck(*where, password=topology.monitor.password).code == 0


def test_an_option_file_is_enough(topology: Topology, tmp_path: Path) -> None:
    file = tmp_path / "my.cnf"
    file.write_text(f'[client]\nport={topology.replica.port}\n[mysqlcheck]\npassword="{topology.monitor.password}"\n')
    assert mysqlcheck("--host", "127.0.0.1", "--defaults-file", str(file)).code == 0


def offers_tls(topology: Topology) -> bool:
    with (
        pymysql.connect(
            host="127.0.0.1",
            port=topology.replica.port,
            user="mysqlcheck",
            password=topology.monitor.password,
            ssl_verify_cert=False,
        ) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
        row = cursor.fetchone()
        return bool(row and row[1])


def test_tls_that_is_required_is_had_or_nothing_is_sent(topology: Topology, check: Checker) -> None:
    ended = check.json(topology.replica, "--tls", "required")
    if offers_tls(topology):
        assert ended.code == 0
    else:
        assert (ended.code, ended.codes) == (1, ["tls_error"])


def test_a_certificate_is_held_against_the_authority_that_was_named(topology: Topology, check: Checker) -> None:
    own = [path for path in (topology.replica.datadir / "ca.pem",) if path.exists()]
    if not own:
        # MariaDB 11.8 makes its certificate in memory and 10.11 has none: nothing there to trust
        assert check.json(topology.replica, "--tls", "verify-ca").codes == ["tls_error"]
        return
    verified = ["--tls", "verify-ca", "--tls-ca", str(own[0])]
    assert check(topology.replica, *verified).code == 0
    assert check.json(topology.replica, "--tls", "verify-ca").codes == ["tls_error"]
    assert check.json(topology.replica, "--tls", "verify-identity", *verified[2:]).codes == ["tls_error"]


def test_without_tls_the_password_goes_only_to_a_pinned_key(topology: Topology, check: Checker, tmp_path: Path) -> None:
    """caching_sha2_password: a restart of the server empties its cache, and the check must not break then."""
    if topology.replica.flavor != "mysql":
        assert check(topology.replica, "--tls", "disabled").code == 0  # challenge and response: nothing to withhold
        return
    topology.replica.stop()
    topology.replica.start()
    ended = check.json(topology.replica, "--tls", "disabled")
    assert (ended.code, ended.codes) == (1, ["credentials"])
    assert "--server-public-key-path" in ended.json["reasons"][0]["text"]
    status = topology.replica.sql("SHOW STATUS LIKE 'Caching_sha2_password_rsa_public_key'")
    key = tmp_path / "server.pem"
    key.write_text(str(status[0]["Value"]))
    assert check(topology.replica, "--tls", "disabled", "--server-public-key-path", str(key)).code == 0
    assert check(topology.replica, "--tls", "disabled").code == 0  # now it is cached: scrambled, no key needed
