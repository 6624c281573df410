"""kill -9 at any moment, while others run: the store stays whole, and goes on remembering.

TEST_KILLS says how many checks are killed (default 500), TEST_SEED repeats a run's moments.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mysqlcheck.errors import StoreError
from mysqlcheck.store import FILE, Store
from tests.state.building import AMPLE, TARGET, names, sound
from tests.state.running import LIMIT, Replica, check, command, variables
from tests.state.seeds import chance
from tests.state.writer import Writer, number_of

KILLS = int(os.environ.get("TEST_KILLS", "500"))
AT_ONCE = 4
WRITERS = 60


def test_a_writer_that_is_killed_leaves_all_that_it_had_kept(tmp_path: Path) -> None:
    """It does nothing but write, so it is killed within a transaction; the next one takes up where it was."""
    random, within = chance(), 0
    for _ in range(WRITERS):
        with Writer() as writer:
            assert writer.answer() == "ready"
            before = number_of(Store(str(tmp_path)).read(TARGET, "replica", AMPLE)[0]) if names(tmp_path) else 0
            writer.order("on", TARGET, tmp_path)
            told = [int(writer.answer())]
            killer = threading.Timer(random.uniform(0, 0.03), writer.process.kill)
            killer.start()
            assert writer.process.stdout is not None
            told += [int(line) for line in writer.process.stdout if line.endswith("\n")]
            killer.join()
        within += f"{FILE}-journal" in names(tmp_path)
        assert told == list(range(before + 1, before + 1 + len(told)))
        assert sound(tmp_path)
        kept, seen = Store(str(tmp_path)).read(TARGET, "replica", AMPLE)
        assert kept is not None
        assert seen is not None
        assert number_of(kept) == seen.number
        assert number_of(kept) in (told[-1], told[-1] + 1), "what was kept is lost"
    print(f"{within} of {WRITERS} were killed within a transaction")
    assert within > 0
    assert names(tmp_path) == [FILE]


def test_reading_beside_a_journal_that_nobody_has_played_back_yet_makes_nothing_up(tmp_path: Path) -> None:
    """A reader changes nothing, so it cannot play it back: it tells the old, or the new, or that it cannot."""
    random, met = chance(), 0
    for _ in range(WRITERS):
        with Writer() as writer:
            assert writer.answer() == "ready"
            writer.order("on", TARGET, tmp_path)
            first = int(writer.answer())
            time.sleep(random.uniform(0, 0.01))
        if f"{FILE}-journal" not in names(tmp_path):
            continue
        met += 1
        before = (tmp_path / FILE).read_bytes()
        try:
            kept, seen = Store(str(tmp_path)).read(TARGET, "replica", AMPLE)
            assert number_of(kept) >= first
            assert seen is not None
        except StoreError:
            pass
        assert (tmp_path / FILE).read_bytes() == before
    print(f"{met} of {WRITERS} left a journal")
    assert met > 0


def test_checks_that_are_killed_at_any_moment_leave_an_intact_store(replica: Replica, tmp_path: Path) -> None:
    """Four at once are killed after anything up to the time that a whole one takes, while others go on in peace."""
    random, words, environment = chance(), command(replica.server, ()), variables(tmp_path)
    delays = [random.random() for _ in range(KILLS)]
    lock, seconds = threading.Lock(), [check(replica.server, tmp_path).seconds for _ in range(3)]
    killed = [0]

    def kill(delay: float) -> None:
        whole = 1.2 * statistics.median(seconds[-20:])
        process = subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            process.wait(0.02 + delay * whole)
        except subprocess.TimeoutExpired:
            process.kill()
            with lock:
                killed[0] += 1
        process.wait()

    undisturbed = []
    began = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = [pool.submit(kill, delay) for delay in delays]
        while not all(future.done() for future in running):
            ended = check(replica.server, tmp_path)
            undisturbed.append(ended)
            seconds.append(ended.seconds)
        for future in running:
            future.result()
    print(
        f"{KILLS} checks in {time.monotonic() - began:.0f} s: {killed[0]} killed, {KILLS - killed[0]} came to their "
        f"end first; {len(undisturbed)} in peace beside them, {statistics.median(seconds):.2f} s each"
    )
    assert killed[0] > KILLS / 4
    for ended in undisturbed:
        assert (ended.code, ended.json["phase"], ended.json["warnings"]) == (0, "up", [])
        assert ended.seconds < LIMIT
    assert sound(tmp_path)
    store = Store(str(tmp_path))
    assert [found.after for found in store.history(replica.target, 1000, AMPLE)] == ["up"]
    replica.broken()
    assert check(replica.server, tmp_path).json["phase"] == "down"
    assert [found.after for found in store.history(replica.target, 1000, AMPLE)] == ["up", "down"]
    assert names(tmp_path) == [FILE]
