"""Good servers: what healthy replicas answer, so that a single answer can be corrupted.

A persona answers queries by a table of pattern and answer, first match first; `but` puts a corrupt
answer in front. A query that no pattern knows gets the persona's default and is thereby loud.
"""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Self

from . import wire
from .server import Script
from .session import Session
from .wire import Column, Type, Value

Answer = Callable[[Session, str], None]
Row = Mapping[str, Value]
PASSWORD = "moss!Lantern?7413"

STATUS_QUERY = r"^SHOW\s+(ALL\s+SLAVES|SLAVE|REPLICA)\s+STATUS"
VARIABLES_QUERY = r"^SELECT\s(?!.*\sFROM\s).*@@"
WORDS_QUERY = r"^SELECT\s.*\sAS\s+variable_value\b"
"""What all subjects ask together (checks/words.py)."""

STARTED = int(time.time()) - 864_000
"""When every good server started, by Unix time: ten days ago."""


def rows(*rows: Row, types: Mapping[str, int] | None = None) -> Answer:
    """A result set; names and order of the columns are those of the first row."""
    return table(list(rows[0]), [list(row.values()) for row in rows], types)


def table(names: Sequence[str], values: Sequence[Sequence[Value]], types: Mapping[str, int] | None = None) -> Answer:
    """A result set by column names and values, where `rows` has no row to take the names from."""
    columns = [Column(name, (types or INTEGERS).get(name, Type.VAR_STRING)) for name in names]
    return lambda session, _query: session.resultset(columns, values)


def error(errno: int, sqlstate: str, message: str | bytes) -> Answer:
    return lambda session, _query: session.error(errno, sqlstate, message)


def accept(session: Session, _query: str) -> None:
    """For SET and the like."""
    session.ok()


def unknown(session: Session, query: str) -> None:
    session.error(1064, "42000", f"You have an error in your SQL syntax; the fake server does not know: {query}")


def variables(known: Row) -> Answer:
    """Answer SELECT @@a, @@GLOBAL.b AS c, VERSION() … as a server does: named by alias or as written."""

    def answer(session: Session, query: str) -> None:
        names, values = list[str](), list[Value]()
        for item in re.split(r",(?![^()]*\))", query.strip().rstrip(";")[len("SELECT") :]):
            expression, _, alias = re.sub(r"\s+AS\s+", "\0", item.strip(), flags=re.I).partition("\0")
            name = re.sub(r"^@@((global|session|local)\.)?|\(\)$", "", expression, flags=re.I).lower()
            if name not in known and not name.isdigit():
                session.error(1193, "HY000", f"Unknown system variable '{name}'")
                return
            names.append(alias.strip("`") or expression)
            values.append(known.get(name, name))
        columns = [
            Column(name, Type.LONGLONG if isinstance(value, str) and value.isdigit() else Type.VAR_STRING)
            for name, value in zip(names, values, strict=True)
        ]
        session.resultset(columns, [values])

    return answer


def pairs(known: Row, name: str = "Variable_name", value: str = "Value") -> Answer:
    """Answer SHOW STATUS or VARIABLES by the names and LIKE patterns that the query quotes."""

    def answer(session: Session, query: str) -> None:
        wanted = [re.escape(p.lower()).replace("%", ".*") for p in re.findall(r"'([^']*)'", query)] or [".*"]
        found = [[k, v] for k, v in known.items() if any(re.fullmatch(w, k.lower()) for w in wanted)]
        session.resultset([Column(name), Column(value)], found)

    return answer


def words(known: Row, started: int = STARTED) -> Answer:
    """Answer what subjects ask together; a value in `known` by the name of its column replaces what would be said."""

    def answer(session: Session, query: str) -> None:
        now = int(time.time())
        said = {"now": str(now), "uptime": str(now - started), **known}
        asked = re.findall(r"(\S+)\s+AS\s+(\w+)", query)
        of_all = {alias: said[alias] if alias in said else known[sql.split(".")[-1]] for sql, alias in asked[:-2]}
        status = re.findall(r"'(\w+)'", query)
        rows(
            *(
                {**of_all, "variable_name": name.upper(), "variable_value": said[name.lower()]}
                for name in status
                if name.lower() in said
            )
        )(session, query)

    return answer


class Persona(NamedTuple):
    """A good server: its version in the greeting, and its answers."""

    version: str
    answers: tuple[tuple[str, Answer], ...]
    status: Row
    asks: str
    """The pattern of what subjects ask together, in the words that the flavor knows."""
    known: Row
    """What it answers to that."""
    started: int = STARTED
    default: Answer = unknown

    def but(self, pattern: str, answer: Answer) -> Self:
        """The same server with one answer replaced."""
        return self._replace(answers=((pattern, answer), *self.answers))

    def but_status(self, **values: Value) -> Self:
        """The same server with values of its replica status replaced."""
        return self.but(STATUS_QUERY, rows({**self.status, **values}))

    def but_variables(self, **values: Value) -> Self:
        """The same server with values of its system variables replaced."""
        answer = variables({**VARIABLES, "version": self.version, **values})
        return self.but(VARIABLES_QUERY, answer).but_words(**values)

    def but_words(self, **values: Value) -> Self:
        """The same server with values of what subjects ask together, by column, replaced."""
        return self._replace(known={**self.known, **values})

    def but_started(self, started: int) -> Self:
        """The same server, started at another time."""
        return self._replace(started=started)

    def answer(self, session: Session, query: str) -> None:
        for pattern, answer in self.answers:
            if re.search(pattern, query, re.I | re.S):
                answer(session, query)
                return
        asked_together = re.search(self.asks, query, re.I | re.S)
        (words(self.known, self.started) if asked_together else self.default)(session, query)

    def script(self, *, tls: str = "") -> Script:
        """Log the client in if its mysql_native_password scramble is right, and answer its queries."""

        def play(session: Session) -> None:
            session.greet(self.version, tls=bool(tls))
            login = session.read_login(tls)
            if login.auth != wire.native_scramble(PASSWORD, session.salt):
                session.error(1045, "28000", "Access denied for user (by the fake server)")
                return
            session.ok()
            session.serve(self.answer)

        return play


