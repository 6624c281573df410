"""A process that writes into a store, to be raced and to be killed: a program of its own, with a line for each order.

`python -m tests.state.writer` reads orders from its standard input, and answers each with a line:

    once TARGET WHEN DIRECTORY    one update at this moment of the monotonic clock; then `ok`, or what went wrong
    on TARGET DIRECTORY           updates until it is killed, each with the next number; says each when it is kept
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from mysqlcheck.errors import StoreError
from mysqlcheck.model import Sighting
from mysqlcheck.record import Record
from mysqlcheck.store import Changed, Store
from tests.state.building import AMPLE, event, record, sighting

TOP = Path(__file__).parents[2]


def say(text: str) -> None:
    print(text, flush=True)


def number_of(kept: Record | None) -> int:
    """How many updates came before; it stands in several columns, so that half an update would show."""
    if kept is None:
        return 0
    assert kept.memory.incarnation == kept.standing.incarnation == int(kept.told.text)
    return kept.memory.incarnation


def next_one(target: str, kept: Record | None, seen: Sighting | None) -> Changed[int]:
    number = number_of(kept) + 1
    assert (seen.number if seen else 0) == number - 1, "a record and its sighting are written together"
    after = record()
    memory = after.memory._replace(incarnation=number, sighting=sighting(number=number))
    standing = after.standing._replace(incarnation=number)
    after = after._replace(memory=memory, standing=standing, told=after.told._replace(text=str(number)))
    words = "words " * 100  # so that a transaction has several pages
    return Changed(number, after, tuple(event(f"{number} {words}", target) for _ in range(10)))


def update(directory: str, target: str) -> int:
    return Store(directory).update(target, "replica", lambda kept, seen: next_one(target, kept, seen), AMPLE)


def main() -> None:
    say("ready")
    for line in sys.stdin:
        order, target, *rest = line.rstrip("\n").split(" ", 3)
        if order == "on":
            while True:
                say(str(update(rest[0], target)))
        time.sleep(max(0.0, float(rest[0]) - time.monotonic()))
        try:
            update(rest[1], target)
            say("ok")
        except StoreError as error:
            say(str(error))


class Writer:
    """The same from outside."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.state.writer"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=TOP,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.communicate()

    def order(self, *words: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")


if __name__ == "__main__":
    main()
