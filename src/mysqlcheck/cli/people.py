"""What the commands for operators share: how they run, who runs them, and how they write texts and times."""

from __future__ import annotations

import os
import re
import shlex
import time
from collections.abc import Mapping
from typing import Any

import click

from mysqlcheck.clock import Deadline
from mysqlcheck.console import say
from mysqlcheck.errors import SettingsError, StoreError
from mysqlcheck.kinds import Kind
from mysqlcheck.model import DEFAULT_PORT, Target
from mysqlcheck.options import Settings

INTERRUPTED = 130
"""What a shell says of a program that Ctrl-C ended."""


class Written(click.ParamType):  # type: ignore[type-arg]  # no generic before click 8.2
    """An option's value of one of our kinds, judged as everywhere else."""

    def __init__(self, kind: Kind[Any]) -> None:
        self.kind, self.name = kind, kind.metavar

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read the text, or say what is allowed."""
        try:
            return self.kind.from_text(value) if isinstance(value, str) else value
        except ValueError as error:
            self.fail(str(error) or f"{value!r} is not allowed; allowed is {self.kind.allowed}", param, ctx)


def run(command: click.Command, arguments: list[str]) -> int:
    """Run a command and return its exit code: what its callback returned, 2 for a mistake, 130 for Ctrl-C."""
    try:
        return int(command.main(arguments, prog_name=f"mysqlcheck {command.name}", standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        return 2
    except SettingsError as error:
        for problem in error.problems:
            warn(str(problem))
        return 2
    except click.Abort:
        return INTERRUPTED


def output() -> click.Option:
    """Return the option that asks for JSON."""
    return click.Option(["--output"], metavar="text|json", help="A table for people, or JSON.  [default: text]")


def warn(text: str) -> None:
    """Say it on standard error, and go on whatever ails that."""
    say(f"mysqlcheck: {text}", Deadline(2.0), 2)


def who(environment: Mapping[str, str]) -> str:
    """Return who is at the keyboard, as well as can be told: through sudo, by login name, by number."""
    name = environment.get("SUDO_USER", "")
    if re.fullmatch(r"[\w.@+\\-]{1,64}", name):
        return name
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def plain(text: str) -> str:
    """Return a text on one line that does nothing to a terminal: a server may have written it."""
    return "".join(letter if letter.isprintable() else "?" for letter in " ".join(text.split()))


def moment(at: float) -> str:
    """Write a Unix time as local time."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
    except (OverflowError, ValueError, OSError):
        return f"Unix time {at:g}"


def command_line(command: str, target: Target, state_dir: str) -> str:
    """Return the command that is about the same server."""
    words = ["mysqlcheck", command]
    if target.socket is not None:
        words += ["--socket", target.socket]
    else:
        words += ["--host", target.host]
        words += ["--port", str(target.port)] if target.port != DEFAULT_PORT else []
    words += ["--state-dir", state_dir] if state_dir != Settings.state_dir.default else []
    return shlex.join(words)


def advice(error: StoreError) -> str:
    """Say what went wrong, and what an operator can do about it who is not allowed to."""
    again = "; or run this as root (sudo)"
    forbidden = isinstance(error.__cause__, PermissionError) and os.geteuid() != 0
    return plain(str(error)) + (again if forbidden else "")
