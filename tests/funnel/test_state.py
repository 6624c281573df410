"""Memory in every kind of trouble while the libraries misbehave: the answer is the Decision's, or 1, and in time.

What the state directory itself can be is in tests/state; here SQLite and our own modules raise, hang and get signals,
and there are FIFOs and locks where files should be.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from mysqlcheck.statedir import file_name
from tests.command import FORGETFUL
from tests.hostile.controls import says_of_itself
from tests.hostile.server import HostileServer

from .injection import GOOD, WEIGHT, Injection, address, in_time
from .probing import Beacon, armed
from .test_libraries import EXCEPTIONS, HANGS, PATCH
from .test_machine import NO_THREADS
from .test_signals import LONG, SIGNALS, ends_at_once

STATEMENTS = (
    *("PRAGMA synchronous", "BEGIN", "PRAGMA user_version", "CREATE TABLE record", "SELECT", "REPLACE INTO sighting"),
    *("REPLACE INTO record", "INSERT INTO event", "DELETE FROM event", "COMMIT"),
)
"""What a check says to SQLite, in this order."""

SQLITE = """
import sqlite3
def harm():
    fired()
    {harm}
class Harmful(sqlite3.Connection):
    def execute(self, sql, *values):
        if sql.lstrip().startswith({statement!r}):
            harm()
        return super().execute(sql, *values)
    def close(self):
        if {statement!r} == "close":
            harm()
        super().close()
real = sqlite3.connect
sqlite3.connect = lambda *values, **named: real(*values, factory=Harmful, **named)
"""

PLACES = {
    "opening the store": ("sqlite3", "connect"),
    "becoming the directory's owner": ("mysqlcheck.statedir", "as_owner"),
    "making the directory": ("os", "mkdir"),
    "working in the directory": ("mysqlcheck.statedir", "work_in"),
    "updating the store": ("mysqlcheck.store", "Store.update"),
    "reading an operator's hold": ("mysqlcheck.holds", "read"),
    "judging": ("mysqlcheck.oneshot", "take_in"),
    "remembering": ("mysqlcheck.judgement", "remember"),
    "stepping from phase to phase": ("mysqlcheck.judgement", "step"),
    "asking which files are good": ("mysqlcheck.lastgood", "load_settings"),
}
TROUBLES = (
    "raise sqlite3.OperationalError('disk I/O error')",
    "raise sqlite3.DatabaseError('database disk image is malformed')",
    "raise sqlite3.IntegrityError('NOT NULL constraint failed')",
    "raise sqlite3.InterfaceError('bad parameter or other API misuse')",
    "raise OSError(28, 'No space left on device')",
    "raise TimeoutError(110, 'Connection timed out')",
)
JUST_STARTED = {**FORGETFUL, "MYSQLCHECK_HOLD_DOWN": "10m", "MYSQLCHECK_TRUST_UPTIME": "10m"}
"""Holds where even the server's own words say that it has just started."""


def at_statement(statement: str, harm: str) -> str:
    return SQLITE.format(statement=statement, harm=harm)


def at_place(place: str, harm: str) -> str:
    module, name = PLACES[place]
    return PATCH.format(module=module, name=name, harm=harm)


def injections(code: Callable[[str], str], harms: tuple[str, ...], tmp_path: Path) -> Iterator[tuple[str, Injection]]:
    """One injection for each harm, each with a state directory of its own."""
    for number, harm in enumerate(harms):
        folder = tmp_path / str(number)
        folder.mkdir()
        yield harm, Injection.of(folder, code(harm))


@pytest.mark.parametrize("statement", [*STATEMENTS, "close"])
def test_whatever_is_raised_within_sqlite_the_check_ends_in_1_or_as_decided(
    statement: str, healthy: HostileServer, dead: HostileServer, tmp_path: Path
) -> None:
    harms = EXCEPTIONS if statement == "BEGIN" else (EXCEPTIONS[0], EXCEPTIONS[1], "raise MemoryError")
    for harm, injection in injections(lambda harm: at_statement(statement, harm), harms, tmp_path):
        ran = injection.run(*address(healthy), *WEIGHT)
        assert ran.fired, harm
        assert ran.code in (1, GOOD), harm
        assert (ran.code == GOOD) == ("weight 100" in ran.out), harm
        assert injection.run(*address(dead), *WEIGHT).code == 1, harm


