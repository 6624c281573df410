"""What keepalived.conf says of MySQL: the real servers, and the commands of ours that check them."""

import os
from collections.abc import Mapping
from typing import NamedTuple

from mysqlcheck.keepalived.conf import Config, Node

OUR_NAMES = ("mysqlcheck", "keepalived-mysqlcheck")


class Command(NamedTuple):
    """A command line in keepalived.conf."""

    node: Node
    """The statement that it stands in: misc_path, notify_up, …"""
    words: tuple[str, ...]

    @property
    def program(self) -> str:
        """The program, as written."""
        return self.words[0]

    @property
    def ours(self) -> bool:
        """Whether it is called as ours is."""
        return os.path.basename(self.program) in OUR_NAMES

    @property
    def subcommand(self) -> str:
        """The command of ours that it calls."""
        word = self.words[1] if len(self.words) > 1 else ""
        return "check" if not word or word.startswith("-") else word

    @property
    def options(self) -> Mapping[str, str]:
        """What is given, by option; an option without a value has an empty one."""
        found: dict[str, str] = {}
        last = ""
        for word in self.words[1:]:
            if word.startswith("--"):
                last, equals, value = word.partition("=")
                found[last] = value
                last = "" if equals else last
            elif last:
                found[last], last = word, ""
        return found


class RealServer(NamedTuple):
    """A real server's block."""

    virtual: Node
    node: Node

    @property
    def address(self) -> str:
        """Its address, as written."""
        return self.node.arguments[0] if self.node.arguments else ""

    @property
    def port(self) -> str:
        """Its port; empty where none is written."""
        return self.node.arguments[1] if len(self.node.arguments) > 1 else ""

    @property
    def checks(self) -> tuple[tuple[Node, Command], ...]:
        """Every MISC_CHECK with its command."""
        found = ((check, command_of(check.first("misc_path"))) for check in self.node.all("MISC_CHECK"))
        return tuple((check, command) for check, command in found if command)

    @property
    def our_checks(self) -> tuple[tuple[Node, Command], ...]:
        """Those of ours."""
        return tuple((check, command) for check, command in self.checks if command.ours)

    @property
    def hooks(self) -> tuple[Command, ...]:
        """Its notify_up and notify_down."""
        found = map(command_of, self.node.all("notify_up", "notify_down"))
        return tuple(command for command in found if command)


def command_of(node: Node | None) -> Command | None:
    """Return the command of a statement. Without quotes keepalived keeps the first word alone; we see all of them."""
    words = " ".join(node.arguments).split() if node else []
    return Command(node, tuple(words)) if node and words else None


def virtual_servers(config: Config) -> tuple[Node, ...]:
    """Return every virtual_server."""
    return config.root.all("virtual_server")


def real_servers(config: Config) -> tuple[RealServer, ...]:
    """Return every real server of every virtual server."""
    return tuple(
        RealServer(virtual, node) for virtual in virtual_servers(config) for node in virtual.all("real_server")
    )


def commands(config: Config) -> tuple[Command, ...]:
    """Return every command of every real server, and every vrrp_script that is ours."""
    found = [command for server in real_servers(config) for _, command in server.checks]
    found += [command for server in real_servers(config) for command in server.hooks]
    scripts = (command_of(script.first("script")) for script in config.root.all("vrrp_script"))
    return (*found, *(command for command in scripts if command and command.ours))
