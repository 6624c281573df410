"""The funnel: on the check's way nothing but a Decision exits 0 or above 1.

keepalived reads every exit code but 1 as "up" (misc_dynamic), and a script that dies by a signal makes it
leak weight. So whatever happens between the first line and the last, a bug, a usage error (click exits 2),
`sys.exit(0)` in a library, SIGTERM, a hang, the process ends with 1, unless a Decision asked for a code.

This module imports nothing of the package at module level, so that even a broken installation ends in 1.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` wraps all of this in enums, for milliseconds
import _thread
import faulthandler
import gc
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` alone takes 10 ms, in which a SIGTERM would still kill us
    from collections.abc import Callable
    from typing import Any, NoReturn

COMMANDS = frozenset(
    {"agent", "explain", "grants", "schema", "hold", "release", "status", "history", "doctor"}
    | {"keepalived-config", "lint", "notify-down", "notify-up"}
)
"""Commands for people, first on the command line; they end as people expect. All else is the check."""

FATAL_SIGNALS = (_signal.SIGTERM, _signal.SIGINT, _signal.SIGHUP)
OUT_OF_MEMORY = b"mysqlcheck: out of memory, answering 1 (down)\n"
STARTING = 5.0
"""How long a director may take to start us and to read the options, in seconds: until then nobody knows --timeout."""
GRACE = 0.4
"""How long after --timeout the backstop waits for the answer to be written, in seconds."""


def main() -> NoReturn:
    """Run the command line and end the process; never returns."""
    began = time.monotonic()
    os.umask(0o022)  # keepalived's scripts have 0177 (seen with 2.2.7): nobody could enter a directory that they make
    if sys.argv[1:2] and sys.argv[1] in COMMANDS:
        from mysqlcheck.cli import run_command

        sys.exit(run_command(sys.argv[1:]))
    code = 1
    try:
        gc.disable()  # a process of 100 ms has nothing to collect: 5 % of its CPU
        _open_standard_streams()
        _leave_at_once_on_signals()
        _backstop(began, STARTING)
        code = _check(began)
    except MemoryError:
        # Leave at once: CPython's heap was seen broken after one, and glibc aborted, which is a death by signal,
        # in the very import of the module that would have told of it.
        if os.isatty(2):
            os.write(2, OUT_OF_MEMORY)
    except BaseException:  # noqa: BLE001 - SystemExit, everything: the funnel
        _report_crash()
    finally:
        os._exit(code)  # atexit hooks, threads and buffers have no say any more


def _check(began: float) -> int:
    from mysqlcheck import cli
    from mysqlcheck.outcome import ExitCode

    rearm: Callable[[float], None] = lambda timeout: _backstop(began, timeout)  # noqa: E731
    result: Any = cli.run_check(sys.argv[1:], began, rearm)
    if type(result) is ExitCode and 0 <= result <= 255:
        return int(result)
    return 0 if type(result) is cli.Shown else 1


def _open_standard_streams() -> None:
    """Make sure that 0, 1 and 2 exist; else the next file opened, a socket perhaps, would become stdout."""
    while (handle := os.open(os.devnull, os.O_RDWR)) < 3:
        pass
    os.close(handle)


def _leave_at_once_on_signals() -> None:
    """Let a thread wait for the signals and end the process with 1.

    A Python signal handler runs in the main thread between two bytecodes; it was seen to wait 8 s for
    getaddrinfo. A thread that sits in sigwait() leaves at once.
    """
    _signal.pthread_sigmask(_signal.SIG_BLOCK, FATAL_SIGNALS)

    def wait() -> None:
        _signal.sigwait(FATAL_SIGNALS)
        os._exit(1)

    try:
        _thread.start_new_thread(wait, ())
    except RuntimeError:  # no more threads: a handler is late, but it is better than dying by the signal
        for number in FATAL_SIGNALS:
            _signal.signal(number, lambda *_: os._exit(1))
        _signal.pthread_sigmask(_signal.SIG_UNBLOCK, FATAL_SIGNALS)


def _backstop(began: float, timeout: float) -> None:
    """End the process with 1 when time is up, even if something holds the GIL; each call replaces the last.

    The dump goes to /dev/null: a full pipe on stderr would hold the very thread that must end us.
    """
    global _null
    if _null is None:
        _null = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    left = max(0.001, began + timeout + GRACE - time.monotonic())
    try:
        faulthandler.dump_traceback_later(left, exit=True, file=_null)
    except RuntimeError:  # no more threads: a timer is late where something holds the GIL, and better than none
        _signal.signal(_signal.SIGALRM, lambda *_: os._exit(1))
        _signal.setitimer(_signal.ITIMER_REAL, left)


_null: int | None = None


def _report_crash() -> None:
    """Say what went wrong, under its own guard: to syslog, and to a terminal if there is one."""
    try:
        import traceback

        from mysqlcheck.clock import Deadline
        from mysqlcheck.console import warn

        warn("internal error, answering 1 (down):\n" + traceback.format_exc(), Deadline(0.1))
    except BaseException:  # noqa: BLE001, S110
        pass
