"""A model of the world that the checks look at: a MySQL server as it really is, and directors with their stores.

Time here is the world's own, in seconds, and nobody in it can read it: a director has its boot clock, which begins
anew at each reboot, and a server its wall clock, which somebody may set. What a look is told is built as mysql.py
builds it. What ought to follow from all this is in histories_oracle.py.
"""

from __future__ import annotations

import itertools
from enum import Enum
from typing import Any, NamedTuple

from mysqlcheck.checks import connection as trouble
from mysqlcheck.checks.channels import Channel, Channels
from mysqlcheck.checks.incarnation import Incarnation
from mysqlcheck.checks.read_only import ReadOnly
from mysqlcheck.holddown import released
from mysqlcheck.judgement import Judgement, JudgementSettings, take_in
from mysqlcheck.model import Instant, Observation, OperatorHold, Reason, ServerVersion, Sighting, Target
from mysqlcheck.record import Record

TARGET = Target("192.168.1.201")
VERSION = ServerVersion("mysql", (8, 4, 5), "8.4.5")
TICK = 1 / 64
"""All times are multiples of it, so that sums of them are exact."""
EPOCH = 1_700_000_000
"""The Unix time of the world's beginning."""


class Door(Enum):
    """What the server does to whoever connects."""

    OPEN = "answers"
    SHUT = "refuses connections"
    DEAF = "accepts, and never greets"
    FULL = "1040, before the greeting"
    BLOCKED = "1129, before the greeting"
    STRANGE = "greets as no MySQL server does"
    LEAVING = "1053, after the greeting"
    LIMITED = "1226, after the greeting"
    WRONG_PASSWORD = "1045, after the greeting"
    NO_GRANT = "denies SHOW REPLICA STATUS"


class Line(Enum):
    """What happens to a look on its way, whatever the server does."""

    FINE = "nothing"
    LOST = "no route"
    SILENT = "its packets are lost"
    CUT = "the connection is lost after the greeting"
    STALLED = "no packet arrives after the greeting"


class Met(Enum):
    """How a look ended, in the words of the design's table of rules."""

    ANSWER = "all questions answered"
    DEFINITE = "a definite failure"
    SILENCE = "no answer, which counts after fail_after"
    REFUSAL = "refused, which counts after credentials_grace"


class Server:
    """A MySQL server as it really is."""

    def __init__(self, at: float, uptime: float, writable: bool) -> None:
        self.incarnation, self.identity = 1, "uuid-1"
        self.started, self.writable = at - uptime, writable
        self.step = self.step_at_start = 0.0
        """By how much its clock has been set; now, and when it started."""
        self.connections = self.least_id = self.most_id = 1_000_000
        self.changes = 0
        """Counts all that happened to it, so that one can tell whether anything did."""
        self.mended()

    def mended(self) -> None:
        """Let all be well: it answers, replicates without lag, and takes writes where it should."""
        self.door, self.read_only = Door.OPEN, not self.writable
        self.replicates = self.io = self.sql = True
        self.source_lost = False
        self.lag: int | None = 0
        self.changes += 1

    def change(self, **what: Any) -> None:
        """Change some of what it is."""
        for name, value in what.items():
            setattr(self, name, value)
        self.changes += 1

    def restart(self, at: float, first_id: int, rebuilt: bool = False) -> None:
        """Start anew, as the next incarnation; rebuilt from a copy it has another server_uuid."""
        if int(EPOCH + at + self.step) == int(EPOCH + self.started + self.step_at_start):
            self.step += 7.0  # twice the very same second, by a clock that was set back: nobody could tell
        self.incarnation += 1
        self.started, self.step_at_start = at, self.step
        self.connections = first_id
        if rebuilt:
            self.identity = f"uuid-{self.incarnation}"
        self.changes += 1

    def id_after_restart(self, falls: bool) -> int:
        """An id below, or far above, every one that was ever given: it tells the same to whoever looked last."""
        return self.least_id - 1000 if falls else self.most_id + 1000

    def next_id(self) -> int:
        """Count a connection."""
        self.connections += 1
        self.least_id, self.most_id = min(self.least_id, self.connections), max(self.most_id, self.connections)
        return self.connections

    def incarnation_fact(self, at: float, stepped: bool = True) -> Incarnation:
        """What the query for Uptime returns, with or without the steps of the server's clock."""
        now, then = (self.step, self.step_at_start) if stepped else (0.0, 0.0)
        started = int(EPOCH + self.started + then)
        return Incarnation(self.identity, started, int(EPOCH + at + now) - started)

    def channels(self) -> Channels:
        """What SHOW REPLICA STATUS returns."""
        if not self.replicates:
            return Channels(())
        io = "Connecting" if self.source_lost else "Yes" if self.io else "No"
        errno, error = (2003, "error connecting to source") if self.source_lost else (0, "")
        lag = self.lag if io == "Yes" and self.sql else None
        return Channels((Channel("", "192.168.1.200:3306", io, errno, error, self.sql, 0, "", lag),))

    def fails(self, role: str) -> bool:
        """Whether a rule must fail it in this role."""
        if role == "source":
            return self.read_only
        stopped = self.replicates and not ((self.io or self.source_lost) and self.sql)
        return stopped or (role == "replica" and not (self.read_only and self.replicates))


