"""A director in trouble: streams that are closed, full or broken, no descriptors, no threads, no memory.

Its own trouble takes no healthy server out where there is a way on; where there is none, the answer is 1.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mysqlcheck import console
from mysqlcheck.clock import Deadline
from tests.hostile.personas import MYSQL
from tests.hostile.server import HostileServer

from .injection import COMMAND, GOOD, MOST_SECONDS, WEIGHT, Injection, Ran, address, in_time

AT_ONCE = 10.0
"""Seconds; far below the timeout that is given there, and enough for a machine busy with other tests."""
CLOSED = [combination for n in range(4) for combination in itertools.combinations((0, 1, 2), n)]
LAGGING = MYSQL.but_status(Seconds_Behind_Source="600")


def in_shell(injection: Injection, setup: str, *arguments: str, redirections: str = "") -> Ran:
    """Run the command from a shell that does something to its own process first."""
    began = time.monotonic()
    ended = subprocess.run(
        ["/bin/sh", "-c", f'{setup} exec "$@" {redirections}', "sh", *COMMAND, *arguments],
        env=injection.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=MOST_SECONDS,
    )
    out, err = (stream.decode("utf-8", "replace") for stream in (ended.stdout, ended.stderr))
    return Ran(ended.returncode, out, err, time.monotonic() - began, injection.fired)


@pytest.mark.parametrize("closed", CLOSED, ids=lambda closed: "-".join(map(str, closed)) or "none")
def test_closed_streams_change_no_answer_and_no_socket_takes_their_place(
    closed: tuple[int, ...], dead: HostileServer, tmp_path: Path
) -> None:
    injection = Injection.of(tmp_path, "")
    redirections = " ".join(f"{number}>&-" for number in closed)
    missing = ("--textfile", str(tmp_path / "missing" / "x.prom"))  # for a word on stderr too
    with HostileServer(MYSQL.script()) as healthy:
        for server, code in ((healthy, GOOD), (dead, 1)):
            ran = in_shell(injection, "", *address(server), *WEIGHT, *missing, redirections=redirections)
            assert ran.code == code
            assert ("weight 100" in ran.out or "FAIL" in ran.out) == (1 not in closed)
            assert ("cannot write" in ran.err) == (2 not in closed)
    assert b"SERVE" not in healthy.received
    assert b"cannot write" not in healthy.received


@contextmanager
def full_pipe() -> Iterator[int]:
    """The end of a pipe that is full and stays so."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, bytes(65536))
    except BlockingIOError:
        os.set_blocking(writer, True)
    try:
        yield writer
    finally:
        os.close(reader)
        os.close(writer)


@contextmanager
def broken_pipe() -> Iterator[int]:
    """The end of a pipe whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        yield writer
    finally:
        os.close(writer)


@contextmanager
def small_pipe() -> Iterator[int]:
    """The end of a pipe of one page that nobody reads: the JSON of a check with many channels fills it."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    try:
        yield writer
    finally:
        os.close(reader)
        os.close(writer)


@contextmanager
def full_disk() -> Iterator[int]:
    handle = os.open("/dev/full", os.O_WRONLY)
    try:
        yield handle
    finally:
        os.close(handle)


@contextmanager
def read_only() -> Iterator[int]:
    handle = os.open(os.devnull, os.O_RDONLY)
    try:
        yield handle
    finally:
        os.close(handle)


STREAMS = {
    "a full pipe": full_pipe,
    "a broken pipe": broken_pipe,
    "a small pipe": small_pipe,
    "a full disk": full_disk,
    "a read-only descriptor": read_only,
}


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("which", ["stdout", "stderr", "both"])
def test_streams_that_take_nothing_change_no_answer(
    which: str, stream: str, healthy: HostileServer, dead: HostileServer, tmp_path: Path
) -> None:
    injection = Injection.of(tmp_path, "")
    missing = ("--textfile", str(tmp_path / "missing" / "x.prom"))
    with STREAMS[stream]() as handle:
        for server, code in ((healthy, GOOD), (dead, 1)) if which == "both" else ((healthy, GOOD),):
            process = injection.start(
                *(*address(server), *WEIGHT, *missing, "--output", "json", "--timeout", "20s"),
                stdout=handle if which != "stderr" else subprocess.DEVNULL,
                stderr=handle if which != "stdout" else subprocess.DEVNULL,
            )
            assert process.wait(AT_ONCE) == code


