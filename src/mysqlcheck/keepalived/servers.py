"""What a configuration sets up: virtual servers, their real servers, the checks, and every script that is run."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from mysqlcheck.keepalived import words
from mysqlcheck.keepalived.conf import Node

NAMES = ("mysqlcheck", "keepalived-mysqlcheck")
MYSQL_PORT = 3306
CONNECT_CHECKS = ("TCP_CHECK", "HTTP_GET", "SSL_GET", "SMTP_CHECK")
"""Checks that open a TCP connection to the real server's port."""
DELAY_LOOP, INTERVAL = 60.0, 1.0
"""keepalived's defaults: between two checks of a real server, and between two runs of a vrrp_script."""
HOOKS = ("notify_up", "notify_down", "quorum_up", "quorum_down")
VRRP_HOOKS = (
    "notify", "notify_master", "notify_backup", "notify_fault", "notify_stop", "notify_deleted",
    "notify_master_rx_lower_pri",
)  # fmt: skip


class Usage(NamedTuple):
    """What the check makes of its command line, before it reads any file. A timeout of 0 is not known."""

    command: str = "check"
    """Which of our commands it calls."""
    problems: tuple[str, ...] = ()
    """Why it would answer 1 and do nothing else."""
    shows: bool = False
    """It is --help or --version, which end with 0."""
    host: str | None = None
    port: int = MYSQL_PORT
    socket: str | None = None
    weight: int | None = None
    track_file: str | None = None
    base_weight: int = 1
    timeout: float = 0.0
    arguments: tuple[str, ...] = ()
    """What stands behind the program."""

    @property
    def checks(self) -> bool:
        """Whether it would check; of a command line that is refused nothing else can be told."""
        return self.command == "check" and not self.shows and not self.problems

    @property
    def dynamic(self) -> bool:
        """Whether it is weight style: the weight is the exit code."""
        return self.weight is not None and self.track_file is None


Judge = Callable[[Sequence[str]], Usage]
"""Reads a command line of ours. Which options there are is not this package's to know."""


class Script(NamedTuple):
    """A script that keepalived runs: the line that names it, and the block that the line belongs to."""

    node: Node
    block: Node
    words: tuple[str, ...]
    after: tuple[str, ...]
    """What stands behind it in the line: for hooks a user and a group."""
    user: tuple[str, ...]
    """The user (and group) that it is to run as, where the block says so."""
    usage: Usage | None
    """What it would do, where it is ours."""

    @property
    def checks(self) -> bool:
        """Whether it is a check, so that its exit code counts."""
        return self.node.keyword in ("misc_path", "script")


class RealServer(NamedTuple):
    """A real server with what decides on it."""

    node: Node
    address: str
    port: int | None
    weight: int
    misc: tuple[tuple[Node, Script | None], ...]
    """Each MISC_CHECK with its script."""
    hooks: tuple[Script, ...] = ()
    """Its notify_up and notify_down."""

    @property
    def ours(self) -> list[tuple[Node, Script, Usage]]:
        """The MISC_CHECKs that call us."""
        return [(check, script, script.usage) for check, script in self.misc if script and script.usage]

    @property
    def files(self) -> list[tuple[Node, str]]:
        """The FILE_CHECKs, each with the name of its track_file."""
        return [(check, check.value("track_file") or "") for check in self.node.all("FILE_CHECK")]


class VirtualServer(NamedTuple):
    """A virtual server."""

    node: Node
    servers: tuple[RealServer, ...]

    @property
    def name(self) -> str:
        """How people call it."""
        return " ".join(self.node.words)

    @property
    def ours(self) -> bool:
        """Whether one of its real servers is checked by us."""
        return any(server.ours for server in self.servers)

    @property
    def scheduler(self) -> str:
        """The scheduler; keepalived's default is wlc."""
        return self.node.value("lvs_sched", "lb_algo") or "wlc"


def virtual_servers(root: Node, judge: Judge) -> tuple[VirtualServer, ...]:
    """Return the virtual servers in the order of the file."""
    return tuple(
        VirtualServer(node, tuple(_real_server(real, node, judge) for real in node.all("real_server")))
        for node in root.all("virtual_server")
    )


def scripts(root: Node, judge: Judge) -> Iterator[Script]:
    """Yield every script that keepalived would run, in the order of the file."""
    for node in root.walk():
        if node.keyword == "MISC_CHECK":
            found = script(node, "misc_path", judge)
        elif node.keyword == "vrrp_script":
            found = script(node, "script", judge)
        elif node.keyword in (*HOOKS, *VRRP_HOOKS):
            found = _hook(node, judge)
        else:
            continue
        if found:
            yield found


def script(block: Node, keyword: str, judge: Judge) -> Script | None:
    """Return the script of a MISC_CHECK or vrrp_script."""
    node, user = block.last(keyword), block.last("user")
    found = words.script(node.text) if node else None
    if node is None or found is None:
        return None
    return Script(node, block, found.words, found.after, user.words if user else (), usage(found, judge))


def usage(script: words.Script, judge: Judge) -> Usage | None:
    """Return what a command line of ours would do; None where the program is another.

    Arguments that were left outside the quotes count as meant: that they are lost is a rule of its own.
    """
    command = script.words if len(script.words) > 1 else (*script.words, *script.after)
    if os.path.basename(command[0]) in NAMES:
        return judge(command[1:])._replace(arguments=tuple(command[1:]))
    if os.path.basename(command[0]).startswith("python3") and tuple(command[1:3]) == ("-m", "mysqlcheck"):
        return judge(command[3:])._replace(arguments=tuple(command[3:]))
    return None


def number(text: str | None) -> int | None:
    """Read a whole number as keepalived does, or None."""
    return int(text) if text is not None and len(text) < 12 and text.isascii() and text.isdecimal() else None


def seconds(text: str | None) -> float | None:
    """Read seconds with decimals, or None."""
    return float(text) if text is not None and re.fullmatch(r"[0-9]{1,12}(\.[0-9]*)?", text) else None


def _hook(node: Node, judge: Judge) -> Script | None:
    found = words.script(node.text)
    return Script(node, node, found.words, found.after, found.after[:2], usage(found, judge)) if found else None


def _real_server(node: Node, virtual: Node, judge: Judge) -> RealServer:
    address, port = (*node.words, "", "")[:2]
    weight = number(node.value("weight"))
    if weight is None:
        weight = number(virtual.value("weight"))
    misc = tuple((check, script(check, "misc_path", judge)) for check in node.all("MISC_CHECK"))
    hooks = tuple(filter(None, (_hook(hook, judge) for hook in node.all("notify_up", "notify_down"))))
    return RealServer(node, address, number(port), 1 if weight is None else weight, misc, hooks)
