"""When too few of a pool would serve: whom to let in all the same.

A rule judges one server, and cannot know that it is the last one. A power cut that restarts all replicas, or a batch
job that makes all of them lag, would leave nobody. So a pool lets in as many as `min_serving` lacks, in this order:

serves              counts, and needs no letting in; so does a server that has not been looked at yet
drained for lag     the least behind first, up to panic_max_lag
held by the timer   the shortest wait first, behind by no more than that either
anything else       never: it fails for a reason of its own, its lag is unknown, an operator drained it,
                    or it waits for `mysqlcheck release`

Who was let in stays while it may and is needed, even if another would be the better choice by now; and for
`recover_after` longer than it is needed. Who was sent away because it lagged too much comes back only below nine tenths
of panic_max_lag.
"""

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import NamedTuple

from mysqlcheck.kinds import Seconds, Whole, show_seconds
from mysqlcheck.model import (
    Action,
    Decision,
    Instant,
    OperatorHold,
    Phase,
    Severity,
    Standing,
    Verdict,
)  # fmt: skip
from mysqlcheck.settings import Group, Setting
from mysqlcheck.standing import remaining

BACK = 0.9
"""The part of panic_max_lag below which a server comes back that was above it."""
LAG_CODES = ("lag", "source_lost")
"""Reasons whose `observed` says how old the data may be, in seconds."""
SOURCES = frozenset({"pool"})


class PoolSettings(Group):
    """A [pool.NAME] table: what the agent asks of the servers that name this pool."""

    min_serving = Setting[int](
        Whole(1, 1000),
        default=1,
        help="How many of its servers must serve. Where fewer would, others are let in: those that are drained only "
        "for their lag, then those that are held by the timer.",
        sources=SOURCES,
    )
    panic_max_lag = Setting[float](
        Seconds(1),
        default=600.0,
        help="None is let in whose data may be older than this. While the source is lost that is its last known lag "
        "plus the time since.",
        sources=SOURCES,
    )
    recover_after = Setting[float](
        Seconds(),
        default=10.0,
        help="Send those that were let in away when so long enough others have served.",
        sources=SOURCES,
    )


class Kind(Enum):
    """What a server is to its pool."""

    SERVES = "serves by itself"
    LAGS = "drained for its lag alone"
    HELD = "held by the timer alone"
    OUT = "out for a reason that no need outweighs"


class Member(NamedTuple):
    """A server as its pool sees it; how old its data may be, and how long it is still held, in seconds."""

    kind: Kind
    behind: float = 0.0
    left: float = 0.0

    @property
    def may_help(self) -> bool:
        """Whether it may be let in, if it is not too far behind."""
        return self.kind in (Kind.LAGS, Kind.HELD)


class Count(NamedTuple):
    """A pool in numbers."""

    name: str
    size: int
    min_serving: int
    serving: int
    """By themselves."""
    let_in: int
    source_lost: bool = False
    """Whether several ask the same source, and none gets an answer."""
    links_lost: int = 0
    """How many have lost a source to which others are connected."""

    @property
    def in_panic(self) -> bool:
        """Whether too few serve by themselves."""
        return self.serving < self.min_serving

    def __str__(self) -> str:
        return f"{self.serving} of {self.size} serve by themselves, min_serving {self.min_serving}"


class State(NamedTuple):
    """Who is let in, since when; who was sent away for its lag; and since when more are let in than it needs."""

    let_in: Mapping[str, Instant] = {}
    too_late: frozenset[str] = frozenset()
    surplus_since: Instant | None = None


def member(
    standing: Standing,
    verdict: Verdict,
    decision: Decision,
    hold: OperatorHold | None,
    now: Instant,
    before: Member | None = None,
) -> Member:
    """Say what a server is to its pool, from what the rules and the phases say of it alone.

    A look that failed within a grace says nothing: the server stays what it was before.
    """
    if decision.action is Action.SERVE:
        return Member(Kind.SERVES)
    kind = {Phase.DRAINING: Kind.LAGS, Phase.HELD: Kind.HELD}.get(standing.phase)
    left = remaining(standing, now) if kind is Kind.HELD else 0.0
    if kind is None or left is None or hold is not None:
        return Member(Kind.OUT)
    if verdict.blind:
        return before if before and before.kind is kind else Member(Kind.OUT)
    behind = 0.0
    for reason in verdict.reasons:
        if reason.code in LAG_CODES and isinstance(reason.observed, (int, float)):
            behind = max(behind, reason.observed)
        elif reason.bars_entry or reason.severity >= Severity.DRAIN:
            return Member(Kind.OUT)
    return Member(kind, behind, left)


def serving(members: Mapping[str, Member], size: int) -> int:
    """Return how many of a pool of this size serve by themselves, or have not been looked at yet."""
    return sum(one.kind is Kind.SERVES for one in members.values()) + size - len(members)


def step(state: State, members: Mapping[str, Member], size: int, settings: PoolSettings, now: Instant) -> State:
    """Return who is let in now. `members` are those of the pool that have been looked at, `size` counts all of it."""
    need = max(0, settings.min_serving - serving(members, size))
    if not need and not state.let_in:
        return State()
    limit = settings.panic_max_lag
    able = {name: one for name, one in members.items() if one.may_help}
    late = {name for name in (*state.let_in, *state.too_late) if name in able and able[name].behind > limit * BACK}
    late -= {name for name in state.let_in if name in able and able[name].behind <= limit}
    chosen = {name: since for name, since in state.let_in.items() if name in able and name not in late}
    surplus_since = None
    if len(chosen) > need:
        surplus_since = state.surplus_since or now
        if (age := now.since(surplus_since)) is not None and age >= settings.recover_after:
            best = _ranked({name: able[name] for name in chosen})[:need]
            chosen, surplus_since = {name: chosen[name] for name in best}, None
    elif len(chosen) < need:
        others = {n: one for n, one in able.items() if n not in chosen and n not in late and one.behind <= limit}
        chosen |= dict.fromkeys(_ranked(others)[: need - len(chosen)], now)
    return State(chosen, frozenset(late), surplus_since) if need or chosen else State()


def _ranked(members: Mapping[str, Member]) -> list[str]:
    """The best first."""

    def rank(name: str) -> tuple[bool, float, float, str]:
        one = members[name]
        held = one.kind is Kind.HELD
        return held, one.left if held else 0.0, one.behind, name

    return sorted(members, key=rank)


def conflicts(settings: PoolSettings, max_lags: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    """Yield (setting, what is wrong) for a pool of servers with these `max_lag`s, by their names."""
    if settings.min_serving > len(max_lags):
        yield "min_serving", f"min_serving {settings.min_serving} is more than the {len(max_lags)} servers of the pool"
    for name, max_lag in max_lags.items():
        if settings.panic_max_lag < max_lag:
            less = f"panic_max_lag {show_seconds(settings.panic_max_lag)} is below max_lag {show_seconds(max_lag)}"
            yield "panic_max_lag", f"{less} of {name}: nobody could be let in"
