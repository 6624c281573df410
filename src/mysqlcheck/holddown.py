"""The phases: a database that came back is not a database that may serve.

`step` turns a verdict into a phase, by `TABLE` alone; everything that changes a phase is in this file.
docs/reference/hold-down.md is drawn from the table.

Everything is measured in time of this machine (model.Instant), nothing in number of checks: several checks of one
server, more of them a second, or a step of the wall clock change nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import TypeAlias

from mysqlcheck.checks.role import RoleSettings
from mysqlcheck.kinds import OneOf, Seconds, show_seconds
from mysqlcheck.model import Instant, Memory, Phase, Severity, Standing, Verdict
from mysqlcheck.settings import Setting

MOST_FLAPS = 16
RESTARTED, FIRST_SEEN = "restarted", "first_seen"


class HoldDownSettings(RoleSettings):
    """How long a server that came back must prove itself. 0 turns each of them off."""

    hold_down = Setting[float](
        Seconds(),
        default=60.0,
        help="Hold a server that restarted for so long, from the moment it first answers or last failed, "
        "and until it lags no more than --resume-lag.",
    )
    recover_after = Setting[float](
        Seconds(),
        default=10.0,
        help="Hold a server that failed and recovered without a restart for so long.",
    )
    hold_down_max = Setting[float](
        Seconds(),
        default=600.0,
        derive=lambda settings: max(600.0, settings.hold_down, settings.recover_after),
        default_text="10m, or hold_down if that is longer",
        help="Each earlier restart or failure doubles the hold, up to this. 0: none does.",
    )
    flap_half_life = Setting[float](
        Seconds(),
        default=900.0,
        help="How fast that is forgotten: after so long an earlier failure counts half.",
    )
    ramp = Setting[float](
        Seconds(),
        default=60.0,
        help="After the hold let the weight climb from a tenth to full over this time, so that a cold buffer pool is "
        "not flooded.",
    )
    release = Setting[str](
        OneOf("auto", "manual"),
        default="auto",
        derive=lambda settings: "manual" if settings.role == "source" else "auto",
        default_text="auto; manual for role source",
        help="Whether a server that restarted serves again by itself, or only after `mysqlcheck release`.",
    )
    trust_uptime = Setting[float](
        Seconds(),
        default=600.0,
        help="A server of which there is no record (first run, lost state) is held like one that restarted, unless its "
        "Uptime is at least this.",
    )

    def conflicts(self) -> Iterator[tuple[str, str]]:
        """No hold is longer than the longest."""
        yield from super().conflicts()
        longest = self.hold_down_max
        for name in ("hold_down", "recover_after"):
            value = self.values[name]
            if longest and value > longest:
                text = f"{name} {show_seconds(value)} is above hold_down_max {show_seconds(longest)}"
                yield (name if name in self.origins else "hold_down_max"), text


# Where it stands.


class Sign(Enum):
    """What a look says to the phases; the first that applies, in this order."""

    FAIL = "a rule fails"
    RESTART = "restarted"
    DRAIN = "a rule drains"
    BARRED = "a rule bars entry"
    CLEAN = "nothing against it"


Next: TypeAlias = Phase | tuple[Phase, Phase]
"""The next phase; or two: before and after the moment `until`."""

UP, DRAINING, DOWN, HELD, RAMPING = Phase.UP, Phase.DRAINING, Phase.DOWN, Phase.HELD, Phase.RAMPING
TABLE: dict[Phase, dict[Sign, Next]] = {
    # Serving: only severity counts, what bars entry does not
    UP: {
        Sign.FAIL: DOWN, Sign.RESTART: HELD, Sign.DRAIN: DRAINING, Sign.BARRED: UP, Sign.CLEAN: UP,
    },
    RAMPING: {
        Sign.FAIL: DOWN, Sign.RESTART: HELD, Sign.DRAIN: DRAINING,
        Sign.BARRED: (RAMPING, UP), Sign.CLEAN: (RAMPING, UP),
    },
    # Out of service: what bars entry counts too. From DRAINING straight back, to what is left of the ramp
    DRAINING: {
        Sign.FAIL: DOWN, Sign.RESTART: HELD, Sign.DRAIN: DRAINING, Sign.BARRED: DRAINING, Sign.CLEAN: (RAMPING, UP),
    },
    DOWN: {
        Sign.FAIL: DOWN, Sign.RESTART: HELD, Sign.DRAIN: HELD, Sign.BARRED: HELD, Sign.CLEAN: HELD,
    },
    HELD: {
        Sign.FAIL: DOWN, Sign.RESTART: HELD, Sign.DRAIN: HELD, Sign.BARRED: HELD, Sign.CLEAN: (HELD, RAMPING),
    },
}  # fmt: skip
SERVING = (UP, RAMPING)


def step(
    standing: Standing | None, verdict: Verdict, memory: Memory, settings: HoldDownSettings, now: Instant
) -> Standing:
    """Return the standing after this verdict. A look that failed within a grace changes nothing."""
    new = standing is None
    if standing is None:  # nothing is on record: held from now, unless it turns out to be trusted
        standing = Standing(DOWN, now, _later(now, settings, proven=False, factor=1.0), FIRST_SEEN, counted=True)
    elif verdict.blind:
        return standing
    elif now.since(standing.since) is None:
        standing = after_reboot(standing, settings, now)
    if standing.phase is HELD and standing.until is None and settings.release == "auto":  # it was manual before
        until = _later(standing.since, settings, proven=standing.proven, factor=standing.factor)
        standing = standing._replace(until=until)
    standing, restarted = _met(standing, memory, settings, now)
    if new and standing.proven:
        standing = standing._replace(phase=UP, until=now, cause="", counted=verdict.severity is Severity.FAIL)
    sign = sign_of(verdict, restarted)
    while True:
        phase = next_phase(standing, sign, now)
        entered = phase is not standing.phase or (phase is HELD and sign is Sign.RESTART)
        if phase is DOWN or entered:
            own_fault = not new and (restarted or _its_own_fault(verdict))
            standing = _enter(standing, phase, sign, own_fault, verdict, memory, settings, now)
        if not entered or phase is DOWN:
            return standing
        if sign is Sign.RESTART:  # that has been dealt with; what else is there to say?
            sign = sign_of(verdict, False)


def _met(standing: Standing, memory: Memory, settings: HoldDownSettings, now: Instant) -> tuple[Standing, bool]:
    """Take in which incarnation it is about; returns also whether it must be held as one that restarted.

    The first that this role meets is trusted if its Uptime says that it is old enough; any later one, and one that was
    seen refusing connections before, has started under our eyes. One that has only greeted, and never told its Uptime,
    has not been met.
    """
    seen = memory.sighting
    trusts_all = settings.hold_down == 0 and settings.release == "auto"
    trusts_first = trusts_all or settings.trust_uptime == 0
    known = seen is not None and (seen.uptime is not None or seen.connection_id is None)
    if seen is None or not (standing.incarnation or known):
        return standing._replace(proven=standing.proven or (standing.incarnation == 0 and trusts_first)), False
    if seen.number == standing.incarnation:
        return standing, False
    first = standing.incarnation == 0 and seen.connection_id is not None
    old = first and (trusts_first or (seen.uptime or 0) >= settings.trust_uptime)
    standing = standing._replace(incarnation=seen.number, proven=trusts_all or old)
    if standing.phase in (DOWN, HELD) and (first or standing.proven):  # it was held as one that nobody knew
        ended = standing.cause == FIRST_SEEN or over(standing, now)
        held_in_vain = standing.proven and standing.phase is HELD and ended
        until = now if held_in_vain else _later(now, settings, standing.proven, standing.factor)
        standing = standing._replace(until=until)
    return standing, not (first or standing.proven)


def edges() -> list[tuple[str, str]]:
    """Return every change of phase that one look can lead to, by the phases' names.

    A look may lead through several: with every hold turned off from DOWN through HELD and RAMPING to UP.
    """
    found = set[tuple[Phase, Phase]]()
    for start, first in ((phase, sign) for phase in TABLE for sign in Sign):
        ways = [(start, first)]
        for phase, sign in ways:  # grows meanwhile
            after = TABLE[phase][sign]
            for reached in after if isinstance(after, tuple) else (after,):
                found.add((start, reached))
                rest = (Sign.DRAIN, Sign.BARRED, Sign.CLEAN) if sign is Sign.RESTART else (sign,)
                moved = reached is not phase or sign is Sign.RESTART
                if moved and reached is not DOWN:
                    ways += [(reached, one) for one in rest if (reached, one) not in ways]
    return sorted((before.value, after.value) for before, after in found if before is not after)


def sign_of(verdict: Verdict, restarted: bool) -> Sign:
    """Reduce a verdict to what the phases look at."""
    if verdict.severity is Severity.FAIL:
        return Sign.FAIL
    if restarted:
        return Sign.RESTART
    if verdict.severity is Severity.DRAIN:
        return Sign.DRAIN
    return Sign.BARRED if any(reason.bars_entry for reason in verdict.reasons) else Sign.CLEAN


def next_phase(standing: Standing, sign: Sign, now: Instant) -> Phase:
    """Look the next phase up."""
    found = TABLE[standing.phase][sign]
    return found if isinstance(found, Phase) else found[over(standing, now)]


def over(standing: Standing, now: Instant) -> bool:
    """Whether the moment `until` has come."""
    return standing.until is not None and now.since(standing.until) is not None


def _enter(
    before: Standing,
    phase: Phase,
    sign: Sign,
    own_fault: bool,
    verdict: Verdict,
    memory: Memory,
    settings: HoldDownSettings,
    now: Instant,
) -> Standing:
    """Enter a phase; DOWN at each failure anew, because the hold counts from the last one."""
    since = before.since if phase is before.phase and phase is DOWN else now
    after = before._replace(phase=phase, since=since)
    if phase in SERVING:
        until = now.plus(settings.ramp) if before.phase is HELD else before.until
        return after._replace(until=until, proven=True, cause="", factor=1.0)
    if phase is DRAINING:
        return after._replace(cause=verdict.reasons[0].code)
    if before.phase is not DOWN:  # an outage begins; it may be counted already where nothing is on record
        after = after._replace(factor=damping(before.flaps, settings, now))
    if own_fault and not after.counted:
        after = after._replace(flaps=(*before.flaps, now)[-MOST_FLAPS:], counted=True)
    if phase is DOWN:
        cause = verdict.reasons[0].code
        return after._replace(cause=cause, until=_later(now, settings, after.proven, after.factor, cause))
    after = after._replace(counted=False)  # what happens while it is held is another outage
    if sign is Sign.RESTART:
        first_seen = memory.sighting.first_seen if memory.sighting else now
        begin = first_seen if before.phase is not DOWN and now.since(first_seen) is not None else now
        return after._replace(cause=RESTARTED, until=_later(begin, settings, proven=False, factor=after.factor))
    return after  # HELD after DOWN: the timer has begun at the last failure


def after_reboot(standing: Standing, settings: HoldDownSettings, now: Instant) -> Standing:
    """Carry a standing over a reboot of this director, of which nobody knows how long it took: timers begin anew."""
    until = standing.until
    if standing.phase in (DOWN, HELD):
        until = _later(now, settings, proven=standing.proven, factor=1.0)
    elif standing.phase is RAMPING:
        until = now.plus(settings.ramp)
    else:
        until = now
    return standing._replace(since=now, until=until, flaps=(), factor=1.0)


def released(standing: Standing, now: Instant) -> Standing:
    """End the hold timer by hand. What else bars entry still does."""
    if standing.phase is not HELD:
        return standing
    rebooted = now.since(standing.since) is None  # else the next look would begin the timer anew
    return standing._replace(until=now, since=now if rebooted else standing.since)


def _its_own_fault(verdict: Verdict) -> bool:
    """Whether the server failed for a reason for which neither the network nor the director may be to blame."""
    return any(reason.severity is Severity.FAIL and reason.grace is None for reason in verdict.reasons)


def _later(begin: Instant, settings: HoldDownSettings, proven: bool, factor: float, cause: str = "") -> Instant | None:
    """When a hold that begins now is over; None where only an operator ends it.

    Whoever makes a source writable that was read-only lets it in by that: a standby that is promoted must not wait
    because it restarted one day.
    """
    if not proven and settings.release == "manual" and cause != "read_only":
        return None
    seconds = settings.recover_after if proven else settings.hold_down
    if settings.hold_down_max:
        seconds = min(seconds * factor, settings.hold_down_max)
    return begin.plus(seconds)


def damping(flaps: tuple[Instant, ...], settings: HoldDownSettings, now: Instant) -> float:
    """Return by how much these flaps prolong a hold: each doubles it, an old one less, after the half-life by √2."""
    if not settings.hold_down_max:
        return 1.0
    return float(2 ** penalty(flaps, settings, now))


def penalty(flaps: tuple[Instant, ...], settings: HoldDownSettings, now: Instant) -> float:
    """Return how many flaps are remembered: each counts 1 at first and half of it after each half-life (RFC 2439)."""
    ages = [age for flap in flaps if (age := now.since(flap)) is not None]
    half_life = settings.flap_half_life
    return float(sum(0.5 ** (age / half_life) for age in ages)) if half_life else 0.0
