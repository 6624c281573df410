"""Nothing of the lab outlives its test process, even when that is killed with SIGKILL.

A small process of its own reads, over a pipe that only the test process holds, what there is to end. When the pipe
closes, it ends what is left. PR_SET_PDEATHSIG would be simpler, but it fires when the *thread* that started a server
ends, and it does not reach a container, whose parent is the Docker engine.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from typing import IO


class Watcher:
    """The test process's end of the pipe. It begins with the first thing to watch."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._owner = 0

    def watch(self, kind: str, name: str | int) -> None:
        self._tell(f"watch {kind} {name}")

    def forget(self, kind: str, name: str | int) -> None:
        self._tell(f"forget {kind} {name}")

    def _tell(self, line: str) -> None:
        if self._process is None or self._owner != os.getpid():
            # In a session of its own, so that Ctrl-C at the terminal does not end it before its work is done.
            command = [sys.executable, "-I", "-S", __file__]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, start_new_session=True)
            self._owner = os.getpid()
            atexit.register(self._finish)
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _finish(self) -> None:
        """At an orderly end too: what is left is ended before we are gone."""
        if self._process is not None and self._owner == os.getpid():
            self._process.communicate()


WATCHER = Watcher()


def serve(lines: IO[str]) -> None:
    """Runs in the watcher's process. A pidfd names a process for good, while a pid may be given to another one."""
    processes: dict[str, int] = {}
    others: dict[tuple[str, str], None] = {}
    for line in lines:
        verb, kind, name = line.rstrip("\n").split(" ", 2)
        if kind == "process":
            if verb == "watch":
                try:
                    processes[name] = os.pidfd_open(int(name))
                except ProcessLookupError:
                    continue
            elif name in processes:
                os.close(processes.pop(name))
        elif verb == "watch":
            others[kind, name] = None
        else:
            others.pop((kind, name), None)
    for descriptor in processes.values():
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    containers = [name for kind, name in others if kind == "container"]
    if containers:
        subprocess.run(["docker", "rm", "--force", "--volumes", *containers], capture_output=True)
    for kind, name in others:
        if kind == "folder":
            shutil.rmtree(name, ignore_errors=True)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    serve(sys.stdin)
