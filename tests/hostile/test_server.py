"""The fake server itself: a plain client logs in to the good one, and the bad ones do harm to a plain client.

Without these, a test against a hostile server could pass because the server is merely broken.
"""

import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import pymysql
import pytest
from pymysql.cursors import DictCursor

from . import wire
from .behaviours import password, results
from .keys import Keys
from .leaks import assert_no_secret
from .personas import MARIADB, MYSQL, MYSQL_57, PASSWORD, Persona, rows
from .server import HostileServer, Script
from .session import Session


def connect(server: HostileServer, **options: Any) -> "pymysql.Connection[Any]":
    """Log in with PyMySQL as it comes, without TLS unless told otherwise."""
    options = {"ssl_disabled": True, "cursorclass": DictCursor, **options}
    where: dict[str, Any] = {"unix_socket": str(server.path)} if server.path else {"host": server.host}
    return pymysql.connect(**where, port=server.port, user="monitor", password=PASSWORD, **options)


def ask(connection: "pymysql.Connection[Any]", query: str) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def attack(script: Script, keys: Keys) -> HostileServer:
    """Let a plain client run into a script, whatever comes of it."""
    with HostileServer(script, keys.props) as server, pytest.raises((pymysql.MySQLError, RuntimeError)):
        ask(connect(server), "SELECT 1")
    return server


@pytest.mark.parametrize(
    ("persona", "query", "column"),
    [
        (MYSQL, "SHOW REPLICA STATUS", "Seconds_Behind_Source"),
        (MYSQL_57, "SHOW SLAVE STATUS", "Seconds_Behind_Master"),
        (MARIADB, "SHOW ALL SLAVES STATUS", "Seconds_Behind_Master"),
    ],
)
def test_a_plain_client_logs_in_and_asks(persona: Persona, query: str, column: str) -> None:
    with HostileServer(persona.script()) as server, connect(server) as connection:
        assert ask(connection, query)[0][column] == 0
        assert ask(connection, "SELECT @@global.read_only AS ro, VERSION()") == [
            {"ro": 1, "VERSION()": persona.version}
        ]
        assert ask(connection, "SHOW GLOBAL STATUS LIKE 'Upt%'") == [{"Variable_name": "Uptime", "Value": "864000"}]
    assert [login.user for login in server.logins] == [b"monitor"]
    assert query in server.queries
    assert_no_secret(PASSWORD, server)


def test_a_wrong_password_is_refused() -> None:
    with HostileServer(MARIADB.script()) as server, pytest.raises(pymysql.OperationalError, match="1045"):
        pymysql.connect(host=server.host, port=server.port, user="monitor", password="wrong", ssl_disabled=True)


def test_a_query_that_no_pattern_knows_is_loud() -> None:
    with HostileServer(MYSQL.script()) as server, connect(server) as connection:
        for query in ("SHOW SLAVE STATUS", "SELECT 1 FROM nowhere"):
            with pytest.raises(pymysql.ProgrammingError, match="1064"):
                ask(connection, query)
        with pytest.raises(pymysql.OperationalError, match="1193"):
            ask(connection, "SELECT @@no_such_variable")


def test_a_single_answer_can_be_replaced() -> None:
    persona = MARIADB.but("^SELECT 1", rows({"a": "x", "b": None})).but_variables(read_only="0")
    with HostileServer(persona.script()) as server, connect(server) as connection:
        assert ask(connection, "SELECT 1") == [{"a": "x", "b": None}]
        assert ask(connection, "SELECT @@read_only") == [{"@@read_only": 0}]
        assert ask(connection, "SHOW ALL SLAVES STATUS")[0]["Slave_IO_Running"] == "Yes"


def test_tls_works_and_what_is_inside_is_recorded(keys: Keys) -> None:
    context = ssl.create_default_context(cafile=keys.paths["ca"])
    with HostileServer(MYSQL.script(tls="good"), keys.props) as server:
        with connect(server, ssl=context, ssl_disabled=False) as connection:
            assert ask(connection, "SHOW REPLICA STATUS")
        (session,) = server.sessions
    assert b"SHOW REPLICA STATUS" in session.channel.decrypted
    assert b"SHOW REPLICA STATUS" not in session.channel.wire


