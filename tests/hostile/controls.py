"""Servers that behave, each beside one that does not: what the check must let pass."""

from typing import NamedTuple

from .behaviours.tls import PREFERRED, REQUIRED, VERIFY_CA, VERIFY_IDENTITY
from .personas import MARIADB, MYSQL, MYSQL_57, STARTED, UUID, Persona
from .server import Script
from .session import Session
from .wire import Value


class Control(NamedTuple):
    """A server that must be given its full weight."""

    name: str
    script: Script
    args: tuple[str, ...] = ()


def full_authentication(session: Session, *, tls: str = "") -> None:
    """caching_sha2_password with an empty cache: the client gives the password, or asks for a key first."""
    session.greet(MYSQL.version, plugin="caching_sha2_password", tls=bool(tls))
    session.read_login(tls)
    session.auth_more(b"\x04")
    if session.read() == b"\x02":
        session.auth_more(session.props.public_key)
        session.read()
    session.ok()
    session.serve(MYSQL.answer)


def full_authentication_within_tls(session: Session) -> None:
    """The same inside TLS, under a certificate that nobody vouches for."""
    full_authentication(session, tls="self-signed")


def fast_authentication(session: Session) -> None:
    """caching_sha2_password with a filled cache: the scramble is enough."""
    session.greet(MYSQL.version, plugin="caching_sha2_password")
    session.read_login()
    session.auth_more(b"\x03")
    session.ok()
    session.serve(MYSQL.answer)


def says_of_itself(identity: Value = UUID, started: int = STARTED, **values: Value) -> Persona:
    """A replica with nothing against it, that says this of itself."""
    return MYSQL.but_started(started).but_words(identity=identity, **values)


def switch(plugin: str, *more: bytes) -> Script:
    """An honest auth switch, as an account with another plugin than the server's default causes it."""

    def script(session: Session) -> None:
        session.greet(MYSQL.version)
        session.read_login()
        session.auth_switch(plugin)
        session.read()
        for data in more:
            session.auth_more(data)
        session.ok()
        session.serve(MYSQL.answer)

    return script


CONTROLS = (
    Control("mysql", MYSQL.script()),
    Control("mysql-57", MYSQL_57.script()),
    Control("mariadb", MARIADB.script()),
    Control("uptime-0", says_of_itself(uptime="0").script()),
    Control("uptime-below-zero", says_of_itself(uptime=str((1 << 64) - 5)).script()),
    Control("uptime-minus-5", says_of_itself(uptime="-5").script()),
    Control("uptime-of-a-century", says_of_itself(uptime="3155760000").script()),
    Control("clock-of-1970", says_of_itself(now="5").script()),
    Control("clock-of-2106", says_of_itself(now=str(1 << 32)).script()),
    Control("identity-of-a-megabyte", says_of_itself("x" * (1 << 20)).script()),
    Control("identity-with-escapes", says_of_itself("\x1b[2J\r\nFAIL \u202e%s").script()),
    Control("identity-not-utf-8", says_of_itself(b"\xff\xfe").script()),
    Control("more-columns-than-known", MYSQL.but_status(**{f"New_{n}": "?" for n in range(20)}).script()),
    Control("sha2-fast", fast_authentication),
    Control("sha2-pinned", full_authentication, ("--server-public-key-path", "{pinned}")),
    Control("switch-to-native", switch("mysql_native_password")),
    Control("switch-to-sha2", switch("caching_sha2_password", b"\x03")),
    Control("tls-preferred-and-not-offered", MYSQL.script(), PREFERRED),
    Control("tls-preferred", MYSQL.script(tls="self-signed"), PREFERRED),
    Control("tls-required", MYSQL.script(tls="self-signed"), REQUIRED),
    Control("tls-verify-ca", MYSQL.script(tls="good"), VERIFY_CA),
    Control("tls-verify-ca-elsewhere", MYSQL.script(tls="elsewhere"), VERIFY_CA),
    Control("tls-verify-identity", MYSQL.script(tls="good"), VERIFY_IDENTITY),
)