@pytest.mark.parametrize("place", PLACES)
def test_whatever_is_raised_within_our_own_modules_the_check_ends_in_1_or_as_decided(
    place: str, healthy: HostileServer, tmp_path: Path
) -> None:
    harms = (*EXCEPTIONS[:3], "raise MemoryError", "raise ZeroDivisionError", "return patched()")
    for harm, injection in injections(lambda harm: at_place(place, harm), harms, tmp_path):
        ran = injection.run(*address(healthy), *WEIGHT)
        assert ran.fired, harm
        # a bug in the memory alone is a lost memory
        assert ran.code in ((1,) if harm in harms[:4] else (1, GOOD)), harm


@pytest.mark.parametrize("statement", [*STATEMENTS, "close"])
def test_what_sqlite_and_the_disk_themselves_raise_takes_no_healthy_server_out(
    statement: str, healthy: HostileServer, dead: HostileServer, tmp_path: Path
) -> None:
    for harm, injection in injections(lambda harm: at_statement(statement, harm), TROUBLES, tmp_path):
        ran = injection.run(*address(healthy), *WEIGHT)
        assert (ran.code, ran.fired > 0) == (GOOD, True), (harm, ran)
        assert "Traceback" not in ran.err
        assert injection.run(*address(dead), *WEIGHT).code == 1, harm


@pytest.mark.parametrize("place", ["opening the store", "becoming the directory's owner", "making the directory"])
def test_what_the_disk_raises_around_it_takes_no_healthy_server_out(
    place: str, healthy: HostileServer, tmp_path: Path
) -> None:
    def code(harm: str) -> str:
        return at_place(place, f"import sqlite3; {harm}")

    harms = TROUBLES if place == "opening the store" else TROUBLES[4:]
    for harm, injection in injections(code, harms, tmp_path):
        ran = injection.run(*address(healthy), *WEIGHT)
        assert (ran.code, ran.fired > 0) == (GOOD, True), harm
        assert "no memory is kept" in ran.err


@pytest.mark.parametrize("statement", [*STATEMENTS, "close"])
def test_no_trouble_lets_a_server_in_that_has_just_started(statement: str, tmp_path: Path) -> None:
    harms = (EXCEPTIONS[0], EXCEPTIONS[1], TROUBLES[0], TROUBLES[4])
    with HostileServer(says_of_itself(uptime="5").script()) as young:
        for harm, injection in injections(lambda harm: at_statement(statement, harm), harms, tmp_path):
            ran = injection.run(*address(young), *WEIGHT, env=JUST_STARTED)
            assert (ran.code, ran.fired > 0) == (1, True), harm


@pytest.mark.parametrize("value", ["None", "()", "0", "102", "True", "object()", "'serve'"])
@pytest.mark.parametrize("place", ["updating the store", "judging"])
def test_what_memory_returns_is_no_decision(place: str, value: str, healthy: HostileServer, tmp_path: Path) -> None:
    ran = Injection.of(tmp_path, at_place(place, f"return {value}")).run(*address(healthy), *WEIGHT)
    assert ran.fired
    assert ran.code == 1 or (ran.code == GOOD and "weight 100" in ran.out)


def test_an_import_of_sqlite_that_fails_is_never_an_exit_code_of_its_own(
    healthy: HostileServer, dead: HostileServer, tmp_path: Path
) -> None:
    """As where Python was built without it."""
    for number, harm in enumerate(("sys.exit(0)", "sys.exit(102)", "raise ImportError", "(", "connect = None")):
        folder = tmp_path / str(number)
        folder.mkdir()
        injection = Injection.of(folder, "", {"sqlite3": harm})
        assert injection.run(*address(healthy), *WEIGHT).code in (1, GOOD), harm
        assert injection.run(*address(dead), *WEIGHT).code == 1, harm


# Hangs.


@pytest.mark.parametrize("statement", ["BEGIN", "SELECT", "REPLACE INTO record", "COMMIT", "close"])
def test_a_store_that_hangs_takes_no_healthy_server_out(statement: str, healthy: HostileServer, tmp_path: Path) -> None:
    injection = Injection.of(tmp_path, at_statement(statement, HANGS["sleeps"]))
    ran = in_time(injection, *address(healthy), *WEIGHT, timeout=1)
    assert (ran.code, ran.fired > 0) == (GOOD, True)
    assert "no memory is kept" in ran.err


