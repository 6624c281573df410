"""What answers from the agent's verdict: `mysqlcheck --host H`, and the client in sh that starts no other program.

Both give the verdict's exit code and its line while it is fresh. Without one the first checks by itself, and the second
fails.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mysqlcheck import clock, statedir, verdict
from mysqlcheck.fast import quick_answer
from mysqlcheck.model import Instant
from mysqlcheck.outcome import Style
from tests.command import COMMAND, Ended, environment, mysqlcheck

CLIENT = Path(__file__).parents[2] / "contrib/keepalived/mysqlcheck-verdict"
HOST = "127.0.0.77"  # nobody listens: whatever else than a verdict answers says down
LINE = "SERVE 127.0.0.77:3306 lag 0 s, read_only ON, MariaDB 10.11.18"
Answer = Callable[..., Ended]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "verdicts").mkdir()
    return tmp_path / "verdicts"


def run(program: list[str], folder: Path, *arguments: str, **more: str) -> Ended:
    began = time.monotonic()
    env = environment({"MYSQLCHECK_VERDICT_DIR": str(folder), **more})
    ended = subprocess.run([*program, *arguments], env=env, capture_output=True, text=True, timeout=10)
    return Ended(ended.returncode, ended.stdout, ended.stderr, time.monotonic() - began)


def by_python(folder: Path, *arguments: str) -> Ended:
    return run(COMMAND, folder, *arguments)


def by_sh(folder: Path, *arguments: str) -> Ended:
    return run([str(CLIENT)], folder, *arguments, PATH="/nowhere")


BOTH = pytest.mark.parametrize("answer", [by_python, by_sh])


def publish(folder: Path, name: str = HOST, code: int = 0, life: float = 60.0, style: Style = Style.PLAIN) -> Path:
    file = folder / statedir.file_name(name)
    file.write_bytes(verdict.content(clock.now().plus(life), style, code, LINE))
    return file


@BOTH
@pytest.mark.parametrize("code", [0, 1])
def test_a_fresh_verdict_is_the_answer(answer: Answer, code: int, folder: Path) -> None:
    publish(folder, code=code)
    ended = answer(folder, "--host", HOST)
    assert (ended.code, ended.out, ended.err) == (code, LINE + "\n", "")


@BOTH
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("127.0.0.77:3307", ["--host", "127.0.0.77", "--port", "3307"]),
        ("127.0.0.77:3307", ["--host=127.0.0.77", "--port=3307"]),
        ("db-2.example.com", ["--host", "db-2.example.com"]),
        ("2001:db8::1", ["--host", "2001:db8::1"]),
        ("[2001:db8::1]:3307", ["--host", "2001:db8::1", "--port", "3307"]),
    ],
)
def test_the_file_is_named_after_the_server(answer: Answer, name: str, arguments: list[str], folder: Path) -> None:
    publish(folder, name)
    assert answer(folder, *arguments).out == LINE + "\n"


def damaged(file: Path, change: Callable[[list[bytes]], object]) -> None:
    words = file.read_bytes().split(b" ", 5)
    change(words)
    file.write_bytes(b" ".join(words))


def into_a_directory(file: Path) -> None:
    file.unlink()
    file.mkdir()


DAMAGE: dict[str, Callable[[Path], object]] = {
    "none": lambda file: file.unlink(),
    "empty": lambda file: file.write_bytes(b""),
    "cut short": lambda file: file.write_bytes(file.read_bytes()[:-3]),
    "expired": lambda file: file.write_bytes(verdict.content(clock.now().plus(-0.1), Style.PLAIN, 0, LINE)),
    "of another boot": lambda file: file.write_bytes(
        verdict.content(Instant("b5cf8e04", clock.now().seconds + 60), Style.PLAIN, 0, LINE)
    ),
    "of another version": lambda file: damaged(file, lambda words: words.__setitem__(0, b"2")),
    "with an end that is no number": lambda file: damaged(file, lambda words: words.__setitem__(1, b"soon")),
    "with an exit code that is none": lambda file: damaged(file, lambda words: words.__setitem__(4, b"256")),
    "with an exit code that is no number": lambda file: damaged(file, lambda words: words.__setitem__(4, b"-1")),
    "binary": lambda file: file.write_bytes(bytes(range(256))),
    "a directory": into_a_directory,
}


@pytest.mark.parametrize("what", DAMAGE)
def test_any_other_is_none_to_the_client_in_sh_which_fails(what: str, folder: Path) -> None:
    DAMAGE[what](publish(folder))
    ended = by_sh(folder, "--host", HOST)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("mysqlcheck-verdict: ")


@pytest.mark.parametrize("what", DAMAGE)
def test_any_other_is_none_to_the_command_which_checks_by_itself(
    what: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MYSQLCHECK_VERDICT_DIR", str(folder))
    assert quick_answer(["--host", HOST]) is None
    file = publish(folder)
    assert quick_answer(["--host", HOST]) == 0
    DAMAGE[what](file)
    assert quick_answer(["--host", HOST]) is None


def test_without_a_verdict_it_does_check_by_itself(folder: Path) -> None:
    ended = mysqlcheck("--host", HOST, env={"MYSQLCHECK_VERDICT_DIR": str(folder)})
    assert (ended.code, ended.out.startswith(f"FAIL {HOST}:3306 unreachable")) == (1, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--host", HOST, "--timeout", "2s"],
        ["--host", HOST, "--weight", "100"],
        ["--role", "any", "--host", HOST],
        ["check", "--host", HOST],
        ["--host", HOST, "--port", "3306", "--shadow"],
        ["--host", HOST, "--host", HOST],
        ["--host", ""],
        ["--host", "127.0.0.77/../127.0.0.77"],
        ["--help"],
        [],
    ],
)
def test_whoever_asks_for_more_gets_a_whole_check(
    arguments: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(folder)
    monkeypatch.setenv("MYSQLCHECK_VERDICT_DIR", str(folder))
    assert quick_answer(["--host", HOST]) == 0
    assert quick_answer(arguments) is None


def test_whoever_sets_more_in_the_environment_gets_a_whole_check(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(folder)
    monkeypatch.setenv("MYSQLCHECK_VERDICT_DIR", str(folder))
    monkeypatch.setenv("MYSQLCHECK_MAX_LAG", "5s")
    assert quick_answer(["--host", HOST]) is None


def test_a_block_that_expects_another_style_is_not_answered_in_this_one(folder: Path) -> None:
    publish(folder, style=Style.WEIGHT, code=102)
    ended = by_sh(folder, "--host", HOST)
    assert (ended.code, "in weight style, and plain is asked for" in ended.err) == (1, True)
    assert by_sh(folder, "--host", HOST, "--style", "weight").code == 102


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "no server: give --host H"),
        (["--host"], "--host needs a value"),
        (["--host", "../../etc/passwd"], "'../../etc/passwd' is no name or address"),
        (["--host", "%s"], "'%s' is no name or address"),
        (["--host", HOST, "--port", "x"], "--port: 'x' is no number"),
        (["--host", HOST, "--style", "file"], "'file' is none of plain, track-file, weight"),
        (["--host", HOST, "--timeout", "3"], "there is no option '--timeout'"),
        ([HOST], f"there is no option '{HOST}'"),
    ],
)
def test_a_mistake_is_down_and_says_what_is_allowed(arguments: list[str], said: str, folder: Path) -> None:
    publish(folder)
    ended = by_sh(folder, *arguments)
    assert (ended.code, ended.out) == (1, "")
    assert said in ended.err


@BOTH
def test_a_standard_output_that_takes_nothing_changes_nothing(answer: Answer, folder: Path) -> None:
    publish(folder)
    program = [str(CLIENT)] if answer is by_sh else [*COMMAND]
    env = environment({"MYSQLCHECK_VERDICT_DIR": str(folder)})
    with open("/dev/full", "w") as full:
        ended = subprocess.run([*program, "--host", HOST], env=env, stdout=full, stderr=full, timeout=10)
    assert ended.returncode == 0


def test_nobody_waits_for_a_pipe_that_nobody_reads(folder: Path) -> None:
    publish(folder)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while os.write(writer, b"x" * 65536):
            pass
    except BlockingIOError:
        os.set_blocking(writer, True)
    env = environment({"MYSQLCHECK_VERDICT_DIR": str(folder)})
    ended = subprocess.run([*COMMAND, "--host", HOST], env=env, stdout=writer, timeout=10)
    assert (ended.returncode, os.get_blocking(writer)) == (0, True)
    os.close(reader)
    os.close(writer)
