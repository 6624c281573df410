"""Rogues that ask for the password in a form they could undo. Without TLS none of them may get an answer.

MySQL's authentication plugins are the server's choice (Protocol::AuthSwitchRequest), and a client that
follows every choice hands its password to whoever sits on the address of the server.
"""

from ..server import Script
from ..session import Session
from ._behaviour import CREDENTIALS, PROTOCOL, Behaviour

DENIED = (1045, "28000", "Access denied")
ASKS_KEY = {"caching_sha2_password": b"\x02", "sha256_password": b"\x01"}
FULL_AUTHENTICATION = b"\x04"


def demands(plugin: str, data: bytes | None = None) -> Script:
    """Switch to a plugin that no answer may be given to."""

    def script(session: Session) -> None:
        session.greet()
        session.read_login()
        session.auth_switch(plugin, data)
        session.expect_no_answer(f"an auth switch to {plugin}")

    return script


def old_password(session: Session) -> None:
    """Protocol::OldAuthSwitchRequest, a bare 0xfe: the hash that 4.1 replaced and anyone can undo."""
    session.greet()
    session.read_login()
    session.send(b"\xfe")
    session.expect_no_answer("a bare 0xfe")


def challenges(plugin: str, data: bytes) -> Script:
    """Switch to a plugin that a client may know and answer by proof; the login fails either way."""

    def script(session: Session) -> None:
        session.greet()
        session.read_login()
        session.auth_switch(plugin, data)
        session.read()
        session.error(*DENIED)

    return script


def greets_unknown_plugin(session: Session) -> None:
    """The plugin is unknown from the first word on, and remains so."""
    session.greet(plugin="martian_password")
    session.read_login()
    session.auth_switch("martian_password")
    session.expect_no_answer("an auth switch to martian_password")


def greets_with_demand(plugin: str) -> Script:
    """The greeting names the plugin, and no switch announces the demand: it is "more data" at once."""

    def script(session: Session) -> None:
        session.greet(plugin=plugin)
        session.read_login()
        session.auth_more(b"\x04Password: ")
        session.expect_no_answer(f"a demand of {plugin}")

    return script


def _asked_for_key(session: Session, plugin: str, answer: bytes) -> None:
    """Complain, and play on to see what would have been sent under the rogue's key."""
    session.complain(f"the client asked for the rogue's public key, or answered at all: {answer!r}")
    if answer == ASKS_KEY[plugin]:
        session.auth_more(session.props.public_key)
        session.read()
    session.error(*DENIED)


def full_authentication(session: Session) -> None:
    """caching_sha2_password whose cache is empty: the client must now give the password itself."""
    plugin = "caching_sha2_password"
    session.greet(plugin=plugin)
    session.read_login()
    session.auth_more(FULL_AUTHENTICATION)
    _asked_for_key(session, plugin, session.read())


def switched_full_authentication(session: Session) -> None:
    plugin = "caching_sha2_password"
    session.greet()
    session.read_login()
    session.auth_switch(plugin)
    session.read()  # the scramble, which may be sent
    session.auth_more(FULL_AUTHENTICATION)
    _asked_for_key(session, plugin, session.read())


def key_unasked(plugin: str) -> Script:
    """Send the public key before anybody asked for it."""

    def script(session: Session) -> None:
        session.greet(plugin=plugin)
        login = session.read_login()
        if login.auth == ASKS_KEY[plugin]:
            session.complain("the client asked for the rogue's public key in its login")
        session.auth_more(session.props.public_key)
        session.expect_no_answer("a public key")

    return script


def switch_then_key(session: Session) -> None:
    session.greet()
    session.read_login()
    session.auth_switch("sha256_password")
    _asked_for_key(session, "sha256_password", session.read())


def greets_sha256(session: Session) -> None:
    plugin = "sha256_password"
    session.greet(plugin=plugin)
    login = session.read_login()
    if login.auth == ASKS_KEY[plugin]:
        _asked_for_key(session, plugin, login.auth)
    else:
        session.auth_switch(plugin)
        _asked_for_key(session, plugin, session.read())


def against_a_pin(session: Session) -> None:
    """A client with a pinned key may answer, encrypted to that key: so the rogue offers its own instead."""
    session.greet(plugin="caching_sha2_password")
    session.read_login()
    session.auth_more(FULL_AUTHENTICATION)
    if session.read() == ASKS_KEY["caching_sha2_password"]:
        _asked_for_key(session, "caching_sha2_password", ASKS_KEY["caching_sha2_password"])
    session.auth_more(session.props.public_key)
    session.expect_no_answer("another public key than the pinned one")


PLUGINS = tuple(
    Behaviour(f"switches-to-{plugin.replace('_', '-')}", demands(plugin, data), CREDENTIALS, plays)
    for plugin, data, plays in (
        ("mysql_clear_password", b"", "asks for the password as it is"),
        ("dialog", b"\x04Password: ", "PAM: asks for the password with a prompt"),
        ("dialog", b"\x02Your bank's PIN: ", "PAM: asks something else, echoed"),
        ("mysql_old_password", bytes(8), "asks for the hash of MySQL 3.23"),
        ("auth_gssapi_client", b"mysql/x@EXAMPLE.ORG\0", "Kerberos"),
        ("martian_password", b"", "a plugin that nobody knows"),
        ("", b"", "a plugin without a name"),
        ("\u00e9t\u00e9", b"", "a plugin whose name is not ASCII"),
        ("../../lib/evil", b"", "a plugin whose name is a path"),
    )
)

PASSWORD_ROGUES = (
    *(b._replace(name=f"{b.name}-{n}") for n, b in enumerate(PLUGINS)),
    Behaviour("switches-to-bare-0xfe", old_password, CREDENTIALS, "asks for the old hash the old way"),
    Behaviour("challenges-ed25519", challenges("client_ed25519", bytes(32)), CREDENTIALS, "MariaDB's ed25519"),
    Behaviour("challenges-parsec", challenges("parsec", bytes(32)), CREDENTIALS, "MariaDB 11.6's parsec"),
    Behaviour(
        "challenges-empty-salt",
        challenges("mysql_native_password", b""),
        CREDENTIALS,
        "a scramble of nothing",
    ),
    Behaviour("greets-unknown-plugin", greets_unknown_plugin, CREDENTIALS, "a plugin that nobody knows"),
    *(
        Behaviour(
            f"greets-{plugin.replace('_', '-')}",
            greets_with_demand(plugin),
            CREDENTIALS + PROTOCOL,
            "asks without a switch",
            mentions=r"^(?!b')",
        )
        for plugin in ("mysql_clear_password", "dialog")
    ),
    Behaviour("sha2-full-authentication", full_authentication, CREDENTIALS, "asks under its own RSA key"),
    Behaviour("sha2-full-after-switch", switched_full_authentication, CREDENTIALS, "the same after an auth switch"),
    Behaviour(
        "sha2-key-unasked", key_unasked("caching_sha2_password"), CREDENTIALS + PROTOCOL, "sends its key at once"
    ),
    Behaviour("sha256-greeting", greets_sha256, CREDENTIALS, "sha256_password under its own RSA key"),
    Behaviour("sha256-switch", switch_then_key, CREDENTIALS, "the same after an auth switch"),
    Behaviour("sha256-key-unasked", key_unasked("sha256_password"), CREDENTIALS + PROTOCOL, "sends its key at once"),
    Behaviour(
        "sha2-against-a-pin",
        against_a_pin,
        CREDENTIALS + PROTOCOL,
        "sends its own key to a client that pinned another",
        args=("--server-public-key-path", "{pinned}"),
    ),
)
