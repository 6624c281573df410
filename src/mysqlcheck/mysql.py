"""Looks at a MySQL or MariaDB server: the only import of pymysql.

Whatever the server does becomes facts or one trouble (checks/connection.py); no exception leaves `observe`
because of a server. Three things here stand against a hostile or broken one:

- one deadline over everything, and a bound on what it may send (wire.py);
- a password policy: what would show the password to others is refused before it is sent (`Connection`);
- TLS as the operator demanded it, checked before anything secret is sent.
"""

from __future__ import annotations

import contextlib
import importlib
import socket
import ssl
import sys
from collections.abc import Sequence
from typing import Any

from mysqlcheck import clock
from mysqlcheck.checks import connection as trouble
from mysqlcheck.checks.connection import ConnectionSettings
from mysqlcheck.checks.probe import Probe, one_line
from mysqlcheck.clock import Deadline
from mysqlcheck.errors import OutOfTime, PasswordWithheld, TlsRefused, TooMuchData, UnexpectedAnswer
from mysqlcheck.model import Observation, Reason, ServerVersion, Table, Target
from mysqlcheck.wire import MOST_BYTES, TlsContext, Wire, blaming, dial, tls_context

# PyMySQL imports the package cryptography wherever it is installed: 20 ms of CPU, and a core in Rust that ends the
# process by SIGABRT when memory is short. Only an RSA key needs it; `_load_rsa` brings it in then.
_loaded = sys.modules.get("cryptography")
sys.modules["cryptography"] = None  # type: ignore[assignment]
try:
    import pymysql
    from pymysql.connections import Connection as PyMySQLConnection
    from pymysql.connections import MysqlPacket
    from pymysql.constants import CLIENT
finally:
    del sys.modules["cryptography"]
    if _loaded is not None:
        sys.modules["cryptography"] = _loaded

SCRAMBLED = {b"mysql_native_password", b"caching_sha2_password", b"client_ed25519"}
"""Authentication by challenge and response: what is sent proves the password and does not show it."""


class Connection(PyMySQLConnection):  # type: ignore[misc]
    """PyMySQL's connection with our policy on TLS and passwords, and without its SET NAMES round trip."""

    ssl: bool
    _auth_plugin_name: str
    version: ServerVersion
    greeted_as: int | None = None
    """The connection id of the greeting."""

    def __init__(self, settings: ConnectionSettings, target: Target, tls: TlsContext | None, wire: Wire) -> None:
        self._settings, self._wire, self._logged_in = settings, wire, False
        self._key: bytes | None = None
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


def observe(target: Target, settings: ConnectionSettings, probes: Sequence[Probe], deadline: Deadline) -> Observation:
    """Look at a server once: connect, log in, run each probe's query; within the deadline, whatever it does.

    Raises SettingsError for a certificate, key or public key file that cannot be used.
    """
    began = clock.now()
    wire = Wire(deadline)
    # as MySQL's clients do: a Unix socket is safe without TLS
    plain = target.socket is not None and settings.tls == "preferred"
    tls = None if plain else tls_context(settings, wire)
    connection = Connection(settings, target, tls, wire)
    server: ServerVersion | None = None
    facts: list[Any] = []
    what: Reason | None = None
    try:
        sock = dial(target, wire)
        wire.stage = "waiting for its greeting"
        connection.connect(sock)
        server = connection.version
        for probe in probes:
            wire.stage = f"waiting for {probe.query(server)}"
            facts.append(_ask(connection, probe, server, settings.user))
    except _Denied as denied:
        what = denied.reason
    except OutOfTime:
        what = trouble.out_of_time(wire.stage, settings.timeout)
    except TooMuchData:
        what = trouble.not_mysql(f"the server sent more than {MOST_BYTES >> 20} MiB while {wire.stage}")
    except PasswordWithheld as error:
        what = trouble.withheld(str(error))
    except TlsRefused:
        what = trouble.tls_failed(f"the server offers no TLS, which --tls {settings.tls} demands; nothing was sent")
    except UnexpectedAnswer as error:
        what = trouble.not_mysql(str(error))
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - a hostile server can make pymysql raise nearly anything
        what = _judge_error(error, wire, settings)
    finally:
        with contextlib.suppress(Exception):
            connection.close()
    return Observation(target, began, clock.now(), what, server, tuple(facts), connection.greeted_as)


