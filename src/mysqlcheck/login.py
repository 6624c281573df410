"""Logs in to a MySQL or MariaDB server: PyMySQL's connection with our policy on TLS and passwords.

What would show the password to others is refused before it is sent, and TLS as the operator demanded it is checked
before anything secret is sent.
"""

from __future__ import annotations

import contextlib
import importlib
import socket
import sys
from typing import Any

from mysqlcheck.checks.connection import ConnectionSettings
from mysqlcheck.checks.probe import one_line
from mysqlcheck.errors import PasswordWithheld, TlsRefused, UnexpectedAnswer
from mysqlcheck.model import ServerVersion, Target
from mysqlcheck.wire import TlsContext, Wire, blaming

# PyMySQL imports the package cryptography wherever it is installed: 20 ms of CPU, and a core in Rust that ends the
# process by SIGABRT when memory is short. Only an RSA key needs it; `_load_rsa` brings it in then.
_loaded = sys.modules.get("cryptography")
sys.modules["cryptography"] = None  # type: ignore[assignment]
try:
    import pymysql
    from pymysql.connections import Connection as PyMySQLConnection
    from pymysql.connections import MysqlPacket, MySQLResult
    from pymysql.constants import CLIENT
finally:
    del sys.modules["cryptography"]
    if _loaded is not None:
        sys.modules["cryptography"] = _loaded

MOST_ANSWERS = 20
"""Answers whose columns a connection remembers; a look has three or four."""
MySQLError = pymysql.MySQLError
SCRAMBLED = {b"mysql_native_password", b"caching_sha2_password", b"client_ed25519"}
"""Authentication by challenge and response: what is sent proves the password and does not show it."""


class Connection(PyMySQLConnection):  # type: ignore[misc]
    """PyMySQL's connection with our policy on TLS and passwords, and without its SET NAMES round trip."""

    ssl: bool
    _sock: socket.socket | None
    _auth_plugin_name: str
    version: ServerVersion
    greeted_as: int | None = None
    """The connection id of the greeting."""

    def __init__(self, settings: ConnectionSettings, target: Target, tls: TlsContext | None, wire: Wire) -> None:
        self._settings, self._wire, self._logged_in = settings, wire, False
        self._key: bytes | None = None
        self.known: list[tuple[bytes, list[Any], list[Any], Any]] = []
        """The columns of earlier answers: the bytes that described them, and what PyMySQL made of these."""
        super().__init__(
            host=target.host,
            port=target.port,
            unix_socket=target.socket,
            user=settings.user,
            # bytes, because PyMySQL would encode text as Latin-1; MySQL's clients send what they were given
            password=settings.password.encode("utf-8", "surrogateescape"),
            charset="utf8mb4",
            autocommit=None,
            defer_connect=True,
            program_name="mysqlcheck",
            conv={},
            use_unicode=False,  # answers may hold any bytes; `ask` decodes them without raising
            ssl=tls,
            ssl_disabled=tls is None,
        )
        self._key = _public_key(settings.server_public_key_path)
        # PyMySQL knows this only of sockets that it opens itself: nobody listens in on a Unix socket
        self._secure = target.socket is not None

    @property
    def line(self) -> socket.socket | None:
        """The socket, TLS or not; None where there is none."""
        return self._sock

    @property
    def server_public_key(self) -> bytes | None:
        """PyMySQL asks for this when it is about to encrypt the password to an RSA key, without TLS.

        That happens in the full exchange of caching_sha2_password and in sha256_password. With no key pinned
        it would take any key that the server sends, a rogue's as well (facts: run on PyMySQL 1.2.4).
        """
        if self._key is None and not self._settings.get_server_public_key:
            raise PasswordWithheld(
                "the server asks for the password encrypted to a key of its own choice, without TLS: not sent. "
                "Use --tls required, or pin its key with --server-public-key-path FILE, or allow any key with "
                "--get-server-public-key"
            )
        _load_rsa()
        return self._key

    @server_public_key.setter
    def server_public_key(self, key: bytes | None) -> None:
        if key is not None and self._key is None and self._settings.get_server_public_key:
            self._key = key
        elif key is not None:
            raise PasswordWithheld("the server sent an RSA key unasked, or another than the pinned one: not used")

    def set_character_set(self, charset: str, collation: str | None = None) -> None:
        """Send no SET NAMES: the greeting settles the character set, and a round trip is a round trip."""

    def _request_authentication(self) -> None:
        # Between greeting and login, the one moment to judge the greeting. PyMySQL 1.0.2 goes on in the clear
        # when a server (or somebody before it) no longer offers the TLS that was asked for.
        if self.ssl and not self.server_capabilities & CLIENT.SSL:
            if self._settings.tls != "preferred":
                raise TlsRefused
            self.ssl = False
            self.client_flag &= ~CLIENT.SSL
        if self._auth_plugin_name == "sha256_password" and not self.ssl:
            # PyMySQL would ask for the server's key in its very login. A server that means it switches back.
            self._auth_plugin_name = "caching_sha2_password"
        self._wire.stage = "logging in"
        super()._request_authentication()
        if self._last_packet[:1] != b"\0":  # PyMySQL 1.0.2 takes any packet for OK
            raise UnexpectedAnswer("the server answered the login with neither OK nor an error")
        self._logged_in = True

    def _read_packet(self, packet_type: Any = MysqlPacket) -> Any:
        packet = super()._read_packet(packet_type)
        if not self._logged_in:
            self._last_packet = bytes(packet.get_all_data())
            if packet.is_auth_switch_request():
                self._judge_plugin(self._last_packet)
        return packet

    def _read_query_result(self, **_: bool) -> int:
        self._result = None
        result = Answer(self)
        result.read()
        self._result = result
        if result.server_status is not None:
            self.server_status = result.server_status
        return int(result.affected_rows)

    def _get_server_information(self) -> None:
        super()._get_server_information()
        if self.protocol_version != 10 or len(self.salt) < 20 or not self.server_capabilities & CLIENT.PROTOCOL_41:
            raise UnexpectedAnswer("the greeting is none of MySQL's protocol 10, or it is cut short")
        self.version = ServerVersion.parse(self.server_version)
        self.greeted_as = int(self.server_thread_id[0])

    def _judge_plugin(self, request: bytes) -> None:
        """Refuse a switch to a method that sends the password itself (mysql_clear_password, dialog, …)."""
        name = request[1:].partition(b"\0")[0]
        if name in SCRAMBLED or (name == b"sha256_password" and self._secure):
            return
        if name == b"sha256_password":
            self.server_public_key  # noqa: B018 (raises unless a key is pinned or any key allowed)
            return
        shown = one_line(name.decode("utf-8", "replace"), 60) or "mysql_old_password"
        raise PasswordWithheld(f"the server asks for the password by {shown!r}, which would show it: not sent")


