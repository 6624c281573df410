"""The servers: that each answers, over which line, what the account may do there, and what the check would say."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import NamedTuple

from mysqlcheck.checks.connection import MISSING_PRIVILEGE, UNBLOCK
from mysqlcheck.doctor.findings import Code, Finding, Level, table, well
from mysqlcheck.kinds import show_seconds
from mysqlcheck.model import DEFAULT_PORT, Target

MOST_NAMED = 4
VERIFYING = ("verify-ca", "verify-identity")
NO_ANSWER = ("unreachable", "timeout", "protocol_error")
REFUSED = {"tls_error": "tls_failed", "host_blocked": "no_connection", "connections_exhausted": "no_connection"}


class Trouble(NamedTuple):
    """What kept the check from its answers: a reason's code, text, observed number and the privilege that lacks."""

    code: str
    text: str
    errno: int | None = None
    privilege: str | None = None


class Server(NamedTuple):
    """What was found out about one server; what is empty could not be asked."""

    name: str
    remote: bool
    """Whether the line to it leaves this machine."""
    tls: str
    """The setting."""
    timeout: float
    took: float
    """Seconds of the check, with the start of its process: --timeout counts from there."""
    trouble: Trouble | None = None
    product: str = ""
    account: str = ""
    identity: str = ""
    bind_address: str = ""
    tls_version: str = ""
    cipher: str = ""
    beyond: tuple[str, ...] = ()
    """Privileges that the check does not need."""
    expires: int = 0
    """Days for which a password is good; 0: for ever."""
    action: str = "fail"
    """serve, drain or fail, as the check would say."""
    phase: str = "down"
    share: float = 0.0
    verdict: str = ""
    """The check's line."""

    def command(self, name: str) -> str:
        """Return the command that is about this server."""
        target = Target.parse(self.name)
        if target.socket is not None:
            return f"mysqlcheck {name} --socket {target.socket}"
        port = f" --port {target.port}" if target.port != DEFAULT_PORT else ""
        return f"mysqlcheck {name} --host {target.host}{port}"


CODES = table(
    Code(
        "no_server",
        Level.WARNING,
        "Neither the command line nor keepalived.conf nor the TOML file names a server, so none was asked.",
        "Name one: mysqlcheck doctor --host 192.168.1.201",
    ),
    Code(
        "no_answer",
        Level.PROBLEM,
        "The server does not answer as a MySQL server: its name cannot be resolved, its port is closed or filtered, it "
        "hangs, or something else listens there. The check says down.",
        "From this director: getent hosts HOST; nc -zv HOST PORT. On the server: is it running, does bind_address "
        "listen to this address, does a firewall let this director through?",
    ),
    Code(
        "tls_failed",
        Level.PROBLEM,
        "TLS as demanded could not be had, so that nothing was sent.",
        "Give the server a certificate, tls_ca the authority that signed it, and with verify-identity --host the name "
        "that stands in it.",
    ),
    Code(
        "login_failed",
        Level.PROBLEM,
        "The server does not let the account in. Once it served, the check lets it serve on for credentials_grace, "
        "then says down.",
        "Compare the account on the source with `mysqlcheck grants`, its password with the one in "
        "/etc/mysqlcheck/my.cnf, and its host part with this director's address.",
    ),
    Code(
        "no_connection",
        Level.PROBLEM,
        "The server takes no connection of ours now: it, or the account, has as many as it may, or the server has "
        "blocked this director for connections that were broken off.",
        f"Full: SHOW PROCESSLIST there, then max_connections or the account's limit. Blocked: {UNBLOCK}, and find what "
        "opens the port without logging in (a TCP_CHECK?).",
    ),
    Code(
        "privilege_missing",
        Level.PROBLEM,
        "The account may log in, and may not ask what the check must know.",
        "Run the GRANT on the source; replication carries it to every replica.",
    ),
    Code(
        "privileges_beyond",
        Level.WARNING,
        "The account may do more than the check needs. Its password lies on every director: who has it has that too.",
        "REVOKE it; `mysqlcheck grants` prints all that is needed.",
    ),
    Code(
        "tls_none",
        Level.WARNING,
        "The line to the server is not encrypted: what the server answers can be read and changed on the way, and with "
        "some accounts the login cannot be had at all after a restart.",
        'Give the server a certificate, and set tls = "verify-identity" and tls_ca = "FILE" under [defaults] in '
        "/etc/mysqlcheck/mysqlcheck.toml.",
    ),
    Code(
        "tls_unverified",
        Level.WARNING,
        "The line is encrypted, and nobody looked whose certificate it is: somebody in between can be the server.",
        'Set tls = "verify-identity" (or "verify-ca") and tls_ca = "FILE" under [defaults] in '
        "/etc/mysqlcheck/mysqlcheck.toml.",
    ),
    Code(
        "password_expires",
        Level.WARNING,
        "The account's password expires by itself. On that day every server refuses the check at once.",
        "ALTER USER … PASSWORD EXPIRE NEVER, on the source; change it when you choose.",
    ),
    Code(
        "check_slow",
        Level.WARNING,
        "A check took more than half of --timeout: on a busy day it runs out of time, and the server counts as down.",
        "Find what is slow (DNS, the network, the server), or raise --timeout, and misc_timeout with it.",
    ),
    Code(
        "not_serving",
        Level.WARNING,
        "The check works, and says that clients may not read there now.",
        "`mysqlcheck explain` shows every rule; docs/reference/reasons.md says what to do about each.",
    ),
    Code(
        "not_serving_yet",
        Level.NOTE,
        "The server is held: it has come back a short while ago, this director sees it for the first time, or an "
        "operator holds it.",
        "Wait, or `mysqlcheck release` it.",
    ),
    Code(
        "not_asked",
        Level.PROBLEM,
        "The server could not be asked from here at all, for what is wrong with this director.",
        "Mend what is said above first.",
    ),
)


