"""Nonsense about itself: who the server is, what time it is there, and since when it runs.

A server that does not say since when it runs cannot be told from one that has just restarted.
"""

from ..personas import (
    MARIADB,
    MYSQL,
    MYSQL_57,
    UUID,
    WORDS_QUERY,
    Answer,
    Persona,
    error,
    rows,
    table,
)
from ..wire import Type, Value
from ._behaviour import CREDENTIALS, PROTOCOL, Behaviour, of

FLAVORS = (("mysql", MYSQL), ("mysql57", MYSQL_57), ("mariadb", MARIADB))
NOW = "1795388065"
GOOD = {
    "identity": UUID,
    "now": NOW,
    "read_only": "1",
    "may_read_holds": "0",
    "variable_name": "Uptime",
    "variable_value": "864000",
}


def _says(answer: Answer, server: Persona = MYSQL) -> Persona:
    return server.but(WORDS_QUERY, answer)


NO_NUMBERS: tuple[tuple[str, Value], ...] = (
    ("banana", "banana"),
    ("null", None),
    ("empty", ""),
    ("with-blanks", " 864000 "),
    ("in-hours", "240:00:00"),
    ("2^63", str(1 << 63)),
    ("2^64", str(1 << 64)),
    ("20-digits", "9" * 20),
    ("5000-digits", "9" * 5000),
    ("of-a-megabyte", "9" * (1 << 20)),
    ("minus-2^64", str(-(1 << 64))),
    ("minus", "-"),
    ("minus-minus", "--5"),
    ("1e6", "1e6"),
    ("infinity", "inf"),
    ("nan", "nan"),
    ("underscored", "864_000"),
    ("arabic-digits", "\u0663\u0663"),
    ("nul", "864000\0"),
    ("not-utf-8", b"\xff\xfe"),
    ("hexadecimal", "0xd2f00"),
    ("fraction-of-words", "864000.banana"),
)
NUMBERS = tuple(
    of(
        _says(rows({**GOOD, column: value}, types={column: Type.VAR_STRING})),
        f"{subject}-{name}",
        PROTOCOL,
        "no number of seconds",
    )
    for subject, column in (("uptime", "variable_value"), ("now", "now"))
    for name, value in NO_NUMBERS
)

SHAPES = tuple(
    of(_says(answer, server), f"incarnation-{name}-{flavor}", PROTOCOL, plays)
    for flavor, server in FLAVORS
    for name, answer, plays in (
        ("of-two-rows", rows(GOOD, GOOD), "two servers at once"),
        ("of-no-row", table(list(GOOD), []), "a variable Uptime that is not there"),
        *(
            (f"without-{name}", rows({k: v for k, v in GOOD.items() if k != name}), "a column is missing")
            for name in GOOD
        ),
        (
            "of-two-uptimes",
            rows(GOOD, {**GOOD, "variable_value": "1"}),
            "two rows of one name that disagree",
        ),
        (
            "of-two-values",
            table([*GOOD, "variable_value"], [[*GOOD.values(), "1"]]),
            "two columns of one name that disagree",
        ),
        ("of-another-variable", rows({**GOOD, "variable_name": "Uptime_since_flush_status"}), "not what was asked for"),
        ("of-more", rows(GOOD, {**GOOD, "variable_name": "Threads_running"}), "more than was asked for"),
        ("of-other-names", rows({f"{k}()": v for k, v in GOOD.items()}), "the names that were not asked for"),
        ("of-nulls", rows(dict.fromkeys(GOOD)), "no value at all"),
    )
)

IDENTITIES = tuple(
    of(server.but_words(identity=value), f"identity-{name}-{flavor}", PROTOCOL, "a server that is nobody")
    for flavor, server in FLAVORS
    for name, value in (("empty", ""), ("null", None))
)

UNKNOWN_TABLE = "Unknown table 'SESSION_STATUS' in information_schema"
DISABLED = "The 'INFORMATION_SCHEMA.SESSION_STATUS' feature is disabled; see 'show_compatibility_56'"
ERRORS = tuple(
    of(_says(error(errno, sqlstate, message), server), f"incarnation-{errno}-{flavor}", codes, plays, mentions=mentions)
    for flavor, server in FLAVORS
    for errno, sqlstate, message, codes, plays, mentions in (
        (
            1146,
            "42S02",
            "Table 'performance_schema.session_status' doesn't exist",
            PROTOCOL,
            "an upgrade half done",
            "",
        ),
        (1109, "42S02", UNKNOWN_TABLE, PROTOCOL, "another server than its greeting says", ""),
        (3167, "HY000", DISABLED, PROTOCOL, "MySQL 5.6's table in 5.7", ""),
        (1193, "HY000", "Unknown system variable 'server_uuid'", PROTOCOL, "no such variable", ""),
        (1142, "42000", "SELECT command denied to user 'monitor'@'lvs'", CREDENTIALS, "denied", "mysqlcheck grants"),
        (1143, "42000", "SELECT command denied for column 'x'", CREDENTIALS, "a column denied", "mysqlcheck grants"),
        (1227, "42000", "Access denied; you need the SUPER privilege", CREDENTIALS, "denied", "mysqlcheck grants"),
    )
)

INCARNATION: tuple[Behaviour, ...] = (*NUMBERS, *SHAPES, *IDENTITIES, *ERRORS)
