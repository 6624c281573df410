"""What the connection met: from `unreachable` to `credentials`, and the settings of how to connect.

A server that cannot be reached, or that refuses us, is data. The edge (mysql.py) reports what happened as
one of the functions below; each returns the Reason with its code, severity and a text that says what to do.
"""

from __future__ import annotations

from collections.abc import Iterator

from mysqlcheck.kinds import Flag, OneOf, Seconds, Secret, Text, Whole, show_span
from mysqlcheck.model import Instant, Memory, Observation, Reason, ServerVersion, Severity, Target
from mysqlcheck.settings import Group, Setting

CODES = (
    "unreachable",
    "timeout",
    "protocol_error",
    "tls_error",
    "credentials",
    "host_blocked",
    "connections_exhausted",
)

# MySQL's and MariaDB's error numbers (https://dev.mysql.com/doc/mysql-errors/en/server-error-reference.html,
# https://mariadb.com/kb/en/mariadb-error-code-reference/).
HOST_BLOCKED = 1129
OFFLINE = 3032
EXHAUSTED = {
    1040: "Too many connections",
    1203: "the account has more than max_user_connections connections",
    1226: "the account has used up a resource limit",
}
REFUSED_LOGIN = {
    1044,  # no access to the database
    1045,  # access denied
    1130,  # host not allowed
    1251,  # client does not support the authentication protocol
    1524,  # authentication plugin not loaded
    1698,  # access denied (MariaDB, no password given)
    1820,  # password must be reset first
    1862,  # password expired
    1873,  # access denied, the client tried to change user
    2059,  # client: authentication plugin cannot be loaded
    2061,  # client: authentication plugin failed
    3118,  # account locked (MySQL)
    3159,  # connections without secure transport are not allowed
    3955,  # account blocked after failed logins
    4150,  # blocked after too many wrong passwords (MariaDB, max_password_errors)
    4151,  # account locked (MariaDB)
}
MISSING_PRIVILEGE = {1142, 1143, 1227}
SHUTTING_DOWN = {1053, 1927}

NETWORK = {*range(2001, 2007), 2013, 2055}
"""Client errors that mean "the other side did not answer"; 2005 is an unknown host name."""


def _why_no_host(text: str) -> str | None:
    if "%s" in text and text.count(":") < 2:  # an IPv6 zone may look like that: fe80::1%sfp0
        return (
            f"{text!r} is a place for the server's address, and keepalived does not fill it: "
            "write the real server's address itself, one MISC_CHECK for each"
        )
    if any(character in text for character in " /@?#'\""):
        return f"{text!r} is no host name or address"
    return f"{text!r} is a host with a port: give the port by --port" if text.count(":") == 1 else None


