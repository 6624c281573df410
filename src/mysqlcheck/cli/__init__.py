"""The command line: one file a command, imported only when it is called."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from mysqlcheck.outcome import ExitCode

COMMANDS = {
    "check": "Check one server and answer keepalived by the exit code (the default).",
    "agent": "Look at every server each second, and publish verdicts, weights and metrics.",
    "explain": "Show every rule, what it observed, and each style's exit code; also of a look in the past.",
    "grants": "Print the statements that make the account for mysqlcheck.",
    "schema": "Print the statements that make the table of shared holds.",
    "hold": "Drain a server by hand, for a time or until it is released.",
    "release": "End a hold: the operator's, and the timer of a server that came back.",
    "status": "Show every server: phase, weight, lag, the reason, and the time to its re-entry.",
    "history": "Show what happened to a server, when and why.",
    "doctor": "Look at everything that the check needs here, and say what is wrong and what to do.",
    "keepalived-config": "Write keepalived's virtual server, with the checks of its real servers.",
    "lint": "Read keepalived.conf and say what is wrong with it, and what to write instead.",
    "notify-down": "Note in the history that keepalived took a server out (its notify_down).",
    "notify-up": "Note in the history that keepalived took a server in (its notify_up).",
}


class Shown:
    """The way of --help and --version: the one thing but a Decision that ends the check's way with 0."""


def run_check(arguments: list[str], began: float, rearm: Callable[[float], None]) -> ExitCode | Shown | None:
    """Run the check; None means that the command line or a file was wrong, and that it has been said.

    `began` is the monotonic time at which the process started, `rearm` sets the backstop to --timeout.
    """
    from mysqlcheck.cli import check

    return check.run(arguments[1:] if arguments[:1] == ["check"] else arguments, began, rearm)


def run_command(arguments: list[str]) -> int:
    """Run a command for people and return its exit code: 0, 1 where it failed, 2 for a usage error, 130 for Ctrl-C."""
    try:
        return int(import_module(f"mysqlcheck.cli.{arguments[0].replace('-', '_')}").run(arguments[1:]))
    except KeyboardInterrupt:
        return 130