class Meeting(NamedTuple):
    """What a look met: what it was told, and the truth about it. Times are the world's."""

    seen: Observation
    how: Met
    greeted: int | None
    """The incarnation that greeted it."""
    told: int | None
    """The incarnation that told its Uptime."""
    fails: bool
    """Whether a rule must fail the server for what this look was told."""
    drains: bool
    """Whether, where it counts, it must drain the server and not fail it."""
    lag: int | None
    """The lag that it was told; None where it was told none."""
    replicates: bool
    """Whether it was told of a channel."""
    began: float
    ended: float

    @property
    def timed_out(self) -> bool:
        """Whether it ended only because its time was over."""
        return self.seen.trouble is not None and self.seen.trouble.code == "timeout"


def meet(
    server: Server,
    role: str,
    began: float,
    ended: float,
    settings: JudgementSettings,
    line: Line = Line.FINE,
    answers: int = 0,
    *,
    stepped: bool = True,
) -> Meeting:
    """Let a look meet the server as it is now; a line that breaks after the greeting does so after some answers.

    The instants of the observation are the world's; `Director.reads` turns them into its own.
    """
    how, why, number = _at_the_door(server, role, settings, line)
    facts: list[Any] = []
    if number is not None and how in (Met.ANSWER, Met.REFUSAL) and server.door is not Door.WRONG_PASSWORD:
        facts = [server.incarnation_fact(ended, stepped), ReadOnly(server.read_only)]
        facts += [] if role == "source" or how is Met.REFUSAL else [server.channels()]
    if number is not None and how is Met.ANSWER and line in (Line.CUT, Line.STALLED):
        facts = facts[: min(answers, len(facts) - 1)]
        stage = "waiting for an answer"
        cut = trouble.lost(f"the connection was lost while {stage}")
        how, why = Met.SILENCE, cut if line is Line.CUT else trouble.out_of_time(stage, settings.timeout)
    complete = how is Met.ANSWER
    fails = server.fails(role) if complete else len(facts) > 1 and role == "replica" and not server.read_only
    replicates = complete and role != "source" and server.replicates
    lag = server.channels().channels[0].lag if replicates else None
    drains = how is Met.SILENCE and server.door in (Door.FULL, Door.LIMITED) and line not in (Line.LOST, Line.SILENT)
    if replicates and server.io and server.sql and not server.source_lost:
        drains = lag is None or lag > settings.max_lag
    times = (Instant("", began), Instant("", ended))
    seen = Observation(TARGET, *times, why, None if number is None else VERSION, tuple(facts), number)
    greeted = None if number is None else server.incarnation
    return Meeting(
        seen, how, greeted, server.incarnation if facts else None, fails, drains, lag, replicates, began, ended
    )


