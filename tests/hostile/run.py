"""Runs the command as keepalived would, a process of its own, and measures what it cost."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from threading import Event, Timer
from typing import IO, NamedTuple

from .personas import PASSWORD
from .server import HostileServer

BACKSTOP = 20.0


class Run(NamedTuple):
    """How one check ended; `peak` is its greatest resident size in bytes."""

    code: int
    stdout: str
    stderr: str
    seconds: float
    peak: int


def check(server: HostileServer, home: Path, *args: str, timeout: float = 5.0, until: Event | None = None) -> Run:
    """Check a server once; where `until` is given, send SIGTERM as soon as it is set.

    A negative code is a signal: the backstop's, or worse.
    """
    where = ["--socket", str(server.path)] if server.path else ["--host", server.host, "--port", str(server.port)]
    command = [sys.executable, "-m", "mysqlcheck", *where, "--user", "monitor", "--timeout", f"{timeout:g}", *args]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "MYSQLCHECK_PASSWORD": PASSWORD,
        "MYSQLCHECK_STATE_DIR": str(home),
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
            _, status, usage = os.wait4(process.pid, 0)  # not process.wait(): this one tells the peak memory
        finally:
            backstop.cancel()
            backstop.join()
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        said, complained = (_read(stream) for stream in (stdout, stderr))
    return Run(process.returncode, said, complained, seconds, usage.ru_maxrss * 1024)


def _read(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode()