def test_a_long_answer_reaches_a_slow_reader_whole() -> None:
    """A page at most every 40 ms, for longer than the patience: he who takes nothing for so long has gone, not he."""
    text, patience = "x" * (60 * 4096), 2.0
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)

    def write() -> None:
        console.say(text, Deadline(60.0), writer, patience)
        os.close(writer)

    thread = threading.Thread(target=write)
    thread.start()
    pages, began = [], time.monotonic()
    with open(reader, "rb", buffering=0) as stream:
        while page := stream.read(4096):
            pages.append(page)
            time.sleep(0.04)  # it is the slow reader
    thread.join()
    assert time.monotonic() - began > patience
    assert b"".join(pages) == text.encode() + b"\n"


@pytest.mark.parametrize(
    ("option", "stream"),
    [*(("--help", stream) for stream in STREAMS), ("--version", "a full disk"), ("--nonsense", "a full pipe")],
)
def test_help_and_usage_errors_that_nobody_can_read_end_as_well(option: str, stream: str, tmp_path: Path) -> None:
    injection = Injection.of(tmp_path, "")
    with STREAMS[stream]() as handle:
        process = injection.start(option, stdout=handle, stderr=handle)
        assert process.wait(MOST_SECONDS) in ({1} if option == "--nonsense" else {0, 1})


def test_shadow_says_serve_of_a_silent_server_even_to_a_full_pipe(silent: HostileServer, tmp_path: Path) -> None:
    """The deadline is used up, and then the words wait: the backstop must leave time for both."""
    injection = Injection.of(tmp_path, "")
    with full_pipe() as handle:
        process = injection.start(*address(silent), "--shadow", "--timeout", "1s", stdout=handle, stderr=handle)
        assert process.wait(MOST_SECONDS) == 0


SLOW = """
import time
class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "click":
            sys.meta_path.remove(self)
            fired()
            time.sleep(3.6)
sys.meta_path.insert(0, Slow())
"""


def test_a_director_that_is_slow_to_start_us_takes_no_server_out_that_may_be_waited_for(
    healthy: HostileServer, tmp_path: Path
) -> None:
    """Longer than the default --timeout and its grace; the longer one is known when the options are read."""
    injection = Injection.of(tmp_path, SLOW)
    in_a_file = tmp_path / "mysqlcheck.toml"
    in_a_file.write_text('[defaults]\ntimeout = "20s"\n')
    variables = injection.environment()
    del variables["MYSQLCHECK_TIMEOUT"]
    for told in (("--timeout", "20s"), ("--config", str(in_a_file))):
        command = [*COMMAND, *address(healthy), *WEIGHT, *told]
        ended = subprocess.run(command, env=variables, stdin=subprocess.DEVNULL, capture_output=True)
        assert ended.returncode == GOOD, ended.stderr
    assert injection.fired == 2


@pytest.mark.parametrize("most", [4, 5, 6, 7, 8, 10])
def test_no_descriptors_left(most: int, healthy: HostileServer, dead: HostileServer, tmp_path: Path) -> None:
    """Too few for Python itself, for its imports, for the socket, for the files.

    With 3 the dynamic linker cannot even load Python, and exits with 127 before there is anything of ours.
    """
    injection = Injection.of(tmp_path, "")
    files = ("--track-file", str(tmp_path / "r1"), "--textfile", str(tmp_path / "x.prom"))
    for server, good in ((healthy, 0), (dead, 1)):
        ran = in_shell(injection, f"ulimit -n {most};", *address(server), "--weight", "100", *files)
        assert ran.code in (1, good)


NO_THREADS = """
import _thread, threading
def refuse(*args, **kwargs):
    fired()
    raise RuntimeError("can't start new thread")
_thread.start_new_thread = threading._start_new_thread = refuse
"""


def test_without_threads_an_address_is_checked_all_the_same(
    healthy: HostileServer, dead: HostileServer, tmp_path: Path
) -> None:
    injection = Injection.of(tmp_path, NO_THREADS)
    assert injection.run(*address(healthy), *WEIGHT).code == GOOD
    assert injection.run(*address(dead), *WEIGHT).code == 1
    assert injection.fired > 0


def test_without_threads_a_name_cannot_be_resolved_in_time_and_that_is_no_word_against_the_server(
    healthy: HostileServer, tmp_path: Path
) -> None:
    ran = Injection.of(tmp_path, NO_THREADS).run("--host", "localhost", "--port", str(healthy.port), *WEIGHT)
    assert ran.code in (1, GOOD)
    assert "no MySQL server" not in ran.out


NO_PROCESSES = """
import resource
# what a check needs is imported now, because another user may not read this interpreter's files
import click, pymysql, ssl, traceback, mysqlcheck.cli.check, mysqlcheck.cli.present, mysqlcheck.oneshot
if os.geteuid() == 0:
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
"""


