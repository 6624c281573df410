# ruff: noqa: E501, F401, SIM102
# mypy: ignore-errors
"""Random histories of a server, its directors and their operators, and what must hold in each of them.

HISTORIES_SEED repeats a run (it is printed, and stands in the message of a failure); HISTORIES_STEPS says how many steps
all the tests here make together. A step is one rule: something happens, or somebody looks, once or several times.
"""

from __future__ import annotations

import math
import os
import random
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import Phase as Stage
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from mysqlcheck.judgement import Judgement, JudgementSettings
from mysqlcheck.model import Action, Decision, OperatorHold, Phase
from tests.core.histories import EPOCH, TICK, Director, Door, Line, Meeting, Met, Server, meet

SEED = int(os.environ.get("HISTORIES_SEED") or random.SystemRandom().getrandbits(32))
STEPS = int(os.environ.get("HISTORIES_STEPS") or 100_000)
LENGTH = 50
"""Steps of one history."""
SERVING = (Phase.UP, Phase.RAMPING)
OUT = (Phase.DOWN, Phase.HELD)

PLANS = st.fixed_dictionaries(
    {
        "hold_down": st.sampled_from([60.0, 0.0, 1.0, 10.0]),
        "recover_after": st.sampled_from([10.0, 0.0, 1.0, 60.0]),
        "hold_down_max": st.sampled_from([600.0, 0.0, 60.0]),
        "flap_half_life": st.sampled_from([900.0, 0.0, 10.0]),
        "ramp": st.sampled_from([60.0, 0.0, 10.0]),
        "trust_uptime": st.sampled_from([600.0, 0.0, 30.0]),
        "fail_after": st.sampled_from([3.0, 0.0, 1.0, 10.0]),
        "credentials_grace": st.sampled_from([600.0, 0.0, 10.0]),
        "timeout": st.sampled_from([3.0, 0.5]),
        "max_staleness": st.sampled_from([3600.0, 0.0, 30.0]),
        "release": st.sampled_from(["auto", "auto", "manual"]),
    }
)
LAGS = st.sampled_from([(60.0, 30.0, 10.0), (60.0, 60.0, 60.0), (10.0, 0.0, 0.0)])
SPANS = st.sampled_from(
    [
        1.0, TICK, 0.25, 3.0, 10.0, 60.0, 300.0, 1000.0,
        "hold_down", "recover_after", "ramp", "fail_after", "trust_uptime", "credentials_grace", "hold_down_max",
    ]
)  # fmt: skip
LINES = st.sampled_from([Line.FINE, Line.FINE, *Line])
TIMES = st.sampled_from([1, 2, 5, 12])
EVERY = st.sampled_from([1.0, 0.25, 6.0, 60.0])


