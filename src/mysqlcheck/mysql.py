"""Looks at a MySQL or MariaDB server, once or again and again on a connection that is kept.

Whatever the server does becomes facts or one trouble (checks/connection.py); no exception leaves `observe`
because of a server. Against a hostile or broken one stand a deadline over everything and a bound on what it may send
(wire.py), and a policy on passwords and TLS (login.py).
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from mysqlcheck import clock
from mysqlcheck.checks import Policy, checksums, gtid
from mysqlcheck.checks import connection as trouble
from mysqlcheck.checks.connection import ConnectionSettings
from mysqlcheck.checks.probe import Probe, one_line
from mysqlcheck.clock import Deadline
from mysqlcheck.errors import OutOfTime, PasswordWithheld, TlsRefused, TooMuchData, UnexpectedAnswer
from mysqlcheck.login import Connection, MySQLError
from mysqlcheck.model import Observation, Reason, ServerVersion, Table, Target
from mysqlcheck.wire import MOST_BYTES, Wire, dial, tls_context


def observe(target: Target, settings: ConnectionSettings, probes: Sequence[Probe], deadline: Deadline) -> Observation:
    """Look at a server once: connect, log in, run each probe's query; within the deadline, whatever it does.

    Raises SettingsError for a certificate, key or public key file that cannot be used.
    """
    session = Session(target, settings, probes)
    try:
        return session.observe(deadline)
    finally:
        session.close(deadline)


def ask_more(seen: Observation, settings: Policy, may_enter: Callable[[], bool], deadline: Deadline) -> Observation:
    """Return the look with what is asked on demand alone; `may_enter` tells whether the server may come in by it.

    The server's own GTIDs, which may be long, are of no use after that.
    """
    if settings.gtid_check == "off" and settings.checksum_table is None:
        return seen
    if seen.trouble is None:
        seen = _with_answers(seen, settings, may_enter, deadline)
    return seen._replace(facts=tuple(fact for fact in seen.facts if not isinstance(fact, gtid.Gtids)))


def _with_answers(
    seen: Observation, settings: Policy, may_enter: Callable[[], bool], deadline: Deadline
) -> Observation:
    if settings.gtid_check == "always" or (settings.gtid_check == "entry" and may_enter()):
        seen = _ask_sources(seen, settings, deadline)
    if settings.checksum_table is not None and may_enter():
        probe = checksums.probe(settings.checksum_table, seen)
        answer = observe(seen.target, settings, (probe,), _half(deadline))
        seen = seen._replace(facts=(*seen.facts, checksums.take(answer)))
    return seen


def _ask_sources(seen: Observation, settings: Policy, deadline: Deadline) -> Observation:
    """Return the look with what the server's sources say of its GTIDs (checks/gtid.py), each within half of the time.

    What they do, or do not do, is no trouble of the server's.
    """
    compared = gtid.begin(seen)
    if compared is None:
        return seen
    for source in gtid.to_ask(seen, settings):
        if compared.missing:
            answer = observe(source, settings, (gtid.PROBE,), _half(deadline))
            compared = gtid.take(compared, answer)
    return seen._replace(facts=(*seen.facts, compared))


def _half(deadline: Deadline) -> Deadline:
    return deadline.sooner(deadline.left() / 2)


class Session:
    """Looks at one server, on a connection that is kept from look to look until it is closed."""

    def __init__(self, target: Target, settings: ConnectionSettings, probes: Sequence[Probe]) -> None:
        self.target, self._settings, self._probes = target, settings, probes
        self._wire = Wire(Deadline(0.0))
        self._connection: Connection | None = None
        self.opened: float | None = None
        """Monotonic time at which the connection that is kept was opened; None where there is none."""

    def observe(self, deadline: Deadline) -> Observation:
        """Look once, within the deadline, whatever the server does; raises what `observe` raises.

        A kept connection that fails says nothing of the server (wait_timeout, pt-kill): what a new one meets decides.
        """
        if self.opened is not None:
            seen = self._look(_half(deadline))
            if seen.trouble is None:
                return seen
        return self._look(deadline)

    def run(self, statements: Sequence[str], deadline: Deadline) -> Reason | None:
        """Run statements that answer with no rows, on the kept connection; returns what kept it from that, or None."""
        if self._connection is None:
            return trouble.refused("there is no connection")
        self._wire.begin(deadline)
        try:
            for statement in statements:
                self._wire.stage = f"waiting for {statement.partition(' ')[0]}"
                self._connection.cursor().execute(statement)
        except Exception as error:  # noqa: BLE001 - whatever a server makes pymysql raise
            what = _reason(error, self._wire, self._settings)
            self.close(deadline)
            return what
        return None

    def line(self) -> socket.socket | None:
        """The kept connection's socket, to wait for its end; None where there is none."""
        return self._connection.line if self._connection is not None and self.opened is not None else None

    def close(self, deadline: Deadline) -> None:
        """End the connection, if there is one."""
        connection, self._connection, self.opened = self._connection, None, None
        if connection is not None:
            self._wire.begin(deadline)
            with contextlib.suppress(Exception):
                connection.close()

    def _look(self, deadline: Deadline) -> Observation:
        began, kept = clock.now(), self.opened is not None
        self._wire.begin(deadline)
        connection = self._connection if kept and self._connection else self._new_connection()
        server: ServerVersion | None = None
        facts: list[Any] = []
        what: Reason | None = None
        try:
            if not kept:
                sock = dial(self.target, self._wire)
                self._wire.stage = "waiting for its greeting"
                connection.connect(sock)
                self.opened = time.monotonic()
            server = connection.version
            for probe in self._probes:
                sql = probe.query(server) if probe.when(facts) else ""
                if not sql:
                    continue
                self._wire.stage = f"waiting for {sql}"
                for fact in _ask(connection, probe, sql, server, self._settings.user):
                    facts.append(fact)  # one by one: what was read before something unexpected counts
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - a hostile server can make pymysql raise nearly anything
            what = _reason(error, self._wire, self._settings)
            self.close(deadline)
        return Observation(
            self.target, began, clock.now(), what, server, tuple(facts), connection.greeted_as, kept=kept
        )

    def _new_connection(self) -> Connection:
        settings = self._settings
        # as MySQL's clients do: a Unix socket is safe without TLS
        plain = self.target.socket is not None and settings.tls == "preferred"
        tls = None if plain else tls_context(settings, self._wire)
        self._connection = Connection(settings, self.target, tls, self._wire)
        return self._connection


