"""Holds that all directors share: written on the source, and waited for where checks read them."""

from __future__ import annotations

import math
import os
import queue
import threading
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import click

from mysqlcheck.checks import probes, shared_hold
from mysqlcheck.checks.channels import Channels
from mysqlcheck.checks.probe import one_line
from mysqlcheck.checks.read_only import ReadOnly
from mysqlcheck.checks.shared_hold import TABLE, HoldTable, SharedHold
from mysqlcheck.cli import people
from mysqlcheck.cli.hold import shown
from mysqlcheck.clock import Deadline
from mysqlcheck.console import say
from mysqlcheck.errors import SettingsError
from mysqlcheck.kinds import show_seconds, show_span
from mysqlcheck.layers import load, load_targets
from mysqlcheck.model import Observation, OperatorHold, Target
from mysqlcheck.mysql import Session
from mysqlcheck.options import Settings

MOST_HOPS = 5
WAIT = 10.0
EVERY = 0.1
SCHEMA = "`mysqlcheck schema` prints the table and its grants, for the source"


class Refused(Exception):
    """Why nothing was written, in words for the operator."""


def hold(told: Mapping[str, str], reason: str, seconds: float | None, source: str | None, wait: float | None) -> int:
    """Hold a server on every director; returns the exit code."""
    now = math.floor(time.time())
    until = None if seconds is None else float(math.ceil(now + seconds))
    wanted = OperatorHold(one_line(reason, 500), one_line(people.who(os.environ), 64), float(now), until, shared=True)
    span = "until released" if seconds is None else f"for {show_span(seconds)}"
    return _change(told, wanted, source, wait, f"is drained on all directors, {span}: {wanted.reason}")


def release(told: Mapping[str, str], source: str | None, wait: float | None) -> int:
    """End the hold on every director; returns the exit code."""
    return _change(told, None, source, wait, "is no longer drained on all directors")


def _change(
    told: Mapping[str, str], wanted: OperatorHold | None, source: str | None, wait: float | None, done: str
) -> int:
    settings, limit = _settings(told), WAIT if wait is None else wait
    name = str(settings.target)
    try:
        before, where = _write(settings, wanted, source)
    except Refused as error:
        what = "NOT held" if wanted else "NOT released"
        people.warn(people.plain(f"{name} is {what} on all directors: {error}"))
        return 1
    if before is not None:
        standing = before.standing(time.time()) or before
        _say(f"{'replaced' if wanted else 'ended'}: {shown(standing)}")
    elif wanted is None:
        _say(f"{name}: nothing is held on all directors")
    _say(f"written on {where}")
    try:
        late = _wait_for(wanted, settings, told, limit)
    except KeyboardInterrupt:
        people.warn(f"not waited for; it stays written on {where}, and arrives by itself")
        return people.INTERRUPTED
    for target, why in late:
        people.warn(people.plain(f"has NOT arrived at {target} within {show_seconds(limit)}: {why}"))
    if not any(target == name for target, _ in late):
        _say(f"{name} {done}")
    return 1 if late else 0


def _say(text: str) -> None:
    say(people.plain(text), Deadline(2.0))


def _settings(told: Mapping[str, str]) -> Settings:
    settings = load(told, os.environ)
    if settings.target.socket is not None:
        raise click.UsageError("--shared needs the name that all directors have for the server: --host, no --socket")
    return settings


def _write(settings: Settings, wanted: OperatorHold | None, source: str | None) -> tuple[OperatorHold | None, Target]:
    """Write on the source; returns the hold that stood there before, and where that is. Raises Refused."""
    name = str(settings.target)
    target, seen, session = _source(settings, source)
    try:
        read_only, table, found = seen.fact(ReadOnly), seen.fact(HoldTable), seen.fact(SharedHold)
        if read_only is not None and read_only.on:
            raise Refused(f"{target} is read_only: is it the source? Name the source by --source")
        if table is None or not table.readable:
            raise Refused(f"on {target} there is no table {TABLE} that {settings.user!r} may read; {SCHEMA}")
        if found is None or found.error is not None:
            raise Refused(f"on {target} {TABLE} cannot be read: {found.error if found else 'no answer'}; {SCHEMA}")
        statement = shared_hold.writing(name, wanted) if wanted else shared_hold.erasing(name)
        what = session.run((statement, "COMMIT"), Deadline(settings.timeout))
        if what is not None:
            raise Refused(f"on {target}: {what.text}; {SCHEMA}")
        return found.hold, target
    finally:
        session.close(Deadline(1.0))


