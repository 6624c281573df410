"""Servers that are not there, not talking, or not MySQL."""

from collections.abc import Callable

from .. import wire
from ..personas import MARIADB, STATUS_QUERY, Persona
from ..server import Script
from ..session import Session
from ._behaviour import PROTOCOL, TIMEOUT, UNREACHABLE, Behaviour

Leave = Callable[[Session], None]


def says(data: bytes, then: Leave = Session.wait_for_hangup) -> Script:
    """Send bytes that need not be a packet, in place of a greeting."""

    def script(session: Session) -> None:
        session.send_bytes(data)
        then(session)

    return script


def drips_greeting(interval: float) -> Script:
    def script(session: Session) -> None:
        session.drip(interval)
        MARIADB.script()(session)

    return script


def drips_answer(session: Session, query: str) -> None:
    session.drip(0.05)
    MARIADB.answer(session, query)


def drips_after_login(session: Session) -> None:
    session.greet()
    session.read_login()
    session.drip(0.2)
    session.ok()
    session.serve(MARIADB.answer)


def silent_after_login(session: Session) -> None:
    session.greet()
    session.read_login()
    session.wait_for_hangup()


def _half(persona: Persona, part: str) -> bytes:
    """The replica status as packets, up to and including the named part."""
    columns = [wire.Column(name) for name in persona.status]
    payloads = {"column count": [wire.lenenc_int(len(columns))]}
    payloads["a column"] = [*payloads["column count"], wire.column(columns[0])]
    payloads["the columns"] = [*payloads["column count"], *map(wire.column, columns), wire.eof()]
    payloads["a row"] = [*payloads["the columns"], wire.row(list(persona.status.values()))]
    return b"".join(wire.packet(payload, n) for n, payload in enumerate(payloads[part], 1))


def _before_greeting(session: Session, leave: Leave) -> None:
    leave(session)


def _in_greeting(session: Session, leave: Leave) -> None:
    session.send_bytes(wire.packet(bytes(80), 0)[:2])
    leave(session)


def _after_greeting(session: Session, leave: Leave) -> None:
    session.greet()
    leave(session)


def _after_login(session: Session, leave: Leave) -> None:
    session.greet()
    session.read_login()
    leave(session)


def _after_ok(session: Session, leave: Leave) -> None:
    session.greet()
    session.read_login()
    session.ok()
    leave(session)


def _at_first_query(session: Session, leave: Leave) -> None:
    session.greet()
    session.read_login()
    session.ok()
    session.serve(lambda session, _query: leave(session))


def _within_result(part: str) -> Callable[[Session, Leave], None]:
    data = _half(MARIADB, part)

    def play(session: Session, leave: Leave) -> None:
        def answer(session: Session, _query: str) -> None:
            session.send_bytes(data)
            leave(session)

        MARIADB.but(STATUS_QUERY, answer).script()(session)

    return play


MOMENTS: dict[str, Callable[[Session, Leave], None]] = {
    "before-greeting": _before_greeting,
    "in-greeting": _in_greeting,
    "after-greeting": _after_greeting,
    "after-login": _after_login,
    "after-ok": _after_ok,
    "at-first-query": _at_first_query,
    **{f"after-{part.replace(' ', '-')}": _within_result(part) for part in ("column count", "a column", "a row")},
    "after-the-columns": _within_result("the columns"),
}


def _leaves(moment: str, verb: str, leave: Leave) -> Behaviour:
    play = MOMENTS[moment]
    return Behaviour(
        f"{verb}-{moment}",
        lambda session: play(session, leave),
        UNREACHABLE,
        f"the server, or a firewall, {verb} the connection {moment.replace('-', ' ')}",
    )


SILENCES = (
    Behaviour("refuses", None, UNREACHABLE, "mysqld is not running"),
    Behaviour("accepts-and-stays-silent", Session.wait_for_hangup, TIMEOUT, "stopped by SIGSTOP, or out of threads"),
    Behaviour("silent-after-login", silent_after_login, TIMEOUT, "hangs in authentication (LDAP, PAM)"),
    Behaviour("drips-greeting-slowly", drips_greeting(1.0), TIMEOUT, "each read succeeds in time, the whole never"),
    Behaviour("drips-greeting", drips_greeting(0.05), TIMEOUT, "no single read is slow"),
    Behaviour("drips-after-login", drips_after_login, TIMEOUT, "the OK packet arrives byte by byte"),
    Behaviour(
        "drips-result",
        MARIADB.but(STATUS_QUERY, drips_answer).script(),
        TIMEOUT,
        "a long result, byte by byte",
    ),
)

# A TLS alert's first bytes read as a packet of 197 kB under sequence number 0, so that its end,
# where the server closes, may also be taken for a lost connection.
STRANGERS = tuple(
    Behaviour(name, says(data, then), codes, plays)
    for name, data, then, codes, plays in (
        ("zeroes", bytes(400), Session.wait_for_hangup, PROTOCOL, "an empty greeting, then more of them"),
        ("random-bytes", bytes(range(255, 0, -1)), Session.wait_for_hangup, PROTOCOL, "no protocol at all"),
        (
            "http",
            b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
            Session.close,
            PROTOCOL,
            "a web server",
        ),
        (
            "http-stays",
            b"HTTP/1.1 408 Request Timeout\r\n\r\n",
            Session.wait_for_hangup,
            PROTOCOL,
            "a web server",
        ),
        ("ssh", b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n", Session.wait_for_hangup, PROTOCOL, "sshd"),
        (
            "smtp",
            b"220 mail.example.org ESMTP Postfix\r\n",
            Session.wait_for_hangup,
            PROTOCOL,
            "a mail server",
        ),
        ("tls-alert", bytes.fromhex("15030300020228"), Session.close, PROTOCOL + UNREACHABLE, "a TLS port"),
    )
)

CONNECTION = (
    *SILENCES,
    *STRANGERS,
    *(
        _leaves(moment, verb, leave)
        for moment in MOMENTS
        for verb, leave in (("closes", Session.close), ("resets", Session.reset))
    ),
)
