"""What must hold of every single answer, told from the truth about the server and not from what the code keeps."""

from __future__ import annotations

import math

import pytest

from mysqlcheck.judgement import Judgement, JudgementSettings
from mysqlcheck.model import Action, Decision, OperatorHold, Phase
from tests.core.histories import Meeting, Met

SERVING = (Phase.UP, Phase.RAMPING)
OUT = (Phase.DOWN, Phase.HELD)


class Seen:
    """What one director has seen of the server, whatever the role: kept apart from what the code under test keeps."""

    def __init__(self) -> None:
        self.incarnation = self.number = 0
        """Which one it really was that it saw last; and how many it has seen, as far as it can know."""
        self.first_sight = -math.inf
        self.uptime: int | None = None
        """As this incarnation told it last."""
        self.started: tuple[str, int] = ("", 0)
        self.refused = False
        """Whether nobody listened there before the first incarnation was seen."""
        self.last_id: int | None = None
        self.last_ended = self.booted = -math.inf
        self.first_of_boot = -math.inf
        """When the first look of this boot of the director ended: of a look that began before nobody can say more."""

    def take(self, met: Meeting) -> None:
        """It restarted if the Uptime told is of another start, or if the connection id fell."""
        if met.how is Met.DEFINITE and met.greeted is None and not self.incarnation:
            self.refused |= met.seen.trouble is not None and met.seen.trouble.code == "unreachable"
            self.first_sight = met.ended
        if met.greeted is None:
            return
        if self.first_of_boot < self.booted:
            self.first_of_boot = met.ended
        number, in_order = met.seen.connection_id or 0, met.began >= self.last_ended
        fell = in_order and self.last_id is not None and number < self.last_id
        if met.greeted > self.incarnation > 0 and self.uptime is None and met.told and not fell:
            # nobody knows when the last one started; only whether that which answers now has started since
            young = met.seen.facts[0].uptime < met.ended - self.first_sight - 1
            if self.first_sight < self.booted or not young:
                self.incarnation = met.greeted
        new = met.greeted > self.incarnation and bool(met.told or fell or not self.incarnation)
        if new:
            self.incarnation, self.first_sight, self.uptime = met.greeted, met.ended, None
            self.number += 1
        if in_order:
            self.last_id, self.last_ended = number, met.ended
        if met.told == self.incarnation and (new or met.began >= self.first_sight):  # else it may be of an earlier
            fact = met.seen.facts[0]
            self.uptime, self.started = fact.uptime, (fact.identity, fact.started)


