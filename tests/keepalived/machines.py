"""Machines of which the tests say what is wrong."""

from __future__ import annotations

from typing import NamedTuple


class MadeUp(NamedTuple):
    """A machine on which all is well, but for what is named here."""

    missing: tuple[str, ...] = ()
    unsafe: tuple[str, ...] = ()
    table_checkers: tuple[str, ...] = ()
    users: tuple[str, ...] = ("root", "keepalived_script")

    def cannot_run(self, path: str) -> str | None:
        return f"{path}: No such file or directory" if path in self.missing else None

    def insecure(self, path: str) -> str | None:
        return f"{path} is not root's" if path in self.unsafe else None

    def has_user(self, name: str) -> bool:
        return name in self.users

    def is_table_checker(self, path: str) -> bool:
        return path in self.table_checkers
