"""The story of one check, from the question to keepalived's answer."""

import contextlib
import os
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from mysqlcheck import clock, holds, mysql, outcome, publish
from mysqlcheck.checks import probes
from mysqlcheck.checks.connection import unusable
from mysqlcheck.clock import Deadline
from mysqlcheck.errors import NoAnswer, NothingRecorded, OutOfTime, SettingsError, StoreError
from mysqlcheck.judgement import Judgement, Look, may_enter, take_in
from mysqlcheck.model import Decision, Observation, OperatorHold, Sighting
from mysqlcheck.options import Settings
from mysqlcheck.outcome import ExitCode
from mysqlcheck.record import Record
from mysqlcheck.store import Changed, Store

LEAST_SECONDS = 0.1
"""What reading or writing a file may take although the deadline has passed; the backstop leaves 0.4 s (funnel.py)."""
MOST_SECONDS = 1.0
"""How long a check waits for a store that another process has locked, or a fifth of --timeout where that is longer:
without its memory the check would answer by the server's words alone, and they say nothing of a restart."""


class Report(NamedTuple):
    """A look, and what was told: the exit code, and what the director could not do on the way."""

    look: Look
    decision: Decision
    exit_code: ExitCode
    published: bool
    warnings: tuple[str, ...]


def check(settings: Settings, deadline: Deadline, warnings: Sequence[str] = ()) -> Report:
    """Make one check and publish what it found. Trouble of the director's own becomes a warning, no more."""
    seen = look(settings, deadline, keep=True)
    decision = outcome.always_serve(seen.judged) if settings.shadow else seen.judged
    troubles = [*warnings, seen.state_trouble]
    published = True
    if settings.track_file is not None:
        value = outcome.track_value(decision, seen.answer)
        why_not = _in_time(deadline, settings.track_file, lambda path: publish.replace(path, b"%d\n" % value))
        published = why_not is None
        troubles.append(why_not)
    exit_code = outcome.exit_code(decision, seen.answer, published=published)
    if settings.textfile is not None:
        troubles.append(_in_time(deadline, settings.textfile, lambda path: _export(path, seen, settings, exit_code)))
    return Report(seen, decision, exit_code, published, tuple(filter(None, troubles)))


def look(settings: Settings, deadline: Deadline, *, keep: bool = False) -> Look:
    """Observe, judge in the light of what is on record, and decide; with `keep` record it, else change nothing.

    Raises SettingsError (a certificate, a key). A state directory that cannot be used is no error: the server's own
    words are then all that there is.
    """
    store = Store(settings.state_dir)
    reserve = max(settings.timeout / 10, min(0.3, settings.timeout / 3))  # for the state, and for what is published
    observation = _observe(settings, store, deadline.sooner(reserve))
    wall = time.time()
    hold, no_hold = _hold(settings, wall, deadline)

    def judge(record: Record | None, sighting: Sighting | None) -> Judgement:
        return take_in(record, sighting, observation, hold, settings, wall)

    found, no_memory = None, None
    if isinstance(no_hold, NoAnswer):  # the rest of the directory will not answer either
        found = judge(None, None)._replace(events=())
    elif keep:
        found, no_memory = _remembering(store, settings, judge, deadline)
    if found is None:
        record, sighting, unreadable = _recall(store, settings, deadline)
        found = judge(record, sighting)._replace(events=())
        no_memory = no_memory or (f"what is on record cannot be read: {unreadable}" if unreadable else None)
    said = [f"operators' holds cannot be read: {no_hold}" if no_hold else None, no_memory]
    return Look(observation, found, outcome.answer_style(settings), hold, "; ".join(filter(None, said)) or None)


def _observe(settings: Settings, store: Store, deadline: Deadline) -> Observation:
    """Look at the server. Where our own credentials cannot be used (a broken file), say so as the server would."""
    try:
        if settings.login_error is not None:
            raise settings.login_error
        seen = mysql.observe(settings.target, settings, probes(settings), deadline)
    except SettingsError as error:
        record, _, _ = _recall(store, settings, deadline)
        if record is None or record.memory.answered_at is None:
            raise  # nothing good is on record: the operator is setting it up, and gets the plain message
        now = clock.now()
        return Observation(settings.target, now, now, unusable("; ".join(map(str, error.problems))))
    return mysql.ask_more(seen, settings, lambda: may_enter(*_recall(store, settings, deadline)[:2], seen), deadline)


def _hold(settings: Settings, wall: float, deadline: Deadline) -> tuple[OperatorHold | None, StoreError | None]:
    """Read the operator's hold, with a good part of the time that is left: on a busy director it must not be missed."""
    seconds = min(MOST_SECONDS, max(LEAST_SECONDS, deadline.left() / 3))
    try:
        return holds.read(settings.state_dir, str(settings.target), wall, seconds), None
    except StoreError as error:
        return None, error


def _remembering(
    store: Store, settings: Settings, judge: Callable[[Record | None, Sighting | None], Judgement], deadline: Deadline
) -> tuple[Judgement | None, str | None]:
    """Judge and record in one transaction; or return why that could not be."""

    def change(record: Record | None, sighting: Sighting | None) -> Changed[Judgement]:
        found = judge(record, sighting)
        return Changed(found, found.record, found.events)

    most = max(MOST_SECONDS, settings.timeout / 5)
    seconds = min(most, max(LEAST_SECONDS, deadline.left() - LEAST_SECONDS))
    try:
        return store.update(str(settings.target), settings.role, change, seconds), store.begun_anew
    except StoreError as error:
        return None, f"no memory is kept: {error}"
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - a record that we stumble over must not fail the server for ever
        found = judge(None, None)
        with contextlib.suppress(StoreError):
            store.update(str(settings.target), settings.role, lambda *_: Changed(found, found.record), seconds)
        return found._replace(events=()), f"memory is begun anew: {type(error).__name__}: {error}"


def _recall(
    store: Store, settings: Settings, deadline: Deadline
) -> tuple[Record | None, Sighting | None, StoreError | None]:
    """Read what is on record, as far as it can be read: a full or a read-only disk still holds what it held."""
    seconds = min(MOST_SECONDS / 2, max(LEAST_SECONDS, deadline.left() - LEAST_SECONDS))
    try:
        return (*store.read(str(settings.target), settings.role, seconds), None)
    except NothingRecorded:
        return None, None, None
    except StoreError as error:
        return None, None, error


def _in_time(deadline: Deadline, path: str, write: Callable[[str], str | None]) -> str | None:
    """Write a file, or return why not: a disk that hangs takes no healthy server out, nor do broken metrics."""
    try:
        return clock.within(max(LEAST_SECONDS, deadline.left()), lambda: write(path))
    except OutOfTime:
        return f"cannot write {path}: it takes too long"
    except Exception as error:  # noqa: BLE001 - prometheus_client missing, for one
        return f"cannot write {path}: {type(error).__name__}: {error}"


def _export(path: str, seen: Look, settings: Settings, exit_code: ExitCode) -> str | None:
    from mysqlcheck import metrics  # 60 ms of CPU: only who exports pays for it

    if os.path.isdir(path):
        path = os.path.join(path, metrics.file_name(str(seen.observation.target), settings.role))
    return publish.replace(path, metrics.render([metrics.Row(seen, settings, exit_code, settings.config_broken)]))
