"""Whatever it is given and whatever it meets: the exit code is 1, or the one that the Decision asks for.

Every run has a seed of its own, which is printed when an example fails; FUNNEL_SEED repeats a run, and
FUNNEL_TIMES makes it longer.
"""

from __future__ import annotations

import os
import random
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, note, seed, settings

from mysqlcheck.funnel import COMMANDS
from tests.command import environment, mysqlcheck
from tests.hostile.keys import Keys
from tests.hostile.personas import PASSWORD
from tests.hostile.server import HostileServer

from .drawing import LONGEST_TIMEOUT, WRITABLE, Example, anything, sound
from .forks import Ended, Forks
from .injection import COMMAND, MOST_SECONDS
from .judging import assert_track_file, assert_weight, document_of, expected_code

SEED = int(os.environ.get("FUNNEL_SEED") or random.SystemRandom().randrange(2**32))
TIMES = int(os.environ.get("FUNNEL_TIMES") or 1)
PROFILE = settings(
    deadline=None,
    derandomize=False,
    database=None,  # leaves nothing behind
    print_blob=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)
PARTS = range(4)
"""Each part draws its own examples, so that they run in parallel."""


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    with Forks() as forks:
        yield forks


@pytest.fixture(scope="module")
def start() -> float:
    """What starting the interpreter takes on this machine, under this load."""
    return max(mysqlcheck("--version").seconds for _ in range(3))


def filled(text: str, server: HostileServer, folder: Path) -> str:
    for name, value in (("port", str(server.port)), ("folder", str(folder)), ("password", PASSWORD)):
        text = text.replace(f"{{{name}}}", value)
    return text


class Run:
    """One example brought to life in a folder of its own."""

    def __init__(self, example: Example, server: HostileServer, folder: Path) -> None:
        self.arguments = [filled(argument, server, folder) for argument in example.arguments]
        env = {name: filled(value, server, folder) for name, value in example.env.items()}
        state = {"MYSQLCHECK_STATE_DIR": str(folder / "state")}
        self.env = {"PATH": os.defpath, "MYSQLCHECK_PASSWORD": PASSWORD, **state, **env}
        self.folder = folder
        for name, content, option in (
            ("config", example.config, "--config"),
            ("option-file", example.option_file, "--defaults-file"),
        ):
            if content is not None:
                text = filled(content.decode("utf-8", "surrogateescape"), server, folder)
                (folder / name).write_bytes(text.encode("utf-8", "surrogateescape"))
                self.arguments = [option, str(folder / name), *self.arguments]

    def setting(self, name: str, default: str) -> str:
        """What a sound example gives for a setting, by the order of its sources: config, environment, options."""
        option, found = "--" + name.replace("_", "-"), default
        config = self.folder / "config"
        for line in config.read_text().splitlines() if config.exists() else ():
            if line.startswith(f"{name} = "):
                found = line.partition('"')[2].rstrip('"')
        found = self.env.get(f"MYSQLCHECK_{name.upper()}", found)
        for number, argument in enumerate(self.arguments):
            if argument == option:
                found = self.arguments[number + 1]
            elif argument.startswith(f"{option}="):
                found = argument.partition("=")[2]
        return found


def judge(example: Example, run: Run, ended: Ended, start: float) -> None:
    """What must hold for every run whatsoever."""
    note(f"arguments {run.arguments}\nenvironment {run.env}\nserver {example.server}\n{ended}")
    shown = ended.out + ended.err
    assert PASSWORD.encode() not in shown
    assert b"Traceback" not in shown
    assert ended.seconds <= LONGEST_TIMEOUT + 0.5 + start
    document = document_of(ended.out)
    if document is not None and "exit_code" in document:
        assert ended.code == document["exit_code"] == expected_code(document, (run.folder / WRITABLE).is_file())
        served = document["decision"] == "serve" and not document["shadow"]
        assert not (served and document["role"] in example.must_not_serve)
        assert not (served and document["phase"] not in ("up", "ramping"))
    elif "--help" in run.arguments or "--version" in run.arguments:
        assert ended.code in (0, 1)
    elif ended.code != 1:
        assert ended.out.split()[0] in (b"SERVE", b"DRAIN", b"SHADOW:")  # a status line: --output was text


def run_forked(
    example: Example, forks: Forks, keys: Keys, start: float, folder: Path, times: int = 1
) -> Iterator[tuple[Run, Ended]]:
    """Run an example so many times, with the memory of the runs before."""
    with HostileServer(example.script, keys.props) as server:
        run = Run(example, server, folder)
        for _ in range(times):
            ended = forks.run(run.arguments, run.env, folder)
            if ended.seconds > LONGEST_TIMEOUT + 0.5 + start:  # a busy machine, or a hang: what hangs does it again
                ended = forks.run(run.arguments, run.env, folder)
            yield run, ended


@pytest.mark.parametrize("part", PARTS)
def test_with_sound_settings_the_exit_code_is_that_of_the_decision(
    part: int, forks: Forks, keys: Keys, start: float
) -> None:
    print(f"FUNNEL_SEED={SEED}")

    @seed(SEED + part)
    @settings(PROFILE, max_examples=50 * TIMES)
    @given(sound())
    def holds(example: Example) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for run, ended in run_forked(example, forks, keys, start, folder, times=2):
                judge(example, run, ended, start)
                document = document_of(ended.out)
                if document is None:
                    assert (ended.code, ended.out) == (1, b"")  # settings that do not get along
                    return
                track_file = run.setting("track_file", "")
                style = "track-file" if track_file else "weight" if run.setting("weight", "") else "plain"
                assert document["style"] == style
                assert_weight(document, int(run.setting("weight", "100")))
                assert_track_file(document, Path(track_file), int(run.setting("base_weight", "1")))

    holds()


@pytest.mark.parametrize("part", PARTS)
def test_with_any_settings_the_exit_code_is_1_or_that_of_the_decision(
    part: int, forks: Forks, keys: Keys, start: float
) -> None:
    print(f"FUNNEL_SEED={SEED}")

    @seed(SEED + 100 + part)
    @settings(PROFILE, max_examples=100 * TIMES)
    @given(anything())
    def holds(example: Example) -> None:
        with tempfile.TemporaryDirectory() as name:
            for run, ended in run_forked(example, forks, keys, start, Path(name)):
                if not COMMANDS.intersection(run.arguments[:1]):
                    judge(example, run, ended, start)

    holds()


def test_the_same_holds_for_whole_processes(keys: Keys, start: float) -> None:
    print(f"FUNNEL_SEED={SEED}")

    @seed(SEED + 200)
    @settings(PROFILE, max_examples=20 * TIMES)
    @given(sound() | anything())
    def holds(example: Example) -> None:
        with tempfile.TemporaryDirectory() as name, HostileServer(example.script, keys.props) as server:
            run = Run(example, server, Path(name))
            if COMMANDS.intersection(run.arguments[:1]):
                return
            for _ in range(2):  # a busy machine gets a second try
                began = time.monotonic()
                ended = subprocess.run(
                    [*COMMAND, *run.arguments],
                    env=environment() | run.env,
                    cwd=name,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=MOST_SECONDS,
                )
                seconds = time.monotonic() - began - start
                if seconds <= LONGEST_TIMEOUT + 0.5:
                    break
            judge(example, run, Ended(ended.returncode, ended.stdout, ended.stderr, seconds), start)

    holds()
