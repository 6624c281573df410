"""A director that checks a server again and again, with its memory: the pure way, from observation to decision.

Times are seconds from any moment on; each test says them, so nothing waits and nothing reads a clock.
"""

from __future__ import annotations

from typing import Any

from mysqlcheck.checks.channels import Channel
from mysqlcheck.checks.connection import REFUSED as CREDENTIALS_GRACE
from mysqlcheck.checks.heartbeat import Beats
from mysqlcheck.checks.incarnation import Incarnation
from mysqlcheck.holddown import released
from mysqlcheck.judgement import Judgement, take_in
from mysqlcheck.kinds import DAY
from mysqlcheck.model import Instant, OperatorHold, Phase, Reason, Sighting
from mysqlcheck.options import Settings
from mysqlcheck.record import Event, Record
from tests.core.builders import BOOT, HEALTHY, met, observation

EPOCH = 1_795_388_000
"""Unix time at the second 0 of the tests."""
CLOCK = 10_000.0
"""What CLOCK_BOOTTIME shows then."""


class Server:
    """What a server says of itself, whoever asks."""

    def __init__(self, uptime: float = DAY, at: float = 0.0) -> None:
        self.identity = "a9347d19-e6c7-11f1-b429-02fc00000001"
        self.clock = EPOCH
        self.started = self.clock + int(at - uptime)
        self.connections = 1000

    def restart(self, at: float) -> None:
        """Start anew, connection ids too."""
        self.started, self.connections = self.clock + int(at), 4

    def step_clock(self, seconds: int) -> None:
        """Uptime steps with the clock; the time of the start, which the server keeps, does not."""
        self.clock += seconds

    def greet(self) -> int:
        self.connections += 1
        return self.connections

    def says(self, at: float) -> Incarnation:
        return Incarnation(self.identity, self.started, self.clock + int(at) - self.started)


class Director:
    """One director with the state that it keeps of one server, in every role that it checks it as."""

    def __init__(self, server: Server | None = None, **settings: Any) -> None:
        self.server = server or Server()
        self.given = settings
        self.boot = BOOT
        self.sighting: Sighting | None = None
        self.records: dict[str, Record] = {}
        self.events: list[Event] = []

    def settings(self, role: str = "replica") -> Settings:
        return Settings.of(**{"host": "192.168.1.201", "role": role, **self.given})

    def instant(self, at: float) -> Instant:
        return Instant(self.boot, CLOCK + at)

    def look(
        self,
        at: float,
        *found: Channel,
        trouble: Reason | None = None,
        role: str = "replica",
        hold: OperatorHold | None = None,
        took: float = 0.012,
        keep: bool = True,
        beats: Beats | None = None,
    ) -> Judgement:
        """Check once, with an end at this second; without a channel named, one that is healthy."""
        now, source = self.instant(at), role == "source"
        if trouble is not None:  # who refuses the login has greeted
            greeted = self.server.greet() if trouble.grace == CREDENTIALS_GRACE else None
            seen = met(trouble, now, took, greeted)
        else:
            seen = observation(
                *(found or (HEALTHY,)), read_only=not source, at=now, took=took, replicates=not source,
                incarnation=self.server.says(at), connection_id=self.server.greet(), beats=beats,
            )  # fmt: skip
        judged = take_in(self.records.get(role), self.sighting, seen, hold, self.settings(role), EPOCH + at)
        if keep:
            self.records[role] = judged.record
            self.sighting = judged.record.memory.sighting or self.sighting
            self.events.extend(judged.events)
        return judged

    def phase(self, at: float, *found: Channel, **how: Any) -> Phase:
        """Check once, and say where the server stands then."""
        return self.look(at, *found, **how).record.standing.phase

    def phases(self, begin: int, end: int, *found: Channel, **how: Any) -> list[Phase]:
        """Check every second of these."""
        return [self.phase(at, *found, **how) for at in range(begin, end)]

    def release(self, at: float, role: str = "replica") -> None:
        """As `mysqlcheck release` does."""
        record = self.records[role]
        self.records[role] = record._replace(standing=released(record.standing, self.instant(at)))

    def reboot(self, boot: str = "the next boot") -> None:
        """Begin a new boot of the director; what is on the disk stays."""
        self.boot = boot

    def forget(self) -> None:
        """Lose the state directory."""
        self.sighting, self.records = None, {}


def serving(uptime: float = DAY, **settings: Any) -> Director:
    """Return a director that has seen its server serve, at second 0."""
    director = Director(Server(uptime), **settings)
    assert director.phase(0) is Phase.UP
    return director
