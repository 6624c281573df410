"""Histories in which anything may happen, to two directors that know nothing of each other."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from mysqlcheck.model import OperatorHold
from tests.core.histories import EPOCH, TICK, Director, Door, Line, Meeting, Met, meet
from tests.core.histories_oracle import Seen, Watch
from tests.core.histories_world import EVERY, LINES, TIMES, Timeless


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
        # It met a newer incarnation than a look that ended earlier. Only the start that it tells can say so; where it
        # tells none, or one that a clock set back makes earlier, the next look will.
        met_a_newer = began < max(seen.first_sight, seen.first_of_boot) and (met.greeted or 0) > seen.incarnation
        if met_a_newer and not (met.told and self.newer(seen, met)):
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
