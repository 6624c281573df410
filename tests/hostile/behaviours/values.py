"""Results that are good as packets, and nonsense as answers.

Whatever a server says that it cannot mean must take it out of rotation, never in.
"""

from collections.abc import Mapping

from ..personas import (
    MARIADB,
    MYSQL,
    MYSQL_57,
    STATUS_QUERY,
    Persona,
    rows,
    table,
)
from ..wire import Type, Value
from ._behaviour import PROTOCOL, Behaviour, of

NAMES = list(MYSQL.status)
VALUES = list(MYSQL.status.values())
LAG_TEXT = {"Seconds_Behind_Source": int(Type.VAR_STRING)}
LAG_UNKNOWN = ("protocol_error", "lag_unknown")
NOT_RUNNING = ("protocol_error", "io_stopped", "sql_stopped")


def _without(*names: str) -> Persona:
    return MYSQL.but(STATUS_QUERY, rows({k: v for k, v in MYSQL.status.items() if k not in names}))


def _also(names: list[str], values: list[Value]) -> Persona:
    return MYSQL.but(STATUS_QUERY, table(NAMES + names, [VALUES + values]))


def _lag(value: Value, types: Mapping[str, int] | None = None) -> Persona:
    return MYSQL.but(STATUS_QUERY, rows({**MYSQL.status, "Seconds_Behind_Source": value}, types=types))


COLUMN_SETS = (
    of(_without("Seconds_Behind_Source"), "no-lag-column", PROTOCOL, "the column of the lag is missing"),
    of(_without("Replica_SQL_Running"), "no-sql-column", PROTOCOL, "the column of a thread is missing"),
    of(_without("Replica_IO_Running"), "no-io-column", PROTOCOL, "the column of a thread is missing"),
    of(
        MYSQL.but(STATUS_QUERY, table([f"column_{n}" for n in range(len(NAMES))], [VALUES])),
        "other-names",
        PROTOCOL,
        "as many columns, under other names",
    ),
    of(MYSQL.but(STATUS_QUERY, table(["1"], [["1"]])), "one-column", PROTOCOL, "a proxy's SELECT 1"),
    of(
        MYSQL.but(STATUS_QUERY, table([""] * 5, [["Yes"] * 5])),
        "columns-without-names",
        PROTOCOL,
        "no names at all",
    ),
    of(
        _also(["Replica_SQL_Running"], ["No"]),
        "duplicate-name-last-says-no",
        (*PROTOCOL, "sql_stopped"),
        "two columns of one name that disagree",
    ),
    of(
        MYSQL.but(STATUS_QUERY, table(["Replica_SQL_Running", *NAMES], [["No", *VALUES]])),
        "duplicate-name-first-says-no",
        (*PROTOCOL, "sql_stopped"),
        "two columns of one name that disagree, the other way round",
    ),
    of(
        MYSQL.but(STATUS_QUERY, table(NAMES, [])),
        "no-rows",
        ("not_a_replica",),
        "columns without rows: no replica, and that is no protocol error",
    ),
)

LAGS = tuple(
    of(_lag(value, types), f"lag-{name}", LAG_UNKNOWN, "a lag that is no number of seconds")
    for name, value, types in (
        ("banana-as-integer", "banana", None),
        ("banana-as-text", "banana", LAG_TEXT),
        ("empty-as-integer", "", None),
        ("empty-as-text", "", LAG_TEXT),
        ("negative", "-1", None),
        ("very-negative", "-99999999999999999999", None),
        ("nan-as-decimal", "NaN", {"Seconds_Behind_Source": int(Type.NEWDECIMAL)}),
        ("nan-as-text", "nan", LAG_TEXT),
        ("minus-infinity", "-inf", LAG_TEXT),
        ("5000-digits", "9" * 5000, None),
        ("underscored", "1_0", LAG_TEXT),
        ("arabic-digit", "\u0663", LAG_TEXT),
        ("nul", "0\0", LAG_TEXT),
        ("as-date", "0000-00-00 00:00:00", {"Seconds_Behind_Source": int(Type.DATETIME)}),
        ("not-utf-8", b"\xff\xfe", LAG_TEXT),
        ("type-200", "0x", {"Seconds_Behind_Source": 200}),
    )
)

GREAT_LAGS = tuple(
    of(
        _lag(value, types),
        f"lag-{name}",
        (*LAG_UNKNOWN, "lag"),
        "more seconds than the universe has seen",
    )
    for name, value, types in (
        ("1e308", "1e308", LAG_TEXT),
        ("infinity", "inf", LAG_TEXT),
        ("2^64", str(2**64), None),
    )
)

THREADS = tuple(
    of(MYSQL.but_status(**{column: value}), f"{column.lower().replace('_', '-')}-{name}", NOT_RUNNING, plays)
    for column in ("Replica_IO_Running", "Replica_SQL_Running")
    for name, value, plays in (
        ("perhaps", "Perhaps", "a state that no server has"),
        ("null", None, "no state"),
        ("empty", "", "an empty state"),
        ("yes-nul", "Yes\0No", "a NUL byte after what one wants to read"),
        ("yes-and-more", "Yes, but", "what one wants to read, and more"),
        ("not-utf-8", b"Yes\xff", "invalid UTF-8"),
        ("one", "1", "a boolean instead of the word"),
    )
)

VARIABLES = tuple(
    of(persona, f"{name}-{flavor}", PROTOCOL, plays)
    for flavor, server in (("mysql", MYSQL), ("mariadb", MARIADB), ("mysql57", MYSQL_57))
    for name, persona, plays in (
        ("read-only-maybe", server.but_variables(read_only="MAYBE"), "neither ON nor OFF"),
        ("read-only-null", server.but_variables(read_only=None), "no value"),
        ("read-only-7", server.but_variables(read_only="7"), "a number that no server says"),
    )
)

STOPPED = {"Slave_SQL_Running": "No", "Last_SQL_Errno": "1062"}
TEXTS = tuple(
    of(
        MARIADB.but_status(**STOPPED, Last_SQL_Error=text, Last_Error=text),
        f"last-error-{name}",
        ("sql_stopped",),
        "the error's text is data, and must neither crash the check nor forge its output",
    )
    for name, text in (
        ("not-utf-8", b"Duplicate entry '\xff\xfe' for key 'PRIMARY'"),
        ("with-escapes", "Error \x1b[2J\x1b]0;owned\x07\r\nOK serve weight=102\x00\x9b31m"),
        ("with-format-strings", "Error %s %n {0} {__class__} $(reboot) `id` <b>"),
        ("of-a-megabyte", "x" * (1 << 20)),
        ("with-bidi", "Error \u202eKO\u2066 \u2028 serve"),
    )
)

EVIL = "r1\x1b[2K\r\nSERVE \u202e"
CHANNELS = (
    of(
        MARIADB.but_status(**STOPPED, Connection_name=EVIL, Master_Host=EVIL, Slave_IO_State=EVIL),
        "names-with-escapes",
        ("sql_stopped",),
        "names are data as well",
    ),
    of(
        MARIADB.but_status(Last_IO_Errno="banana"),
        "errno-banana",
        PROTOCOL,
        "an error number that is none",
    ),
    of(
        MARIADB.but(STATUS_QUERY, rows(*[{**MARIADB.status, **STOPPED}] * 2000)),
        "2000-channels-stopped",
        ("sql_stopped",),
        "eight times MySQL's limit of channels, all with something to say",
    ),
)

VALUE_ROWS: tuple[Behaviour, ...] = (*COLUMN_SETS, *LAGS, *GREAT_LAGS, *THREADS, *VARIABLES, *TEXTS, *CHANNELS)
