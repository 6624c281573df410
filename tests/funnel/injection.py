"""Runs the command in an interpreter into which foreign code was put, as a bad library would.

The code becomes a sitecustomize.py, which Python runs before the first line of ours. It calls `fired()`
where it does its harm, so that a test can tell that it was done and not merely intended.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from tests.command import FORGETFUL, environment
from tests.hostile.personas import PASSWORD
from tests.hostile.server import HostileServer

COMMAND = (sys.executable, "-m", "mysqlcheck")
MOST_SECONDS = 30.0
WEIGHT = ("--weight", "100")
GOOD = 102
"""What `--weight 100` exits with for a healthy server."""

PRELUDE = """\
import os, sys

def fired(_open=os.open, _write=os.write, _close=os.close, _how=os.O_WRONLY | os.O_CREAT | os.O_APPEND):
    handle = _open({mark!r}, _how, 0o600)
    _write(handle, b"x")
    _close(handle)

"""


class Ran(NamedTuple):
    """How it ended; a negative code is death by a signal. `fired` counts what the injected code did."""

    code: int
    out: str
    err: str
    seconds: float
    fired: int


class Injection(NamedTuple):
    """A folder that goes first in the module search path, with a sitecustomize.py in it."""

    folder: Path

    @classmethod
    def of(cls, tmp_path: Path, code: str, modules: Mapping[str, str] | None = None) -> Injection:
        """Write the code, and fake modules by name, into a folder of their own below tmp_path."""
        folder = tmp_path / "injected"
        folder.mkdir()
        prelude = PRELUDE.format(mark=str(folder / "fired"))
        (folder / "sitecustomize.py").write_text(prelude + code)
        for name, text in (modules or {}).items():
            (folder / f"{name}.py").write_text(prelude + text)
        return cls(folder)

    @property
    def state(self) -> Path:
        """The state directory of its runs, which is not there before the first of them."""
        return self.folder.parent / "state"

    @property
    def fired(self) -> int:
        mark = self.folder / "fired"
        return mark.stat().st_size if mark.exists() else 0

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        path = os.environ.get("PYTHONPATH", "")
        variables = {
            "PYTHONPATH": f"{self.folder}:{path}".rstrip(":"),
            "MYSQLCHECK_PASSWORD": PASSWORD,
            "MYSQLCHECK_STATE_DIR": str(self.state),
            **FORGETFUL,
            "MYSQLCHECK_TIMEOUT": "20s",  # a machine that is busy with other tests is no reason to fail
        }
        return environment({**variables, **(extra or {})})

    def start(
        self,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        stdout: IO[bytes] | int = subprocess.DEVNULL,
        stderr: IO[bytes] | int = subprocess.DEVNULL,
        pass_fds: Sequence[int] = (),
    ) -> subprocess.Popen[bytes]:
        """Start the command and return at once."""
        return subprocess.Popen(
            [*COMMAND, *arguments],
            env=self.environment(env),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            pass_fds=pass_fds,
        )

    def run(self, *arguments: str, env: Mapping[str, str] | None = None) -> Ran:
        """Run the command to its end."""
        began = time.monotonic()
        ended = subprocess.run(
            [*COMMAND, *arguments],
            env=self.environment(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=MOST_SECONDS,
        )
        out, err = (stream.decode("utf-8", "replace") for stream in (ended.stdout, ended.stderr))
        return Ran(ended.returncode, out, err, time.monotonic() - began, self.fired)


def address(server: HostileServer) -> tuple[str, ...]:
    """The options that name a server."""
    return ("--host", server.host, "--port", str(server.port))


def start_seconds(injection: Injection) -> float:
    """What it takes to start the interpreter and our imports, now, on this machine, under this load."""
    return injection.run("--version").seconds


def in_time(injection: Injection, *arguments: str, timeout: float, env: Mapping[str, str] | None = None) -> Ran:
    """Run with this --timeout and assert that it kept to it, by half a second and the interpreter's start.

    A machine that is busy with other tests gets three tries; what really hangs fails them all.
    """
    for _ in range(3):
        start = start_seconds(injection)
        ran = injection.run(*arguments, "--timeout", f"{timeout:g}s", env=env)
        if ran.seconds <= timeout + 0.5 + start:
            return ran
    raise AssertionError(f"{ran.seconds:.2f} s for --timeout {timeout:g}s, where the start takes {start:.2f} s")