class ConnectionSettings(Group):
    """Where the server is, who we are, and how far we trust the line."""

    host = Setting[str | None](
        Text("HOST", "a host name, an IPv4 or an IPv6 address", _why_no_host),
        default=None,
        help="The real server to check: name, IPv4 or IPv6 address.",
        sources=frozenset({"cli", "env"}),
    )
    port = Setting[int](
        Whole(1, 65535),
        default=3306,
        help="Its TCP port.",
        sources=frozenset({"cli", "env", "defaults"}),
    )
    socket = Setting[str | None](
        Text("FILE", "the path of a Unix socket"),
        default=None,
        help="A server on this machine: the path of its Unix socket, instead of a host.",
        sources=frozenset({"cli", "env", "defaults"}),
    )
    user = Setting[str](Text("USER"), default="mysqlcheck", help="The account to log in as (see `mysqlcheck grants`).")
    password_file = Setting[str | None](
        Text("FILE", "the path of a file"),
        default=None,
        help="A file whose first line is the password. Others: an option file, or MYSQLCHECK_PASSWORD. "
        "Never the command line, which every user of the machine can read.",
    )
    password = Setting[str](
        Secret(),
        default="",
        help="The password; only from the environment or an option file.",
        sources=frozenset({"env"}),
    )
    tls = Setting[str](
        OneOf("disabled", "preferred", "required", "verify-ca", "verify-identity"),
        default="preferred",
        help="TLS as MySQL's --ssl-mode: preferred uses it where the server offers it, required refuses to go on "
        "without, verify-ca also checks who signed the certificate, verify-identity also whose it is.",
    )
    tls_ca = Setting[str | None](
        Text("FILE", "the path of a PEM file"),
        default=None,
        help="Certificates of the authorities to trust; without it the system's.",
    )
    tls_cert = Setting[str | None](
        Text("FILE", "the path of a PEM file"),
        default=None,
        help="Our own certificate, where the account demands one.",
    )
    tls_key = Setting[str | None](
        Text("FILE", "the path of a PEM file"),
        default=None,
        help="The private key of --tls-cert, if in a file apart.",
    )
    server_public_key_path = Setting[str | None](
        Text("FILE", "the path of a PEM file"),
        default=None,
        help="The server's RSA public key: pins it, so that caching_sha2_password may log in without TLS.",
    )
    get_server_public_key = Setting[bool](
        Flag(),
        default=False,
        help="Without TLS, encrypt the password to whatever RSA key the server sends. Anybody who can take "
        "the server's place gets the password: only for networks where nobody can.",
    )
    timeout = Setting[float](
        Seconds(0.1, 3600),
        default=3.0,
        help="The end of everything: name resolution, connecting, TLS, login, queries. Keep it well below "
        "keepalived's misc_timeout, whose SIGKILL makes keepalived leak weight.",
    )

    fail_after = Setting[float](
        Seconds(0, 3600),
        default=3.0,
        help="A server that served goes on until no look at it has got an answer for so long: one lost packet takes "
        "nobody out. A refused connection counts at once, and so does a --timeout that is no shorter. 0: at once.",
    )
    credentials_grace = Setting[float](
        Seconds(),
        default=600.0,
        help="A server that served goes on for so long although it refuses our login, or TLS: the monitor's new "
        "password reaches all servers within a second, and must not take them all out. 0: at once.",
    )

    def conflicts(self) -> Iterator[tuple[str, str]]:
        """Nothing to check, two servers to check, or a certificate without its use."""
        yield from super().conflicts()
        if self.host is None and self.socket is None:
            yield "host", "no server to check: give --host ADDRESS (or --socket FILE)"
        elif self.socket is not None and self.origins.get("host") == self.origins.get("socket"):
            yield "socket", "--host and --socket name two servers: give one of them"
        if self.socket is not None and not self.socket.startswith("/"):
            yield "socket", f"{self.socket!r} is not an absolute path"
        if self.tls_key is not None and self.tls_cert is None:
            yield "tls_key", "--tls-key needs the certificate it belongs to: give --tls-cert too"

    @property
    def target(self) -> Target:
        """The server to check: what the highest layer says, host or socket."""
        if self.host is None or self.origins.get("socket", -1) > self.origins.get("host", -1):
            return Target("localhost", self.port, self.socket)
        return Target.parse(bracketed(self.host), self.port)


def bracketed(host: str) -> str:
    """Write an IPv6 address so that its colons are no port."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


SILENT, REFUSED = "fail_after", "credentials_grace"
"""The two graces, by the settings that say how long they last."""


def refused(why: str) -> Reason:
    """Nobody listens there, or the server says that it is leaving: that is definite."""
    return Reason("unreachable", Severity.FAIL, why, observed=why, bars_entry=True)


def lost(why: str) -> Reason:
    """No route, an unknown name, a reset: the server's trouble, the network's, or the director's own."""
    return refused(why)._replace(grace=SILENT)


def out_of_time(stage: str, limit: float) -> Reason:
    """The deadline passed while we were doing `stage`; `limit` in seconds."""
    text = f"no answer within {limit:g} s while {stage}"
    return Reason("timeout", Severity.FAIL, text, stage, limit, bars_entry=True, grace=SILENT)


def not_mysql(why: str) -> Reason:
    """Something answers, but not as a MySQL server should."""
    return Reason("protocol_error", Severity.FAIL, why, observed=why, bars_entry=True)


def tls_failed(why: str, hint: str = "") -> Reason:
    """TLS as demanded could not be had; nothing secret has been sent."""
    return Reason("tls_error", Severity.FAIL, why + hint, observed=why, bars_entry=True, grace=REFUSED)


def withheld(why: str) -> Reason:
    """The server asked for the password in a way that shows it to others; it was not sent."""
    return Reason("credentials", Severity.FAIL, why, "password withheld", bars_entry=True, grace=REFUSED)


def unusable(why: str) -> Reason:
    """A file that holds our own credentials cannot be used: the director's trouble, told as the server's refusal is."""
    return Reason("credentials", Severity.FAIL, why, "no password", bars_entry=True, grace=REFUSED)


