"""What a subject asks of a server: one query, how to read its answer, and the privilege it needs."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from mysqlcheck.errors import UnexpectedAnswer
from mysqlcheck.model import Instant, Memory, Observation, Reason, ServerVersion, Table


class Probe(NamedTuple):
    """One query. The edge runs it and knows nothing of its meaning."""

    query: Callable[[ServerVersion], str]
    """Empty where there is nothing to ask of such a server."""
    parse: Callable[[Table], Iterator[Any]]
    """Pure; yields facts, each of its own type, and raises UnexpectedAnswer for what no server of that version says."""
    privilege: Callable[[ServerVersion], str]
    """The least privilege that the query needs, with ON … where it is not a global one; empty where it needs none."""
    when: Callable[[Sequence[Any]], bool] = lambda facts: True
    """Whether to ask at all, by the facts that have been found before."""
    excused: Callable[[int], bool] = lambda errno: False
    """Which error numbers of the server say something of what was asked for, and nothing against the server."""
    excuse: Callable[[int, str, str], Any] | None = None
    """Makes a fact of such an error, from its number, its words, and the account that we are."""


class Rule(NamedTuple):
    """One rule: its codes in the order of the reference page, and the function that judges."""

    codes: tuple[str, ...]
    judge: Callable[[Observation, Memory, Any, Instant], Iterator[Reason]]


def column(table: Table, *names: str) -> str:
    """Return the first of the names that the answer has as a column.

    A column's name depends on flavor and version: MariaDB's SHOW REPLICA STATUS keeps Slave_IO_Running.
    """
    for name in names:
        if table.columns.count(name) > 1:
            raise UnexpectedAnswer(f"the answer has the column {name} more than once")
        if name in table.columns:
            return name
    raise UnexpectedAnswer(f"the answer has no column {' or '.join(names)}; it has {len(table.columns)} others")


def whole(text: str | None, what: str) -> int:
    """Read a whole number that the server must give."""
    if text is None or not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise UnexpectedAnswer(f"{what} is {one_line(str(text), 60)!r}, not a whole number")
    return int(text)


def on_or_off(text: str | None, what: str) -> bool:
    """Read a boolean system variable: 1 or ON, 0 or OFF."""
    value = (text or "").upper()
    if value not in ("0", "OFF", "1", "ON"):
        raise UnexpectedAnswer(f"{what} is {one_line(str(text), 60)!r}, not ON or OFF")
    return value in ("1", "ON")


def microseconds(text: str | None, what: str) -> float | None:
    """Read a TIMESTAMPDIFF in microseconds as seconds; NULL is that of a time that is none, like 0000-00-00."""
    if text is None:
        return None
    number = whole(text.removeprefix("-"), what) / 1e6
    return -number if text.startswith("-") else number


def one_line(text: str, limit: int = 300) -> str:
    """Make a server's words fit a status line: one line, nothing unprintable, not endless."""
    text = text[: 4 * limit]  # a server may send a megabyte of it
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
