"""mysqlcheck against every server of the table: the right reason, the right exit code, in time, and no leak."""

import contextlib
import json
import re
import socket
import threading
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from . import controls
from .behaviours import BEHAVIOURS, Behaviour, results
from .behaviours.connection import MOMENTS
from .controls import CONTROLS, Control
from .keys import Keys
from .leaks import assert_no_secret
from .personas import MARIADB, PASSWORD
from .run import Run, check
from .server import HostileServer, Script
from .session import Session

DRAINING = {"connections_exhausted", "lag", "lag_unknown"}
"""The codes of design section 3 that drain where there is no memory; the others fail."""

PATIENT, IMPATIENT = 5.0, 1.0
"""--timeout in seconds: patient where time is not the subject, so that a busy machine does not become it."""

START_UP = 2.0
"""What starting and ending an interpreter may take on a busy machine, in seconds."""


FORGERS = ("last-error-", "error-text-", "names-", "account-", "2000-channels")
ONE_OF_EACH = [behaviour for behaviour in BEHAVIOURS if behaviour.name.startswith(FORGERS)]
ONE_OF_EACH += {b.codes: b for b in BEHAVIOURS if b not in ONE_OF_EACH}.values()
"""A behaviour for each outcome, and those that try to forge the output."""


def run(server: HostileServer, keys: Keys, home: Path, *args: str, codes: Collection[str] = ()) -> Run:
    """Run the check, and assert what holds against every server whatsoever."""
    timeout = IMPATIENT if "timeout" in codes else PATIENT
    with server:
        ended = check(server, home, *(arg.format(**keys.paths) for arg in args), timeout=timeout)
    assert "Traceback" not in ended.stdout + ended.stderr
    assert ended.seconds < timeout + 0.5 + START_UP
    assert not server.complaints
    assert_no_secret(PASSWORD, ended.stdout, ended.stderr, server, rogue=keys.rogue)
    return ended


def one_line(text: str) -> str:
    """A status line is one line, and nothing in it moves a cursor or hides a word."""
    assert text.endswith("\n")
    line = text.removesuffix("\n")
    assert line.isprintable()
    return line


def document(ended: Run) -> dict[str, Any]:
    assert ended.stdout, ended  # nothing at all is the backstop's answer, or that of a crash
    parsed = json.loads(one_line(ended.stdout))
    assert isinstance(parsed, dict)
    assert parsed["exit_code"] == ended.code
    return parsed


def test_no_two_behaviours_share_a_name() -> None:
    assert len({behaviour.name for behaviour in BEHAVIOURS}) == len(BEHAVIOURS)


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda b: b.name)
def test_each_behaviour_has_its_reason(behaviour: Behaviour, keys: Keys, tmp_path: Path) -> None:
    server = HostileServer(behaviour.script, keys.props)
    ended = run(server, keys, tmp_path, *behaviour.args, "--output", "json", codes=behaviour.codes)
    seen = document(ended)
    codes = [reason["code"] for reason in seen["reasons"]]
    assert codes, seen
    assert codes[0] in behaviour.codes, seen
    assert ended.code == 1
    assert seen["decision"] == ("drain" if codes[0] in DRAINING else "fail")
    assert re.search(behaviour.mentions, seen["reasons"][0]["text"])
    if not behaviour.may_log_in:
        assert not server.logins
        assert b"monitor" not in server.received


@pytest.mark.parametrize("behaviour", ONE_OF_EACH, ids=lambda b: b.name)
def test_the_status_line_and_the_weight_say_the_same(behaviour: Behaviour, keys: Keys, tmp_path: Path) -> None:
    server = HostileServer(behaviour.script, keys.props)
    ended = run(server, keys, tmp_path, *behaviour.args, "--weight", "100", codes=behaviour.codes)
    said = re.match(r"(FAIL|DRAIN) \S+ (\w+): ", one_line(ended.stdout))
    assert said, ended
    state, code = said.groups()
    assert code in behaviour.codes
    assert (state, ended.code) == (("DRAIN", 2) if code in DRAINING else ("FAIL", 1))


