"""Says things to people without ever failing or hanging: standard output, standard error, syslog.

Under keepalived all three standard streams are /dev/null. By hand they may be closed, full, or a pipe that
nobody reads; none of that may change the answer about a healthy server.
"""

from __future__ import annotations

import contextlib
import math
import os
import select

from mysqlcheck.clock import Deadline, within

PIPE_BUF = 4096
"""A pipe that poll() calls writable takes this much without blocking."""
LOG_SECONDS = 0.1
"""syslog() blocks where journald no longer reads its socket."""


def say(text: str, deadline: Deadline, stream: int = 1, patience: float = math.inf) -> None:
    """Write text and a newline to a stream, as far as it takes them before the deadline.

    A stream that takes nothing for `patience` seconds has no reader any more.
    """
    rest = (text + "\n").encode("utf-8", "backslashreplace")
    try:
        poll = select.poll()
        poll.register(stream, select.POLLOUT)
        while rest and poll.poll(min(patience, deadline.left()) * 1000):
            rest = rest[os.write(stream, rest[:PIPE_BUF]) :]
    except OSError:
        return


def warn(text: str, deadline: Deadline) -> None:
    """Say it where it is seen: on standard error, and in syslog where no person looks on."""
    say(f"mysqlcheck: {text}", deadline, 2)
    log(text, deadline, "WARNING")


def log(text: str, deadline: Deadline, priority: str = "NOTICE") -> None:
    """Write it to syslog, where no person looks on."""
    with contextlib.suppress(Exception):  # no log may stand in the way of the answer, whatever ails it
        if not os.isatty(2):
            within(min(deadline.left(), LOG_SECONDS), lambda: _log(text, priority))


def _log(text: str, priority: str) -> None:
    import syslog

    syslog.openlog("mysqlcheck", syslog.LOG_PID, syslog.LOG_DAEMON)
    for line in text.encode("utf-8", "backslashreplace").decode().splitlines():
        syslog.syslog(getattr(syslog, f"LOG_{priority}"), line.replace("\0", " "))