def _at_the_door(
    server: Server, role: str, settings: JudgementSettings, line: Line
) -> tuple[Met, Reason | None, int | None]:
    if line is Line.LOST:
        return Met.SILENCE, trouble.lost("no route to host while connecting"), None
    if line is Line.SILENT:
        return Met.SILENCE, trouble.out_of_time("connecting", settings.timeout), None
    door = server.door
    if door is Door.SHUT:
        return Met.DEFINITE, trouble.refused("connection refused while connecting"), None
    if door is Door.DEAF:
        return Met.SILENCE, trouble.out_of_time("waiting for its greeting", settings.timeout), None
    if door is Door.STRANGE:
        return Met.DEFINITE, trouble.not_mysql("the greeting is none of MySQL's protocol 10, or it is cut short"), None
    if door is Door.FULL:
        return Met.SILENCE, trouble.said_no(1040, "Too many connections", "mysqlcheck"), None
    if door is Door.BLOCKED:
        return Met.REFUSAL, trouble.said_no(1129, "Host is blocked", "mysqlcheck"), None
    number = server.next_id()
    if door is Door.LEAVING:
        return Met.DEFINITE, trouble.said_no(1053, "Server shutdown in progress", "mysqlcheck"), number
    if door is Door.LIMITED:
        return Met.SILENCE, trouble.said_no(1226, "has exceeded a resource", "mysqlcheck"), number
    if door is Door.WRONG_PASSWORD:
        return Met.REFUSAL, trouble.said_no(1045, "Access denied", "mysqlcheck"), number
    if door is Door.NO_GRANT and role != "source":
        why = trouble.lacks_privilege(1227, "denied", "REPLICATION CLIENT", "'mysqlcheck'@'%'", VERSION)
        return Met.REFUSAL, why, number
    return Met.ANSWER, None, number


class Director:
    """A director: its boot clock, its wall clock, its store, and the operators' holds that were put on it."""

    _boots = itertools.count(1)

    def __init__(self, at: float, up: float = 5000.0) -> None:
        self.hold: OperatorHold | None = None
        self.wall = 0.0
        """By how much its wall clock has been set."""
        self.boot(at, up)
        self.forget()

    def boot(self, at: float, up: float) -> None:
        """Begin a new boot, which is `up` seconds old by now."""
        self.boot_id, self._zero = f"boot-{next(self._boots)}", at - up

    def forget(self) -> None:
        """Lose the store, but not the holds."""
        self.records: dict[str, Record] = {}
        self.sighting: Sighting | None = None

    def instant(self, at: float) -> Instant:
        """A moment of the world as this director's boot clock has it."""
        return Instant(self.boot_id, at - self._zero)

    def reads(self, seen: Observation) -> Observation:
        """The same look by this director's clock."""
        return seen._replace(began=self.instant(seen.began.seconds), ended=self.instant(seen.ended.seconds))

    def operator_hold(self, at: float) -> OperatorHold | None:
        """What holds.read returns at this moment."""
        wall = EPOCH + at + self.wall
        if self.hold is None or self.hold.until is None:
            return self.hold
        return self.hold._replace(left=self.hold.until - wall) if self.hold.until > wall else None

    def take_in(self, met: Meeting, role: str, settings: JudgementSettings, at: float | None = None) -> Judgement:
        """Judge a look and keep what follows, as oneshot.look and Store.update do; `at` is the moment of that."""
        at = met.ended if at is None else at
        hold, wall = self.operator_hold(at), EPOCH + at + self.wall
        found = take_in(self.records.get(role), self.sighting, self.reads(met.seen), hold, settings, wall)
        seen = found.record.memory.sighting
        if seen is not None:  # the table of sightings has one boot a row
            first = seen.first_seen if seen.first_seen.boot_id == seen.seen.boot_id else seen.seen
            self.sighting = seen._replace(first_seen=first)
        self.records[role] = found.record._replace(memory=found.record.memory._replace(sighting=None))
        return found

    def release(self, at: float) -> None:
        """`mysqlcheck release`: end the operator's hold, and every role's hold timer."""
        self.hold = None
        for role, record in self.records.items():
            self.records[role] = record._replace(standing=released(record.standing, self.instant(at)))