class World(RuleBasedStateMachine):
    """A server to which things happen, and settings. What looks at it is the business of each kind of history."""

    steps = looks = 0
    clear_ids = True
    """Whether a connection id after a restart tells the same to everybody, whoever looked last."""

    @initialize(
        plan=PLANS,
        lags=LAGS,
        uptime=st.sampled_from([86400.0, 0.0, 599.0]),
        roles=st.sampled_from([("replica", "any"), ("any", "replica"), ("source", "any")]),
    )
    def begin(
        self, plan: dict[str, Any], lags: tuple[float, float, float], uptime: float, roles: tuple[str, str]
    ) -> None:
        self.count()
        self.at, self.roles, self.plan = 100_000.0, roles, {"host": "192.168.1.201", **plan}
        self.plan.update(zip(("max_lag", "resume_lag", "lag_ok"), lags, strict=True))
        self.server = Server(self.at, uptime, writable="source" in roles)
        self.start()

    def start(self) -> None:
        """Set up who looks."""
        self.settings = {role: JudgementSettings.of(**self.plan, role=role) for role in self.roles}

    def may_change(self) -> bool:
        """Whether anything may happen to the server now."""
        return True

    def everybody_looks(self) -> None:
        """Look once, in whatever ways this kind of history looks."""

    @classmethod
    def count(cls) -> None:
        cls.steps += 1

    def happens(self, seen: bool) -> None:
        """Count a step in which something happened; where it is `seen` everybody looks at once."""
        self.count()
        if seen:
            self.everybody_looks()

    def look(self, role: str, took: float = TICK, line: Line = Line.FINE, answers: int = 0) -> Meeting:
        """Look at the server; time goes on by what that takes."""
        type(self).looks += 1
        began, timeout = self.at, self.plan["timeout"]
        silent = line in (Line.SILENT, Line.STALLED) or (line is not Line.LOST and self.server.door is Door.DEAF)
        self.at += timeout if silent else min(took, timeout - TICK)
        return meet(self.server, role, began, self.at, self.settings[role], line, answers)

    @precondition(lambda self: self.may_change() and self.at >= self.server.started + 1)
    @rule(
        falls=st.booleans(), rebuilt=st.booleans(), recovers=st.booleans(), ids=st.integers(1, 50), seen=st.booleans()
    )
    def restart(self, falls: bool, rebuilt: bool, recovers: bool, ids: int, seen: bool) -> None:
        """It starts anew between two checks; where it recovers first, it refuses connections until it is mended."""
        self.server.restart(self.at, self.server.id_after_restart(falls) if self.clear_ids else ids, rebuilt)
        if recovers:
            self.server.change(door=Door.SHUT)
        self.happens(seen)

    @precondition(lambda self: self.may_change())
    @rule(door=st.sampled_from([Door.OPEN, Door.SHUT, *Door]), seen=st.booleans())
    def treat_us(self, door: Door, seen: bool) -> None:
        self.server.change(door=door)
        self.happens(seen)

    @precondition(lambda self: self.may_change())
    @rule(lag=st.sampled_from([0, 5, 10, 29, 30, 31, 60, 61, None]), seen=st.booleans())
    def lag(self, lag: int | None, seen: bool) -> None:
        self.server.change(lag=lag)
        self.happens(seen)

    @precondition(lambda self: self.may_change())
    @rule(
        what=st.sampled_from(["io", "sql", "read_only", "replicates", "source_lost"]),
        to=st.booleans(),
        seen=st.booleans(),
    )
    def switch(self, what: str, to: bool, seen: bool) -> None:
        self.server.change(**{what: to})
        self.happens(seen)

    @precondition(lambda self: self.may_change())
    @rule(seen=st.booleans())
    def mend(self, seen: bool) -> None:
        self.server.mended()
        self.happens(seen)


class Timeless(World):
    """A world in which time goes by as it likes."""

    @rule(span=SPANS, more=st.sampled_from([0.0, TICK, -TICK]), seen=st.booleans())
    def wait(self, span: float | str, more: float, seen: bool) -> None:
        """Wait for some seconds, or about as long as some setting says."""
        self.at += max(0.0, self.plan[span] + more) if isinstance(span, str) else span
        self.happens(seen)


# What must hold of every single answer.


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

    def take(self, met: Meeting) -> None:
        """It restarted if the Uptime told is of another start, or if the connection id fell."""
        if met.how is Met.DEFINITE and met.greeted is None and not self.incarnation:
            self.refused |= met.seen.trouble is not None and met.seen.trouble.code == "unreachable"
            self.first_sight = met.ended
        if met.greeted is None:
            return
        number, in_order = met.seen.connection_id or 0, met.began >= self.last_ended
        fell = in_order and self.last_id is not None and number < self.last_id
        if met.greeted > self.incarnation > 0 and self.uptime is None and met.told and not fell:
            # nobody knows when the last one started; only whether that which answers now has started since
            young = met.seen.facts[0].uptime < met.ended - self.first_sight - 1
            if self.first_sight < self.booted or not young:
                self.incarnation = met.greeted
        if met.greeted > self.incarnation and (met.told or fell or not self.incarnation):
            self.incarnation, self.first_sight, self.uptime = met.greeted, met.ended, None
            self.number += 1
        if in_order:
            self.last_id, self.last_ended = number, met.ended
        if met.told == self.incarnation:
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
        return self.served or self.freed or self.trusted or off

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
            self._restarted(now, not self.number or before is None)
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