@pytest.mark.parametrize("place", ["opening the store", "becoming the directory's owner"])
def test_a_disk_that_hangs_under_the_state_directory_takes_no_healthy_server_out(
    place: str, healthy: HostileServer, dead: HostileServer, tmp_path: Path
) -> None:
    injection = Injection.of(tmp_path, at_place(place, HANGS["sleeps"]))
    ran = in_time(injection, *address(healthy), *WEIGHT, timeout=1)
    assert (ran.code, ran.fired > 0) == (GOOD, True)
    assert in_time(injection, *address(dead), *WEIGHT, timeout=1).code == 1


@pytest.mark.parametrize("hang", [hang for hang in HANGS if hang != "sleeps"])
def test_a_store_that_hangs_otherwise_ends_in_1_or_as_decided_and_in_time(
    hang: str, healthy: HostileServer, tmp_path: Path
) -> None:
    injection = Injection.of(tmp_path, at_statement("BEGIN", HANGS[hang]))
    ran = in_time(injection, *address(healthy), *WEIGHT, timeout=1)
    assert ran.fired
    assert ran.code in (1, GOOD)


ALL_HANGS = """
import os, syslog, time
def hang(*_):
    fired()
    time.sleep(60)
os.replace = hang
syslog.syslog = hang
"""


def test_everything_that_can_hang_at_once_takes_no_healthy_server_out(
    healthy: HostileServer, dead: HostileServer, tmp_path: Path
) -> None:
    """Store, holds, track file, metrics and log on one disk that has gone away."""
    injection = Injection.of(tmp_path, at_statement("BEGIN", HANGS["sleeps"]) + ALL_HANGS)
    (injection.state / "holds").mkdir(parents=True)
    os.mkfifo(injection.state / "holds" / f"{file_name(f'{healthy.host}:{healthy.port}')}.json")
    files = ("--track-file", str(tmp_path / "r1"), "--textfile", str(tmp_path / "x.prom"))
    ran = in_time(injection, *address(healthy), *files, timeout=1)
    assert (ran.code, ran.fired > 2) == (0, True)
    assert in_time(injection, *address(dead), *files, timeout=1).code == 1


def test_shadow_says_serve_of_a_silent_server_even_where_everything_hangs(
    silent: HostileServer, tmp_path: Path
) -> None:
    """The server has used up the time, and the answer must still come before the backstop."""
    injection = Injection.of(tmp_path, at_statement("BEGIN", HANGS["sleeps"]) + ALL_HANGS)
    (injection.state / "holds").mkdir(parents=True)
    os.mkfifo(injection.state / "holds" / f"{file_name(f'{silent.host}:{silent.port}')}.json")
    files = ("--track-file", str(tmp_path / "r1"), "--textfile", str(tmp_path / "x.prom"))
    ran = in_time(injection, *address(silent), *files, "--shadow", timeout=1)
    assert (ran.code, ran.fired > 2) == (0, True)


# FIFOs and locks where files should be.


def broken_store(state: Path) -> None:
    (state / "state.db").write_bytes(b"no database" * 100)


FIFOS = ("state.db", "state.db-journal", "lock", "holds", "holds/{target}.json", "config", "config/{config}")


@pytest.mark.parametrize("name", [".", *FIFOS])
def test_a_fifo_in_the_state_directory_takes_no_healthy_server_out(
    name: str, healthy: HostileServer, dead: HostileServer, tmp_path: Path
) -> None:
    """Whoever opens one waits for ever for the other side."""
    injection = Injection.of(tmp_path, "")
    config = tmp_path / "c.toml"
    config.write_text("[defaults]\n")
    for server, code in ((healthy, GOOD), (dead, 1)):
        words = {"target": file_name(f"{server.host}:{server.port}"), "config": file_name(str(config))}
        fifo = injection.state / name.format(**words)
        fifo.parent.mkdir(parents=True, exist_ok=True)
        if name == "lock":
            broken_store(injection.state)
        elif name == "state.db-journal":
            (injection.state / "state.db").unlink(missing_ok=True)
            injection.run(*address(server))
        if not fifo.exists():
            os.mkfifo(fifo)
        ran = in_time(injection, *address(server), *WEIGHT, "--config", str(config), timeout=1)
        assert ran.code == code, ran
        assert "Traceback" not in ran.err


