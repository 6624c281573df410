"""What a rule is, what it is given, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import IntEnum
from functools import cached_property
from typing import NamedTuple

from mysqlcheck.keepalived import servers
from mysqlcheck.keepalived.conf import Node, View
from mysqlcheck.keepalived.lines import Trouble
from mysqlcheck.keepalived.machine import Machine, User, Version
from mysqlcheck.keepalived.servers import Judge, Script, VirtualServer


class Severity(IntEnum):
    """How bad it is."""

    INFORMATION = 0
    """Good to know; the configuration is in order."""
    WARNING = 1
    """It works, and not as one would think, or not for ever."""
    ERROR = 2
    """It does not do what it is there for."""

    def __str__(self) -> str:
        return self.name.lower()


class Finding(NamedTuple):
    """Something about a line: what will happen, and what to write instead."""

    code: str
    severity: Severity
    file: str
    line: int
    text: str
    advice: str


class Found(NamedTuple):
    """What a rule yields: where and what; the advice only where it can say more than the rule's own."""

    place: Node | Trouble
    text: str
    advice: str = ""


class Context:
    """What the rules look at: one view of a configuration, and the director that it is for."""

    def __init__(self, view: View, judge: Judge, machine: Machine | None, version: Version | None) -> None:
        self.root, self.troubles, self.judge = view.root, view.troubles, judge
        self.machine, self.version = machine, version
        """None: nothing can be asked of it."""

    @cached_property
    def virtual_servers(self) -> tuple[VirtualServer, ...]:
        """The virtual servers."""
        return servers.virtual_servers(self.root, self.judge)

    @cached_property
    def scripts(self) -> tuple[Script, ...]:
        """Every script that keepalived would run."""
        return tuple(servers.scripts(self.root, self.judge))

    @cached_property
    def secure(self) -> bool:
        """Whether enable_script_security is set."""
        return any(block.all("enable_script_security") for block in self.root.all("global_defs"))

    @cached_property
    def script_user(self) -> Node | None:
        """The script_user of global_defs."""
        found = [block.last("script_user") for block in self.root.all("global_defs")]
        return next((node for node in reversed(found) if node), None)

    def runs_as(self, script: Script) -> User | None:
        """Return who runs a script: its own user, or who runs those that name none."""
        return self._named(script.user) if script.user else self.user

    @cached_property
    def user(self) -> User | None:
        """Who runs scripts that name no user: script_user, else keepalived_script, else root; None: nobody would."""
        if self.script_user:
            return self._named(self.script_user.words)
        if self.machine is None:
            return None
        return self.machine.user("keepalived_script") or (None if self.secure else User("root", 0, 0))

    def _named(self, names: tuple[str, ...]) -> User | None:
        if self.machine is None:
            return User("root", 0, 0) if names[:1] == ("root",) else None
        user = self.machine.user(names[0]) if names else None
        # `:group` asks for the user's further groups as well
        group = self.machine.group(names[1].removeprefix(":")) if user and len(names) > 1 else None
        return user._replace(gid=group) if user and group is not None else user


class Rule(NamedTuple):
    """A rule: its code, how severe, how it is found, what happens in general, and what to write instead."""

    code: str
    severity: Severity
    find: Callable[[Context], Iterator[Found]]
    happens: str
    instead: str


def literal(text: str) -> bool:
    """Whether a word says what it is: a definition that keepalived fills in itself could be anything."""
    return "$" not in text
