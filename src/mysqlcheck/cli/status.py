"""`mysqlcheck status`: every server that is checked here, and every one that an operator holds."""

from __future__ import annotations

import os
import textwrap
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import click

from mysqlcheck import clock, holds, outcome
from mysqlcheck.cli import people
from mysqlcheck.cli import target as targets
from mysqlcheck.cli.options import given, options
from mysqlcheck.errors import OutOfTime, StoreError
from mysqlcheck.kinds import show_seconds, show_span
from mysqlcheck.model import Instant, OperatorHold, Phase
from mysqlcheck.record import Record
from mysqlcheck.standing import remaining
from mysqlcheck.store import Kept, Store

HELP = """Show every server that is checked on this director, and why it serves or does not; changes nothing.

\b
  TARGET, ROLE  the server, and what it is checked as
  PHASE         up, draining, down, held, or ramping, and for how long
  WEIGHT        what keepalived is asked for; - where it is only told up or down
  LAG           as the server last told it
  LAST CHECK    how long ago; STALE after a minute: does keepalived still check it?
  RE-ENTRY      when a held server serves again if nothing else speaks against it; due: its time is over,
                manual: after mysqlcheck release

Below a server stands what speaks against it: what an operator said, and what its last check said.

\b
  mysqlcheck status
  mysqlcheck status --host 192.168.1.201 --output json
  watch -n1 mysqlcheck status

--output json gives a list of objects: target, role, decision (serve, drain, fail), phase, phase_since (seconds in it),
weight, lag (seconds), checked (Unix time of the last check), stale, reentry (seconds, or "manual"; null where it is not
held, or this director has rebooted since), reason (code, text), hold (reason, who, since, until as Unix times, left in
seconds, shared), shared_hold (the same, on all directors, as its last check read it). What is unknown is null; a server
that is only held by an operator has no more than target and hold.

Exit code 0; 1 where the state could not be read; 2 for a mistake on the command line.
"""
STALE = 60.0
WIDTH = 120
WRAPPER = textwrap.TextWrapper(WIDTH, initial_indent="    ", subsequent_indent="      ", max_lines=3, placeholder=" …")
HEAD = ("TARGET", "ROLE", "PHASE", "WEIGHT", "LAG", "LAST CHECK", "RE-ENTRY")


class Row(NamedTuple):
    """What there is to show of a server in one role, or of one that is only held by hand."""

    target: str
    role: str | None
    record: Record | None
    hold: OperatorHold | None
    shared: OperatorHold | None = None
    """The one on all directors, as its last check read it."""


class Times(NamedTuple):
    """The ages of a record, in seconds."""

    checked: float
    in_phase: float
    reentry: float | str | None
    """Seconds, `manual`, or None where nothing is held or nobody can tell."""
    rebooted: bool

    @property
    def stale(self) -> bool:
        """Whether somebody seems to have stopped checking it."""
        return self.checked > STALE


def run(arguments: list[str]) -> int:
    """Run the command and return its exit code."""
    return people.run(command(), arguments)


def command() -> click.Command:
    """Build the command."""
    return click.Command(
        "status",
        params=[*options(targets.NAMES), people.output()],
        callback=_status,
        help=HELP,
        context_settings={"max_content_width": 120},
    )


def _status(**values: object) -> int:
    told = given(values)
    asked = None
    if told.keys() & {"host", "socket"} or targets.names_a_server(os.environ):
        asked = targets.named(told, os.environ)
        for note in asked.notes:
            people.warn(note)
    elif "port" in told:
        raise click.UsageError("--port needs the --host that it belongs to")
    settings = targets.of_all(told, os.environ, "state_dir", "output")
    rows, troubles = _rows(settings.state_dir)
    shown = [row for row in rows if asked is None or row.target == asked.name]
    for trouble in troubles:
        people.warn(trouble)
    if not shown and not troubles:
        people.warn(_nothing(asked, rows, settings.state_dir))
    now, wall = clock.now(), time.time()
    if settings.output == "json":
        import json

        click.echo(json.dumps([_document(row, now, wall) for row in shown], ensure_ascii=False, indent=2))
    elif shown:
        click.echo("\n".join(_lines(shown, now, wall)))
    return 1 if troubles else 0


def _nothing(asked: targets.Asked | None, rows: list[Row], directory: str) -> str:
    if asked is not None and (note := targets.stranger(asked, (row.target for row in rows))):
        return note
    return f"nothing has been recorded in {directory} yet: does keepalived run the check, with the same state_dir?"


def _rows(directory: str) -> tuple[list[Row], list[str]]:
    """Return what is known, and what could not be read."""
    troubles: list[str] = []
    records: list[Kept] = []
    try:
        records = targets.recorded(Store(directory))
    except StoreError as error:
        troubles.append(f"the records cannot be read: {people.advice(error)}")
    held = _holds(directory, troubles)
    known = {kept.target for kept in records}
    wall = time.time()
    rows = [Row(kept.target, kept.role, kept.record, held.get(kept.target), _shared(kept, wall)) for kept in records]
    rows += [Row(target, None, None, hold) for target, hold in held.items() if target not in known]
    return sorted(rows, key=lambda row: (row.target, row.role or "")), troubles