class Anything(Timeless):
    """Two directors that know nothing of each other, each checking one server in two roles."""

    clear_ids = False

    def start(self) -> None:
        super().start()
        self.directors = [Director(self.at), Director(self.at, 123.25)]
        self.watches = [self.ignorant() for _ in self.directors]
        self.pending: list[tuple[int, str, float, Meeting | None]] = []

    def ignorant(self) -> dict[str, Watch]:
        """Expect what must be expected of a director that knows nothing."""
        seen = Seen()
        return {role: Watch(seen, self.settings[role]) for role in self.roles}

    def everybody_looks(self) -> None:
        for role in self.roles:
            for which in range(2):
                self.tell(which, role, self.look(role))

    def tell(self, which: int, role: str, met: Meeting) -> None:
        """Let a director take in a look, and judge what it answers."""
        director, watch = self.directors[which], self.watches[which][role]
        hold = director.operator_hold(self.at)
        watch.seen.take(met)
        watch.take(met, director.take_in(met, role, self.settings[role], self.at), hold)

    @rule(
        which=st.integers(0, 1),
        second=st.booleans(),
        took=st.sampled_from([TICK, 0.25, 2.0]),
        line=LINES,
        answers=st.integers(0, 2),
    )
    def check(self, which: int, second: bool, took: float, line: Line, answers: int) -> None:
        self.count()
        role = self.roles[second]
        self.tell(which, role, self.look(role, took, line, answers))

    @rule(which=st.integers(0, 1), roles=st.sampled_from([(0, 1), (0,), (1,)]), times=TIMES, every=EVERY)
    def check_for_a_while(self, which: int, roles: tuple[int, ...], times: int, every: float) -> None:
        self.count()
        for _ in range(times):
            for number in roles:
                self.tell(which, self.roles[number], self.look(self.roles[number]))
            self.at += every

    @rule(which=st.integers(0, 1), second=st.booleans(), meets_now=st.booleans())
    def begin_a_look(self, which: int, second: bool, meets_now: bool) -> None:
        """Others may begin and end before this one ends; the server may be met at its beginning or at its end."""
        self.count()
        role = self.roles[second]
        met = meet(self.server, role, self.at, self.at, self.settings[role]) if meets_now else None
        self.pending.append((which, role, self.at, met))
        self.at += TICK

    @precondition(lambda self: self.pending)
    @rule(number=st.integers(0, 9))
    def end_a_look(self, number: int) -> None:
        self.count()
        which, role, began, met = self.pending.pop(number % len(self.pending))
        end = min(self.at, began + self.plan["timeout"])
        if self.at > end + 1.0:
            return  # it has waited too long for the store, and was killed
        if met is None or met.how is Met.SILENCE:
            if self.at > end or self.server.door is Door.DEAF:
                return
            met = meet(self.server, role, began, end, self.settings[role])
        seen = self.watches[which][role].seen
        if began < seen.first_sight and (met.greeted or 0) > seen.incarnation:
            # It met a newer incarnation than a look that ended earlier. Only the start that it tells can say so; where
            # it tells none, or one that a clock set back makes earlier, the next look will.
            if not met.told or not self.newer(seen, met):
                return
        type(self).looks += 1
        self.tell(
            which, role, met._replace(seen=met.seen._replace(ended=met.seen.ended._replace(seconds=end)), ended=end)
        )

    def told(self, which: int) -> bool:
        """Whether a director was told the Uptime of what it sees."""
        return all(watch.seen.uptime is not None for watch in self.watches[which].values())

    @staticmethod
    def newer(seen: Seen, met: Meeting) -> bool:
        fact = met.seen.facts[0]
        return bool(seen.uptime is not None and fact.identity == seen.started[0] and fact.started > seen.started[1])

    @rule(which=st.integers(0, 1))
    def lose_the_state(self, which: int) -> None:
        self.count()
        if self.server.step != self.server.step_at_start:
            if not self.told(1 - which):
                return
            self.server.step = self.server.step_at_start  # without a record the Uptime told is all there is
        self.directors[which].forget()
        self.watches[which] = self.ignorant()
        self.pending = [late for late in self.pending if late[0] != which]

    @rule(which=st.integers(0, 1), up=st.sampled_from([20.0, 200.0]))
    def reboot(self, which: int, up: float) -> None:
        self.count()
        self.at += up
        self.directors[which].boot(self.at, up)
        self.pending = [late for late in self.pending if late[0] != which]
        for watch in self.watches[which].values():
            watch.reboot()
            watch.seen.booted = self.at

    @rule(which=st.integers(0, 1), lasts=st.sampled_from([None, 1.0, 60.0]))
    def hold(self, which: int, lasts: float | None) -> None:
        self.count()
        wall = EPOCH + self.at + self.directors[which].wall
        self.directors[which].hold = OperatorHold("repair", "op", wall, None if lasts is None else wall + lasts)

    @rule(which=st.integers(0, 1))
    def release(self, which: int) -> None:
        self.count()
        self.directors[which].release(self.at)
        for watch in self.watches[which].values():
            watch.release(self.at)

    @rule(whose=st.integers(0, 2), seconds=st.sampled_from([3600.0, -3600.0, 0.5]))
    def set_a_clock(self, whose: int, seconds: float) -> None:
        self.count()
        if whose == 2:
            self.server.step += seconds if self.told(0) and self.told(1) else 0.0
        else:
            self.directors[whose].wall += seconds


