"""Two directors that differ in one thing, which must make no difference: a clock, lost packets, a crowd, a role,
a kept connection."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from mysqlcheck.judgement import Judgement
from mysqlcheck.model import Decision, OperatorHold
from tests.core.histories import EPOCH, TICK, Director, Door, Line, Meeting, Met
from tests.core.histories_world import EVERY, LINES, TIMES, Timeless


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
        self.only_greeted = False
        """Whether the last incarnation has greeted and told no Uptime yet: there too that is all there is to go by."""
        self.has_told = 0

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
        if met.greeted:
            self.has_told = met.told or self.has_told
            self.only_greeted = met.greeted != self.has_told
            if self.only_greeted:
                self.server.step = self.server.step_at_start
        if not met.told:
            return met
        plain = self.server.incarnation_fact(met.ended, stepped=False)
        return met._replace(seen=met.seen._replace(facts=(plain, *met.seen.facts[1:])))

    @precondition(lambda self: len(self.met) == 2 and not self.only_greeted)
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


class KeptConnection(Twins):
    """The other director keeps its connections from look to look, as the agent does, until something cuts them."""

    def start(self) -> None:
        super().start()
        self.kept: dict[str, tuple[int, int]] = {}
        """By role, the incarnation that its connection leads to, and the connection's id."""

    def other_takes(self, met: Meeting, role: str) -> Judgement:
        kept = self.kept.pop(role, None)
        if met.seen.trouble is not None and met.seen.trouble.code == "unreachable":
            self.kept.clear()  # nobody listens: nobody keeps a connection either
        if met.how is Met.ANSWER and met.told is not None:
            if kept is None or kept[0] != met.told:
                kept = met.told, met.seen.connection_id or 0
            else:
                met = met._replace(seen=met.seen._replace(connection_id=kept[1], kept=True))
            self.kept[role] = kept
        return super().other_takes(met, role)

    @rule()
    def cut(self) -> None:
        """wait_timeout, or somebody who kills connections."""
        self.count()
        self.kept.clear()