def server(found: Server) -> Iterator[Finding]:
    """Judge one server."""
    if found.trouble is not None:
        yield _trouble(found, found.trouble)
    elif found.action == "serve":
        asked = f", asked as {found.account}" if found.account else ""
        yield well(f"{found.verdict}; {found.product}{asked}, took {_milliseconds(found.took)}")
    elif found.phase == "held" or "operator_hold" in found.verdict:
        advice = f"Wait; or on the director that has it on record: {found.command('release')}"
        yield CODES["not_serving_yet"].found(found.verdict, advice)
    else:
        advice = f"{found.command('explain')} shows every rule; docs/reference/reasons.md says what to do about each."
        yield CODES["not_serving"].found(found.verdict, advice)
    yield from _line(found)
    if found.beyond:
        some = ", ".join(found.beyond[:MOST_NAMED]) + (" …" if len(found.beyond) > MOST_NAMED else "")
        yield CODES["privileges_beyond"].found(f"{found.name}: {found.account} has {some}")
    if found.expires:
        advice = f"On the source: ALTER USER {quoted(found.account)} PASSWORD EXPIRE NEVER;"
        text = f"{found.name}: a password of {found.account} is good for {found.expires} days"
        yield CODES["password_expires"].found(text, advice)
    if found.trouble is None and found.took > found.timeout / 2:
        text = f"{found.name}: the check took {_milliseconds(found.took)} of --timeout {show_seconds(found.timeout)}"
        yield CODES["check_slow"].found(text)


def _trouble(found: Server, trouble: Trouble) -> Finding:
    text = f"{found.name}: {trouble.code}: {trouble.text}"
    if trouble.errno in MISSING_PRIVILEGE and not found.account:
        return CODES["privilege_missing"].found(text)
    if trouble.privilege and trouble.errno in MISSING_PRIVILEGE:
        grant = f"On the source: GRANT {trouble.privilege} ON *.* TO {quoted(found.account)};"
        text = f"{found.name}: {found.account} lacks {trouble.privilege} (error {trouble.errno})"
        return CODES["privilege_missing"].found(text, grant)
    if trouble.code in NO_ANSWER:
        return CODES["no_answer"].found(text)
    return CODES[REFUSED.get(trouble.code, "login_failed")].found(text)


def _line(found: Server) -> Iterator[Finding]:
    if not found.account or not (found.remote or found.tls_version):
        return
    if not found.remote:
        yield well(f"{found.name}: {found.tls_version}, {found.cipher}, on a line that stays on this machine")
    elif not found.tls_version:
        yield CODES["tls_none"].found(f"{found.name}: the line is not encrypted (--tls {found.tls})")
    elif found.tls in VERIFYING:
        yield well(f"{found.name}: {found.tls_version}, {found.cipher}, certificate verified (--tls {found.tls})")
    else:
        text = f"{found.name}: {found.tls_version}, {found.cipher}, and the certificate is not verified"
        yield CODES["tls_unverified"].found(f"{text} (--tls {found.tls})")


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def quoted(account: str) -> str:
    """Write an account as SQL has it, from how CURRENT_USER() says it."""
    name, _, host = account.rpartition("@")
    return "@".join("'" + part.replace("\\", "\\\\").replace("'", "''") + "'" for part in (name, host))


def leaves_this_machine(host: str) -> bool:
    """Whether a line to this address goes over a network; a name may."""
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host != "localhost"