@pytest.mark.parametrize("name", ["self-signed", "stranger", "expired", "elsewhere"])
def test_bad_certificates_are_bad(name: str, keys: Keys) -> None:
    context = ssl.create_default_context(cafile=keys.paths["ca"])
    with (
        HostileServer(MYSQL.script(tls=name), keys.props) as server,
        pytest.raises(pymysql.OperationalError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        connect(server, ssl=context, ssl_disabled=False)


def test_it_listens_on_ipv6_and_on_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "mysqld.sock"
    for server in (HostileServer(MARIADB.script(), host="::1"), HostileServer(MARIADB.script(), path=path)):
        with server, connect(server) as connection:
            assert ask(connection, "SELECT @@version")
    assert not path.exists()


def test_without_a_script_it_refuses() -> None:
    with HostileServer(None) as server, pytest.raises(ConnectionRefusedError):
        socket.create_connection((server.host, server.port))


@pytest.mark.parametrize("script", [Session.wait_for_hangup, lambda session: session.flood(bytes(65536))])
def test_it_leaves_no_thread_behind_with_clients_still_connected(script: Script) -> None:
    before = set(threading.enumerate())
    with HostileServer(script) as server, socket.create_connection((server.host, server.port)):
        pass
    with HostileServer(script) as server:
        client = socket.create_connection((server.host, server.port))
    client.close()
    assert set(threading.enumerate()) == before


def test_a_script_that_fails_fails_the_test() -> None:
    def broken(session: Session) -> None:
        raise ZeroDivisionError

    with (
        pytest.raises(ExceptionGroup, match="script itself failed"),
        HostileServer(broken) as server,
        socket.create_connection((server.host, server.port)) as client,
    ):
        assert client.recv(1) == b""


# Teeth: PyMySQL as it comes gives the password away. assert_no_secret sees it, in each of its forms.


@pytest.mark.parametrize(
    "script",
    [
        password.demands("mysql_clear_password"),
        password.demands("dialog", b"\x04Password: "),
        password.full_authentication,
        password.switched_full_authentication,
        password.key_unasked("sha256_password"),
        password.switch_then_key,
        password.greets_sha256,
    ],
)
def test_a_plain_client_gives_its_password_to_a_rogue(script: Script, keys: Keys) -> None:
    server = attack(script, keys)
    with pytest.raises(AssertionError, match="the password is in"):
        assert_no_secret(PASSWORD, server, rogue=keys.rogue)
    assert server.complaints


def test_the_rogue_needs_its_key_to_read_an_rsa_answer(keys: Keys) -> None:
    assert_no_secret(PASSWORD, attack(password.full_authentication, keys))


def test_a_plain_client_with_local_infile_sends_a_file() -> None:
    with (
        HostileServer(results.asks_for_file_at_once) as server,
        connect(server, local_infile=True) as connection,
        pytest.raises(pymysql.MySQLError),
    ):
        ask(connection, "SELECT 1")
    assert "the client offers its local files" in server.complaints
    assert b"root:" in server.received


@pytest.mark.parametrize("offset", [0, 1, 2])
def test_a_secret_is_found_in_every_disguise(offset: int) -> None:
    import base64

    padding = "x" * offset
    for text in (
        f"password={PASSWORD}",
        PASSWORD.encode().hex(),
        base64.b64encode(f"{padding}{PASSWORD}\0".encode()),
        PASSWORD.encode("utf-16-le"),
    ):
        with pytest.raises(AssertionError, match="the password is in"):
            assert_no_secret(PASSWORD, b"before", text)


def test_a_scramble_is_no_leak() -> None:
    assert_no_secret(PASSWORD, wire.native_scramble(PASSWORD, bytes(20)), "nothing", b"")