@pytest.mark.parametrize("control", CONTROLS, ids=lambda c: c.name)
def test_the_same_server_serves_where_it_behaves(control: Control, keys: Keys, tmp_path: Path) -> None:
    """Without these, a check that always says no would pass everything above."""
    server = HostileServer(control.script, keys.props)
    ended = run(server, keys, tmp_path, *control.args, "--output", "json", "--weight", "100")
    seen = document(ended)
    assert (seen["decision"], ended.code, seen["reasons"]) == ("serve", 102, [])


def test_an_operator_may_allow_the_password_to_go_under_any_key(keys: Keys, tmp_path: Path) -> None:
    """--get-server-public-key means it: then whoever owns the key reads the password."""
    with HostileServer(controls.full_authentication, keys.props) as server:
        ended = check(server, tmp_path, "--get-server-public-key")
    assert ended.code == 0, ended
    with pytest.raises(AssertionError, match="the password is in"):
        assert_no_secret(PASSWORD, server, rogue=keys.rogue)


@pytest.mark.parametrize("transport", ["ipv6", "socket"])
@pytest.mark.parametrize(
    ("script", "code"),
    [
        (MARIADB.script(), "serve"),
        (Session.wait_for_hangup, "timeout"),
        (Session.reset, "unreachable"),
        (results.raw(results.endless_rows(2000)).script(), "protocol_error"),
    ],
    ids=["good", "silent", "resets", "floods"],
)
def test_other_transports_are_held_to_the_same(
    transport: str, script: Script, code: str, keys: Keys, tmp_path: Path
) -> None:
    path = tmp_path / "mysqld.sock" if transport == "socket" else None
    server = HostileServer(script, keys.props, host="::1", path=path)
    seen = document(run(server, keys, tmp_path, "--output", "json", codes=[code]))
    assert ([reason["code"] for reason in seen["reasons"]] or [seen["decision"]])[0] == code


@pytest.mark.parametrize("moment", MOMENTS)
def test_sigterm_ends_a_check_at_every_moment_with_1(moment: str, keys: Keys, tmp_path: Path) -> None:
    """keepalived sends it at misc_timeout, and leaks weight where the script dies of a signal."""
    reached = threading.Event()

    def hang(session: Session) -> None:
        reached.set()
        session.wait_for_hangup()

    with HostileServer(lambda session: MOMENTS[moment](session, hang), keys.props) as server:
        ended = check(server, tmp_path, timeout=2 * PATIENT, until=reached)
    assert ended.code == 1
    assert ended.seconds < PATIENT
    assert_no_secret(PASSWORD, ended.stdout, ended.stderr, server)


def test_the_password_may_go_over_a_unix_socket(keys: Keys, tmp_path: Path) -> None:
    """As with MySQL's own client: what cannot be listened to needs no RSA for caching_sha2_password's full exchange."""
    with HostileServer(controls.full_authentication, keys.props, path=tmp_path / "mysqld.sock") as server:
        ended = check(server, tmp_path)
    assert ended.code == 0, ended
    assert PASSWORD.encode() + b"\0" in server.packets


def test_a_full_accept_queue_is_a_timeout(keys: Keys, tmp_path: Path) -> None:
    """A host that drops packets, or a mysqld too busy to accept: the kernel no longer answers."""
    server = HostileServer(None)
    server.listen_without_accepting()
    with contextlib.ExitStack() as clients:
        for _ in range(4):
            client = clients.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex((server.host, server.port))
        ended = run(server, keys, tmp_path, codes=["timeout"])
    assert re.match(r"FAIL \S+ timeout: .*connecting", ended.stdout), ended
    assert ended.code == 1


def test_unverified_tls_is_no_protection_against_an_impostor(keys: Keys, tmp_path: Path) -> None:
    """A known limit, as with MySQL's own clients: required keeps listeners out, verify-identity impostors."""
    rogue = controls.full_authentication_within_tls
    with HostileServer(rogue, keys.props) as server:
        check(server, tmp_path, "--tls", "required")
    with pytest.raises(AssertionError, match="the password is in"):
        assert_no_secret(PASSWORD, server)
    run(HostileServer(rogue, keys.props), keys, tmp_path, "--tls", "verify-identity", "--tls-ca", keys.paths["ca"])