INTEGERS = {
    name: int(Type.LONGLONG)
    for name in (
        *("Seconds_Behind_Source", "Seconds_Behind_Master", "Source_Server_Id", "Master_Server_Id"),
        *("Source_Port", "Master_Port", "Connect_Retry", "Last_Errno", "Last_IO_Errno", "Last_SQL_Errno"),
        *("SQL_Delay", "SQL_Remaining_Delay", "Source_Retry_Count", "Master_Retry_Count", "Skip_Counter"),
        "now",
        *("Read_Source_Log_Pos", "Exec_Source_Log_Pos", "Read_Master_Log_Pos", "Exec_Master_Log_Pos"),
    )
}

# What the threads of a healthy replica say of themselves, under MySQL 8.4's names (SHOW REPLICA STATUS).
MYSQL_STATUS: Row = {
    "Replica_IO_State": "Waiting for source to send event",
    "Source_Host": "192.0.2.200",
    "Source_User": "repl",
    "Source_Port": "3306",
    "Connect_Retry": "60",
    "Source_Log_File": "binlog.000002",
    "Read_Source_Log_Pos": "1872",
    "Relay_Source_Log_File": "binlog.000002",
    "Replica_IO_Running": "Yes",
    "Replica_SQL_Running": "Yes",
    "Last_Errno": "0",
    "Last_Error": "",
    "Skip_Counter": "0",
    "Exec_Source_Log_Pos": "1872",
    "Seconds_Behind_Source": "0",
    "Last_IO_Errno": "0",
    "Last_IO_Error": "",
    "Last_SQL_Errno": "0",
    "Last_SQL_Error": "",
    "Source_Server_Id": "200",
    "Source_UUID": "8f2d7f0a-5f7b-11f0-9d52-0242ac110002",
    "SQL_Delay": "0",
    "SQL_Remaining_Delay": None,
    "Replica_SQL_Running_State": "Replica has read all relay log; waiting for more updates",
    "Source_Retry_Count": "10",
    "Last_IO_Error_Timestamp": "",
    "Last_SQL_Error_Timestamp": "",
    "Auto_Position": "1",
    "Channel_Name": "",
}
# MySQL before 8.0.22 and MariaDB call the same things by older names.
OLD_STATUS: Row = {k.replace("Source", "Master").replace("Replica", "Slave"): v for k, v in MYSQL_STATUS.items()}
MARIADB_STATUS: Row = {
    "Connection_name": "",
    **{k: v for k, v in OLD_STATUS.items() if k not in ("Channel_Name", "Auto_Position", "Master_UUID")},
    "Using_Gtid": "Slave_Pos",
    "Slave_heartbeat_period": "30.000",
}

UUID = "0c9d1cf4-5f7c-11f0-8a3c-0242ac110003"
VARIABLES: Row = {
    "read_only": "1",
    "super_read_only": "1",
    "server_id": "201",
    "server_uuid": UUID,
    "version_comment": "MySQL Community Server - GPL",
    "hostname": "r1",
    "offline_mode": "0",
    "max_connections": "151",
    "connection_id": "11",
}
COUNTERS: Row = {"Uptime": "864000", "Threads_connected": "1", "wsrep_cluster_size": "0"}
NOT_ON_MARIADB = ("super_read_only", "server_uuid", "offline_mode")
# Each flavor answers who it is in its own words alone: MariaDB has no server_uuid, and its performance_schema is off
# as installed; MySQL has had no information_schema.SESSION_STATUS since 8.0, and a disabled one in 5.7.
ASKS_MYSQL = r"^SELECT\s+@@global\.server_uuid\s.*\sAS\s+variable_value\s+FROM\s+performance_schema\.session_status\s"
ASKS_MARIADB = r"^SELECT\s+@@global\.server_id\s.*\sAS\s+variable_value\s+FROM\s+information_schema\.SESSION_STATUS\s"


def _persona(version: str, known: Row, status_query: str, status: Row) -> Persona:
    known = {**known, "version": version}
    mysql = "server_uuid" in known
    shown = {k: {"1": "ON", "0": "OFF"}.get(str(v), v) if "only" in k else v for k, v in known.items()}
    return Persona(
        version,
        (
            (r"^SET\s", accept),
            (status_query, rows(status)),
            (VARIABLES_QUERY + r"|^SELECT\s+VERSION\(\)", variables(known)),
            (r"^SHOW\s+(GLOBAL\s+|SESSION\s+)?VARIABLES", pairs(shown)),
            (r"^SHOW\s+(GLOBAL\s+|SESSION\s+)?STATUS", pairs(COUNTERS)),
        ),
        status,
        ASKS_MYSQL if mysql else ASKS_MARIADB,
        {**known, "identity": known["server_uuid" if mysql else "server_id"], "may_read_holds": "0"},
    )


MYSQL = _persona("8.4.6", VARIABLES, r"^SHOW\s+REPLICA\s+STATUS", MYSQL_STATUS)
MYSQL_57 = _persona("5.7.44-log", VARIABLES, r"^SHOW\s+SLAVE\s+STATUS", OLD_STATUS)
MARIADB = _persona(
    "5.5.5-10.11.14-MariaDB-0+deb12u2",
    {k: v for k, v in VARIABLES.items() if k not in NOT_ON_MARIADB},
    STATUS_QUERY,
    MARIADB_STATUS,
)
