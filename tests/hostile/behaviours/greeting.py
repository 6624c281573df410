"""Greetings: broken ones, and errors in their place."""

from .. import wire
from ..personas import MARIADB
from ..server import Script
from ..session import SALT, Session
from ._behaviour import CREDENTIALS, PROTOCOL, UNREACHABLE, Behaviour

GOOD = wire.greeting("8.4.6", 11, SALT, wire.OFFERED, "mysql_native_password")


def greets_with(payload: bytes, sequence: int = 0) -> Script:
    """Send a packet in place of the greeting, and stay."""

    def script(session: Session) -> None:
        session.send(payload, sequence)
        session.wait_for_hangup()

    return script


def refuses_with(errno: int, message: str, sqlstate: str = "", sequence: int = 0) -> Script:
    """Send an error in place of the greeting, and close, as a server does."""

    def script(session: Session) -> None:
        session.send(wire.error(errno, sqlstate, message), sequence)

    return script


def says_version(version: str) -> Script:
    """A good server but for its version, in the greeting and wherever it is asked for."""
    return MARIADB._replace(version=version).but_variables().script()


def flood(header: bytes) -> Script:
    """Claim, and send, one packet after the other of the greatest length; a client that joins them never ends."""

    def script(session: Session) -> None:
        for sequence in range(256):
            session.send_bytes(header + bytes([sequence]))
            for _ in range(256):
                session.send_bytes(bytes(0xFFFF) + b"\0")
        session.wait_for_hangup()

    return script


def floods_with_ok(first: int) -> Script:
    """After the greeting, never stop talking and never listen; `first` is the first sequence number."""

    def script(session: Session) -> None:
        session.greet()
        session.flood(b"".join(wire.packet(wire.ok(), first + n) for n in range(256)))

    return script


BROKEN = tuple(
    Behaviour(name, script, PROTOCOL, plays)
    for name, script, plays in (
        ("empty-greeting", greets_with(b""), "a packet without payload"),
        ("protocol-9", greets_with(b"\x09" + b"3.20.32\0" + bytes(13)), "MySQL before 3.21"),
        ("protocol-255-and-nothing", greets_with(b"\xff"), "an error packet cut after its first byte"),
        ("error-cut-in-errno", greets_with(b"\xff\x10"), "an error packet cut in its number"),
        ("ok-as-greeting", greets_with(wire.ok()), "an OK packet before anything was asked"),
        ("greeting-is-version-only", greets_with(GOOD[:7]), "cut within the version"),
        ("greeting-without-nul", greets_with(b"\x0a" + b"8" * 60), "a version that never ends"),
        ("greeting-without-salt", greets_with(GOOD[:11]), "cut within the connection id"),
        ("greeting-cut-in-capabilities", greets_with(GOOD[:23]), "cut within the capabilities"),
        ("greeting-cut-in-salt", greets_with(GOOD[:44]), "cut within the second half of the salt"),
        ("greeting-under-sequence-5", greets_with(GOOD, 5), "a wrong sequence number"),
        ("oversized-greeting", flood(b"\xff\xff\xff"), "16 MiB announced, and sent, again and again"),
        ("flood-of-packets", floods_with_ok(2), "an OK to the login, and answers without end to no question"),
        ("version-empty", says_version(""), "no version"),
        ("version-banana", says_version("banana"), "a version without a number"),
        ("version-of-5000-digits", says_version("9" * 5000 + ".0.0"), "int() refuses to convert so many"),
        ("plugin-not-ascii", greets_with(GOOD[:-22] + b"\xff\xfe\xfd\0"), "a plugin's name that is no text"),
    )
)

# Packets under sequence number 0 are how MariaDB says goodbye, so they may be read as one.
FLOOD = Behaviour("flood-from-0", floods_with_ok(0), PROTOCOL + UNREACHABLE, "the same under wrong numbers")

ERRORS = (
    Behaviour(
        "greets-1040",
        refuses_with(1040, "Too many connections", "08004"),
        ("connections_exhausted",),
        "max_connections is used up",
    ),
    Behaviour(
        "greets-1040-without-sqlstate",
        refuses_with(1040, "Too many connections"),
        ("connections_exhausted",),
        "servers leave the SQLSTATE out before they know the client",
    ),
    Behaviour(
        "greets-1129",
        refuses_with(1129, "Host 'lvs' is blocked because of many connection errors"),
        ("host_blocked",),
        "max_connect_errors, by interrupted handshakes",
        mentions=r"(?i)flush[- ]hosts|host_cache",
    ),
    Behaviour(
        "greets-1130",
        refuses_with(1130, "Host 'lvs' is not allowed to connect to this MySQL server"),
        CREDENTIALS,
        "no account matches the director's address",
    ),
    Behaviour("greets-1053", refuses_with(1053, "Server shutdown in progress", "08S01"), UNREACHABLE, "it goes down"),
    Behaviour(
        "greets-unknown-errno",
        refuses_with(65535, "what no server ever said"),
        PROTOCOL + UNREACHABLE,
        "an error number that is not known, with the sign bit set",
    ),
)

GREETING = (*BROKEN, FLOOD, *ERRORS)
