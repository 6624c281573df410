"""The agent's sources: the newcomer's look is told that it is refused, and people hear of it."""

from __future__ import annotations

import pytest

from mysqlcheck.agent.sources import Sources
from mysqlcheck.judgement import Judgement, take_in
from mysqlcheck.model import Instant, Observation, OperatorHold, Refused
from mysqlcheck.options import Settings
from mysqlcheck.record import Record
from tests.core.builders import NOW, REFUSED, met, observation

A, B = "192.168.1.200:3306", "192.168.1.201:3306"
WRITABLE, READ_ONLY, DEAD = (
    observation(read_only=False, replicates=False),
    observation(replicates=False),
    met(REFUSED),
)
HOLD = OperatorHold("switchover", "op", 0.0)
WHY = (
    f"{A} is the source of pool writers and takes writes too: "
    f"refused until {A} is read_only or drained (`mysqlcheck hold`), or this one is"
)


def settings(name: str, **more: object) -> Settings:
    given = {"pool": "writers", "role": "source", "trust_uptime": 0.0, **more}
    return Settings.of(host=name.partition(":")[0], **given)


def judged(seen: Observation, now: Instant = NOW, word: Refused | None = None) -> Judgement:
    """What is said of a source that was met before and serves; and then of what is seen now."""
    first = take_in(None, None, WRITABLE, None, settings(A), 0.0)
    return take_in(first.record, None, seen._replace(ended=now), None, settings(A), 0.0, None, word)


class Agent:
    """The sources, and what they have said and asked for."""

    def __init__(self, *targets: Settings, **records: Record) -> None:
        self.said, self.asked = list[str](), list[str]()
        self.sources = Sources(self.said.append, self.asked.append)
        self.records = {A: records.get("a"), B: records.get("b")}
        self.arrange(*(targets or (settings(A), settings(B))))

    def arrange(self, *targets: Settings) -> None:
        self.sources.arrange(targets, lambda name, role: self.records[name] if role == "source" else None, NOW)

    def look(self, server: str, seen: Observation, at: float, hold: OperatorHold | None = None) -> Refused | None:
        now = NOW.plus(at)
        return self.sources.take(server, judged(seen, now), hold, now)


def test_a_source_and_its_standby_have_nothing_to_say() -> None:
    agent = Agent()
    assert [agent.look(A, WRITABLE, 0), agent.look(B, READ_ONLY, 1), agent.look(A, WRITABLE, 2)] == [None] * 3
    assert (agent.said, agent.asked) == ([f"pool writers: {A} is the source"], [])
    assert agent.sources.counts() == [("writers", 0)]


def test_the_newcomer_is_refused_by_the_very_look_that_shows_that_it_takes_writes() -> None:
    agent = Agent()
    agent.look(A, WRITABLE, 0)
    assert agent.look(B, WRITABLE, 1) == Refused("writers", WHY, new=True)
    assert agent.look(B, WRITABLE, 1) == Refused("writers", WHY, new=True)  # the same look, judged again
    assert agent.look(B, WRITABLE, 2) == Refused("writers", WHY)
    assert agent.look(A, WRITABLE, 3) is None
    assert agent.said[1:] == [f"pool writers: two sources: {B} is refused: {WHY}"]
    assert agent.sources.counts() == [("writers", 1)]


@pytest.mark.parametrize("how", ["read_only", "hold"])
def test_when_an_operator_has_decided_the_other_is_looked_at_soon_and_serves(how: str) -> None:
    agent = Agent()
    agent.look(A, WRITABLE, 0)
    agent.look(B, WRITABLE, 1)
    agent.look(A, READ_ONLY if how == "read_only" else DEAD, 2, HOLD if how == "hold" else None)
    assert agent.asked == [B]
    word = Refused("writers", f"no more: {B} is the source of pool writers", new=True, over=True)
    assert (agent.look(B, WRITABLE, 3), agent.look(B, WRITABLE, 4)) == (word, None)
    assert agent.said[2:] == [f"pool writers: {B} is the source, {A} was", f"pool writers: {B} is refused no more"]


def test_an_agent_that_begins_refuses_whom_the_last_one_refused() -> None:
    agent = Agent(a=judged(WRITABLE).record, b=judged(WRITABLE, word=Refused("writers", WHY)).record)
    word = agent.look(B, WRITABLE, 0)
    assert word is not None
    assert word.text == f"{A} was the source of pool writers and has not been looked at yet"
    agent.look(A, WRITABLE, 1)
    assert agent.look(B, WRITABLE, 2) == Refused("writers", WHY)


def test_a_look_that_was_lost_by_a_mistake_of_ours_decides_nothing() -> None:
    agent = Agent()
    agent.look(A, WRITABLE, 0)
    agent.look(B, WRITABLE, 1)
    agent.sources.lose(A, NOW.plus(2))
    assert agent.look(B, WRITABLE, 3) is not None


@pytest.mark.parametrize("other", [settings(B, role="any"), settings(B, pool=None), settings(B, pool="others")])
def test_who_is_no_source_or_of_another_pool_is_not_refused(other: Settings) -> None:
    agent = Agent(settings(A), other)
    assert (agent.look(A, WRITABLE, 0), agent.look(B, WRITABLE, 1)) == (None, None)


def test_a_new_configuration_keeps_what_is_known() -> None:
    agent = Agent()
    agent.look(A, WRITABLE, 0)
    agent.look(B, WRITABLE, 1)
    agent.arrange(settings(A, interval=2.0), settings(B))
    assert agent.look(B, WRITABLE, 2) == Refused("writers", WHY)
    agent.arrange(settings(B))
    assert agent.look(B, WRITABLE, 3) == Refused(
        "writers", f"no more: {B} is the source of pool writers", new=True, over=True
    )
    agent.arrange()
    assert (agent.look(B, WRITABLE, 4), agent.sources.counts()) == (None, [])