# What must make no difference.


class Twins(Timeless):
    """Two directors that differ in one thing, which must make no difference at all."""

    def start(self) -> None:
        super().start()
        self.plain, self.other = Director(self.at), Director(self.at)
        self.told: dict[str, Decision] = {}
        self.same_boot()

    def same_boot(self) -> None:
        self.other.boot_id = self.plain.boot_id
        self.answered: dict[str, tuple[int, int]] = {}
        """By role, what the last look met if that was answered: the incarnation, and the server's changes."""
        self.latest = 0
        """The last incarnation that a role has met."""
        self.watched: dict[str, int] = {}
        """By role, the server's changes when it was last looked at without trouble on the way."""

    def other_takes(self, met: Meeting, role: str) -> Judgement:
        return self.other.take_in(met, role, self.settings[role])

    def both_look(self, role: str, took: float = TICK, line: Line = Line.FINE, answers: int = 0) -> None:
        met = self.look(role, took, line, answers)
        plain, other = self.plain.take_in(met, role, self.settings[role]), self.other_takes(met, role)
        assert said(other.decision) == said(plain.decision)
        assert other.record.standing == plain.record.standing
        self.told[role] = plain.decision
        self.latest = max(self.latest, met.greeted or 0)
        self.answered.pop(role, None)
        if met.how is Met.ANSWER:
            self.answered[role] = (self.server.incarnation, self.server.changes)
        if line is Line.FINE:
            self.watched[role] = self.server.changes

    def everybody_looks(self) -> None:
        for role in self.roles:
            self.both_look(role)

    @rule(second=st.booleans(), took=st.sampled_from([TICK, 2.0]), line=LINES, answers=st.integers(0, 2))
    def check(self, second: bool, took: float, line: Line, answers: int) -> None:
        self.count()
        self.both_look(self.roles[second], took, line, answers)

    @rule(times=TIMES, every=EVERY)
    def check_for_a_while(self, times: int, every: float) -> None:
        self.count()
        for _ in range(times):
            self.everybody_looks()
            self.at += every

    @rule(what=st.sampled_from(["reboot", "hold", "release", "lose the state"]))
    def on_both(self, what: str) -> None:
        self.count()
        if what == "lose the state" and not self.may_forget():
            return
        if what == "reboot":
            self.at += 20.0
        for director in (self.plain, self.other):
            if what == "reboot":
                director.boot(self.at, 20.0)
            elif what == "hold":
                director.hold = OperatorHold("repair", "op", EPOCH + self.at)
            elif what == "release":
                director.release(self.at)
            else:
                director.forget()
        if what in ("reboot", "lose the state"):
            self.same_boot()

    def may_forget(self) -> bool:
        return True


def said(decision: Decision) -> tuple[object, ...]:
    """A decision without its texts."""
    codes = [(reason.code, reason.severity) for reason in decision.reasons]
    return decision.action, decision.share, decision.phase, decision.reentry, codes


class ClockSteps(Twins):
    """Somebody sets the server's clock, and the other director's."""

    def start(self) -> None:
        super().start()
        self.met: set[str] = set()
        """The roles that have met the server: before, its Uptime is all that there is to go by."""

    def may_forget(self) -> bool:
        if self.server.step != self.server.step_at_start:
            return False
        self.met = set()
        return True

    def other_takes(self, met: Meeting, role: str) -> Judgement:
        if met.told:
            self.met.add(role)
            stepped = self.server.incarnation_fact(met.ended)
            met = met._replace(seen=met.seen._replace(facts=(stepped, *met.seen.facts[1:])))
        return super().other_takes(met, role)

    def look(self, role: str, took: float = TICK, line: Line = Line.FINE, answers: int = 0) -> Meeting:
        met = super().look(role, took, line, answers)
        if not met.told:
            return met
        plain = self.server.incarnation_fact(met.ended, stepped=False)
        return met._replace(seen=met.seen._replace(facts=(plain, *met.seen.facts[1:])))

    @precondition(lambda self: len(self.met) == 2)
    @rule(seconds=st.sampled_from([3600.0, -3600.0, 0.5, 1e9, -86400.0]))
    def set_the_servers_clock(self, seconds: float) -> None:
        self.count()
        self.server.step += seconds

    @rule(seconds=st.sampled_from([3600.0, -3600.0, 0.5]))
    def set_the_directors_clock(self, seconds: float) -> None:
        self.count()
        self.other.wall += seconds


