"""What is kept of a server: its record, the lines of its history, and what a look was judged from."""

from typing import NamedTuple

from mysqlcheck.model import (
    Action,
    Instant,
    LetIn,
    Memory,
    Observation,
    OperatorHold,
    Phase,
    Refused,
    Sighting,
    Standing,
)


class Event(NamedTuple):
    """One line of a server's history, at Unix time `at`."""

    at: float
    target: str
    role: str
    """Empty where it is about the server, whatever the role."""
    kind: str
    """transition, restart, let-in, let-out, refused, accepted, hold, release, notify-up, notify-down."""
    before: str
    after: str
    text: str
    capture: str | None = None
    """The look that it came of, as JSON (captures.py); None where it came of none, or is not kept any more."""


class Told(NamedTuple):
    """What was last said of a server, for `status`."""

    action: Action
    weight: int | None
    """The weight asked of keepalived; None in plain style."""
    code: str
    """The code and the text of the reason that matters most; empty where nothing speaks against it."""
    text: str
    lag: float | None


class Record(NamedTuple):
    """All that is kept of a server in one role."""

    memory: Memory
    standing: Standing
    seen: Instant
    """When the look ended that this was made from; an older look changes nothing."""
    at: float
    """The same as Unix time, for people."""
    told: Told
    changed: float
    """Unix time of the last change of phase."""
    transitions: tuple[tuple[str, str, int], ...] = ()
    """How often it went from one phase to another."""


class Capture(NamedTuple):
    """All that a look was judged from but the settings, to be judged again under others; and what it led to."""

    at: float
    """Unix time."""
    role: str
    observation: Observation
    action: Action
    share: float
    phase: Phase
    sighting: Sighting | None = None
    """The last one of the server before this look."""
    record: Record | None = None
    """What was on record before this look, but for what is only counted."""
    hold: OperatorHold | None = None
    let_in: LetIn | None = None
    refused: Refused | None = None
    aside: str | None = None
