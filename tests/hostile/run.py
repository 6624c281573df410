"""Runs the command as keepalived would: a process of its own, and one that may not take much memory."""

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from threading import Event, Timer
from typing import IO, NamedTuple

from tests.command import COMMAND, FORGETFUL

from .personas import PASSWORD
from .server import HostileServer

BACKSTOP = 20.0
MOST_MEMORY = 400 * 1024 * 1024
"""Address space, for ru_maxrss of a child that was forked by a large process tells of that one's size. A check takes
a quarter of it, mostly reserved for threads; one that keeps what a hostile server sends meets a MemoryError."""


class Run(NamedTuple):
    """How one check ended."""

    code: int
    stdout: str
    stderr: str
    seconds: float


def check(
    server: HostileServer,
    home: Path,
    *args: str,
    timeout: float = 5.0,
    until: Event | None = None,
    env: Mapping[str, str] | None = None,
) -> Run:
    """Check a server once; where `until` is given, send SIGTERM as soon as it is set.

    Memory is kept in `home`. Without an environment of its own a check holds nothing and excuses nothing: then its
    answer is the rules' alone. A negative code is a signal: the backstop's, or worse.
    """
    where = ["--socket", str(server.path)] if server.path else ["--host", server.host, "--port", str(server.port)]
    command = [
        "prlimit",
        f"--as={MOST_MEMORY}",
        *COMMAND,
        *where,
        "--user",
        "monitor",
        "--timeout",
        f"{timeout:g}",
        *args,
    ]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "MYSQLCHECK_PASSWORD": PASSWORD,
        "MYSQLCHECK_STATE_DIR": str(home),
        **(FORGETFUL if env is None else env),
    }
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        began = time.monotonic()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, cwd=home, env=environment
        )
        backstop = Timer(BACKSTOP, process.kill)
        backstop.start()
        try:
            if until is not None and until.wait(BACKSTOP):
                process.terminate()
            process.wait()
        finally:
            backstop.cancel()
            backstop.join()
        seconds = time.monotonic() - began
        said, complained = (_read(stream) for stream in (stdout, stderr))
    return Run(process.returncode, said, complained, seconds)


def _read(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode()