def _shared(kept: Kept, wall: float) -> OperatorHold | None:
    hold = kept.record.memory.shared
    return hold.standing(wall) if hold else None


def _holds(directory: str, troubles: list[str]) -> dict[str, OperatorHold]:
    found: dict[str, OperatorHold] = {}
    try:
        for target in clock.within(targets.SECONDS, lambda: holds.targets(directory)):
            hold = holds.read(directory, target, time.time(), targets.SECONDS)
            if hold is not None:
                found[target] = hold
    except StoreError as error:
        troubles.append(f"the holds cannot be read: {people.advice(error)}")
    except OutOfTime:
        troubles.append(f"the holds cannot be read: {directory} does not answer (a disk that hangs?)")
    return found


def times(record: Record, now: Instant, wall: float) -> Times:
    """Work the ages of a record out: by the boot clock, and by the wall clock where this director rebooted since."""
    standing, checked, in_phase = record.standing, now.since(record.seen), now.since(record.standing.since)
    rebooted = checked is None
    reentry: float | str | None = None
    if standing.phase is Phase.HELD and not rebooted:
        left = remaining(standing, now)
        reentry = "manual" if left is None else left
    return Times(
        max(0.0, wall - record.at) if checked is None else checked,
        max(0.0, wall - record.changed) if in_phase is None else in_phase,
        reentry,
        rebooted,
    )


def against(row: Row, now: Instant, wall: float) -> Iterator[str]:
    """Say what speaks against a server: the operator first, then its last check."""
    for hold in (row.hold, row.shared):
        if hold is not None:
            yield f"operator_hold: {outcome.operator_hold(hold).text}"
    if row.record is None:
        yield "not checked here yet: a slip in its name, or does keepalived not check it?"
        return
    told = row.record.told
    if told.code == "operator_hold":
        if row.hold is None and row.shared is None:
            yield "the operator's hold has ended since its last check"
    elif targets.ended_since(row.record):
        yield "the hold timer has ended since its last check"
    elif told.code:
        yield f"{told.code}: {told.text}"
    ages = times(row.record, now, wall)
    if ages.rebooted and row.record.standing.phase is Phase.HELD:
        yield "this director has rebooted since: the hold timer begins anew with the next check"
    if ages.stale:
        yield f"not checked for {show_span(ages.checked)}: all this may be out of date"


def _lines(rows: list[Row], now: Instant, wall: float) -> Iterator[str]:
    table = [HEAD, *(_cells(row, now, wall) for row in rows)]
    widths = [max(len(cells[column]) for cells in table) for column in range(len(HEAD))]
    widths[0] = min(widths[0], WIDTH - sum(widths[1:]) - 2 * len(widths[1:]))
    for cells, row in zip(table, [None, *rows], strict=True):
        if len(cells[0]) > widths[0]:  # the path of a socket; the rest stands below it
            yield cells[0]
            cells = ("", *cells[1:])
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip()
        for text in against(row, now, wall) if row else ():
            yield from WRAPPER.wrap(people.plain(text))


def _cells(row: Row, now: Instant, wall: float) -> tuple[str, ...]:
    record = row.record
    if record is None:
        return (row.target, "-", "-", "-", "-", "never", "-")
    ages, told = times(record, now, wall), record.told
    return (
        row.target,
        row.role or "-",
        f"{record.standing.phase.value} {show_span(ages.in_phase)}",
        "-" if told.weight is None else str(told.weight),
        "-" if told.lag is None else show_seconds(told.lag),
        f"{show_span(ages.checked)} ago{' STALE' if ages.stale else ''}",
        _reentry(ages),
    )


def _reentry(ages: Times) -> str:
    if isinstance(ages.reentry, float):
        return show_span(ages.reentry) if ages.reentry else "due"
    return ages.reentry or "-"


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


def _document(row: Row, now: Instant, wall: float) -> dict[str, Any]:
    """Return a row as JSON has it; the help describes it."""
    record = row.record
    ages = times(record, now, wall) if record else None
    reentry = ages.reentry if ages else None
    return {
        "target": row.target,
        "role": row.role,
        "decision": record.told.action.value if record else None,
        "phase": record.standing.phase.value if record else None,
        "phase_since": _rounded(ages.in_phase if ages else None),
        "weight": record.told.weight if record else None,
        "lag": record.told.lag if record else None,
        "checked": record.at if record else None,
        "stale": ages.stale if ages else None,
        "reentry": _rounded(reentry) if isinstance(reentry, float) else reentry,
        "reason": {"code": record.told.code, "text": record.told.text} if record and record.told.code else None,
        "hold": _hold_document(row.hold),
        "shared_hold": _hold_document(row.shared),
    }


def _hold_document(hold: OperatorHold | None) -> dict[str, Any] | None:
    return hold._asdict() | {"left": _rounded(hold.left)} if hold else None
