"""The values that one check passes on: Target → Observation → Memory → Verdict → Standing → Decision.

Everything here is an immutable value; nothing here reads a clock, a file or a socket. NamedTuples and not frozen
dataclasses: a tenth of the cost at import, and the check is forked thousands of times an hour. No `from __future__
import annotations` where there are NamedTuples: it would have every field compiled at import, for milliseconds, and
CPython 3.11 was seen to crash in there when memory is short.
"""

from collections.abc import Mapping, Sequence
from enum import Enum, IntEnum
from typing import Any, NamedTuple, TypeAlias, TypeVar

Value: TypeAlias = str | int | float | bool | None
Facts = TypeVar("Facts")
DEFAULT_PORT = 3306


class Target(NamedTuple):
    """What we check: a MySQL server at a host and port, or at a Unix socket on this machine."""

    host: str
    port: int = DEFAULT_PORT
    socket: str | None = None

    def __str__(self) -> str:
        if self.socket is not None:
            return self.socket
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str, default_port: int = DEFAULT_PORT) -> "Target":
        """Read `host`, `host:port`, `::1`, `[::1]:port` or `/path/of.sock`; ValueError says what is wrong."""
        if text.startswith("/"):
            return cls("localhost", default_port, text)
        if text.startswith("["):
            host, bracket, rest = text[1:].partition("]")
            if not bracket or (rest and not rest.startswith(":")):
                raise ValueError(f"{text!r}: an IPv6 address with a port is written [address]:port")
            port = rest[1:]
        elif text.count(":") > 1:
            host, port = text, ""
        else:
            host, _, port = text.partition(":")
        if not host:
            raise ValueError(f"{text!r} names no host")
        if port and not (port.isascii() and port.isdecimal() and len(port) < 6 and 1 <= int(port) <= 65535):
            raise ValueError(f"{text!r}: the port is a number from 1 to 65535")
        return cls(host.lower(), int(port) if port else default_port)


class Instant(NamedTuple):
    """A moment of this machine: seconds of CLOCK_BOOTTIME, which no step of the wall clock moves."""

    boot_id: str
    seconds: float

    def since(self, earlier: "Instant") -> float | None:
        """Seconds from `earlier` to this moment; None across boots, where the two cannot be compared.

        Where the boot_id is hidden two boots look like one: a clock that went back gives them away.
        """
        seconds = self.seconds - earlier.seconds
        return seconds if self.boot_id == earlier.boot_id and seconds >= 0 else None

    def precedes(self, other: "Instant") -> bool:
        """Whether this is the earlier moment, as of two looks that overlap: by less than any look may take."""
        return self.boot_id == other.boot_id and 0 < other.seconds - self.seconds <= 60

    def plus(self, seconds: float) -> "Instant":
        """Return the moment so many seconds later."""
        return self._replace(seconds=self.seconds + seconds)


class Severity(IntEnum):
    """What a reason asks for; a serving phase looks at this."""

    OK = 0
    """The rule has nothing against the server."""
    NOTE = 1
    """Serve, perhaps with less weight; somebody should know."""
    DRAIN = 2
    """Sound, but not good enough for new clients: existing sessions may finish."""
    FAIL = 3
    """Nothing worth being connected to, or dangerous."""


class Reason(NamedTuple):
    """What one rule says of one server. Every rule speaks, with severity OK too: `explain` shows them all."""

    code: str
    severity: Severity
    text: str
    observed: Value = None
    limit: Value = None
    bars_entry: bool = False
    """A server that serves may go on in spite of this; one that does not serve must not begin."""
    grace: str | None = None
    """The setting that says how long the last good verdict stays in spite of this, where the director or the network
    may be to blame. What has a grace is never a flap of the server."""


class ServerVersion(NamedTuple):
    """Flavor and version, found once per connection from the greeting; compare `number` as a tuple."""

    flavor: str
    number: tuple[int, ...]
    text: str

    @property
    def mariadb(self) -> bool:
        """Whether it is MariaDB (else MySQL or one of its close relatives)."""
        return self.flavor == "mariadb"

    @classmethod
    def parse(cls, text: str) -> "ServerVersion":
        """Read the version string of a greeting; ValueError when there is no version in it.

        MariaDB before 11 prefixes its own with `5.5.5-`, so that replicas of MySQL accept it
        (https://mariadb.com/kb/en/connection/#initial-handshake-packet).
        """
        mariadb = "mariadb" in text.lower()
        digits = (text.removeprefix("5.5.5-") if mariadb else text).partition("-")[0].split(".")
        if not digits[0].isdecimal() or not text.isprintable() or len(text) > 200:
            raise ValueError(f"{text[:80]!r} is no version of a MySQL server")
        number = tuple(int(part) for part in digits if part.isdecimal())
        return cls("mariadb" if mariadb else "mysql", number, text)


class Table(NamedTuple):
    """The answer to one query as text: column names, and rows by name. What NULL was is None."""

    columns: tuple[str, ...]
    rows: Sequence[Mapping[str, str | None]]


class Observation(NamedTuple):
    """What one look at a server met: facts, each of its own type, or the trouble that kept us from them."""

    target: Target
    began: Instant
    ended: Instant
    trouble: Reason | None = None
    server: ServerVersion | None = None
    facts: tuple[Any, ...] = ()
    connection_id: int | None = None
    """The id that the greeting gave our connection: known even where the login was refused."""
    kept: bool = False
    """Whether an earlier look opened the connection: its id is then an old one."""

    def fact(self, kind: type[Facts]) -> Facts | None:
        """Return the fact of this type, or None where it was not observed."""
        for fact in self.facts:  # forty times a look
            if isinstance(fact, kind):
                return fact
        return None