class LostPackets(Twins):
    """The other director loses packets, for less than fail_after, between two looks that were answered."""

    @rule(
        second=st.booleans(),
        line=st.sampled_from([line for line in Line if line is not Line.FINE]),
        answers=st.integers(0, 2),
        took=st.sampled_from([TICK, 0.25, 2.0]),
        times=st.integers(1, 3),
    )
    def lose_packets(self, second: bool, line: Line, answers: int, took: float, times: int) -> None:
        self.count()
        role, began = self.roles[second], self.at
        incarnation, changes = self.answered.get(role, (0, 0))
        greeted = line in (Line.CUT, Line.STALLED)
        if not incarnation or incarnation != self.latest or self.server.door is not Door.OPEN:
            return
        if greeted and changes != self.server.changes:
            return  # what it was told before the packet was lost is no news
        timeout = self.plan["timeout"]
        lasts = timeout if line in (Line.SILENT, Line.STALLED) else min(took, timeout)
        for _ in range(times):
            if self.at + lasts - began >= self.plan["fail_after"]:
                break  # that would be too long
            met = self.look(role, took, line, answers)
            judged = self.other.take_in(met, role, self.settings[role])
            assert judged.decision.phase is self.told[role].phase
            assert not judged.events
        self.both_look(role)


class Crowd(Twins):
    """The other director looks several times at the same moment: many virtual servers point at one real server."""

    def start(self) -> None:
        self.random = 0
        super().start()

    def other_takes(self, met: Meeting, role: str) -> Judgement:
        number = met.seen.connection_id
        looks = [met]
        for _ in range(self.random % 4):
            if number is not None:
                number = self.server.next_id()
            looks.append(met._replace(seen=met.seen._replace(connection_id=number)))
        self.random += 1
        if self.random % 3:
            looks.reverse()
        return [super(Crowd, self).other_takes(each, role) for each in looks][-1]


class OtherRole(Twins):
    """The other director checks the server in a second role too."""

    def everybody_looks(self) -> None:
        self.both_look(self.roles[0])

    @rule(took=st.sampled_from([TICK, 2.0]), line=LINES, answers=st.integers(0, 2), times=TIMES)
    def check_in_the_other_role(self, took: float, line: Line, answers: int, times: int) -> None:
        """It sees nothing of the server that the first has not seen before: a restart seen earlier is seen earlier."""
        self.count()
        for _ in range(times):
            if self.watched.get(self.roles[0]) == self.server.changes:
                self.other.take_in(
                    self.look(self.roles[1], took, line, answers), self.roles[1], self.settings[self.roles[1]]
                )

    @rule(second=st.just(False), took=st.sampled_from([TICK, 2.0]), line=LINES, answers=st.integers(0, 2))
    def check(self, second: bool, took: float, line: Line, answers: int) -> None:
        self.count()
        self.both_look(self.roles[0], took, line, answers)


# What may differ by one interval between two checks.


