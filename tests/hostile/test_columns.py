"""A kept connection reads no columns again that it knows, and takes no others for them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from mysqlcheck.clock import Deadline
from mysqlcheck.errors import UnexpectedAnswer
from mysqlcheck.login import MOST_ANSWERS, Connection
from mysqlcheck.model import Target
from mysqlcheck.options import Settings
from mysqlcheck.wire import Wire, dial

from . import wire
from .personas import MYSQL, PASSWORD, Answer
from .server import HostileServer
from .session import Session
from .wire import Column

AB, ABC, BA = ("a", "b"), ("a", "b", "c"), ("b", "a")
LONG = ("x" * 250,) * 40


def answer(names: Sequence[str], values: Sequence[str], *, drip: bool = False, ends: bool = True) -> Answer:
    """One row, all of it in one piece or byte by byte; without an end its columns are followed by the row at once."""

    def answer(session: Session, _query: str) -> None:
        session.drip(0.0005 if drip else 0.0)
        columns = [wire.lenenc_int(len(names)), *(wire.column(Column(name)) for name in names)]
        packets = [*columns, *([wire.eof()] if ends else []), wire.row(values), wire.eof()]
        session.send_bytes(b"".join(wire.packet(data, session.sequence + at) for at, data in enumerate(packets)))
        session.drip(0.0)

    return answer


@contextmanager
def connected(*answers: Answer) -> Iterator[Callable[[], dict[str, str]]]:
    """A connection that asks for one answer after the other; yields what asks, and returns the row."""
    left = iter(answers)
    persona = MYSQL.but("^SELECT", lambda session, query: next(left)(session, query))
    with HostileServer(persona.script()) as server:
        settings, target = (
            Settings.of(host=server.host, user="monitor", password=PASSWORD),
            Target(server.host, server.port),
        )
        wire_ = Wire(Deadline(10.0))
        connection = Connection(settings, target, None, wire_)
        connection.connect(dial(target, wire_))

        def ask() -> dict[str, str]:
            with connection.cursor() as cursor:
                cursor.execute("SELECT")
                (row,) = cursor.fetchall()
                assert len(connection.known) <= MOST_ANSWERS
                return {name: value.decode() for (name, *_), value in zip(cursor.description, row, strict=True)}

        try:
            yield ask
        finally:
            connection.close()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (answer(AB, "12"), {"names": AB}),
        (answer(AB, "12"), {"names": AB, "drip": True}),
        (answer(AB, "12", drip=True), {"names": AB}),
        (answer(AB, "12"), {"names": BA}),
        (answer(AB, "12"), {"names": ABC}),
        (answer(ABC, "123"), {"names": AB}),
        (answer(ABC, "123"), {"names": AB, "drip": True}),
        (answer(LONG, LONG), {"names": ABC}),
    ],
    ids=[
        "the same",
        "the same, dripped",
        "dripped first",
        "turned",
        "one more",
        "one less",
        "one less, dripped",
        "long",
    ],
)
def test_each_answer_has_its_own_columns(first: Answer, second: dict[str, Any]) -> None:
    names = second["names"]
    values = [str(number) for number in range(len(names))]
    with connected(first, answer(values=values, **second), first, answer(values=values, **second)) as ask:
        once = ask()
        assert ask() == dict(zip(names, values, strict=True))
        assert ask() == once
        assert ask() == dict(zip(names, values, strict=True))


def test_columns_that_are_known_and_do_not_end_are_no_answer() -> None:
    with connected(answer(AB, "12"), answer(AB, "34", ends=False)) as ask:
        assert ask() == {"a": "1", "b": "2"}
        with pytest.raises(UnexpectedAnswer):
            ask()


def test_a_server_that_always_answers_otherwise_fills_no_memory() -> None:
    several = [answer((f"column{number}",), "1") for number in range(3 * MOST_ANSWERS)]
    with connected(*several) as ask:
        for number in range(len(several)):
            assert ask() == {f"column{number}": "1"}