class Lag(NamedTuple):
    """How far a replica is behind, in seconds, and what told it (`lag_source`)."""

    seconds: float
    source: str


class LastLag(NamedTuple):
    """The last lag that a replica with a living IO thread reported, in seconds, and when."""

    seconds: float
    at: Instant


class LastBeat(NamedTuple):
    """The oldest heartbeat (checks/heartbeat.py) that was seen in the last look."""

    name: str
    """Whose it is, and its time."""
    at: Instant
    """When it was seen first."""
    late: float
    """By how many seconds it came late at least: an earlier look, so long after it was written, did not see it."""
    received: str
    """What had come over its channel."""
    arrived: Instant
    """When anything was last seen to have come."""


class Sighting(NamedTuple):
    """The incarnation of a server that we saw last: what tells whether it has restarted since.

    It belongs to the server, whatever role we check it as. `started` is the server's own Unix time of its start.
    """

    number: int
    """Counts the incarnations that this director has seen; 1 is the one it met first, with no record before."""
    first_seen: Instant
    seen: Instant
    connection_id: int | None = None
    identity: str | None = None
    started: int | None = None
    uptime: int | None = None
    """Uptime in seconds as last told; what `trust_uptime` looks at where there is no record."""


class Filters(NamedTuple):
    """The replication filters of a server as they were seen last; what they were before, and when they changed."""

    text: str
    before: str | None = None
    changed: Instant | None = None


class OperatorHold(NamedTuple):
    """A drain by hand. Its times are Unix time, because an operator gave them as wall time."""

    reason: str
    who: str
    since: float
    until: float | None = None
    """None: until it is released."""
    left: float | None = None
    """Seconds until then, when it was read."""
    shared: bool = False
    """Whether it stands in the table on the source, for every director (checks/shared_hold.py)."""

    def standing(self, wall: float) -> "OperatorHold | None":
        """Return it with what is left of it at this Unix time; None where it is over."""
        if self.until is None:
            return self
        return self._replace(left=self.until - wall) if self.until > wall else None


class Memory(NamedTuple):
    """What outlives a check. `Memory()` is no memory: everything must be answerable from that too."""

    sighting: Sighting | None = None
    incarnation: int = 0
    """The number of the incarnation that all below is about."""
    answered_at: Instant | None = None
    """When this incarnation last answered all questions; every grace stands on that."""
    silent_since: Instant | None = None
    """Since when no look has got an answer (`fail_after`), and none has since."""
    lag: LastLag | None = None
    filters: Filters | None = None
    """This outlives an incarnation, too."""
    shared: OperatorHold | None = None
    """What stood in the table of shared holds when it was last read; over or not."""
    beat: LastBeat | None = None


class Verdict(NamedTuple):
    """All that the rules say, the most severe first, and the share of full weight that lag leaves."""

    reasons: tuple[Reason, ...]
    share: float
    blind: bool = False
    """The look failed, and a grace lets the last standing stay: it says nothing for or against the server."""
    lag: Lag | None = None
    """The lag that was judged; None where this look told none."""

    @property
    def severity(self) -> Severity:
        """The most severe of all reasons."""
        return max((reason.severity for reason in self.reasons), default=Severity.OK)


class Phase(Enum):
    """Where a server stands with us; holddown.py has the table of how one leads to another."""

    UP = "up"
    DRAINING = "draining"
    """Sound, but a rule says drain."""
    DOWN = "down"
    HELD = "held"
    """It answers well again, and does not serve yet."""
    RAMPING = "ramping"
    """It serves, with a weight that still climbs."""


class Standing(NamedTuple):
    """The phase of a server in one role, since when, and what the phases need to know of its past."""

    phase: Phase
    since: Instant
    until: Instant | None = None
    """DOWN and HELD: when the hold timer is over (None: only by hand). RAMPING and DRAINING: when the ramp is."""
    cause: str = ""
    """The code of the reason for which it left service; `restarted` or `first_seen` where no rule said a word."""
    incarnation: int = 0
    """The number of the incarnation that this standing is about."""
    proven: bool = False
    """Whether this incarnation has been let in."""
    flaps: tuple[Instant, ...] = ()
    """When it flapped, the last of them last; see holddown.damping."""
    factor: float = 1.0
    """By how much earlier flaps prolong the hold that goes on."""
    counted: bool = False
    """Whether the outage that goes on is among the flaps: a failure and the restart that ends it are one."""


class LetIn(NamedTuple):
    """That a pool needs a server which would not serve by itself; or that it no longer does."""

    pool: str
    text: str
    """How many of the pool serve by themselves, and how many must."""
    since: Instant
    new: bool = False
    """Whether this look is the first to know."""
    over: bool = False


class Refused(NamedTuple):
    """That a server which would serve as the source is not its pool's one source; or that this is over."""

    pool: str
    text: str
    """Which server is, and who can end it."""
    new: bool = False
    """Whether this look is the first to know."""
    over: bool = False


class Action(Enum):
    """What keepalived is asked to do with a server."""

    SERVE = "serve"
    DRAIN = "drain"
    FAIL = "fail"


class Decision(NamedTuple):
    """The answer to keepalived's question, with the share (0–1] of full weight and the reasons against it."""

    action: Action
    share: float
    phase: Phase
    reasons: tuple[Reason, ...]
    reentry: float | None = None
    """Seconds until the hold timer is over; infinite where only an operator ends it; None where nothing is held."""
