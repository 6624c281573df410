"""SIGTERM, SIGINT and SIGHUP end a check in 1, at once, whatever it is doing; a signal kills it never.

keepalived sends SIGTERM at misc_timeout, and leaks weight for good where a script dies by a signal. Before
the funnel is armed the interpreter itself starts, for some 10 ms that nobody can protect: those are counted
and reported, not judged.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.hostile.keys import Keys
from tests.hostile.personas import MYSQL
from tests.hostile.server import HostileServer
from tests.hostile.session import Session

from .injection import MOST_SECONDS, WEIGHT, Injection, address
from .probing import Beacon, armed, wait_for_reader
from .test_machine import full_pipe

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
LONG = ("--timeout", "25s")
AT_ONCE = 2.0
"""Seconds; far below the timeout above, and enough for a machine that is busy with other tests."""


def ends_at_once(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send the signal and assert that the process exits with 1 right away."""
    began = time.monotonic()
    process.send_signal(number)
    try:
        assert process.wait(MOST_SECONDS) == 1
        assert time.monotonic() - began < AT_ONCE
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_at_any_moment_from_the_start_on(
    number: signal.Signals, silent: HostileServer, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """The delays go from none to beyond the connection; what happened before the funnel was armed is reported."""
    injection = Injection.of(tmp_path, "")
    began = time.monotonic()
    process = injection.start(*address(silent), *WEIGHT, *LONG)
    while not silent.sessions:
        assert process.poll() is None
        os.sched_yield()
    whole = time.monotonic() - began
    ends_at_once(process, number)
    steps, early = 16, []
    for step in range(steps):
        began = time.monotonic()
        process = injection.start(*address(silent), *WEIGHT, *LONG)
        while time.monotonic() - began < 1.3 * whole * step / steps:
            os.sched_yield()
        if armed(process):
            ends_at_once(process, number)
        else:
            process.send_signal(number)
            early.append(process.wait(MOST_SECONDS))
            assert early[-1] in (1, -number)
    record_property("before the funnel was armed", early)
    died = early.count(-number)
    print(f"{number.name}: {steps} moments; {len(early)} before the funnel was armed, {died} of them died by it")
    assert len(early) < steps


COUNT_CALLS = """
import signal, _signal
calls, target, number = 0, {target}, {number}
def count(frame, event, argument):
    global calls
    if event == "c_return" and argument is _signal.pthread_sigmask:
        sys.setprofile(after)
def after(frame, event, argument):
    global calls
    if event not in ("call", "c_call"):
        return
    calls += 1
    if calls == target:
        sys.setprofile(None)
        fired()
        os.kill(os.getpid(), number)
sys.setprofile(count)
if {report!r}:
    old = os._exit
    def report(code):
        sys.setprofile(None)
        with open({report!r}, "w") as file:
            file.write(str(calls))
        old(code)
    os._exit = report
"""


@pytest.mark.parametrize("part", range(4))
def test_at_every_stage_of_a_check_from_the_moment_the_funnel_is_armed(
    part: int, silent: HostileServer, tmp_path: Path
) -> None:
    """Not by the clock but by the call: the process signals itself at its n-th call, imports included."""
    (tmp_path / "count").mkdir()
    report = str(tmp_path / "calls")
    counting = Injection.of(tmp_path / "count", COUNT_CALLS.format(target=0, number=0, report=report))
    assert counting.run(*address(silent), "--timeout", "1s").code == 1
    total = int(Path(report).read_text())
    assert total > 1000
    steps = 20
    for step in range(part, steps, 4):
        folder = tmp_path / str(step)
        folder.mkdir()
        target = 1 + (total - 2) * step // steps
        number = SIGNALS[step % len(SIGNALS)]
        injection = Injection.of(folder, COUNT_CALLS.format(target=target, number=int(number), report=""))
        ran = injection.run(*address(silent), "--timeout", "8s")
        assert (ran.code, ran.fired) == (1, 1)
        assert ran.seconds < 8


BLOCKED = """
import ctypes, importlib
def blocked(*args, **kwargs):
    {light}
    ctypes.{library}(None).sleep(60)
owner = importlib.import_module({module!r})
setattr(owner, {name!r}, blocked)
"""


def blocking(module: str, name: str, beacon: Beacon, library: str = "CDLL") -> str:
    """Code that makes a function block in C, where no Python signal handler can run."""
    return BLOCKED.format(module=module, name=name, light=beacon.light, library=library)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize(
    ("module", "name"), [("socket", "getaddrinfo"), ("os", "replace"), ("json", "dumps"), ("click", "Command")]
)
def test_while_something_blocks_in_c(
    module: str, name: str, number: signal.Signals, healthy: HostileServer, tmp_path: Path
) -> None:
    """getaddrinfo was seen to keep a Python signal handler waiting for 8 s."""
    beacon = Beacon()
    injection = Injection.of(tmp_path, blocking(module, name, beacon))
    process = injection.start(
        *("--host", "localhost", "--port", str(healthy.port), *LONG),
        *("--track-file", str(tmp_path / "r1"), "--output", "json"),
        pass_fds=[beacon.writer],
    )
    beacon.wait()
    ends_at_once(process, number)


def test_while_something_holds_the_gil_the_backstop_ends_it(healthy: HostileServer, tmp_path: Path) -> None:
    """Nothing but the kernel could be quicker: the thread that waits for signals needs the GIL to act."""
    beacon = Beacon()
    injection = Injection.of(tmp_path, blocking("json", "dumps", beacon, "PyDLL"))
    process = injection.start(*address(healthy), "--output", "json", "--timeout", "1s", pass_fds=[beacon.writer])
    beacon.wait()
    began = time.monotonic()
    process.terminate()
    assert process.wait(MOST_SECONDS) == 1
    assert time.monotonic() - began < 1 + 0.5 + AT_ONCE


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("option", ["--config", "--defaults-file", "--password-file"])
def test_while_a_file_hangs(option: str, number: signal.Signals, healthy: HostileServer, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    process = Injection.of(tmp_path, "").start(*address(healthy), *WEIGHT, option, str(fifo), *LONG)
    writer = wait_for_reader(fifo, process)
    try:
        ends_at_once(process, number)
    finally:
        os.close(writer)


def greeting(session: Session, there: threading.Event) -> None:
    there.set()
    session.wait_for_hangup()


def within_tls(session: Session, there: threading.Event) -> None:
    session.greet(tls=True)
    session.read_ssl_request()
    there.set()
    session.wait_for_hangup()


def login(session: Session, there: threading.Event) -> None:
    session.greet()
    session.read_login()
    there.set()
    session.wait_for_hangup()


def login_within_tls(session: Session, there: threading.Event) -> None:
    session.greet(tls=True)
    session.read_login("good")
    there.set()
    session.wait_for_hangup()


def query(session: Session, there: threading.Event) -> None:
    def hang(session: Session, _query: str) -> None:
        there.set()
        session.wait_for_hangup()

    MYSQL.but("REPLICA STATUS", hang).script()(session)


def drip(session: Session, there: threading.Event) -> None:
    there.set()
    session.drip(0.05)
    MYSQL.script()(session)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("stage", [greeting, within_tls, login, login_within_tls, query, drip])
def test_while_the_server_hangs(
    stage: Callable[[Session, threading.Event], None], number: signal.Signals, keys: Keys, tmp_path: Path
) -> None:
    there = threading.Event()
    with HostileServer(lambda session: stage(session, there), keys.props) as server:
        process = Injection.of(tmp_path, "").start(*address(server), *WEIGHT, *LONG)
        assert there.wait(MOST_SECONDS)
        ends_at_once(process, number)


WAITING = """
import select
def poll(*_, old=select.poll):
    {light}
    return old()
select.poll = poll
"""


def test_while_the_words_wait_for_a_reader(healthy: HostileServer, tmp_path: Path) -> None:
    """The decision is made, and a signal comes all the same: either answer is honest, and none is a death."""
    beacon = Beacon()
    injection = Injection.of(tmp_path, WAITING.format(light=beacon.light))
    with full_pipe() as handle:
        process = injection.start(*address(healthy), *WEIGHT, stdout=handle, pass_fds=[beacon.writer])
        beacon.wait()
        process.terminate()
        assert process.wait(MOST_SECONDS) in (1, 102)


NO_THREADS = """
import _thread
def refuse(*args, **kwargs):
    fired()
    raise RuntimeError("can't start new thread")
_thread.start_new_thread = refuse
"""


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_without_threads(number: signal.Signals, tmp_path: Path) -> None:
    there = threading.Event()
    with HostileServer(lambda session: query(session, there)) as server:
        injection = Injection.of(tmp_path, NO_THREADS)
        process = injection.start(*address(server), *WEIGHT, *LONG)
        assert there.wait(MOST_SECONDS)
        ends_at_once(process, number)
        assert injection.fired


def test_a_signal_that_was_blocked_or_ignored_by_our_parent_still_ends_us(
    silent: HostileServer, tmp_path: Path
) -> None:
    """nohup ignores SIGHUP, and a mask is inherited over exec."""
    code = (
        "import signal\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    )
    injection = Injection.of(tmp_path, code)
    process = injection.start(*address(silent), *WEIGHT, *LONG)
    while not silent.sessions:
        assert process.poll() is None
        os.sched_yield()
    ends_at_once(process, signal.SIGTERM)


@pytest.mark.parametrize("number", [signal.SIGPIPE, signal.SIGCHLD, signal.SIGWINCH, signal.SIGCONT, signal.SIGURG])
def test_signals_that_mean_nothing_to_us_do_nothing(
    number: signal.Signals, silent: HostileServer, tmp_path: Path
) -> None:
    process = Injection.of(tmp_path, "").start(*address(silent), "--timeout", "1s")
    while not silent.sessions:
        assert process.poll() is None
        os.sched_yield()
    process.send_signal(number)
    assert process.wait(MOST_SECONDS) == 1


def test_many_signals_at_once(silent: HostileServer, tmp_path: Path) -> None:
    process = Injection.of(tmp_path, "").start(*address(silent), *LONG)
    while not silent.sessions:
        assert process.poll() is None
        os.sched_yield()
    for _ in range(50):
        for number in SIGNALS:
            process.send_signal(number)
    assert process.wait(MOST_SECONDS) == 1


FIRST_LINE = """
import importlib.abc
class Watcher(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "mysqlcheck":
            sys.meta_path.remove(self)
            {light}
sys.meta_path.insert(0, Watcher())
"""


def test_how_long_the_funnel_takes_to_be_armed(
    silent: HostileServer, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """From the import of our package on; reported, because it is the part of the gap that is ours to close."""
    gaps, died = [], 0
    for number in range(12):
        beacon = Beacon()
        folder = tmp_path / str(number)
        folder.mkdir()
        injection = Injection.of(folder, FIRST_LINE.format(light=beacon.light))
        process = injection.start(*address(silent), *LONG, pass_fds=[beacon.writer])
        beacon.wait()
        if number % 2:
            process.terminate()
            died += process.wait(MOST_SECONDS) == -signal.SIGTERM
        else:
            began = time.monotonic()
            while not armed(process):
                assert process.poll() is None
            gaps.append(round((time.monotonic() - began) * 1000, 1))
            ends_at_once(process, signal.SIGTERM)
    record_property("milliseconds from our import to the armed funnel", gaps)
    print(f"armed {min(gaps)} to {max(gaps)} ms after our import; {died} of 6 died by a SIGTERM at that import")