class _Denied(Exception):
    def __init__(self, reason: Reason) -> None:
        self.reason = reason


def _ask(connection: Connection, probe: Probe, sql: str, server: ServerVersion, user: str) -> Iterable[Any]:
    """Run a probe's query; a missing privilege is reported with the GRANT for the account that we are."""
    try:
        answer = _query(connection, sql)
    except MySQLError as error:
        errno, message = _number_and_message(error)
        if probe.excuse is not None and probe.excused(errno):
            return [probe.excuse(errno, message, _account(connection, user))]
        if errno not in trouble.MISSING_PRIVILEGE:
            raise
        account = _account(connection, user)
        raise _Denied(trouble.lacks_privilege(errno, message, probe.privilege(server), account, server)) from error
    return probe.parse(answer)


def _account(connection: Connection, user: str) -> str:
    """Name the account that we are; whatever this query meets, the privilege is what is wrong."""
    with contextlib.suppress(Exception):
        ours = _query(connection, "SELECT CURRENT_USER() AS account").rows[0]["account"]
        name, at, host = one_line(ours or "").rpartition("@")
        if at:
            return trouble.account(name, host)
    return trouble.account(user, "%")


def _query(connection: Connection, sql: str) -> Table:
    cursor = connection.cursor()
    cursor.execute(sql)
    if cursor.description is None:
        raise UnexpectedAnswer(f"{sql!r} was answered without a result")
    columns = tuple(_text(column[0]) or "" for column in cursor.description)
    rows = [dict(zip(columns, map(_text, row), strict=True)) for row in cursor.fetchall()]
    return Table(columns, rows)


def _text(value: Any) -> str | None:
    if type(value) is bytes:
        return value.decode("utf-8", "replace")
    return None if value is None else str(value)


def _reason(error: Exception, wire: Wire, settings: ConnectionSettings) -> Reason:
    """Turn what we, pymysql, ssl or the kernel raised into the reason it stands for."""
    match error:
        case _Denied():
            return error.reason
        case OutOfTime():
            return trouble.out_of_time(wire.stage, settings.timeout)
        case TooMuchData():
            return trouble.not_mysql(f"the server sent more than {MOST_BYTES >> 20} MiB while {wire.stage}")
        case PasswordWithheld():
            return trouble.withheld(str(error))
        case TlsRefused():
            why = f"the server offers no TLS, which --tls {settings.tls} demands; nothing was sent"
            return trouble.tls_failed(why)
        case UnexpectedAnswer():
            return trouble.not_mysql(str(error))
    return _reason_of_others(error, wire, settings)


def _reason_of_others(error: Exception, wire: Wire, settings: ConnectionSettings) -> Reason:
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
    if isinstance(error, MySQLError):
        errno, message = _number_and_message(error)
        if errno in trouble.NETWORK:
            return trouble.lost(f"the connection was lost while {wire.stage}")
        if errno:
            return trouble.said_no(errno, message, settings.user)
        return trouble.not_mysql(f"{message} while {wire.stage}")
    return trouble.not_mysql(
        f"no MySQL server, or a broken one: {type(error).__name__} while {wire.stage}: {one_line(str(error), 120)}"
    )


def _number_and_message(error: MySQLError) -> tuple[int, str]:
    arguments = error.args or ("no words",)
    if isinstance(arguments[0], int):
        return arguments[0], one_line(str(arguments[-1]))
    # PyMySQL raises ("Received extra packet for auth method %r", name) and leaves the formatting to nobody
    return 0, one_line(" ".join((_text(part) or "").replace(" %r", "") for part in arguments))


def _plainly(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return f"the name cannot be resolved: {error.strerror}"
    return one_line(error.strerror or str(error)).lower()