def _source(settings: Settings, named: str | None) -> tuple[Target, Observation, Session]:
    """Go from the server to its source, and on to that one's, until one has none. Raises Refused."""
    target = settings.target
    if named is not None:
        try:
            target = Target.parse(named)
        except ValueError as error:
            raise click.UsageError(f"--source: {error}") from None
    for _ in range(MOST_HOPS + 1):
        session = Session(target, settings, probes(settings))
        seen = session.observe(Deadline(settings.timeout))
        if seen.trouble is not None:
            name_it = "" if named else "; its source cannot be found then: name it by --source"
            raise Refused(f"{target}: {seen.trouble.text}{name_it}")
        found = seen.fact(Channels)
        sources = sorted({channel.source for channel in found.judged}) if found else []
        if named is not None or not sources:
            return target, seen, session
        session.close(Deadline(1.0))
        if len(sources) > 1:
            raise Refused(f"{target} has several sources ({', '.join(sources)}): name the one by --source")
        host, _, port = sources[0].rpartition(":")
        target = Target(host.lower(), int(port))
    raise Refused(f"{target} is the {MOST_HOPS}th source in a row, and has one itself: name the one by --source")


class _Arrival(NamedTuple):
    target: str
    seconds: float
    why_not: str | None


def _wait_for(
    wanted: OperatorHold | None, settings: Settings, told: Mapping[str, str], seconds: float
) -> list[tuple[str, str]]:
    """Wait until every server has what was written; returns those that have not, and why."""
    name, began = str(settings.target), time.monotonic()
    everybody = {name: settings, **{str(one.target): one for one in _others(told) if str(one.target) != name}}
    arrivals: queue.SimpleQueue[_Arrival] = queue.SimpleQueue()
    for one in everybody.values():
        arguments = (one, name, wanted, began, seconds, arrivals)
        threading.Thread(target=_watch, args=arguments, daemon=True).start()
    late = []
    for _ in everybody:
        arrival = arrivals.get()
        if arrival.why_not is None:
            _say(f"arrived at {arrival.target} after {arrival.seconds:.1f} s")
        else:
            late.append((arrival.target, arrival.why_not))
    return late


def _others(told: Mapping[str, str]) -> Sequence[Settings]:
    """Every server of the TOML file; none where there is none."""
    about_one = (Settings.host, Settings.port, Settings.socket)
    given = {name: told[name] for name in told.keys() - {setting.name for setting in about_one}}
    environment = {name: os.environ[name] for name in os.environ.keys() - {setting.variable for setting in about_one}}
    try:
        found = load_targets(given, environment)
    except SettingsError:
        return ()
    return [one for one in found if one.target.socket is None]


def _watch(
    settings: Settings, name: str, wanted: OperatorHold | None, began: float, seconds: float,
    arrivals: queue.SimpleQueue[_Arrival],
) -> None:  # fmt: skip
    """Look again and again at one server, as its check does."""
    target = str(settings.target)
    words, _, *others = probes(settings)
    session = Session(settings.target, settings, (words, shared_hold.probe(name), *others))
    why: str | None = "no look was made"
    try:
        while why is not None:
            left = began + seconds - time.monotonic()
            seen = session.observe(Deadline(min(settings.timeout, max(left, EVERY))))
            why = _why_not(seen, wanted, settings.user)
            if left <= 0:
                break
            if why is not None:
                time.sleep(min(EVERY, max(0.0, left)))
    except Exception as error:  # noqa: BLE001 - a file that the operator may not read, for one
        why = one_line(str(error)) or type(error).__name__
    arrivals.put(_Arrival(target, time.monotonic() - began, why))
    session.close(Deadline(1.0))


def _why_not(seen: Observation, wanted: OperatorHold | None, user: str) -> str | None:
    """Say why the server does not have what was written; None where it has."""
    table, found, channels = seen.fact(HoldTable), seen.fact(SharedHold), seen.fact(Channels)
    if seen.trouble is not None:
        return seen.trouble.text
    if found is not None and found.error is None and found.hold == wanted:
        return None
    for channel in channels.judged if channels else ():
        if not channel.sql_running or not channel.io_running:
            return f"{'the IO thread' if channel.sql_running else 'the SQL thread'} does not run ({channel})"
        if channel.lag:
            return f"it is {channel.lag} s behind ({channel})"
    if table is None or not table.readable:
        return f"{user!r} may not read {TABLE} there: has the grant arrived? {SCHEMA}"
    if found is not None and found.error is not None:
        return f"{TABLE} cannot be read there ({found.error}): is the database filtered out?"
    return "its replication runs and has not brought it: is the database filtered out?"
