"""The values that one check passes on: Target → Observation → Memory → Verdict → Standing → Decision.

Everything here is an immutable value; nothing here reads a clock, a file or a socket.
NamedTuples and not frozen dataclasses: a tenth of the cost at import, and the check is forked
thousands of times an hour.
"""

from __future__ import annotations

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
    def parse(cls, text: str, default_port: int = DEFAULT_PORT) -> Target:
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

    def since(self, earlier: Instant) -> float | None:
        """Seconds from `earlier` to this moment; None across boots, where the two cannot be compared.

        Where the boot_id is hidden two boots look like one: a clock that went back gives them away.
        """
        seconds = self.seconds - earlier.seconds
        return seconds if self.boot_id == earlier.boot_id and seconds >= 0 else None


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
    def parse(cls, text: str) -> ServerVersion:
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

    def fact(self, kind: type[Facts]) -> Facts | None:
        """Return the fact of this type, or None where it was not observed."""
        return next((fact for fact in self.facts if isinstance(fact, kind)), None)


class LastLag(NamedTuple):
    """The last lag that a replica with a living IO thread reported, in seconds, and when."""

    seconds: float
    at: Instant


class Memory(NamedTuple):
    """What outlives a check. `Memory()` is no memory: everything must be answerable from that too."""

    lag: LastLag | None = None


class Verdict(NamedTuple):
    """All that the rules say, the most severe first, and the share of full weight that lag leaves."""

    reasons: tuple[Reason, ...]
    share: float

    @property
    def severity(self) -> Severity:
        """The most severe of all reasons."""
        return max((reason.severity for reason in self.reasons), default=Severity.OK)


class Phase(Enum):
    """Where a server stands with us. HELD and RAMPING come with hold-down."""

    UP = "up"
    DRAINING = "draining"
    DOWN = "down"


class Standing(NamedTuple):
    """The phase of a server, and since when."""

    phase: Phase
    since: Instant


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
