"""`mysqlcheck hold --host H --reason TEXT`: drain a server by hand."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

import click

from mysqlcheck import holds
from mysqlcheck.cli import people
from mysqlcheck.cli import target as targets
from mysqlcheck.cli.options import given, options
from mysqlcheck.clock import Deadline
from mysqlcheck.console import say
from mysqlcheck.errors import StoreError
from mysqlcheck.kinds import Seconds, Text, show_span
from mysqlcheck.model import OperatorHold
from mysqlcheck.options import Settings
from mysqlcheck.record import Event
from mysqlcheck.store import Store

HELP = """Drain a server by hand: from its next check on it gets no new clients, and those it has may finish.

Use it before you work on a server. The hold is a file of its own in the state directory: it survives a lost database
and a reboot of the director, and ends after the time that --for gives, or by `mysqlcheck release`. It lies over
whatever the checks say: a server that fails is down all the same. A second hold replaces the first.

\b
  mysqlcheck hold --host 192.168.1.201 --for 2h --reason "index rebuild, ticket 4711"
  mysqlcheck release --host 192.168.1.201

With --shared it is for every director: it is written to the table mysqlcheck.hold on the source (`mysqlcheck schema`
prints the table and its grants), replication carries it, and every check reads it from the server that it checks. The
server must be named as the directors name it. The command finds the source by the server's own replication, and waits
until the hold has arrived at the server and at every other server of the TOML file.

\b
  mysqlcheck hold --shared --host 192.168.1.201 --user ops --password-file ~/.ops --reason "disk change"
  mysqlcheck release --shared --host 192.168.1.201 --user ops --password-file ~/.ops

Exit code 0; 1 where the hold could not be written, or has not arrived; 2 for a mistake on the command line.
"""
EVENT_SECONDS = 2.0
SHARED_NAMES = ("user", "password_file", "tls", "tls_ca")
MOST_LETTERS = 500


def _no_reason(text: str) -> str | None:
    if not text.strip():
        return "it is empty: say why, for everybody who sees the server drained"
    return f"it has {len(text)} letters; allowed are {MOST_LETTERS}" if len(text) > MOST_LETTERS else None


REASON = Text("TEXT", "text on one line", _no_reason)


def run(arguments: list[str]) -> int:
    """Run the command and return its exit code."""
    return people.run(command(), arguments)


def command() -> click.Command:
    """Build the command."""
    return click.Command(
        "hold",
        params=[
            *options(targets.NAMES[:3]),
            click.Option(
                ["--for", "seconds"], type=people.Written(Seconds(minimum=1)), metavar="DURATION",
                help="End the hold by itself after so long: 90s, 2h, 1h30m. Without it, it stands until released.",
            ),
            click.Option(
                ["--reason"], type=people.Written(REASON), metavar="TEXT",
                help="Why, for everybody who sees the server drained. Required.",
            ),
            *options(targets.NAMES[3:]),
            *shared_options(),
        ],
        callback=_hold,
        help=HELP,
        context_settings={"max_content_width": 110},
    )  # fmt: skip


def shared_options() -> list[click.Parameter]:
    """Return the options of what is shared by all directors."""
    return [
        click.Option(["--shared"], is_flag=True, help="For every director, by a table on the source."),
        click.Option(
            ["--source"], type=people.Written(Text("HOST[:PORT]", "a host, or a host and a port")),
            metavar="HOST[:PORT]", help="The source to write to.  [default: found by the server's own replication]",
        ),
        click.Option(
            ["--wait"], type=people.Written(Seconds(maximum=3600)), metavar="DURATION",
            help="How long to wait until it has arrived.  [default: 10s]",
        ),
        *options(SHARED_NAMES),
    ]  # fmt: skip


def _hold(
    seconds: float | None, reason: str | None, shared: bool, source: str | None, wait: float | None, **values: object
) -> int:
    if reason is None:
        raise click.UsageError("say why, for everybody who sees the server drained: --reason 'index rebuild'")
    if shared:
        from mysqlcheck.cli import shared as on_all

        return on_all.hold(given(values), reason, seconds, source, wait)
    refuse_shared(given(values), source, wait)
    asked = targets.named(given(values), os.environ)
    directory, wall = asked.state_dir, time.time()
    hold = OperatorHold(reason, people.who(os.environ), wall, None if seconds is None else wall + seconds, seconds)
    for note in asked.notes:
        people.warn(note)
    before = _standing(directory, asked.name, wall)
    try:
        holds.write(directory, asked.name, hold)
    except StoreError as error:
        people.warn(f"{asked.name} is NOT held: {people.advice(error)}")
        after = _standing(directory, asked.name, wall)
        if after is not None and after.since == wall:
            people.warn("the hold stands, but it may not survive a power failure")
        elif after is not None:
            people.warn(f"an earlier hold still stands: {shown(after)}")
        return 1
    store = Store(directory)
    if unknown := _unknown(store, asked):
        people.warn(unknown)
    span = "until released" if seconds is None else f"for {show_span(seconds)}"
    instead = f" (instead of {shown(before)})" if before else ""
    try:
        event = Event(wall, asked.name, "", "hold", "", "", f"{hold.who}: drain {span}: {reason}{instead}")
        store.note(event, EVENT_SECONDS)
    except StoreError as error:
        people.warn(f"the hold stands; it is not in the history: {people.advice(error)}")
    until = "" if hold.until is None else f", until {people.moment(hold.until)}"
    end = people.command_line("release", asked.target, directory)
    leave = Deadline(2.0)  # say() and not click.echo(): the hold stands, whatever ails our standard output
    if before:
        say(f"replaced: {shown(before)}", leave)
    say(f"{asked.name} is drained from its next check on, {span}{until}: {reason}. End it with: {end}", leave)
    return 0


def refuse_shared(told: Mapping[str, str], source: str | None, wait: float | None) -> None:
    """Refuse what only a shared hold needs: a plain one logs in nowhere."""
    extra = [Settings.declared()[name].option for name in SHARED_NAMES if name in told]
    extra += [option for option, value in (("--source", source), ("--wait", wait)) if value is not None]
    if extra:
        raise click.UsageError(f"{extra[0]} belongs to --shared: a hold of this director alone asks no server")


def _standing(directory: str, target: str, wall: float) -> OperatorHold | None:
    try:
        return holds.read(directory, target, wall, targets.SECONDS)
    except StoreError as error:
        people.warn(f"whether there is a hold already cannot be told: {people.advice(error)}")
        return None


def _unknown(store: Store, asked: targets.Asked) -> str | None:
    try:
        return targets.stranger(asked, (kept.target for kept in targets.recorded(store)))
    except StoreError:
        return None  # the store is in trouble; adding the event will say so


def shown(hold: OperatorHold) -> str:
    """Describe a hold that stands: whose, since when, until when, and why."""
    until = "until released" if hold.left is None else f"with {show_span(hold.left)} left"
    return people.plain(f"the hold by {hold.who} since {people.moment(hold.since)}, {until}: {hold.reason}")
