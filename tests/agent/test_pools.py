"""The agent's pools: a look is told whether its server is let in, others are looked at anew, and people hear of it."""

from __future__ import annotations

import pytest

from mysqlcheck.agent.pools import Pools
from mysqlcheck.judgement import Judgement, take_in
from mysqlcheck.model import Instant, LetIn, Observation
from mysqlcheck.options import Settings
from mysqlcheck.pool import Count, PoolSettings
from tests.core.builders import NOW, channel, lost, observation, unreachable

A, B = "192.168.1.201:3306", "192.168.1.202:3306"
HEALTHY, LAGGING, DEAD = observation(channel()), observation(channel(lag=61)), unreachable()


def settings(name: str, pool: str | None = "readers", least: int = 1, **more: object) -> Settings:
    found = Settings.of(host=name.partition(":")[0], pool=pool, trust_uptime=0.0, **more)
    found.pool_settings = PoolSettings.of(min_serving=least)
    return found


def judged(seen: Observation, now: Instant) -> Judgement:
    """What is said of a server that was met before and serves; and then of what is seen now."""
    first = take_in(None, None, HEALTHY, None, settings(A), 0.0)
    return take_in(first.record, None, seen._replace(ended=now), None, settings(A), 0.0)


class Agent:
    """The pools, and what they have said and asked for."""

    def __init__(self, *targets: Settings) -> None:
        self.said, self.asked = list[str](), list[str]()
        self.pools = Pools(self.said.append, self.asked.append)
        self.pools.arrange(targets or (settings(A), settings(B)))

    def look(self, server: str, seen: Observation, at: float) -> LetIn | None:
        now = NOW.plus(at)
        return self.pools.take(server, judged(seen, now), None, now)

    def aside(self, server: str, seen: Observation, at: float) -> str | None:
        return self.pools.aside(server, seen._replace(ended=NOW.plus(at)))


def test_a_healthy_pool_has_nothing_to_say() -> None:
    agent = Agent()
    assert [agent.look(server, HEALTHY, at) for at, server in enumerate((A, B, A, B))] == [None] * 4
    assert (agent.said, agent.asked) == ([], [])
    assert agent.pools.counts() == [Count("readers", 2, 1, 2, 0)]


def test_the_last_one_that_lags_is_let_in_by_the_very_look_that_shows_it() -> None:
    agent = Agent()
    agent.look(A, DEAD, 0)
    word = agent.look(B, LAGGING, 1)
    text = "0 of 2 serve by themselves, min_serving 1"
    assert word == LetIn("readers", text, NOW.plus(1), new=True)
    assert agent.look(B, LAGGING, 2) == LetIn("readers", text, NOW.plus(1))
    assert agent.said == [f"pool readers: {text}: too few"]


def test_another_that_is_let_in_is_looked_at_soon_and_told_then() -> None:
    agent = Agent()
    agent.look(B, LAGGING, 0)
    assert agent.look(A, DEAD, 1) is None
    assert agent.asked == [B]
    word = agent.look(B, LAGGING, 1.1)
    assert word is not None
    assert (word.new, word.over, word.since) == (True, False, NOW.plus(1))


def test_the_same_look_judged_again_is_told_the_same() -> None:
    """The store may show what others wrote meanwhile."""
    agent = Agent()
    agent.look(A, DEAD, 0)
    assert agent.look(B, LAGGING, 1) == agent.look(B, LAGGING, 1)
    agent.look(A, HEALTHY, 2)
    agent.look(A, HEALTHY, 12)
    first, again, later = agent.look(B, LAGGING, 13), agent.look(B, LAGGING, 13), agent.look(B, LAGGING, 14)
    assert first is not None
    assert (first.new, first.over) == (True, True)
    assert (again, later) == (first, None)


