"""A lost source: whether it is lost for the pool, or one replica has lost it alone."""

from __future__ import annotations

import pytest

from mysqlcheck.checks.channels import Channels
from mysqlcheck.judgement import judge_again, take_in
from mysqlcheck.links import Link, link, losses
from mysqlcheck.options import Settings
from tests.core.builders import NOW, channel, lost, observation

SOURCE, OTHER = "192.168.1.200:3306", "192.168.1.210:3306"
LINKS = {
    "connected": Channels((channel(),)),
    "lost": Channels((lost(),)),
    "gave up": Channels((lost(io_state="No"),)),
    "stopped": Channels((channel(io_state="No"),)),
    "refused": Channels((channel(io_state="Connecting", io_errno=1045),)),
    "no replica": Channels(()),
    "other": Channels((channel(source=OTHER),)),
    "one of two lost": Channels((lost(), channel(name="other", source=OTHER))),
}


def said(*looks: tuple[str, str]) -> list[str]:
    """What is said of each lost source after these looks, a second apart."""
    links: dict[str, Link] = {}
    for at, (name, word) in enumerate(looks):
        links[name] = link(LINKS[word], NOW.plus(at), links.get(name))
    return [str(loss) for loss in losses(links)]


ALL = "the source is lost for the pool: none of 2 replicas that ask it gets an answer"


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        ([("a", "connected"), ("b", "connected")], []),
        ([("a", "lost"), ("b", "lost")], [ALL]),
        ([("a", "lost"), ("b", "gave up")], [ALL]),
        ([("a", "lost"), ("b", "lost"), ("c", "stopped"), ("d", "refused")], [ALL]),  # out for reasons of their own
        ([("a", "lost"), ("b", "one of two lost"), ("c", "other")], [ALL]),
        ([("a", "lost")], []),  # one alone: nobody can tell
        ([("a", "lost"), ("b", "stopped"), ("c", "no replica"), ("d", "other")], []),
        (
            [("a", "lost"), ("b", "connected"), ("c", "connected")],
            ["b, c of the pool still connected to it: look at the network of those that are not"],
        ),
        # what was seen before the first of them lost it says nothing yet
        ([("b", "connected"), ("a", "lost")], []),
        ([("b", "connected"), ("c", "connected"), ("a", "lost"), ("b", "lost")], []),
        ([("b", "connected"), ("a", "lost"), ("b", "lost")], [ALL]),
        (
            [("b", "connected"), ("a", "lost"), ("a", "lost"), ("b", "connected"), ("a", "lost")],
            ["b of the pool still connected to it: look at the network of those that are not"],
        ),
    ],
)
def test_the_pool_knows_whose_trouble_it_is(looks: list[tuple[str, str]], expected: list[str]) -> None:
    assert said(*looks) == expected


def test_it_is_told_beside_the_replicas_own_words_and_changes_no_verdict() -> None:
    settings = Settings.of(host="192.168.1.201", trust_uptime=0.0)
    first = take_in(None, None, observation(channel()), None, settings, 0.0)
    seen = observation(lost(), at=NOW.plus(5))
    alone = take_in(first.record, None, seen, None, settings, 5.0)
    told = take_in(first.record, None, seen, None, settings, 5.0, aside=ALL)
    assert told.record.told.text == f"{alone.record.told.text}; {ALL}"
    assert (told.verdict, told.record.standing, told.decision.action) == (
        alone.verdict,
        alone.record.standing,
        alone.decision.action,
    )
    assert judge_again(told.capture, settings).decision == told.decision
