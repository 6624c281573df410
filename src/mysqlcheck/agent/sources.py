"""The sources of the agent's pools: of all that take writes, one alone is served."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from mysqlcheck import sources
from mysqlcheck.agent.told import Told
from mysqlcheck.judgement import Judgement
from mysqlcheck.model import Instant, OperatorHold, Refused
from mysqlcheck.options import Settings
from mysqlcheck.record import Record
from mysqlcheck.sources import Claim


class _Pool:
    """The sources of one pool."""

    def __init__(self, name: str, records: dict[str, Record], now: Instant) -> None:
        self.name = name
        self.state, self.claims = sources.recall(records, now)
        self.told = Told()

    def why(self, server: str) -> str | None:
        return sources.against(self.state, self.claims, server, self.name)

    def keep(self, servers: set[str], now: Instant) -> None:
        """Forget all others."""
        self.claims = {server: claim for server, claim in self.claims.items() if server in servers}
        self.state = sources.step(self.state, self.claims, now)

    def refused(self) -> set[str]:
        return {server for server in self.claims if self.why(server) is not None}

    def word(self, server: str, now: Instant) -> Refused | None:
        """What the look that ended now is to know."""
        why = self.why(server)
        new = self.told.is_news(server, why is not None, now)
        if why is None:
            text = f"no more: {self.state.incumbent or 'nobody'} is the source of pool {self.name}"
            return Refused(self.name, text, new, over=True) if new else None
        return Refused(self.name, why, new)


class Sources:
    """Those of all pools. `arrange` is called by one thread, the rest by any."""

    def __init__(self, say: Callable[[str], None], look_soon: Callable[[str], None]) -> None:
        self._say, self._look_soon = say, look_soon
        self._lock = threading.Lock()
        self._pools: dict[str, _Pool] = {}
        self._of: dict[str, _Pool] = {}
        """By server."""

    def arrange(self, targets: Iterable[Settings], recall: Callable[[str, str], Record | None], now: Instant) -> None:
        """Let them be those that the configuration has; a pool that is new begins with what is on record."""
        servers: dict[str, set[str]] = {}
        for settings in targets:
            if settings.pool is not None and settings.role == "source":
                servers.setdefault(settings.pool, set()).add(str(settings.target))
        new = {name: _Pool(name, _records(of, recall), now) for name, of in servers.items() if name not in self._pools}
        with self._lock:
            self._pools = {name: new.get(name) or self._pools[name] for name in servers}
            for name, one in self._pools.items():
                one.keep(servers[name], now)
            self._of = {server: one for name, one in self._pools.items() for server in servers[name]}

    def take(self, server: str, found: Judgement, hold: OperatorHold | None, now: Instant) -> Refused | None:
        """Take in what a look says of a server by itself; returns what its pool says to that."""
        return self._take(server, sources.claim(found.verdict, found.decision, hold), now)

    def lose(self, server: str, now: Instant) -> None:
        """Take in that a look failed for a mistake of ours: nobody knows what the server is."""
        self._take(server, Claim.SILENT, now)

    def counts(self) -> list[tuple[str, int]]:
        """Each pool, and how many of its sources are refused."""
        with self._lock:
            return [(one.name, len(one.refused())) for one in self._pools.values()]

    def _take(self, server: str, claim: Claim, now: Instant) -> Refused | None:
        if server not in self._of:
            return None
        with self._lock:
            one = self._of.get(server)
            if one is None:
                return None
            source, refused = one.state.incumbent, one.refused()
            one.claims[server] = claim
            one.state = sources.step(one.state, one.claims, now)
            after = one.refused()
            for other in refused ^ after:
                if other != server:
                    self._look_soon(other)
            self._tell(one, source, refused, after)
            return one.word(server, now)

    def _tell(self, one: _Pool, source: str | None, refused: set[str], after: set[str]) -> None:
        """Say aloud what has changed."""
        if one.state.incumbent not in (source, None):
            self._say(f"pool {one.name}: {one.state.incumbent} is the source" + (f", {source} was" if source else ""))
        for server in sorted(after - refused):
            self._say(f"pool {one.name}: two sources: {server} is refused: {one.why(server)}")
        for server in sorted(refused - after):
            self._say(f"pool {one.name}: {server} is refused no more")


def _records(servers: Iterable[str], recall: Callable[[str, str], Record | None]) -> dict[str, Record]:
    found = {server: recall(server, "source") for server in servers}
    return {server: record for server, record in found.items() if record is not None}