def test_people_hear_once_how_it_begins_and_ends() -> None:
    agent = Agent()
    for at, (server, seen) in enumerate([(A, DEAD), (B, DEAD), (B, DEAD), (B, LAGGING), (B, LAGGING), (A, HEALTHY)]):
        agent.look(server, seen, at)
    none, one = "pool readers: 0 of 2 serve by themselves, min_serving 1", "pool readers: 1 of 2 serve by themselves"
    assert agent.said == [
        f"{none}: too few, and nobody to let in",
        f"{none}: too few",
        f"{one}, min_serving 1: enough again",
    ]


def test_a_look_that_was_lost_by_a_mistake_of_ours_counts_as_a_server_that_is_out() -> None:
    agent = Agent()
    agent.look(B, LAGGING, 0)
    agent.look(A, HEALTHY, 0)
    agent.pools.lose(A, NOW.plus(1))
    assert agent.asked == [B]


@pytest.mark.parametrize("other", [settings(B, role="source"), settings(B, pool=None), settings(B, pool="others")])
def test_who_is_in_no_pool_or_another_is_not_asked(other: Settings) -> None:
    agent = Agent(settings(A), other)
    agent.look(B, DEAD, 0)
    assert agent.look(A, LAGGING, 1) is not None
    assert agent.pools.counts()[0] == Count("readers", 1, 1, 0, 1)


def test_a_new_configuration_keeps_what_is_known() -> None:
    agent = Agent()
    agent.look(A, DEAD, 0)
    agent.look(B, LAGGING, 1)
    agent.pools.arrange([settings(A, least=2), settings(B, least=2), settings("192.168.1.203:3306", least=2)])
    assert agent.pools.counts() == [Count("readers", 3, 2, 1, 1)]  # nobody has looked at the third yet
    agent.pools.arrange([settings(A)])
    assert agent.pools.counts() == [Count("readers", 1, 1, 0, 0)]
    assert agent.look(B, LAGGING, 2) is None
    agent.pools.arrange([])
    assert agent.pools.counts() == []


# A lost source.

LOST, ALONE = observation(lost()), "of the pool still connected to it: look at the network of those that are not"
SOURCE = "192.168.1.200:3306"


def test_a_source_that_is_lost_for_the_pool_is_said_once_and_when_it_is_back() -> None:
    agent = Agent()
    all_of_it = "the source is lost for the pool: none of 2 replicas that ask it gets an answer"
    looks = [(A, HEALTHY), (B, HEALTHY), (A, LOST), (B, LOST), (A, LOST), (B, LOST)]
    told = [agent.aside(server, seen, at) for at, (server, seen) in enumerate(looks)]
    assert told == [None, None, None, all_of_it, all_of_it, all_of_it]
    assert agent.pools.counts()[0].source_lost
    assert agent.said == [f"pool readers: {SOURCE} does not answer {A}, {B}: {all_of_it}"]
    agent.aside(A, HEALTHY, 6)
    agent.aside(B, HEALTHY, 7)
    assert agent.said[-1] == f"pool readers: nobody has lost {SOURCE} any more, as far as can be told"
    assert not agent.pools.counts()[0].source_lost


def test_one_that_has_lost_it_alone_is_told_who_is_still_connected() -> None:
    agent = Agent()
    looks = [(A, HEALTHY), (B, LOST), (A, HEALTHY), (B, LOST), (A, HEALTHY)]
    told = [agent.aside(server, seen, at) for at, (server, seen) in enumerate(looks)]
    assert told == [None, None, None, f"{A} {ALONE}", None]
    assert agent.said == [f"pool readers: {SOURCE} does not answer {B}: {A} {ALONE}"]
    assert (agent.pools.counts()[0].source_lost, agent.pools.counts()[0].links_lost) == (False, 1)


def test_who_does_not_answer_us_says_nothing_of_its_source() -> None:
    agent = Agent()
    for at, (server, seen) in enumerate([(A, LOST), (B, LOST), (A, DEAD)]):
        agent.aside(server, seen, at)
    assert agent.aside(B, LOST, 3) is None
