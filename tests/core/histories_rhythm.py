"""Two directors that look at other moments: they may differ, for one interval between two checks."""

from __future__ import annotations

import math

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from mysqlcheck.model import Decision, Phase
from tests.core.histories import TICK, Director
from tests.core.histories_world import World


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
