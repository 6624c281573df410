"""`mysqlcheck history --host H`: what happened to a server, when and why."""

from __future__ import annotations

import os

import click

from mysqlcheck.cli import people
from mysqlcheck.cli import target as targets
from mysqlcheck.cli.options import given, options
from mysqlcheck.errors import StoreError
from mysqlcheck.record import Event
from mysqlcheck.records import MOST_EVENTS_OF_ONE
from mysqlcheck.store import Store

HELP = """Show what happened to a server, the oldest first; changes nothing.

Every change of phase with its reason, every hold and release with who did it, when a pool of the agent let it in, or
refused it, or no longer did, and what keepalived's notify hooks told (notify-down, notify-up), in local time. Use it
to find out why a server was out at three in the morning.

\b
  mysqlcheck history --host 192.168.1.201
  mysqlcheck history --host 192.168.1.201 --last 5 --output json

--captures prints instead the looks at the server that its changes of phase came of: what was seen, and what was on
record before, one JSON object a line, to be kept or judged again. The newest 50 of a server are kept.

--output json gives a list of objects: at (Unix time), role (null where it is about the server in every role), kind
(transition, restart, let-in, let-out, refused, accepted, hold, release, notify-down, notify-up), before and after
(phases, null where it is no transition), text.

Exit code 0, also where nothing is recorded; 1 where the state could not be read; 2 for a mistake on the command line.
"""


def run(arguments: list[str]) -> int:
    """Run the command and return its exit code."""
    return people.run(command(), arguments)


def command() -> click.Command:
    """Build the command."""
    return click.Command(
        "history",
        params=[
            *options(targets.NAMES[:3]),
            click.Option(
                ["--last"], type=click.IntRange(1, MOST_EVENTS_OF_ONE), metavar="N", default=MOST_EVENTS_OF_ONE,
                show_default=True, help="Show no more than the last N. No more than the default is kept.",
            ),
            click.Option(["--captures"], is_flag=True, help="Print the looks that changed its phase, as JSON lines."),
            *options(targets.NAMES[3:]),
            people.output(),
        ],
        callback=_history,
        help=HELP,
        context_settings={"max_content_width": 110},
    )  # fmt: skip


def _history(last: int, captures: bool, **values: object) -> int:
    told = given(values)
    output = targets.of_all(told, os.environ, "output").output
    asked = targets.named(told, os.environ)
    for note in asked.notes:
        people.warn(note)
    store = Store(asked.state_dir)
    try:
        records = targets.recorded(store)
        events = targets.or_nothing(lambda: store.history(asked.name, last, targets.SECONDS))
    except StoreError as error:
        people.warn(f"the history cannot be read: {people.advice(error)}")
        return 1
    if not events:
        unknown = targets.stranger(asked, (kept.target for kept in records))
        people.warn(unknown or f"nothing has happened to {asked.name} that is still on record")
    if captures:
        _captures(asked.name, events)
    elif output == "json":
        import json

        click.echo(json.dumps([_document(event) for event in events], ensure_ascii=False, indent=2))
    elif events:
        click.echo("\n".join(_lines(events)))
    return 0


def _captures(name: str, events: list[Event]) -> None:
    found = [event.capture for event in events if event.capture]
    if found:
        click.echo("\n".join(found))
    elif events:
        people.warn(f"of no look at {name} more is kept than its text")


def _lines(events: list[Event]) -> list[str]:
    rows = [(people.moment(event.at), event.role or "-", _what(event), people.plain(event.text)) for event in events]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return [
        "  ".join((*(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)), row[3])).rstrip()
        for row in rows
    ]


def _what(event: Event) -> str:
    return f"{event.before} → {event.after}" if event.before or event.after else event.kind


def _document(event: Event) -> dict[str, object]:
    """Return an event as JSON has it; the help describes it."""
    return {
        "at": event.at,
        "role": event.role or None,
        "kind": event.kind,
        "before": event.before or None,
        "after": event.after or None,
        "text": event.text,
    }
