"""Servers that refuse the login, or answer it with something else."""

from .. import wire
from ..personas import MARIADB, MYSQL, STATUS_QUERY, accept, error, rows, table
from ..server import Script
from ..session import Session
from ._behaviour import CREDENTIALS, PROTOCOL, TIMEOUT, UNREACHABLE, Behaviour, of


def answers_login(payload: bytes, sequence: int | None = None) -> Script:
    """Answer the login with one packet, and close."""

    def script(session: Session) -> None:
        session.greet()
        session.read_login()
        session.send(payload, sequence)

    return script


def refuses_login(errno: int, sqlstate: str, message: str) -> Script:
    return answers_login(wire.error(errno, sqlstate, message))


def refuses_first_query(errno: int, sqlstate: str, message: str) -> Script:
    return MARIADB.but("", error(errno, sqlstate, message)).script()


def switches_for_ever(session: Session) -> None:
    session.greet()
    session.read_login()
    while True:
        session.auth_switch("mysql_native_password")
        session.read()


def says_more_for_ever(session: Session) -> None:
    session.greet(plugin="caching_sha2_password")
    session.read_login()
    while True:
        session.auth_more(b"\x03")


def cut_definition(session: Session, _query: str) -> None:
    session.send(wire.lenenc_int(1))
    session.send(b"\x03def")


REFUSALS = tuple(
    Behaviour(f"login-{errno}", refuses_login(errno, sqlstate, message), CREDENTIALS, plays)
    for errno, sqlstate, message, plays in (
        (1045, "28000", "Access denied for user 'monitor'@'lvs' (using password: YES)", "wrong password"),
        (1698, "28000", "Access denied for user 'monitor'@'lvs'", "MariaDB's unix_socket account"),
        (1862, "HY000", "Your password has expired. To log in you must change it", "expired password"),
        (
            3118,
            "HY000",
            "Access denied for user 'monitor'@'lvs'. Account is locked.",
            "locked account, MySQL",
        ),
        (4151, "HY000", "Access denied, this account is locked", "locked account, MariaDB"),
        (3159, "HY000", "Connections using insecure transport are prohibited", "require_secure_transport"),
        (1524, "HY000", "Plugin 'mysql_native_password' is not loaded", "MySQL 8.4 without the plugin"),
        (1251, "08004", "Client does not support authentication protocol requested by server", "old client"),
    )
)

EXHAUSTED = tuple(
    Behaviour(
        f"login-{errno}",
        refuses_login(errno, "42000", message),
        ("connections_exhausted",),
        plays,
    )
    for errno, message, plays in (
        (
            1203,
            "User monitor already has more than 'max_user_connections' active connections",
            "server-wide limit",
        ),
        (
            1226,
            "User 'monitor' has exceeded the 'max_user_connections' resource (current value: 1)",
            "account's limit",
        ),
    )
)

ODD = (
    Behaviour("login-1053", refuses_login(1053, "08S01", "Server shutdown in progress"), UNREACHABLE, "it goes down"),
    Behaviour("login-ok-under-sequence-9", answers_login(wire.ok(), 9), PROTOCOL, "a wrong sequence number"),
    Behaviour(
        "login-ok-under-sequence-0",
        answers_login(wire.ok(), 0),
        PROTOCOL + UNREACHABLE,
        "the number began anew",
    ),
    Behaviour("login-answered-by-42", answers_login(b"\x42" * 9), PROTOCOL, "neither OK, nor ERR, nor a request"),
    Behaviour("login-answered-by-nothing", answers_login(b""), PROTOCOL, "a packet without payload"),
    Behaviour("login-local-infile", answers_login(b"\xfb/etc/passwd"), PROTOCOL, "asks for a file instead of OK"),
    Behaviour(
        "switches-for-ever",
        switches_for_ever,
        CREDENTIALS + PROTOCOL + TIMEOUT,
        "one authentication plugin after the other",
    ),
    Behaviour(
        "says-more-for-ever",
        says_more_for_ever,
        CREDENTIALS + PROTOCOL + TIMEOUT,
        "success of the fast path again and again, and never OK",
    ),
)

MUST_CHANGE = "You must reset your password using ALTER USER statement before executing this statement."
DENIED = "Access denied; you need (at least one of) the {} privilege(s) for this operation"
QUERIES = (
    Behaviour("query-1820", refuses_first_query(1820, "HY000", MUST_CHANGE), CREDENTIALS, "expired, in sandbox mode"),
    Behaviour(
        "query-1053",
        refuses_first_query(1053, "08S01", "Server shutdown in progress"),
        UNREACHABLE,
        "goes down",
    ),
    Behaviour("query-1927", refuses_first_query(1927, "70100", "Connection was killed"), UNREACHABLE, "KILL"),
    of(
        MARIADB.but(STATUS_QUERY, error(1227, "42000", DENIED.format("SUPER, SLAVE MONITOR"))),
        "status-1227-mariadb",
        CREDENTIALS,
        "the account lacks SLAVE MONITOR",
        mentions=r"GRANT (SLAVE|REPLICA) MONITOR",
    ),
    of(
        MYSQL.but(STATUS_QUERY, error(1227, "42000", DENIED.format("SUPER, REPLICATION CLIENT"))),
        "status-1227-mysql",
        CREDENTIALS,
        "the account lacks REPLICATION CLIENT",
        mentions="GRANT REPLICATION CLIENT",
    ),
    of(
        MYSQL.but(
            STATUS_QUERY,
            error(1142, "42000", "SELECT command denied to user 'monitor'@'lvs' for table 'x'"),
        ),
        "status-1142",
        CREDENTIALS,
        "a table's privilege is missing",
        mentions="GRANT ",
    ),
    of(
        MYSQL.but(STATUS_QUERY, error(1064, "42000", "You have an error in your SQL syntax")),
        "status-1064",
        PROTOCOL,
        "a proxy or a version that knows no such statement",
    ),
)

# The account in the GRANT that mysqlcheck proposes comes from the server, and an operator may paste it.
WELL_FORMED = r"GRANT REPLICATION CLIENT ON \*\.\* TO (?!.*'None')'(?:[^'\\]|'')*'@'(?:[^'\\]|'')*';$"
DENIED_STATUS = MYSQL.but(STATUS_QUERY, error(1227, "42000", DENIED.format("SUPER, REPLICATION CLIENT")))
ACCOUNTS = tuple(
    of(
        DENIED_STATUS.but(r"CURRENT_USER", answer),
        f"account-{name}",
        CREDENTIALS,
        "asked which account lacks the privilege, the server answers with nonsense",
        mentions=WELL_FORMED,
    )
    for name, answer in (
        ("is-an-attack", rows({"account": "x'@'%'; DROP DATABASE prod; -- @h"})),
        ("is-null", rows({"account": None})),
        ("is-ok", accept),
        ("has-no-row", table(["account"], [])),
        ("is-another-column", rows({"x": "y"})),
        ("is-an-error", error(1142, "42000", "denied as well")),
        ("is-cut", cut_definition),
    )
)

LOGIN = (*REFUSALS, *EXHAUSTED, *ODD, *QUERIES, *ACCOUNTS)
