"""`make demo` tells the story that the README promises, and leaves nothing behind, however it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.lab.providers import Unavailable, load
from tests.lab.waiting import wait_until
from tests.real.conftest import required

TOP = Path(__file__).parents[2]
PROVIDER = "mariadb-10.11"
LONGEST = 180.0  # seconds, for a machine that is busy with other tests; by itself the demo takes 30

STORY = [
    ("A healthy replica", "SERVE", "exit 0   → keepalived: up", "exit 102 → keepalived: up, weight 100 (102 − 2)"),
    ("STOP REPLICA SQL_THREAD", "FAIL", "sql_stopped", "exit 1   → keepalived: down", "exit 1   → keepalived: down"),
    (
        "mysqlcheck explain",
        "io_stopped",
        "sql_stopped            FAIL",
        "keepalived would be told",
        "weight:      exit 1",
    ),
    ("START REPLICA SQL_THREAD", "held: it recovered from sql_stopped", "SERVE weight 10 ", "ramping", "exit 12 "),
    ("LOCK TABLES", "INSERT INTO", "SERVE weight", "more than lag_ok 2s", "DRAIN", "more than max_lag 6s", "exit 2 "),
    ("Replica 2 meanwhile", "SERVE", "exit 0 ", "exit 102"),
    ("UNLOCK TABLES", "SERVE", "exit 0 ", "exit 102"),
    ("SET GLOBAL read_only=OFF", "FAIL", "writable", "exit 1 ", "exit 1 "),
    ("SET GLOBAL read_only=ON", "it serves again"),
    ("kill -9", "FAIL", "unreachable", "exit 1 ", "exit 1 ", "refuses connections"),
    ("It is started again", "held: it restarted; serves in 6s", "serves in 1s", "exit 1 "),
    ("SERVE weight 10 ", "exit 12 ", "SERVE weight ", "It served again", "TCP_CHECK would have let clients in at once"),
    ("mysqlcheck hold", "is drained", "DRAIN", "operator_hold", "new index", "exit 1 ", "exit 2 "),
    ("mysqlcheck status", "RE-ENTRY", "mysqlcheck release", "SERVE", "exit 0 ", "exit 102"),
    ("mysqlcheck history", "up → down", "unreachable", "down → held", "it restarted", "held → ramping", "release"),
    ("--textfile", "exit 102", "mysqlcheck_phase{", "mysqlcheck_weight{", "mysqlcheck_lag_seconds{"),
    ("All as promised", "README.md", "--help", "make test"),
]


@pytest.fixture(autouse=True)
def _server_programs() -> None:
    try:
        load(PROVIDER)
    except Unavailable as error:
        if PROVIDER in required():
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))


@contextmanager
def demo(folder: Path, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """The demo as a process, in a session of its own; `folder` is all that it knows of a place for temporary files."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.lab.demo"],
        cwd=TOP,
        env=os.environ | {"TMPDIR": str(folder), **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """What it says until it has said this."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if text in line:
            return said
    raise AssertionError(f"it ended without saying {text!r}:\n{said}")


def left_behind(folder: Path) -> list[str]:
    """Processes that have the folder as their TMPDIR, or one within it, and files there."""
    found = [str(path) for path in folder.iterdir()]
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and entry.name != str(os.getpid()):
            try:
                environment = (entry / "environ").read_bytes()
                if f"TMPDIR={folder}".encode() in environment:
                    found.append((entry / "cmdline").read_text().replace("\0", " "))
            except OSError:
                continue
    return found


def assert_nothing_is_left(folder: Path) -> None:
    """Only the lab's watcher outlives the demo, by the moment that it takes to notice."""
    wait_until(lambda: not left_behind(folder), f"{left_behind(folder)} to go away", 10)


def test_the_demo_tells_its_story_and_leaves_nothing_behind(tmp_path: Path) -> None:
    began = time.monotonic()
    with demo(tmp_path) as process:
        said, _ = process.communicate(timeout=LONGEST)
    assert process.returncode == 0, said
    at = 0
    for chapter in STORY:
        for text in chapter:
            assert text in said[at:], f"{text!r} of {chapter[0]!r} is not there, or not in its place:\n{said}"
            at = said.index(text, at) + len(text)
    assert time.monotonic() - began < LONGEST
    assert_nothing_is_left(tmp_path)


def test_a_log_file_gets_no_colours_and_nobody_a_password(tmp_path: Path) -> None:
    with demo(tmp_path) as process:
        read_until(process, "A healthy replica")
        option_file = next(tmp_path.glob("*/my.cnf"))
        mode, written = option_file.stat().st_mode & 0o777, option_file.read_text()
        said = read_until(process, "STOP REPLICA SQL_THREAD")
        process.terminate()
    password = written.partition("password=")[2].strip()
    assert mode == 0o600
    assert len(password) > 10
    assert password not in said
    assert "\x1b" not in said


def test_the_weight_falls_in_steps(tmp_path: Path) -> None:
    with demo(tmp_path) as process:
        said = read_until(process, "more than max_lag")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    weights = [int(weight) for weight in re.findall(r"SERVE weight (\d+)", said.partition("LOCK TABLES")[2])]
    assert len(weights) > 1
    assert weights == sorted(set(weights), reverse=True)
    assert_nothing_is_left(tmp_path)


@pytest.mark.parametrize(
    ("number", "moment"),
    [
        (signal.SIGINT, "starting three"),
        (signal.SIGTERM, "starting three"),
        (signal.SIGHUP, "starting three"),
        (signal.SIGTERM, "LOCK TABLES"),
        (signal.SIGINT, "kill -9"),
    ],
)
def test_an_interrupted_demo_leaves_nothing_behind(tmp_path: Path, number: signal.Signals, moment: str) -> None:
    with demo(tmp_path) as process:
        read_until(process, moment)
        process.send_signal(number)
        rest, _ = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert rest.rstrip().splitlines()[-1].startswith(f"{number.name}: ended early")
    assert "Traceback" not in rest
    assert_nothing_is_left(tmp_path)


def test_a_killed_demo_leaves_nothing_behind(tmp_path: Path) -> None:
    with demo(tmp_path) as process:
        read_until(process, "A healthy replica")
        process.kill()
    assert_nothing_is_left(tmp_path)


def test_a_demo_whose_reader_leaves_ends_quietly(tmp_path: Path) -> None:
    with demo(tmp_path) as process:
        read_until(process, "A healthy replica")
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(timeout=60) == 1
    assert_nothing_is_left(tmp_path)


def test_a_demo_that_meets_another_answer_says_what_it_saw(tmp_path: Path) -> None:
    """A command that always says up: the first trouble that it does not notice is the end."""
    liar = tmp_path / "liar"
    liar.write_text('#!/bin/sh\necho "SERVE all is well, lag 0 s"\ncase "$*" in *--weight*) exit 102;; esac\n')
    liar.chmod(0o700)
    folder = tmp_path / "temporary"
    folder.mkdir()
    with demo(folder, TEST_COMMAND=str(liar)) as process:
        said, _ = process.communicate(timeout=LONGEST)
    assert process.returncode == 1
    assert "replica 1 should have given exit 1, weighted 1" in said
    assert "It gave exit 0: SERVE all is well" in said
    assert_nothing_is_left(folder)