class Watch:
    """What must hold of the answers of one director in one role."""

    def __init__(self, seen: Seen, settings: JudgementSettings) -> None:
        self.seen, self.s = seen, settings
        self.longest = settings.hold_down_max or max(settings.hold_down, settings.recover_after)
        self.last: Decision | None = None
        self.ended = -math.inf
        self.number = 0
        self.met = self.trusted = False
        """Whether this role has met an incarnation whose Uptime is known; and whether the first was old enough."""
        self.served = self.freed = self.promoted = False
        """Whether this incarnation has served, was released, or was made writable, which lets it in by hand too."""
        self.failing = self.counted = self.rebooted = self.held = False
        self.hold = settings.hold_down
        """How long a restarted server must be held at least."""
        self.timer = self.failed_at = self.restarted_at = self.freed_at = self.ramp_from = self.outage_at = -math.inf
        self.answered_at = self.silent_since = math.nan
        self.stretch = math.nan
        """Since when nothing but lag was the matter."""
        self.setbacks = 0
        self.restarts: list[float] = []

    @property
    def admitted(self) -> bool:
        """Whether this incarnation needs no hold_down, or none any more."""
        off = self.s.hold_down == 0 and self.s.release == "auto"
        return self.served or self.freed or self.trusted or off or (not self.met and self.s.trust_uptime == 0)

    def release(self, now: float) -> None:
        """An operator ends its hold; that helps nothing against a failure."""
        if self.last is not None and self.last.phase is Phase.HELD:
            self.freed, self.freed_at = True, now
            self.timer = self.failed_at = -math.inf

    def reboot(self) -> None:
        """No moment of the last boot can be compared with one of the next: timers begin anew."""
        self.answered_at = self.silent_since = self.stretch = math.nan
        self.restarts, self.freed, self.promoted, self.rebooted = [], False, False, True
        self.hold = self.s.hold_down
        self.setbacks = int(self.last is not None and self.last.phase in OUT)
        self.counted |= self.failing  # what is forgotten of an outage is all of it

    def take(self, met: Meeting, judged: Judgement, hold: OperatorHold | None) -> None:
        """Assert of the answer to one look what must hold of every one."""
        found, now, before = judged.decision, met.ended, self.last.phase if self.last else None
        if hold is not None:
            assert found.action is not Action.SERVE, "it serves although an operator holds it"
        if now < self.ended:
            assert found.phase is before, "a look older than the last one changed the phase"
            assert not judged.events
            return
        self._begin(now, before)
        failed, blind = self._failed(met)
        self._note(met, failed, blind, before)
        self._holds(found, now)
        self._matches(found, met, before, failed, blind)
        if found.phase in SERVING:
            self._climbs(found, met, before, blind)
            self.served, self.failed_at = True, -math.inf
        self.last, self.ended = found, now

    def _begin(self, now: float, before: Phase | None) -> None:
        if self.rebooted:
            self.rebooted = False
            if before in OUT and not self.freed and self.seen.number == self.number:
                self.timer = now
                self.failed_at = now if self.failed_at > -math.inf else self.failed_at
            self.ramp_from = now if before is Phase.RAMPING else -math.inf
        if self.seen.number != self.number:
            self._restarted(now, not self.number or before is None or not self.met)  # greetings are no record
        refusing = self.seen.refused and not self.seen.incarnation
        if self.met or (self.seen.uptime is None and not refusing):
            return
        self.met = True
        if self.seen.uptime is not None:
            self.trusted = self.s.trust_uptime == 0 or self.seen.uptime >= self.s.trust_uptime
            self.timer = max(self.timer, now)  # nobody knew before how old it is
            self.freed_at = self.freed_at if self.trusted else math.inf  # who released it did not know either
            if before is Phase.HELD:  # a hold that was shorter than recover_after may have been over
                self.failed_at += min(0.0, self.s.hold_down - self.s.recover_after)

    def _restarted(self, now: float, first: bool) -> None:
        self.number = self.seen.number
        self.answered_at = self.silent_since = self.stretch = math.nan
        self.served = self.freed = self.trusted = self.promoted = False
        self.timer = max(self.timer, self.seen.first_sight)
        if first:
            return
        if not (self.failing and self.counted):  # a failure and the restarts that end it are one outage
            self.hold = self._prolonged(now)
            self.restarts.append(self.outage_at if self.failing else now)
            self.counted = True
        self.restarted_at, self.met = now, True
        self.held |= not self.admitted
        self.setbacks += not self.failing

    def _prolonged(self, now: float) -> float:
        """Each restart within memory doubles the hold, up to the maximum."""
        half_life = self.s.flap_half_life
        if not self.s.hold_down_max or not half_life:
            return float(self.s.hold_down)
        penalty = sum(0.5 ** ((now - then) / half_life) for then in self.restarts[-16:])
        return float(min(self.s.hold_down_max, self.s.hold_down * 2**penalty))

    def _failed(self, met: Meeting) -> tuple[bool, bool]:
        """Whether this look failed it, and whether it told nothing because a grace goes on."""
        if met.how is Met.ANSWER:
            self.answered_at, self.silent_since = met.ended, math.nan
            return met.fails, False
        counts = met.how is Met.DEFINITE or math.isnan(self.answered_at)
        if met.how is Met.SILENCE:
            if math.isnan(self.silent_since):
                self.silent_since = met.began
            counts |= met.ended - self.silent_since >= self.s.fail_after
            counts |= met.timed_out and self.s.timeout >= self.s.fail_after
        else:
            self.silent_since = math.nan
        if met.how is Met.DEFINITE:
            self.answered_at = math.nan  # a grace stands on a good verdict, and that one is over
        if met.how is Met.REFUSAL:
            counts |= met.ended - self.answered_at >= self.s.credentials_grace
        return met.fails or (counts and not met.drains), not counts and not met.fails

    def _note(self, met: Meeting, failed: bool, blind: bool, before: Phase | None) -> None:
        now = met.ended
        if failed:
            if not self.failing and self.restarted_at != now:  # else that is one setback, and was counted
                self.setbacks += 1
                self.hold = self.s.hold_down if self.admitted else max(self.hold, self._prolonged(now))
            self.outage_at = self.outage_at if self.failing else now
            self.timer = self.failed_at = now
            self.counted |= before is None  # nobody knows since when that outage goes on
            self.failing, self.freed = True, False
            self.promoted = self.s.role == "source" and met.how is Met.ANSWER
        elif not blind:
            self.failing = self.counted = False
        if failed or met.how is not Met.ANSWER:
            self.stretch = math.nan
        elif math.isnan(self.stretch):
            self.stretch = now

    def _holds(self, found: Decision, now: float) -> None:
        """Nothing serves inside a hold, and no hold is longer than the longest."""
        if found.phase in SERVING and self.admitted:
            assert now >= self.failed_at + self.s.recover_after, "it serves before recover_after is over"
        elif found.phase in SERVING:
            assert self.s.release == "auto" or self.promoted, "it serves before an operator has released it"
            assert now >= self.timer + self.hold - 1e-6, "it serves before hold_down is over"
        if found.reentry == math.inf:
            assert self.s.release == "manual"
        elif found.reentry is not None:
            assert found.phase is Phase.HELD
            assert found.reentry <= self.longest + 1e-6, "a hold is longer than the longest"

    def _matches(self, found: Decision, met: Meeting, before: Phase | None, failed: bool, blind: bool) -> None:
        """It serves nothing that must not be served, and whatever is healthy long enough."""
        serves = found.phase in SERVING
        if failed:
            assert found.phase is Phase.DOWN
        if blind:
            assert found.phase is before or (before in OUT and found.phase in OUT), "a grace changed the phase"
            return
        if met.drains:
            assert not serves, "it serves what must be drained"
        fine = met.how is Met.ANSWER and not failed and not met.drains
        known = not met.replicates or met.lag is not None
        ready = fine and known and (met.lag or 0) <= self.s.resume_lag
        if serves and before is not None and before not in SERVING:
            assert fine
            assert ready or not known, "it begins to serve above resume_lag"
        if fine and known and (before in SERVING or before is None) and self.admitted:
            assert serves, "it is taken out although nothing speaks against it"
        if ready and (self.admitted or self.s.release == "auto" or self.promoted):
            assert serves or met.ended - self.stretch < self._longest(met.ended), "it is healthy, and does not serve"

    def _longest(self, now: float) -> float:
        """How long a server that is healthy may have to wait."""
        if self.freed:
            return 0.0 if now >= self.freed_at else math.inf
        if self.admitted and not self.setbacks:
            return 0.0
        if self.setbacks <= 1:
            return float(self.s.recover_after if self.admitted else self.s.hold_down)
        return float(self.longest)

    def _climbs(self, found: Decision, met: Meeting, before: Phase | None, blind: bool) -> None:
        """The weight climbs in a straight line from a tenth to full."""
        if before in OUT or self.held:
            self.ramp_from, self.held = met.ended, False
        if blind:
            return
        since, ramp = met.ended - self.ramp_from, self.s.ramp
        expected = 1.0 if since >= ramp else max(0.1, 0.1 + 0.9 * since / ramp)
        if met.lag is None or met.lag <= self.s.lag_ok:
            assert found.share == pytest.approx(expected)
        else:
            assert found.share <= expected + 1e-9
