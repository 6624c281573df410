"""Whose trouble a lost source is: the source's, or one replica's alone. It tells, and changes no verdict.

A replica that says `source_lost` cannot know why. Its pool can, by what the others say of the same source:

    others of the pool say of it            then
    nothing (they are out, or have others)  nobody can tell
    lost, all that ask it                   the source is lost for the pool
    connected, in a look after that         it answers: look at the network of those that lost it

Replicas notice a source that fell silent one after the other, each by its own replica_net_timeout (60 s by default:
https://dev.mysql.com/doc/refman/8.4/en/replication-options-replica.html#sysvar_replica_net_timeout). So for a while the
first says `lost` and the others `connected`, and no replica is judged sooner for that. Sources are the same where their
host and port are written alike.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from mysqlcheck.checks.channels import Channels
from mysqlcheck.checks.threads import source_lost
from mysqlcheck.model import Instant


class Link(NamedTuple):
    """The sources that a replica was connected to at its last look, and those that did not answer it, since when."""

    connected: frozenset[str]
    lost: frozenset[str]
    at: Instant
    since: Instant


class Loss(NamedTuple):
    """A source that some replicas of a pool have lost, and who is still connected to it."""

    source: str
    by: tuple[str, ...]
    but: tuple[str, ...]

    @property
    def of_pool(self) -> bool:
        """Whether it is lost for all that ask it."""
        return not self.but

    def __str__(self) -> str:
        if self.but:
            return f"{', '.join(self.but)} of the pool still connected to it: look at the network of those that are not"
        return f"the source is lost for the pool: none of {len(self.by)} replicas that ask it gets an answer"


def link(channels: Channels, at: Instant, before: Link | None = None) -> Link:
    """Read what a replica says of its sources; of one whose thread was stopped it says nothing."""
    connected = frozenset(channel.source for channel in channels.judged if channel.io_running)
    lost = frozenset(channel.source for channel in channels.judged if source_lost(channel))
    return Link(connected, lost, at, before.since if before and before.lost & lost else at)


def losses(links: Mapping[str, Link]) -> Iterator[Loss]:
    """Yield every lost source of which others of the pool say something too."""
    for source in sorted(frozenset[str]().union(*(one.lost for one in links.values()))):
        by = tuple(sorted(name for name, one in links.items() if source in one.lost))
        first = min(links[name].since.seconds for name in by)
        connected = sorted(name for name, one in links.items() if source in one.connected)
        but = tuple(name for name in connected if links[name].at.seconds > first)
        if but or (len(by) > 1 and not connected):
            yield Loss(source, by, but)