def said_no(errno: int, message: str, user: str) -> Reason:
    """Judge a server's own error during connecting or querying by its number."""
    error = f"error {errno}: {message}"
    if errno in EXHAUSTED:
        text = f"{EXHAUSTED[errno]} ({error})"
        return Reason("connections_exhausted", Severity.DRAIN, text, observed=errno, bars_entry=True, grace=SILENT)
    if errno == HOST_BLOCKED:
        text = f"the server has blocked this director ({error}); unblock it there with: {UNBLOCK}"
        return Reason("host_blocked", Severity.FAIL, text, observed=errno, bars_entry=True, grace=REFUSED)
    if errno in REFUSED_LOGIN:
        text = f"the server refuses {user!r} ({error}); see `mysqlcheck grants`"
        return Reason("credentials", Severity.FAIL, text, observed=errno, bars_entry=True, grace=REFUSED)
    if errno == OFFLINE:
        return keeps_clients_out(error)
    if errno in SHUTTING_DOWN:
        return refused(f"the server is shutting down ({error})")
    if errno in NETWORK:
        return lost(error)
    return not_mysql(f"unexpected {error}")


def keeps_clients_out(error: str = "") -> Reason:
    """MySQL's offline_mode is ON, as it says itself, or as the error says that our account was kept out with."""
    text = f"offline_mode is ON: clients are thrown out and not let in{f' ({error})' if error else ''}"
    return Reason("offline_mode", Severity.FAIL, text, "ON", "OFF", bars_entry=True)


UNBLOCK = "TRUNCATE TABLE performance_schema.host_cache (MySQL), or FLUSH HOSTS (MariaDB)"


def account(user: str, host: str) -> str:
    """Name an account in SQL, whatever characters are in it."""
    return "@".join("'" + part.replace("\\", "\\\\").replace("'", "''") + "'" for part in (user, host))


def lacks_privilege(errno: int, message: str, privilege: str, account: str, server: ServerVersion) -> Reason:
    """A query was denied; `account` as the server names it in CURRENT_USER()."""
    what = privilege if " ON " in privilege else f"{privilege} ON *.*"
    grant = f"GRANT {what} TO {account};" if privilege else "see `mysqlcheck grants`"
    text = f"the account lacks a privilege on this {server.flavor} server (error {errno}: {message}); give it: {grant}"
    return Reason("credentials", Severity.FAIL, text, errno, privilege or None, bars_entry=True, grace=REFUSED)


def rule(observation: Observation, memory: Memory, settings: ConnectionSettings, now: Instant) -> Iterator[Reason]:
    """Pass on what the connection met, or say that it was fine."""
    if observation.trouble is not None:
        yield graced(observation.trouble, memory, settings, now) or observation.trouble
        return
    took = round(observation.ended.seconds - observation.began.seconds, 3)
    yield Reason("unreachable", Severity.OK, "connected")
    yield Reason("timeout", Severity.OK, f"answered in {took * 1000:.0f} ms", took, settings.timeout)
    yield Reason("protocol_error", Severity.OK, "answered as a MySQL server does")
    yield Reason("tls_error", Severity.OK, "nothing against TLS", limit=settings.tls)
    yield Reason("credentials", Severity.OK, "logged in, and may ask what it must", settings.user)
    yield Reason("host_blocked", Severity.OK, "this director is not blocked")
    yield Reason("connections_exhausted", Severity.OK, "a connection was free")


def graced(trouble: Reason, memory: Memory, settings: ConnectionSettings, now: Instant) -> Reason | None:
    """Return the trouble as a mere note while its grace lasts; None where it counts.

    Every grace stands on a recorded answer of this incarnation. Silence is counted from the beginning of the first
    look that met it, so that one lost packet is none; being refused from the last answer. A look that timed out has
    lasted for --timeout at least.
    """
    if trouble.grace is None or memory.answered_at is None:
        return None
    limit: float = settings.values[trouble.grace]
    began = memory.silent_since if trouble.grace == SILENT else memory.answered_at
    lasted = now.since(began) if began is not None else 0.0
    if lasted is None or now.since(memory.answered_at) is None:
        return None
    if trouble.code == "timeout":
        lasted = max(lasted, settings.timeout)
    if lasted >= limit:
        return None
    text = f"{trouble.text}; its last verdict stays for {show_span(limit - lasted)} ({trouble.grace})"
    return trouble._replace(severity=Severity.NOTE, text=text)
