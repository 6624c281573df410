"""What is said of a server, from what was found out about it."""

from __future__ import annotations

import pytest

from mysqlcheck.doctor.findings import Finding, Level
from mysqlcheck.doctor.servers import Server, Trouble, leaves_this_machine, quoted, server

GOOD = Server(
    "192.168.1.201:3306",
    remote=True,
    tls="verify-identity",
    timeout=3.0,
    took=0.02,
    product="MariaDB 10.11.18",
    account="mysqlcheck@192.168.1.%",
    identity="server_id 201 on r1",
    bind_address="*",
    tls_version="TLSv1.3",
    cipher="TLS_AES_256_GCM_SHA384",
    action="serve",
    phase="up",
    share=1.0,
    verdict="SERVE 192.168.1.201:3306 nothing against it",
)
UNKNOWN = GOOD._replace(account="", identity="", tls_version="", cipher="", action="fail", phase="down")
"""What is left where the login did not succeed."""
LACKS = Trouble("credentials", "the account lacks a privilege", 1227, "REPLICA MONITOR")


def codes(findings: list[Finding]) -> list[str]:
    return [finding.code for finding in findings if finding.code]


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (GOOD, []),
        (UNKNOWN._replace(trouble=Trouble("unreachable", "connection refused")), ["no_answer"]),
        (UNKNOWN._replace(trouble=Trouble("unreachable", "the name cannot be resolved: …")), ["no_answer"]),
        (UNKNOWN._replace(trouble=Trouble("timeout", "no answer within 3 s"), took=3.0), ["no_answer"]),
        (UNKNOWN._replace(trouble=Trouble("protocol_error", "no MySQL server")), ["no_answer"]),
        (UNKNOWN._replace(trouble=Trouble("tls_error", "the server offers no TLS")), ["tls_failed"]),
        (UNKNOWN._replace(trouble=Trouble("credentials", "access denied", 1045)), ["login_failed"]),
        (UNKNOWN._replace(trouble=Trouble("host_blocked", "blocked", 1129)), ["no_connection"]),
        (UNKNOWN._replace(trouble=Trouble("connections_exhausted", "too many", 1040)), ["no_connection"]),
        (GOOD._replace(trouble=LACKS, action="fail"), ["privilege_missing"]),
        (UNKNOWN._replace(trouble=LACKS), ["privilege_missing"]),  # it does not say who we are
        (GOOD._replace(beyond=("ALL PRIVILEGES ON *.*",)), ["privileges_beyond"]),
        (GOOD._replace(tls="preferred"), ["tls_unverified"]),
        (GOOD._replace(tls="preferred", tls_version=""), ["tls_none"]),
        (GOOD._replace(tls="disabled", tls_version=""), ["tls_none"]),
        (GOOD._replace(tls="disabled", tls_version="", remote=False), []),  # nobody listens in on this machine
        (GOOD._replace(expires=90), ["password_expires"]),
        (GOOD._replace(took=1.6), ["check_slow"]),
        (GOOD._replace(action="drain", phase="draining", verdict="DRAIN r1 lag: 90 s"), ["not_serving"]),
        (GOOD._replace(action="fail", phase="held", verdict="FAIL r1 held: it restarted"), ["not_serving_yet"]),
        (GOOD._replace(action="drain", phase="up", verdict="DRAIN r1 operator_hold: x"), ["not_serving_yet"]),
    ],
)
def test_each_fault_has_its_code(found: Server, code: list[str]) -> None:
    assert codes(list(server(found))) == code


def test_a_server_in_order_is_told_with_version_account_time_and_line() -> None:
    first, second = server(GOOD)
    assert (first.level, second.level) == (Level.OK, Level.OK)
    assert first.text == (
        "SERVE 192.168.1.201:3306 nothing against it; MariaDB 10.11.18, asked as mysqlcheck@192.168.1.%, took 20 ms"
    )
    assert second.text.endswith("TLSv1.3, TLS_AES_256_GCM_SHA384, certificate verified (--tls verify-identity)")


def test_a_missing_privilege_names_the_statement_for_the_very_account() -> None:
    finding = next(server(GOOD._replace(trouble=LACKS)))
    assert finding.advice == "On the source: GRANT REPLICA MONITOR ON *.* TO 'mysqlcheck'@'192.168.1.%';"


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("192.168.1.201:3306", "mysqlcheck explain --host 192.168.1.201"),
        ("[2001:db8::1]:3307", "mysqlcheck explain --host 2001:db8::1 --port 3307"),
        ("/run/mysqld/mysqld.sock", "mysqlcheck explain --socket /run/mysqld/mysqld.sock"),
    ],
)
def test_what_may_not_serve_comes_with_the_command_that_says_why(name: str, command: str) -> None:
    finding = next(server(GOOD._replace(name=name, action="fail", phase="down", verdict="FAIL …")))
    assert finding.advice.startswith(f"{command} shows every rule")


def test_an_account_s_name_is_quoted_whatever_is_in_it() -> None:
    assert quoted("o'brien@x\\y@%") == "'o''brien@x\\\\y'@'%'"


@pytest.mark.parametrize(
    ("host", "leaves"),
    [("127.0.0.1", False), ("::1", False), ("localhost", False), ("192.168.1.201", True), ("db1", True)],
)
def test_only_what_leaves_the_machine_needs_tls(host: str, leaves: bool) -> None:
    assert leaves_this_machine(host) is leaves
