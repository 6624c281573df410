"""What may happen to a server, in any order. Who looks at it is the business of each kind of history."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from mysqlcheck.judgement import JudgementSettings
from tests.core.histories import TICK, Door, Line, Meeting, Server, meet

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
