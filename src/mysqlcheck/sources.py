"""Two servers of a pool that both take writes: which of them is its source.

A rule judges one server, and cannot know that another takes writes too. Served both, clients would write to both, and
the data would drift apart. So of a pool's servers of role `source` one alone is served, the incumbent:

    the incumbent         another wants to serve too              then
    none                  one                                     becomes the incumbent
    wants to serve        refused                                 the incumbent stays; the other is refused for good:
                                                                  both took writes, and an operator must decide
    is silent (it fails,  for the first time                      a failover: it becomes the incumbent, and the old one
    or is held)                                                   is refused when it comes back writable
    is silent             was refused before                      stays refused: both took writes at once
    not looked at yet     whoever it is                           waits for that look
    yields (read_only,    was refused before                      an operator has decided: nobody is refused any more,
    drained by hand)                                              who waited longest becomes the incumbent

Who is refused and yields itself is refused no longer; when it wants again it is anew what the table says.
"""

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from mysqlcheck.model import Action, Decision, Instant, OperatorHold, Severity, Verdict
from mysqlcheck.record import Record
from mysqlcheck.standing import TWO_SOURCES


class Claim(Enum):
    """What a server of role source is by itself."""

    WANTS = "it takes writes, and nothing speaks against it"
    YIELDS = "read_only, or drained by an operator: somebody decided that it is not the source"
    SILENT = "it fails, or is held: nobody writes to it through us"
    UNSEEN = "served when it was last seen, and not looked at yet"


class State(NamedTuple):
    """Who is the source, and who is refused until an operator decides, since when."""

    incumbent: str | None = None
    refused: Mapping[str, Instant] = {}


def claim(verdict: Verdict, decision: Decision, hold: OperatorHold | None) -> Claim:
    """Say what a server claims to be, from what the rules and the phases say of it alone."""
    if hold is not None or any(r.code == "read_only" and r.severity is Severity.FAIL for r in verdict.reasons):
        return Claim.YIELDS
    return Claim.WANTS if decision.action is Action.SERVE else Claim.SILENT


def recall(records: Mapping[str, Record], now: Instant) -> tuple[State, dict[str, Claim]]:
    """Return what is on record, for an agent that begins: of two that served, that which stood longer in its phase."""
    refused = {name: now for name, record in records.items() if record.told.code == TWO_SOURCES}
    others = {
        name: record
        for name, record in records.items()
        if name not in refused and record.told.code not in ("read_only", "operator_hold")
    }
    serves = {name: record.told.action is Action.SERVE for name, record in others.items()}
    incumbent = min(others, key=lambda name: (not serves[name], others[name].changed, name), default=None)
    claims = {name: Claim.UNSEEN if serves.get(name) else Claim.SILENT for name in (*refused, *others)}
    return State(incumbent, refused if incumbent else {}), claims


def step(state: State, claims: Mapping[str, Claim], now: Instant) -> State:
    """Return who is the source now. `claims` are those of the pool's servers that are known."""
    incumbent = state.incumbent if state.incumbent in claims else None
    refused = {name: at for name, at in state.refused.items() if claims.get(name, Claim.YIELDS) is not Claim.YIELDS}
    wanting = sorted((name for name, one in claims.items() if one is Claim.WANTS), key=lambda n: _waited(refused, n))
    if incumbent is None or claims[incumbent] is Claim.YIELDS:
        incumbent, refused = (wanting[0] if wanting else None), {}
    elif claims[incumbent] is Claim.SILENT:
        incumbent = next((name for name in wanting if name not in refused), incumbent)
    if incumbent is not None and claims[incumbent] is Claim.WANTS:
        refused |= {name: now for name in wanting if name != incumbent and name not in refused}
    return State(incumbent, refused)


def _waited(refused: Mapping[str, Instant], name: str) -> tuple[bool, float, str]:
    """The longest first, whoever was not refused yet last."""
    return name not in refused, refused[name].seconds if name in refused else 0.0, name


def against(state: State, claims: Mapping[str, Claim], name: str, pool: str) -> str | None:
    """Say why a server is refused; None where it is not."""
    source = state.incumbent
    if source is None or name == source or not (name in state.refused or claims.get(name) is Claim.WANTS):
        return None
    how = f"until {source} is read_only or drained (`mysqlcheck hold`), or this one is"
    match claims[source]:
        case Claim.UNSEEN:
            return f"{source} was the source of pool {pool} and has not been looked at yet"
        case Claim.SILENT:
            return f"{source}, the source of pool {pool}, took writes too, and fails now: refused {how}"
        case _:
            return f"{source} is the source of pool {pool} and takes writes too: refused {how}"