def test_a_fifo_and_no_threads_end_in_1_or_as_decided_and_in_time(healthy: HostileServer, tmp_path: Path) -> None:
    injection = Injection.of(tmp_path, NO_THREADS)
    injection.state.mkdir()
    os.mkfifo(injection.state / "state.db")
    assert in_time(injection, *address(healthy), *WEIGHT, timeout=1).code in (1, GOOD)


@contextmanager
def locked(state: Path) -> Iterator[None]:
    """Another process, as far as SQLite can tell, that has locked the store and does not let go."""
    with closing(sqlite3.connect(state / "state.db", isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        yield


@contextmanager
def locked_setting_aside(state: Path) -> Iterator[None]:
    """A broken store, and another process that never gets done with setting it aside."""
    broken_store(state)
    with open(state / "lock", "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


LOCKS = {"the store": locked, "setting it aside": locked_setting_aside}


@pytest.mark.parametrize("what", LOCKS)
def test_a_lock_that_nobody_gives_back_takes_no_healthy_server_out(
    what: str, healthy: HostileServer, dead: HostileServer, tmp_path: Path
) -> None:
    injection = Injection.of(tmp_path, "")
    assert injection.run(*address(healthy), *WEIGHT).code == GOOD
    with LOCKS[what](injection.state):
        ran = in_time(injection, *address(healthy), *WEIGHT, timeout=1)
        assert ran.code == GOOD
        assert "no memory is kept" in ran.err
        assert in_time(injection, *address(dead), *WEIGHT, timeout=1).code == 1


def waits_for_the_lock(process: subprocess.Popen[bytes], path: Path) -> bool:
    """Whether the process has opened the file, and its connection to the server is closed again."""
    folder = Path(f"/proc/{process.pid}/fd")
    try:
        targets = [os.readlink(link) for link in folder.iterdir()]
    except OSError:
        return False
    return str(path) in targets and not any(target.startswith("socket:") for target in targets)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("what", LOCKS)
def test_a_signal_while_it_waits_for_a_lock_ends_it_at_once(
    what: str, number: signal.Signals, healthy: HostileServer, tmp_path: Path
) -> None:
    patient = "import mysqlcheck.oneshot\nmysqlcheck.oneshot.MOST_SECONDS = 60\n"
    injection = Injection.of(tmp_path, patient)
    injection.state.mkdir()
    file = injection.state / ("state.db" if what == "the store" else "lock")
    with LOCKS[what](injection.state):
        process = injection.start(*address(healthy), *WEIGHT, *LONG)
        while not waits_for_the_lock(process, file):
            assert process.poll() is None
            os.sched_yield()
        assert armed(process)
        ends_at_once(process, number)


SIGNAL_ITSELF = "os.kill(os.getpid(), {number:d}); import time; time.sleep(60)"


@pytest.mark.parametrize("statement", [*STATEMENTS, "close"])
def test_a_signal_within_the_transaction_ends_it_in_1_and_leaves_the_store_intact(
    statement: str, healthy: HostileServer, tmp_path: Path
) -> None:
    for place, number in enumerate(SIGNALS):
        folder = tmp_path / str(place)
        folder.mkdir()
        injection = Injection.of(folder, at_statement(statement, SIGNAL_ITSELF.format(number=number)))
        ran = injection.run(*address(healthy), *WEIGHT, "--timeout", "8s")
        assert (ran.code, ran.fired) == (1, 1)
        assert ran.seconds < 8
        (folder / "after").mkdir()
        after = Injection.of(folder / "after", "").run(
            *address(healthy), *WEIGHT, env={"MYSQLCHECK_STATE_DIR": str(injection.state)}
        )
        assert (after.code, after.err) == (GOOD, "")


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("statement", ["BEGIN", "COMMIT"])
def test_a_signal_while_sqlite_blocks_in_c_ends_it_at_once(
    statement: str, number: signal.Signals, healthy: HostileServer, tmp_path: Path
) -> None:
    beacon = Beacon()
    block = f"{beacon.light}; import ctypes; ctypes.CDLL(None).sleep(60)"
    process = Injection.of(tmp_path, at_statement(statement, block)).start(
        *address(healthy), *WEIGHT, *LONG, pass_fds=[beacon.writer]
    )
    beacon.wait()
    ends_at_once(process, number)