class Answer(MySQLResult):  # type: ignore[misc]
    """PyMySQL's result, which reads no columns again that are those of an earlier answer on the connection.

    SHOW REPLICA STATUS describes 60 columns, in the same bytes each time: a third of what a look costs.
    """

    def _get_descriptions(self) -> None:
        connection = self.connection
        come = b""
        with contextlib.suppress(OSError):  # the read that follows meets it again, and says what it is
            come = connection._rfile.peek()
        for raw, *columns in connection.known:
            if len(columns[0]) == self.field_count and come.startswith(raw):
                connection._rfile.read(len(raw))
                connection._next_seq_id = (connection._next_seq_id + self.field_count) % 256
                if not connection._read_packet().is_eof_packet():
                    raise UnexpectedAnswer("an answer goes on where its columns end")
                self.fields, self.converters, self.description = columns
                return
        super()._get_descriptions()
        size = sum(4 + len(field.get_all_data()) for field in self.fields)
        if size <= len(come) and len(connection.known) < MOST_ANSWERS:
            connection.known.append((come[:size], self.fields, self.converters, self.description))


def _load_rsa() -> None:
    """Let PyMySQL see the package cryptography after all; without it PyMySQL says so itself."""
    auth = importlib.import_module("pymysql._auth")
    if not auth._have_cryptography:
        importlib.reload(auth)


def _public_key(path: str | None) -> bytes | None:
    if path is None:
        return None
    with blaming("--server-public-key-path", path):
        with open(path, "rb") as file:
            key = file.read(65536)
        if b"-----BEGIN PUBLIC KEY-----" not in key:
            raise ValueError("it holds no PEM public key (-----BEGIN PUBLIC KEY-----)")
    return key
