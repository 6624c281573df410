"""A broken file is set aside by one of many processes, and the good new one is never taken for it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from mysqlcheck.store import FILE, Store
from tests.state.building import AMPLE, names, sound
from tests.state.seeds import chance
from tests.state.writer import Writer, number_of

PROCESSES, ROUNDS = 8, 60
GARBAGE = b"neither a database nor empty " * 500


@pytest.fixture(scope="module")
def writers() -> Iterator[list[Writer]]:
    """Processes that wait for orders, so that they meet."""
    with ExitStack() as stack:
        started = [stack.enter_context(Writer()) for _ in range(PROCESSES)]
        assert [writer.answer() for writer in started] == ["ready"] * PROCESSES
        yield started


def another_schema(path: Path) -> None:
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE of_tomorrow (x)")
    database.execute("PRAGMA user_version = 99")
    database.close()


def no_tables_of_ours(path: Path) -> None:
    another_schema(path)
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 2")
    database.close()


@pytest.mark.parametrize("what", ["garbage", "another schema", "no tables of ours", "nothing"])
def test_whoever_meets_at_a_broken_file_nothing_is_lost_of_the_new_one(
    tmp_path: Path, writers: list[Writer], what: str
) -> None:
    """Each process writes a server of its own, a moment apart. A latecomer has seen the broken file, too."""
    random = chance()
    for number in range(ROUNDS):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = folder / FILE
        if what == "garbage":
            path.write_bytes(GARBAGE)
        elif what == "another schema":
            another_schema(path)
        elif what == "no tables of ours":
            no_tables_of_ours(path)
        broken = path.read_bytes() if path.exists() else None
        begin = time.monotonic() + 0.02
        for index, writer in enumerate(writers):
            writer.order("once", f"db{index}", begin + random.uniform(0, 0.003), folder)
        assert [writer.answer() for writer in writers] == ["ok"] * PROCESSES
        found = {kept.target: number_of(kept.record) for kept in Store(str(folder)).records(AMPLE)}
        assert found == {f"db{index}": 1 for index in range(PROCESSES)}, f"round {number}"
        aside = folder / f"{FILE}.broken"
        assert (aside.read_bytes() if aside.exists() else None) == broken, f"round {number}: the new one was set aside"
        assert sound(folder)
        assert set(names(folder)) <= {FILE, aside.name}