def test_no_more_threads_for_this_user(healthy: HostileServer, dead: HostileServer, tmp_path: Path) -> None:
    """RLIMIT_NPROC: not even the backstop's thread can be had."""
    injection = Injection.of(tmp_path, NO_PROCESSES)
    assert injection.run(*address(healthy), *WEIGHT).code in (1, GOOD)
    assert injection.run(*address(dead), *WEIGHT).code == 1


LITTLE_MEMORY = """
import resource
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * os.sysconf("SC_PAGE_SIZE") + {extra}
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
"""


@pytest.mark.parametrize("megabytes", [0, 1, 4, 8, 12, 16, 24, 32, 40, 48, 56, 64])
def test_no_memory_left(megabytes: int, healthy: HostileServer, dead: HostileServer, tmp_path: Path) -> None:
    """RLIMIT_AS, from not enough for the first import to enough for most of a check."""
    injection = Injection.of(tmp_path, LITTLE_MEMORY.format(extra=megabytes << 20))
    for server, good in ((healthy, GOOD), (dead, 1)):
        ran = injection.run(*address(server), *WEIGHT)
        assert ran.code in (1, good)
        assert good == 1 or ran.code == 1 or "weight 100" in ran.out


def test_a_log_that_hangs_takes_no_healthy_server_out(healthy: HostileServer, tmp_path: Path) -> None:
    """syslog() blocks where journald no longer reads its socket; an unwritable file makes us log."""
    hang = "import syslog, time\ndef syslog_(*_):\n    fired()\n    time.sleep(60)\nsyslog.syslog = syslog_\n"
    injection = Injection.of(tmp_path, hang)
    ran = injection.run(*address(healthy), *WEIGHT, "--textfile", str(tmp_path / "missing" / "x"), "--timeout", "1s")
    assert (ran.code, ran.fired > 0) == (GOOD, True)


def test_a_log_that_fails_takes_no_healthy_server_out(healthy: HostileServer, tmp_path: Path) -> None:
    for number, error in enumerate(("OSError", "UnicodeEncodeError('utf-8', '', 0, 1, '')", "ImportError")):
        folder = tmp_path / str(number)
        folder.mkdir()
        fail = f"import syslog\ndef syslog_(*_):\n    fired()\n    raise {error}\nsyslog.syslog = syslog_\n"
        injection = Injection.of(folder, fail)
        ran = injection.run(*address(healthy), *WEIGHT, "--textfile", str(tmp_path / "missing" / "x"))
        assert (ran.code, ran.fired > 0) == (GOOD, True), error


def test_metrics_that_cannot_be_made_take_no_healthy_server_out(healthy: HostileServer, tmp_path: Path) -> None:
    gone = "import sys\nsys.modules['prometheus_client'] = None\n"
    ran = Injection.of(tmp_path, gone).run(*address(healthy), *WEIGHT, "--textfile", str(tmp_path))
    assert ran.code == GOOD
    assert "cannot write" in ran.err


@pytest.mark.parametrize("option", ["--textfile", "--track-file"])
def test_a_disk_that_hangs_takes_no_healthy_server_out(option: str, healthy: HostileServer, tmp_path: Path) -> None:
    hang = "import os, time\ndef replace(*_):\n    fired()\n    time.sleep(60)\nos.replace = replace\n"
    style = WEIGHT if option == "--textfile" else ()
    ran = Injection.of(tmp_path, hang).run(*address(healthy), *style, option, str(tmp_path / "f"), "--timeout", "1s")
    assert (ran.code, ran.fired) == (GOOD if style else 0, 1)
    assert "too long" in ran.err


@pytest.mark.parametrize("option", ["--config", "--defaults-file", "--password-file"])
def test_a_file_that_hangs_ends_in_1_and_in_time(option: str, healthy: HostileServer, tmp_path: Path) -> None:
    """A FIFO that nobody writes to; a file on a dead NFS server does the same."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    ran = in_time(Injection.of(tmp_path, ""), *address(healthy), *WEIGHT, option, str(fifo), timeout=0.5)
    assert ran.code == 1


def test_a_track_file_that_is_a_fifo_is_replaced_and_not_waited_for(healthy: HostileServer, tmp_path: Path) -> None:
    fifo = tmp_path / "r1"
    os.mkfifo(fifo)
    ran = Injection.of(tmp_path, "").run(*address(healthy), "--track-file", str(fifo))
    assert (ran.code, fifo.read_text()) == (0, "99\n")
