"""keepalived's notify hooks: they record what keepalived did, beside what our own checks said at that moment.

They start no hold and change no record: keepalived fires notify_down also on a reload that removes the server, at its
own stop with `omega`, and after our own exit 1; and it does not order the hooks. Whatever goes wrong, a hook ends in
time and with 0, and says so on standard error and in syslog.
"""

from __future__ import annotations

import contextlib
import os
import time

import click

from mysqlcheck import clock, console
from mysqlcheck.cli import target as targets
from mysqlcheck.cli.options import given, options
from mysqlcheck.clock import Deadline
from mysqlcheck.errors import OutOfTime, SettingsError, StoreError
from mysqlcheck.kinds import show_span
from mysqlcheck.model import Action
from mysqlcheck.record import Event
from mysqlcheck.store import Kept, Store

HELP = {
    "notify-down": """Note in the history that keepalived took a server out of service: its notify_down hook.

`mysqlcheck history` then shows keepalived's view beside ours, and whether they differ. It starts no hold: keepalived
also calls it on a reload that removes the server, at its own stop, and after a check's own exit 1. The same hook
twice in a row is noted once, whatever happened in between; the exit code is always 0.

\b
In keepalived.conf, in the real_server block:
  notify_down "/opt/mysqlcheck/bin/keepalived-mysqlcheck notify-down --host 192.168.1.201"
  notify_up   "/opt/mysqlcheck/bin/keepalived-mysqlcheck notify-up --host 192.168.1.201"
""",
    "notify-up": """Note in the history that keepalived took a server into service: its notify_up hook.

`mysqlcheck history` then shows keepalived's view beside ours, and whether they differ. It changes nothing else. The
same hook twice in a row is noted once, whatever happened in between; the exit code is always 0.

\b
In keepalived.conf, in the real_server block:
  notify_up   "/opt/mysqlcheck/bin/keepalived-mysqlcheck notify-up --host 192.168.1.201"
  notify_down "/opt/mysqlcheck/bin/keepalived-mysqlcheck notify-down --host 192.168.1.201"
""",
}
SECONDS = 0.7
"""What the files may take of the second that a hook has: those that say which server is meant, and then the state
directory, which gets all that they leave. Our own start takes 0.1 s, and what is to be said up to 0.2 s."""


def run(kind: str, arguments: list[str]) -> int:
    """Run a hook and return its exit code, which is 0."""
    with contextlib.suppress(BaseException):  # not even a way to tell it
        said, mistakes = _in_time(kind, arguments)
        leave = Deadline(0.2)
        for mistake in mistakes:
            console.warn(f"{kind}: {mistake}", leave)
        if said:
            console.say(said, leave)
    return 0


def _in_time(kind: str, arguments: list[str]) -> tuple[str, list[str]]:
    """Do what the hook is for; returns what to say, and what went wrong."""
    mistakes: list[str] = []
    deadline = Deadline(SECONDS)
    try:
        return clock.within(SECONDS, lambda: _parsed(kind, arguments, mistakes, deadline)), mistakes
    except click.ClickException as error:
        mistakes.append(f"{error.format_message()} (see mysqlcheck {kind} --help)")
    except SettingsError as error:
        mistakes.extend(map(str, error.problems))
    except StoreError as error:
        mistakes.append(f"nothing is noted: {error}")
    except OutOfTime:
        mistakes.append(f"nothing is noted: no end within {SECONDS} s (a disk that hangs?)")
    except BaseException as error:  # noqa: BLE001 - a bug of ours, Ctrl-C: a hook stands in nobody's way
        mistakes.append(f"nothing is noted: {type(error).__name__}: {error}")
    return "", mistakes


def command(kind: str) -> click.Command:
    """Build the command."""
    return click.Command(
        kind, params=options(targets.NAMES), help=HELP[kind], context_settings={"max_content_width": 110}
    )


def _parsed(kind: str, arguments: list[str], mistakes: list[str], deadline: Deadline) -> str:
    try:
        values = given(command(kind).make_context(f"mysqlcheck {kind}", arguments).params)
    except click.exceptions.Exit:
        return ""  # --help
    asked = targets.named(values, os.environ)
    mistakes += asked.notes
    wall = time.time()

    def write(kept: list[Kept]) -> Event:
        return Event(wall, asked.name, "", kind, "", "", comparison(kind, kept, wall))

    seconds = max(0.1, deadline.left() - 0.05)  # it says itself that it took too long
    event, new = Store(asked.state_dir).note_hook(asked.name, write, seconds)
    return f"{asked.name}: {event.text}" + ("" if new else " (noted before)")


def comparison(kind: str, records: list[Kept], wall: float) -> str:
    """Say what keepalived did, what our own record says at that moment, and whether the two differ."""
    did = "keepalived took it in" if kind == "notify-up" else "keepalived took it out"
    if not records:
        return f"{did}; we have no record of it"
    contrary = Action.FAIL if kind == "notify-up" else Action.SERVE
    differ = all(kept.record.told.action is contrary for kept in records)
    return f"{did}; our record{' DIFFERS' if differ else ''}: {'; '.join(_view(kept, wall) for kept in records)}"


def _view(kept: Kept, wall: float) -> str:
    """Return the view that our last check took, as one role."""
    told = kept.record.told
    why = f": {told.code}: {told.text}" if told.code else ""
    age = show_span(max(0.0, wall - kept.record.at))
    return f"{kept.role} is {kept.record.standing.phase.value} ({told.action.value}, {age} ago){why}"
