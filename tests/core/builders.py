"""Values to judge, with what matters named and the rest harmless."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mysqlcheck import memory as remembering
from mysqlcheck.checks import connection, judge, probes
from mysqlcheck.checks.applier import Applier
from mysqlcheck.checks.channels import Channel, Channels
from mysqlcheck.checks.heartbeat import Beats
from mysqlcheck.checks.incarnation import Incarnation
from mysqlcheck.checks.read_only import ReadOnly
from mysqlcheck.model import Instant, LastLag, Memory, Observation, Reason, Severity, Target, Verdict
from mysqlcheck.options import Settings
from tests.core.rows import Recording
from tests.core.rows.versions import Written

BOOT = "8e2c1a6e-boot"
NOW = Instant(BOOT, 10_000.0)
TARGET = Target("192.168.1.201")
HEALTHY = Channel(
    name="",
    source="192.168.1.200:3306",
    io_state="Yes",
    io_errno=0,
    io_error="",
    sql_running=True,
    sql_errno=0,
    sql_error="",
    lag=0,
)


def channel(**changes: Any) -> Channel:
    """A healthy channel, but for the changes."""
    return HEALTHY._replace(**changes)


def lost(**changes: Any) -> Channel:
    """A channel whose source does not answer, as MariaDB tells it at once."""
    return channel(**{"io_state": "Connecting", "io_errno": 2003, "io_error": "no route", "lag": None} | changes)


def observation(
    *found: Channel,
    read_only: bool | None = True,
    trouble: Reason | None = None,
    at: Instant = NOW,
    took: float = 0.012,
    replicates: bool = True,
    incarnation: Incarnation | None = None,
    connection_id: int | None = None,
    also: Sequence[Any] = (),
    beats: Beats | None = None,
    applier: Applier | None = None,
) -> Observation:
    """One look that ended at `at`; `replicates=False` is a look that did not ask for channels; `also`: more facts."""
    facts: list[Any] = [] if incarnation is None else [incarnation]
    facts += [] if read_only is None else [ReadOnly(read_only)]
    facts += [*also, *([Channels(found)] if replicates else [])]
    facts += [fact for fact in (beats, applier) if fact is not None]
    return Observation(TARGET, at.plus(-took), at, trouble, None, tuple(facts), connection_id)


def met(trouble: Reason, at: Instant = NOW, took: float = 0.012, connection_id: int | None = None) -> Observation:
    """One look that learned nothing but this, with the connection's id where there was a greeting."""
    return observation(read_only=None, trouble=trouble, at=at, took=took, replicates=False, connection_id=connection_id)


REFUSED = connection.refused("connection refused")
LOST = connection.lost("no route to host")
OUT_OF_TIME = connection.out_of_time("connecting", 3.0)
DENIED = connection.said_no(1045, "Access denied", "mysqlcheck")
CROWDED = connection.said_no(1040, "Too many connections", "mysqlcheck")
"""What a look may meet, by the grace that it has: none, twice fail_after, credentials_grace, fail_after again."""


def unreachable(at: Instant = NOW) -> Observation:
    return met(REFUSED, at)


def recorded(
    recording: Recording | Written, situation: str, role: str = "replica", at: Instant = NOW, **settings: Any
) -> Observation:
    """A look at a real server, from what it answered then, or at a version, from what it would answer."""
    server = recording.server
    asked = probes(Settings.of(host="recorded", role=role, **settings))
    facts: list[Any] = []
    for probe in asked:
        if probe.when(facts):
            facts += probe.parse(recording.answer(situation, probe.query(server)))
    return Observation(TARGET, at, at, None, server, tuple(facts))


def verdict(seen: Observation, memory: Memory | None = None, now: Instant = NOW, **settings: Any) -> Verdict:
    return judge(seen, memory or Memory(), Settings.of(host="192.168.1.201", **settings), now)


def remember(memory: Memory, seen: Observation, **settings: Any) -> Memory:
    return remembering.remember(memory, seen, Settings.of(host="192.168.1.201", **settings))


def of_code(judged: Verdict, code: str) -> Reason:
    """The one reason of this code."""
    found = [reason for reason in judged.reasons if reason.code == code]
    assert len(found) == 1, f"{code} was said {len(found)} times"
    return found[0]


def against(judged: Verdict) -> list[str]:
    """The codes that speak against the server, the most severe first."""
    return [reason.code for reason in judged.reasons if reason.severity > Severity.OK]


def lag_on_record(seconds: float, ago: float, boot: str = BOOT) -> Memory:
    return Memory(lag=LastLag(seconds, Instant(boot, NOW.seconds - ago)))
