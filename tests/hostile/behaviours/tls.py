"""TLS that is stripped, broken, slow, or somebody else's.

Protocol::SSLRequest goes out in plain text; whatever comes back before the handshake has ended comes
from anybody. So no login packet may leave under a mode that requires TLS, and none after a failure.
"""

from collections.abc import Callable

from .. import wire
from ..personas import MARIADB, STATUS_QUERY
from ..server import Script
from ..session import COM_QUIT, Session
from ._behaviour import CREDENTIALS, PROTOCOL, TIMEOUT, TLS, UNREACHABLE, Behaviour

VERIFY_CA = ("--tls", "verify-ca", "--tls-ca", "{ca}")
VERIFY_IDENTITY = ("--tls", "verify-identity", "--tls-ca", "{ca}")
REQUIRED = ("--tls", "required")
PREFERRED = ("--tls", "preferred")


def strips(session: Session) -> None:
    """Offer no TLS; only a farewell may follow."""
    session.greet(tls=False)
    if session.read() != COM_QUIT:
        session.complain("the client went on where TLS was stripped")


def after_ssl_request(play: Callable[[Session], None]) -> Script:
    """Offer TLS, and do something else once the client asks for it."""

    def script(session: Session) -> None:
        session.greet(tls=True)
        session.read_ssl_request()
        play(session)

    return script


def says(data: bytes) -> Script:
    def play(session: Session) -> None:
        session.send_bytes(data)
        session.wait_for_hangup()

    return after_ssl_request(play)


def drips_handshake(session: Session) -> None:
    session.drip(0.05)
    session.start_tls("good")
    session.wait_for_hangup()


def injects(session: Session) -> None:
    """Plain text behind the greeting, to be taken for the first words inside TLS (as in CVE-2011-0411).

    It is the OK that the login would be answered with; inside TLS the answer is an error.
    """
    greeting = wire.greeting("8.4.6", 11, session.salt, wire.OFFERED | wire.Capability.SSL, "mysql_native_password")
    session.send_bytes(wire.packet(greeting, 0) + wire.packet(wire.ok(), 3))
    session.read_login("good")
    session.error(1045, "28000", "Access denied")


def silent_within_tls(session: Session) -> None:
    session.greet(tls=True)
    session.read_login("good")
    session.wait_for_hangup()


def demands_within_tls(session: Session) -> None:
    """TLS that nobody verified: a rogue's is as good as any, so that it makes mysql_clear_password no better."""
    session.greet(tls=True)
    session.read_login("self-signed")
    session.auth_switch("mysql_clear_password", b"")
    session.expect_no_answer("an auth switch to mysql_clear_password inside unverified TLS")


def leaves_within_tls(leave: Callable[[Session], None]) -> Script:
    """TLS as it should be; in the middle of a result the connection ends without close_notify."""

    def answer(session: Session, _query: str) -> None:
        session.send(wire.lenenc_int(40))
        leave(session)

    return MARIADB.but(STATUS_QUERY, answer).script(tls="good")


def drips_within_tls(session: Session, query: str) -> None:
    session.drip(0.05)
    MARIADB.answer(session, query)


def floods_within_tls(session: Session, _query: str) -> None:
    session.columns([wire.Column("x")])
    rows = [wire.packet(wire.row(["x" * 2000]), session.sequence + n) for n in range(256)]
    session.flood(b"".join(rows))


STRIPPED = tuple(
    Behaviour(
        f"strips-tls-{args[1]}",
        strips,
        TLS,
        "the server, or somebody between, offers no TLS",
        args=args,
        may_log_in=False,
    )
    for args in (REQUIRED, VERIFY_CA, VERIFY_IDENTITY)
)

INSTEAD = tuple(
    Behaviour(f"{name}-{args[1]}", script, codes, plays, args=args, may_log_in=False)
    for args in (PREFERRED, REQUIRED, VERIFY_IDENTITY)
    for name, script, codes, plays in (
        ("tls-garbage", says(b"no TLS at all\r\n" * 9), TLS, "garbage in place of TLS"),
        ("tls-plain-ok", says(wire.packet(wire.ok(), 2)), TLS, "an OK in plain text in place of TLS"),
        (
            "tls-plain-error",
            says(wire.packet(wire.error(1045, "28000", "Access denied"), 2)),
            TLS,
            "an unauthenticated error in place of TLS",
        ),
        ("tls-silence", after_ssl_request(Session.wait_for_hangup), TIMEOUT, "silence in place of TLS"),
        ("tls-drip", after_ssl_request(drips_handshake), TIMEOUT, "a handshake byte by byte"),
        ("tls-close", after_ssl_request(Session.close), TLS + UNREACHABLE, "closes in place of TLS"),
        ("tls-reset", after_ssl_request(Session.reset), TLS + UNREACHABLE, "resets in place of TLS"),
    )
)

CERTIFICATES = tuple(
    Behaviour(
        f"certificate-{context}-{args[1]}",
        MARIADB.script(tls=context),
        TLS,
        plays,
        args=args,
        may_log_in=False,
    )
    for context, args, plays in (
        ("self-signed", VERIFY_CA, "a certificate that nobody vouches for"),
        ("self-signed", VERIFY_IDENTITY, "a certificate that nobody vouches for"),
        ("stranger", VERIFY_CA, "another CA's certificate"),
        ("stranger", VERIFY_IDENTITY, "another CA's certificate"),
        ("expired", VERIFY_CA, "a certificate out of date"),
        ("expired", VERIFY_IDENTITY, "a certificate out of date"),
        ("elsewhere", VERIFY_IDENTITY, "the right CA's certificate for another server"),
        ("ancient", PREFERRED, "TLS 1.1 and older only, and no way back to plain text"),
        ("ancient", REQUIRED, "TLS 1.1 and older only"),
    )
)

INSIDE = (
    Behaviour(
        "tls-injection",
        injects,
        TLS + PROTOCOL + CREDENTIALS,
        "plain text smuggled in before TLS",
        REQUIRED,
    ),
    Behaviour(
        "tls-silent-after-login",
        silent_within_tls,
        TIMEOUT,
        "hangs in authentication, inside TLS",
        REQUIRED,
        mentions="logging in",
    ),
    Behaviour("tls-clear-password", demands_within_tls, CREDENTIALS, "asks within its own TLS", REQUIRED),
    Behaviour("tls-closes-within", leaves_within_tls(Session.close), UNREACHABLE, "no close_notify", REQUIRED),
    Behaviour("tls-resets-within", leaves_within_tls(Session.reset), UNREACHABLE, "RST inside TLS", REQUIRED),
    Behaviour(
        "tls-drips-within",
        MARIADB.but(STATUS_QUERY, drips_within_tls).script(tls="good"),
        TIMEOUT,
        "each byte a TLS record",
        REQUIRED,
    ),
    Behaviour(
        "tls-floods-within",
        MARIADB.but(STATUS_QUERY, floods_within_tls).script(tls="good"),
        PROTOCOL,
        "rows without end",
        REQUIRED,
    ),
)

TLS_ROWS = (*STRIPPED, *INSTEAD, *CERTIFICATES, *INSIDE)
