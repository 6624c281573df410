"""The pools of the agent, which alone sees all of their servers at once: what is known of each, and who is let in."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator

from mysqlcheck import links, pool
from mysqlcheck.agent.told import Told
from mysqlcheck.checks.channels import Channels
from mysqlcheck.judgement import Judgement
from mysqlcheck.links import Link, Loss
from mysqlcheck.model import Instant, LetIn, Observation, OperatorHold
from mysqlcheck.options import Settings
from mysqlcheck.pool import Count, Kind, Member, PoolSettings, State


class _Pool:
    """One pool."""

    def __init__(self, name: str, settings: PoolSettings) -> None:
        self.name, self.settings = name, settings
        self.servers: frozenset[str] = frozenset()
        self.members: dict[str, Member] = {}
        self.state = State()
        self.told = Told()
        self.said: str | None = None
        self.links: dict[str, Link] = {}
        self.losses: dict[str, Loss] = {}
        """By source."""

    def count(self) -> Count:
        size, least = len(self.servers), self.settings.min_serving
        lost = any(loss.of_pool for loss in self.losses.values())
        alone = {name for loss in self.losses.values() if not loss.of_pool for name in loss.by}
        serving, let_in = pool.serving(self.members, size), len(self.state.let_in)
        return Count(self.name, size, least, serving, let_in, lost, len(alone))

    def word(self, server: str, now: Instant) -> LetIn | None:
        """What the look that ended now is to know."""
        since = self.state.let_in.get(server)
        new = self.told.is_news(server, since is not None, now)
        if since is None:
            return LetIn(self.name, str(self.count()), now, new, over=True) if new else None
        return LetIn(self.name, str(self.count()), since, new)

    def news(self) -> str | None:
        """What is to be said aloud of it: once, until it is something else."""
        count = self.count()
        said = None
        if count.in_panic:
            lacks = count.min_serving - count.serving - count.let_in
            said = "too few" if lacks <= 0 else "too few, and nobody to let in"
        if said == self.said:
            return None
        self.said = said
        if said is None:
            return f"pool {self.name}: {count}: enough again"
        return f"pool {self.name}: {count}: {said}"

    def follow(self, server: str, channels: Channels | None, now: Instant) -> Iterator[str]:
        """Take in what a look says of its sources; yields what is to be said aloud of them."""
        if channels is None:
            self.links.pop(server, None)
        else:
            self.links[server] = links.link(channels, now, self.links.get(server))
        before, self.losses = self.losses, {loss.source: loss for loss in links.losses(self.links)}
        for source, loss in self.losses.items():
            if source not in before or before[source].of_pool is not loss.of_pool:
                yield f"pool {self.name}: {source} does not answer {', '.join(loss.by)}: {loss}"
        for source in before.keys() - self.losses.keys():
            yield f"pool {self.name}: nobody has lost {source} any more, as far as can be told"

    def aside(self, server: str) -> str | None:
        """What the others say of a source that it has lost."""
        return next((str(loss) for loss in self.losses.values() if server in loss.by), None)


class Pools:
    """All pools. `arrange` is called by one thread, the rest by any."""

    def __init__(self, say: Callable[[str], None], look_soon: Callable[[str], None]) -> None:
        self._say, self._look_soon = say, look_soon
        self._lock = threading.Lock()
        self._pools: dict[str, _Pool] = {}
        self._of: dict[str, _Pool] = {}
        """By server."""

    def arrange(self, targets: Iterable[Settings]) -> None:
        """Let the pools be those that the configuration has; what is known of a server that stays, stays."""
        pools: dict[str, _Pool] = {}
        servers: dict[str, set[str]] = {}
        for settings in targets:
            name, wanted = settings.pool, settings.pool_settings
            if name is None or wanted is None or settings.role == "source":
                continue
            if name not in pools:
                pools[name] = self._pools.get(name) or _Pool(name, wanted)
                pools[name].settings = wanted
            servers.setdefault(name, set()).add(str(settings.target))
        with self._lock:
            for name, one in pools.items():
                one.servers = frozenset(servers[name])
                one.members = {server: known for server, known in one.members.items() if server in one.servers}
                one.links = {server: known for server, known in one.links.items() if server in one.servers}
                let_in = {server: since for server, since in one.state.let_in.items() if server in one.servers}
                one.state = one.state._replace(let_in=let_in)
            self._pools = pools
            self._of = {server: one for one in pools.values() for server in one.servers}

    def take(self, server: str, found: Judgement, hold: OperatorHold | None, now: Instant) -> LetIn | None:
        """Take in what a look says of a server by itself; returns what its pool says to that."""
        if server not in self._of:
            return None
        with self._lock:
            one = self._of.get(server)
            if one is None:
                return None
            before = one.members.get(server)
            standing = found.record.standing
            one.members[server] = pool.member(standing, found.verdict, found.decision, hold, now, before)
            return self._step(one, server, now)

    def aside(self, server: str, seen: Observation) -> str | None:
        """Take in what a look says of its sources; returns what the others of its pool say of one that it lost."""
        if server not in self._of:
            return None
        with self._lock:
            one = self._of.get(server)
            if one is None:
                return None
            for text in one.follow(server, seen.fact(Channels), seen.ended):
                self._say(text)
            return one.aside(server)

    def lose(self, server: str, now: Instant) -> None:
        """Take in that a look failed for a mistake of ours: nobody knows what the server is."""
        with self._lock:
            if (one := self._of.get(server)) is not None:
                one.members[server] = Member(Kind.OUT)
                self._step(one, server, now)

    def counts(self) -> list[Count]:
        """All pools in numbers."""
        with self._lock:
            return [one.count() for one in self._pools.values()]

    def _step(self, one: _Pool, server: str, now: Instant) -> LetIn | None:
        before = one.state.let_in
        one.state = pool.step(one.state, one.members, len(one.servers), one.settings, now)
        for other in before.keys() ^ one.state.let_in.keys():
            if other != server:
                self._look_soon(other)
        if (news := one.news()) is not None:
            self._say(news)
        return one.word(server, now)
