"""What the look at each server was told last by its pool, so that a change is news to one look and to no other."""

from __future__ import annotations

from mysqlcheck.model import Instant


class Told:
    """By server: whether it is so (let in, refused), and which look was the first to know."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[bool, Instant]] = {}

    def is_news(self, server: str, is_so: bool, now: Instant) -> bool:
        """Whether the look that ended now is the first to know; asked again for the same look it is the same."""
        was, at = self._last.get(server, (False, None))
        if is_so is not was:
            at = now
            self._last[server] = is_so, now
        return at == now
