"""Results that are broken as packets: truncated, endless, out of turn, or not results at all."""

from collections.abc import Callable

from .. import wire
from ..personas import MARIADB, STATUS_QUERY, WORDS_QUERY, Persona, accept
from ..session import Session
from ..wire import Column
from ._behaviour import CREDENTIALS, PROTOCOL, TIMEOUT, UNREACHABLE, Behaviour, of

COLUMNS = [Column(name) for name in MARIADB.status]
VALUES = list(MARIADB.status.values())


def raw(play: Callable[[Session], None]) -> Persona:
    """A good server that answers the question for the replica status by a script."""
    return MARIADB.but(STATUS_QUERY, lambda session, _query: play(session))


def payloads(*parts: bytes) -> Persona:
    """... by packets."""

    def play(session: Session) -> None:
        for part in parts:
            session.send(part)

    return raw(play)


def asks_for_file(session: Session, _query: str) -> None:
    """LOCAL INFILE Request: the server names a file of the client's, as if LOAD DATA had been sent."""
    session.send(b"\xfb/etc/passwd")
    session.expect_no_answer("a request for a local file")


def asks_for_file_at_once(session: Session) -> None:
    """The same for the first query that is one; a SET gets its OK, for clients that do not look at it."""
    session.greet()
    login = session.read_login()
    if login.capabilities & wire.Capability.LOCAL_FILES:
        session.complain("the client offers its local files")
    session.ok()
    session.serve(MARIADB.but("", asks_for_file).but(r"^SET\s", accept).answer)


def endless_rows(width: int) -> Callable[[Session], None]:
    """Rows without end, in blocks: their sequence numbers are right, 256 rows to a block."""

    def play(session: Session) -> None:
        session.columns([Column("Connection_name")])
        rows = [wire.packet(wire.row(["x" * width]), session.sequence + n) for n in range(256)]
        session.flood(b"".join(rows))

    return play


def endless_results(session: Session, query: str) -> None:
    """Each result set says that one more follows (SERVER_MORE_RESULTS_EXISTS)."""
    while True:
        session.resultset([Column("read_only")], [["1"]], wire.AUTOCOMMIT | wire.MORE_RESULTS)


def oversized(session: Session) -> None:
    """A row of 16 MiB, and another, each saying that it continues in the next packet."""
    session.columns([Column("Connection_name")])
    while True:
        session.send_bytes(b"\xff\xff\xff" + bytes([session.sequence % 256]))
        session.sequence += 1
        for _ in range(0xFFFFFF // 0xFFFF):
            session.send_bytes(b"x" * 0xFFFF)
        session.send_bytes(b"x" * (0xFFFFFF % 0xFFFF))


def too_many_columns(session: Session) -> None:
    """Column definitions, as many as a length-encoded integer can announce."""
    session.send(wire.lenenc_int(2**40))
    definition = wire.column(Column("Slave_IO_Running"))
    session.flood(b"".join(wire.packet(definition, session.sequence + n) for n in range(256)))


def out_of_turn(session: Session, query: str) -> None:
    """A good answer, and the same once more: it must not be taken for the next question's."""
    MARIADB.answer(session, query)
    session.sequence = 1
    MARIADB.answer(session, query)


def _sequence(number: int) -> Persona:
    return raw(lambda session: session.send(wire.lenenc_int(len(COLUMNS)), number))


def _error_within(errno: int, sqlstate: str, message: str) -> Persona:
    def play(session: Session) -> None:
        session.columns(COLUMNS)
        session.error(errno, sqlstate, message)

    return raw(play)


def _status_error(payload: bytes, sequence: int | None = None) -> Persona:
    return raw(lambda session: session.send(payload, sequence))


count, columns = wire.lenenc_int(len(COLUMNS)), [wire.column(column) for column in COLUMNS]
head = (count, *columns, wire.eof())

RESULTS = (
    Behaviour(
        "local-infile-at-once",
        asks_for_file_at_once,
        PROTOCOL,
        "asks for a file of ours as the answer to the very first query",
    ),
    of(MARIADB.but(STATUS_QUERY, asks_for_file), "local-infile", PROTOCOL, "asks for a file of ours"),
    of(raw(endless_rows(2000)), "endless-result", PROTOCOL, "rows without end"),
    of(
        raw(endless_rows(1)),
        "endless-tiny-rows",
        PROTOCOL + TIMEOUT,
        "tiny rows without end cost CPU, not bytes",
    ),
    of(raw(oversized), "oversized-row", PROTOCOL, "16 MiB and more in one value"),
    of(raw(too_many_columns), "too-many-columns", PROTOCOL + TIMEOUT, "2^40 columns"),
    of(
        MARIADB.but(WORDS_QUERY, endless_results),
        "endless-results",
        PROTOCOL + TIMEOUT,
        "always one result more",
    ),
    of(MARIADB.but(WORDS_QUERY, out_of_turn), "out-of-turn", PROTOCOL, "an answer too many"),
    of(_sequence(77), "result-under-sequence-77", PROTOCOL, "a wrong sequence number"),
    of(payloads(b""), "answer-is-empty", PROTOCOL, "a packet without payload"),
    of(
        payloads(wire.ok()),
        "answer-is-ok",
        PROTOCOL,
        "zero columns: an OK where rows are due is not 'no rows'",
    ),
    of(payloads(wire.eof()), "answer-is-eof", PROTOCOL, "an EOF where rows are due"),
    of(payloads(b"\xff"), "error-is-cut", PROTOCOL, "an error packet of one byte"),
    of(payloads(count, wire.eof()), "no-definitions", PROTOCOL, "the columns end before they began"),
    of(
        payloads(count, *(c[:9] for c in columns), wire.eof()),
        "cut-definitions",
        PROTOCOL,
        "cut column definitions",
    ),
    of(payloads(*head, wire.row(VALUES[:5]), wire.eof()), "short-row", PROTOCOL, "fewer values than columns"),
    of(payloads(*head, wire.row(VALUES)[:-1], wire.eof()), "cut-row", PROTOCOL, "the last value is cut"),
    of(
        payloads(*head, b"\xfe" + b"\xff" * 8 + bytes(9), wire.eof()),
        "value-of-2^64-bytes",
        PROTOCOL,
        "a value that claims more than there is memory",
    ),
    of(payloads(*head, b"\xfc\xff", wire.eof()), "cut-length", PROTOCOL, "cut within the length of a value"),
    of(
        _error_within(1317, "70100", "Query execution was interrupted"),
        "error-within-result",
        PROTOCOL + UNREACHABLE,
        "KILL QUERY between two rows",
    ),
    of(
        _error_within(1053, "08S01", "Server shutdown in progress"),
        "shutdown-within-result",
        UNREACHABLE,
        "it goes down between two rows",
    ),
    of(
        _status_error(wire.error(1053, "08S01", "Server shutdown in progress"), 0),
        "shutdown-under-sequence-0",
        UNREACHABLE,
        "MariaDB says goodbye unasked, under sequence number 0",
    ),
    of(
        _status_error(wire.error(1045, "28000", b"Access denied for \xff\xfe\x1b[2J\r\nOK all good %s {0}")),
        "error-text-is-hostile",
        CREDENTIALS,
        "an error message with invalid UTF-8, terminal escapes, a line break and format strings",
    ),
)
