"""Runs the command many times a second: each time in a fork of a process that has everything imported.

A fork begins at `mysqlcheck.fast.main()`, the first line of every entry point, with arguments, environment,
descriptors and directory of its own, and ends as the entry point does, by os._exit. What it leaves out is the
interpreter's start, which other tests here look at.

Run as a script, this file is that process: it reads a request a line and writes an answer a line.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple, NoReturn

MOST_SECONDS = 15.0


class Ended(NamedTuple):
    """How a run ended; a negative code is death by a signal."""

    code: int
    out: bytes
    err: bytes
    seconds: float


class Forks:
    """The process to fork from, while a `with` block lasts."""

    def __enter__(self) -> Forks:
        self._process = subprocess.Popen(
            [sys.executable, "-u", __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()  # the end of its input is the end of it

    def run(self, arguments: Sequence[str], env: Mapping[str, str], folder: Path) -> Ended:
        """Run the command in a folder, which also gets its two output files."""
        request = {"arguments": ["mysqlcheck", *arguments], "env": dict(env), "folder": str(folder)}
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(request) + "\n")
        stdin.flush()
        answer = json.loads(stdout.readline())
        out, err = ((folder / name).read_bytes() for name in ("stdout", "stderr"))
        return Ended(answer["code"], out, err, answer["seconds"])


def _child(request: dict[str, Any]) -> NoReturn:
    try:
        os.chdir(request["folder"])
        for number, (name, flags) in enumerate((("/dev/null", os.O_RDONLY), ("stdout", WRITE), ("stderr", WRITE))):
            os.dup2(os.open(name, flags, 0o600), number)
        os.closerange(3, 64)
        os.environ.clear()
        os.environ.update(request["env"])
        sys.argv = request["arguments"]
        from mysqlcheck.fast import main

        main()
    finally:
        os._exit(99)  # main() returned, or raised: neither may ever happen


WRITE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


def _serve(requests: IO[str], answers: IO[str]) -> None:
    for line in requests:
        request = json.loads(line)
        began = time.monotonic()
        pid = os.fork()
        if pid == 0:
            _child(request)
        status = _wait(pid, began + MOST_SECONDS)
        answer = {"code": os.waitstatus_to_exitcode(status), "seconds": time.monotonic() - began}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _wait(pid: int, end: float) -> int:
    """Wait for the child; one that hangs is killed, and its code then tells."""
    import select

    handle = os.pidfd_open(pid)
    try:
        if not select.select([handle], [], [], end - time.monotonic())[0]:
            os.kill(pid, 9)
        return os.waitpid(pid, 0)[1]
    finally:
        os.close(handle)


def _warm_up() -> None:
    """Import what a check imports, and nothing that it does not."""
    import mysqlcheck.cli.check
    import mysqlcheck.cli.present
    import mysqlcheck.fast
    import mysqlcheck.funnel
    import mysqlcheck.metrics
    import mysqlcheck.oneshot  # noqa: F401


if __name__ == "__main__":
    _warm_up()
    _serve(sys.stdin, sys.stdout)