class Rhythm(World):
    """Two directors that look at the same server, whatever happens to it, at moments that differ.

    Nothing happens while they differ, else one that has just let it in and one that is about to would rightly go on
    in different ways.
    """

    every = 2.0

    def start(self) -> None:
        self.plan.update(timeout=TICK * 8, flap_half_life=self.plan["flap_half_life"] and 900.0)
        super().start()
        self.role, self.settings_of = self.roles[0], self.settings[self.roles[0]]
        self.calm, self.other = Director(self.at), Director(self.at, 77.0)
        self.differed = 0
        self.tick([])

    def may_change(self) -> bool:
        calm, other = (director.records[self.role].standing for director in (self.calm, self.other))
        return calm.phase is other.phase and calm.proven is other.proven and self.near()

    def near(self) -> bool:
        """Whether what is left of the hold timers differs by no more than it may."""
        calm, other = (director.records[self.role].standing.until for director in (self.calm, self.other))
        if calm is None or other is None:
            return calm is other
        left = [calm.seconds - self.calm.instant(0).seconds, other.seconds - self.other.instant(0).seconds]
        return abs(left[0] - left[1]) <= self.every + self.tolerance()

    def tolerance(self) -> float:
        """By how much two holds may differ because the flaps before them were seen at different moments."""
        if not self.plan["flap_half_life"] or not self.plan["hold_down_max"]:
            return 0.0
        penalty = min(16, self.server.changes) * (1 - 0.5 ** (self.every / self.plan["flap_half_life"]))
        return float(self.plan["hold_down_max"] * (2**penalty - 1))

    def at_once(self, director: Director, moment: float) -> Decision:
        self.at = moment
        return director.take_in(self.look(self.role), self.role, self.settings_of).decision

    def tick(self, moments: list[float]) -> None:
        raise NotImplementedError

    def compare(self, calm: Decision, other: Decision) -> None:
        """They may differ for one interval."""
        self.differed = 0 if calm.action is other.action else self.differed + 1
        most = 1 + math.ceil(self.tolerance() / self.every)
        assert self.differed <= most, "they differ for longer than an interval"
        if calm.phase is Phase.HELD and other.phase is Phase.HELD:
            assert self.near(), "their holds differ by more than an interval"

    def everybody_looks(self) -> None:
        self.tick([])

    @rule(
        moments=st.lists(st.sampled_from([0.25, 0.5, 1.0, 1.5]), unique=True, max_size=3),
        times=st.sampled_from([1, 3, 10, 40]),
    )
    def go_on(self, moments: list[float], times: int) -> None:
        self.count()
        for _ in range(times):
            self.tick(sorted(moments))

    @precondition(lambda self: self.may_change())
    @rule()
    def release(self) -> None:
        self.count()
        for director in (self.calm, self.other):
            director.release(self.at)


class MoreChecks(Rhythm):
    """The other director looks when the first does, and in between."""

    def tick(self, moments: list[float]) -> None:
        now = self.at
        self.compare(self.at_once(self.calm, now), self.at_once(self.other, now))
        for moment in moments:
            self.at_once(self.other, now + moment)
        self.at = now + self.every


class TwoDirectors(Rhythm):
    """The other director looks as often, and a little later."""

    def tick(self, moments: list[float]) -> None:
        now = self.at
        calm = self.at_once(self.calm, now)
        self.compare(calm, self.at_once(self.other, now + 0.75))
        self.at = now + self.every


def run(machine: type[World], share: float, part: int, capfd: pytest.CaptureFixture[str]) -> None:
    """Make this share of all steps; a failure names the seed that repeats it."""
    wanted, number = math.ceil(STEPS * share), SEED + part
    kind = type(machine.__name__, (machine,), {"steps": 0, "looks": 0})
    try:
        while kind.steps < wanted:
            plan = settings(
                max_examples=math.ceil((wanted - kind.steps) / LENGTH),
                stateful_step_count=LENGTH,
                derandomize=False,
                database=None,
                deadline=None,
                phases=(Stage.generate, Stage.shrink),
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
            )
            run_state_machine_as_test(seed(number)(kind), settings=plan)
            number += 1000
    except BaseException as error:
        error.add_note(f"repeat it with HISTORIES_SEED={SEED} HISTORIES_STEPS={STEPS}")
        raise
    finally:
        with capfd.disabled():
            told = f"{machine.__name__}: {kind.steps} steps, {kind.looks} looks, HISTORIES_SEED={SEED}"
            print(f"\n{told}", file=sys.stderr, flush=True)
    assert kind.steps >= wanted


@pytest.mark.parametrize("part", range(4))
def test_no_history_leads_into_a_hold_or_out_of_service_for_ever(part: int, capfd: pytest.CaptureFixture[str]) -> None:
    run(Anything, 0.13, part, capfd)


def test_a_step_of_the_servers_or_the_directors_clock_changes_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    run(ClockSteps, 0.08, 0, capfd)


def test_a_lost_packet_changes_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    run(LostPackets, 0.08, 0, capfd)


def test_many_checks_at_the_same_moment_change_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    run(Crowd, 0.08, 0, capfd)


def test_checks_in_another_role_change_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    run(OtherRole, 0.08, 0, capfd)


def test_more_checks_per_second_change_nothing_for_longer_than_an_interval(capfd: pytest.CaptureFixture[str]) -> None:
    run(MoreChecks, 0.08, 0, capfd)


def test_two_directors_of_the_same_rhythm_release_within_an_interval(capfd: pytest.CaptureFixture[str]) -> None:
    run(TwoDirectors, 0.08, 0, capfd)