class _Denied(Exception):
    def __init__(self, reason: Reason) -> None:
        self.reason = reason


def _ask(connection: Connection, probe: Probe, server: ServerVersion, user: str) -> Any:
    """Run a probe's query; a missing privilege is reported with the GRANT for the account that we are."""
    try:
        return probe.parse(_query(connection, probe.query(server)))
    except pymysql.MySQLError as error:
        errno, message = _number_and_message(error)
        if errno not in trouble.MISSING_PRIVILEGE:
            raise
        account = trouble.account(user, "%")
        with contextlib.suppress(Exception):  # whatever this query meets, the privilege is what is wrong
            ours = _query(connection, "SELECT CURRENT_USER() AS account").rows[0]["account"]
            name, at, host = one_line(ours or "").rpartition("@")
            account = trouble.account(name, host) if at else account
        raise _Denied(trouble.lacks_privilege(errno, message, probe.privilege(server), account, server)) from error


def _query(connection: Connection, sql: str) -> Table:
    cursor = connection.cursor()
    cursor.execute(sql)
    if cursor.description is None:
        raise UnexpectedAnswer(f"{sql!r} was answered without a result")
    columns = tuple(_text(column[0]) or "" for column in cursor.description)
    rows = [dict(zip(columns, map(_text, row), strict=True)) for row in cursor.fetchall()]
    return Table(columns, rows)


def _text(value: Any) -> str | None:
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "replace")
    return None if value is None else str(value)


def _judge_error(error: Exception, wire: Wire, settings: ConnectionSettings) -> Reason:
    """Turn what pymysql, ssl or the kernel raised into the reason it stands for."""
    cause = getattr(error, "original_exception", None) or error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return trouble.tls_failed(f"the server's certificate is not accepted: {one_line(cause.verify_message)}")
    if isinstance(cause, ssl.SSLError) and wire.stage == "negotiating TLS":
        hint = "; if the server is too old for today's TLS: --tls disabled" if settings.tls == "preferred" else ""
        return trouble.tls_failed(f"TLS could not be negotiated: {one_line(str(cause))}", hint)
    if isinstance(cause, OSError) and not isinstance(cause, ssl.SSLError):
        definite = isinstance(cause, (ConnectionRefusedError, FileNotFoundError))
        return (trouble.refused if definite else trouble.lost)(f"{_plainly(cause)} while {wire.stage}")
    if isinstance(error, RuntimeError):
        for package, debian in (("cryptography", "python3-cryptography"), ("pynacl", "python3-nacl")):
            if package in str(error).lower():
                return trouble.withheld(
                    f"this account's way of logging in needs the Python package {package} on this director "
                    f"(Debian: {debian}); or give the account another, or use TLS"
                )
    if isinstance(error, pymysql.MySQLError):
        errno, message = _number_and_message(error)
        if errno in trouble.NETWORK:
            return trouble.lost(f"the connection was lost while {wire.stage}")
        if errno:
            return trouble.said_no(errno, message, settings.user)
        return trouble.not_mysql(f"{message} while {wire.stage}")
    return trouble.not_mysql(
        f"no MySQL server, or a broken one: {type(error).__name__} while {wire.stage}: {one_line(str(error), 120)}"
    )


def _number_and_message(error: pymysql.MySQLError) -> tuple[int, str]:
    arguments = error.args or ("no words",)
    if isinstance(arguments[0], int):
        return arguments[0], one_line(str(arguments[-1]))
    # PyMySQL raises ("Received extra packet for auth method %r", name) and leaves the formatting to nobody
    return 0, one_line(" ".join((_text(part) or "").replace(" %r", "") for part in arguments))


def _plainly(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return f"the name cannot be resolved: {error.strerror}"
    return one_line(error.strerror or str(error)).lower()


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
