"""`mysqlcheck release --host H`: end what keeps a server out of service by hand or by the clock."""

from __future__ import annotations

import os
import time

import click

from mysqlcheck import clock, holddown, holds
from mysqlcheck.cli import people
from mysqlcheck.cli import target as targets
from mysqlcheck.cli.hold import refuse_shared, shared_options, shown
from mysqlcheck.cli.options import given, options
from mysqlcheck.clock import Deadline
from mysqlcheck.console import say
from mysqlcheck.errors import StoreError
from mysqlcheck.kinds import OneOf, show_seconds
from mysqlcheck.model import OperatorHold, Phase
from mysqlcheck.record import Event, Record
from mysqlcheck.store import Kept, Store

HELP = """End a hold: the one that an operator put on the server, and the timer of a server that came back.

Use it after `mysqlcheck hold`, for a server that is held until a person has looked at it (--release manual), and for
one that you know to be sound and do not want to wait for. It serves from its next check on, if nothing else speaks
against it: a server that fails, or lags too much to come back, cannot be released. It may be said twice.

\b
  mysqlcheck release --host 192.168.1.201

With --shared it ends the hold that `hold --shared` gave to every director, and that alone.

Exit code 0, also where nothing was held; 1 where the hold or the timer could not be ended; 2 for a mistake on the
command line.
"""
SECONDS = 5.0
"""How long to wait for a store that is locked: an operator means it."""


def run(arguments: list[str]) -> int:
    """Run the command and return its exit code."""
    return people.run(command(), arguments)


def command() -> click.Command:
    """Build the command."""
    return click.Command(
        "release",
        params=[
            *options(targets.NAMES[:3]),
            click.Option(
                ["--role"], type=people.Written(OneOf("replica", "source", "any")), metavar="replica|source|any",
                help="End the timer in this role only, where a server is checked in several. An operator's hold is "
                "about the server, and ends in any case.  [default: every role]",
            ),
            *options(targets.NAMES[3:]),
            *shared_options(),
        ],
        callback=_release,
        help=HELP,
        context_settings={"max_content_width": 110},
    )  # fmt: skip


def _release(role: str | None, shared: bool, source: str | None, wait: float | None, **values: object) -> int:
    if shared:
        if role is not None:
            raise click.UsageError("--role is about the hold timer of this director, --shared about all directors")
        from mysqlcheck.cli import shared as on_all

        return on_all.release(given(values), source, wait)
    refuse_shared(given(values), source, wait)
    asked = targets.named(given(values), os.environ)
    for note in asked.notes:
        people.warn(note)
    hold, removed = _end_hold(asked)
    done = [f"ended {shown(hold)}"] if hold and removed else []
    for line in done:
        _say(asked, line)
    try:
        found = targets.recorded(Store(asked.state_dir), SECONDS)
        records = [kept for kept in found if kept.target == asked.name and role in (None, kept.role)]
        released = _end_timers(asked, [kept for kept in records if _waits(kept.record)], done)
    except StoreError as error:
        people.warn(f"{asked.name}: a hold timer, if there is one, could NOT be ended: {people.advice(error)}")
        return 1
    for on_all_directors in {kept.record.memory.shared for kept in records}:
        if on_all_directors is not None and (standing := on_all_directors.standing(time.time())):
            _say(asked, f"{shown(standing)} is one on all directors, and stands: release --shared ends it")
    for kept in records:
        _say(asked, f"as {kept.role}: {_outlook(kept.record, kept.role in released, hold)}")
    if not records and not hold:
        _say(asked, "nothing is held" + (f" as {role}" if role else ""))
        if unknown := targets.stranger(asked, (kept.target for kept in found)):
            people.warn(unknown)
    return 0 if removed else 1


def _say(asked: targets.Asked, text: str) -> None:
    say(f"{asked.name}: {people.plain(text)}", Deadline(2.0))  # it is done, whatever ails our standard output


def _end_hold(asked: targets.Asked) -> tuple[OperatorHold | None, bool]:
    """End the operator's hold; returns the one that stood, and whether there is none now."""
    try:
        hold = holds.read(asked.state_dir, asked.name, time.time(), targets.SECONDS)
    except StoreError as error:
        people.warn(f"{asked.name}: whether an operator holds it cannot be told: {people.advice(error)}")
        return None, False
    try:
        holds.remove(asked.state_dir, asked.name)
    except StoreError as error:
        if hold is None:
            return None, True  # the file of a hold that is over
        people.warn(f"{asked.name}: {shown(hold)} STILL STANDS: {people.advice(error)}")
        return hold, False
    return hold, True


def _waits(record: Record) -> bool:
    """Whether its hold timer goes on, or waits for this very command."""
    return record.standing.phase is Phase.HELD and not holddown.over(record.standing, clock.now())


def _end_timers(asked: targets.Asked, waiting: list[Kept], done: list[str]) -> list[str]:
    """End these timers, and note in the history what was done; returns the roles that were released."""
    store, roles = Store(asked.state_dir), [kept.role for kept in waiting]
    if roles:
        done = [*done, f"ended the hold timer as {', '.join(roles)}"]
    event = Event(time.time(), asked.name, "", "release", "", "", f"{people.who(os.environ)}: {'; '.join(done)}")
    if roles:

        def change(role: str, record: Record) -> Record | None:
            return _released(record) if role in roles else None

        return store.amend(asked.name, change, event, SECONDS)
    if done:
        try:
            store.note(event, targets.SECONDS)
        except StoreError as error:
            people.warn(f"{asked.name}: it is done, and not in the history: {people.advice(error)}")
    return []


def _released(record: Record) -> Record | None:
    if not _waits(record):
        return None
    return record._replace(standing=holddown.released(record.standing, clock.now()))


def _outlook(record: Record, released: bool, hold: OperatorHold | None) -> str:
    """Say what was done about this record, and what still keeps the server out."""
    standing, told = record.standing, record.told
    said = f"{told.code}: {told.text}" if told.code and told.code != "operator_hold" else ""
    if released or targets.ended_since(record):
        lag = f" (last lag {show_seconds(told.lag)})" if told.lag is not None else ""
        how = "is ended" if released else "is over already"
        return f"its hold timer {how}; it serves from its next check on, if nothing speaks against it{lag}"
    if standing.phase is Phase.HELD:
        return f"its hold timer is over already, and that is not all: {said}"
    if standing.phase is Phase.DOWN:
        again = "; once it answers it is held, and waits for another release" if standing.until is None else ""
        return f"it is down, and that cannot be released: {said}{again}"
    nothing = "" if hold else "nothing is held, "
    return f"{nothing}it is {standing.phase.value}" + (f": {said}" if said else "")
