"""The rules of lint.py, each a function that yields the statements it has something against, and what it saw."""

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

from mysqlcheck.keepalived import setup
from mysqlcheck.keepalived.conf import Config, Node
from mysqlcheck.keepalived.machine import Machine
from mysqlcheck.keepalived.setup import Command, RealServer

Version = tuple[int, ...]
Found = Iterator[tuple[Node, str]]
HOOKS = ("notify_up", "notify_down")


class Known(NamedTuple):
    """What the rules may look at."""

    config: Config
    machine: Machine
    options: frozenset[str]
    """Every option that our check knows."""
    timeout: Callable[[str | None], float | None]
    """Reads a --timeout, or says the default; None where it is not allowed."""
    version: Version | None = None
    """keepalived's, where it is known."""


# What they look at.


def _ours(known: Known) -> Iterator[tuple[RealServer, Node, Command]]:
    """Every check of ours, with the real server that it is for."""
    for server in setup.real_servers(known.config):
        for check, command in server.our_checks:
            yield server, check, command


def _is_dynamic(check: Node) -> bool:
    found = check.first("misc_dynamic")
    return found is not None and found.arguments[:1] not in (("no",), ("off",), ("false",))


def _weighted(command: Command) -> bool:
    return "--weight" in command.options and "--track-file" not in command.options


def _checked(known: Known) -> tuple[Node, ...]:
    """The virtual servers in which one of our checks stands."""
    return tuple(dict.fromkeys(server.virtual for server, _, _ in _ours(known)))


# The script.


def script_relative(known: Known) -> Found:
    for command in setup.commands(known.config):
        if not command.program.startswith("/"):
            yield command.node, command.program


def script_missing(known: Known) -> Found:
    for command in setup.commands(known.config):
        why = command.program.startswith("/") and known.machine.cannot_run(command.program)
        if why and command.node.keyword not in HOOKS:
            yield command.node, why


def hook_missing(known: Known) -> Found:
    for command in setup.commands(known.config):
        why = command.program.startswith("/") and known.machine.cannot_run(command.program)
        if why and command.node.keyword in HOOKS:
            yield command.node, why


def script_insecure(known: Known) -> Found:
    """keepalived asks only where root runs the script (lib/notify.c), as it does where nobody else is named."""
    globally = [block for block in known.config.root.all("global_defs") if block.first("enable_script_security")]
    if not globally:
        return
    named = globally[-1].value("script_user")
    default = named or ("keepalived_script" if known.machine.has_user("keepalived_script") else "root")
    for server in setup.real_servers(known.config):
        for check, command in server.checks:
            as_root = (check.value("user") or default) == "root" and command.program.startswith("/")
            if as_root and (why := known.machine.insecure(command.program)):
                yield command.node, why


def no_such_user(known: Known) -> Found:
    for block in known.config.root.all("global_defs"):
        for node in block.all("script_user"):
            if node.arguments and not known.machine.has_user(node.arguments[0]):
                yield node, f"there is no user {node.arguments[0]}"


def misc_path_unquoted(known: Known) -> Found:
    for server in setup.real_servers(known.config):
        for _, command in server.checks:
            if len(command.node.arguments) > 1:
                yield command.node, f"{command.node.keyword} {command.program} …"


def literal_percent_s(known: Known) -> Found:
    for command in setup.commands(known.config):
        if any("%s" in word for word in command.words[1:]):
            yield command.node, ""


def other_mysqlcheck(known: Known) -> Found:
    for command in setup.commands(known.config):
        if command.program.rpartition("/")[2] == "mysqlcheck" and known.machine.is_table_checker(command.program):
            yield command.node, command.program


# Our command line.


def usage_error(known: Known) -> Found:
    for _, _, command in _ours(known):
        if command.subcommand == "check":
            for option, value in command.options.items():
                if option not in known.options:
                    yield command.node, f"there is no option {option}"
                elif option == "--timeout" and known.timeout(value) is None:
                    yield command.node, f"--timeout {value} is not allowed"


def no_check(known: Known) -> Found:
    for _, _, command in _ours(known):
        if command.subcommand != "check":
            yield command.node, f"`{command.subcommand}` is no check"


def other_server(known: Known) -> Found:
    for server in setup.real_servers(known.config):
        for command in (*(command for _, command in server.our_checks), *(h for h in server.hooks if h.ours)):
            host, port = command.options.get("--host", ""), command.options.get("--port", "3306")
            if host and "%" not in host and host.strip("[]").lower() != server.address.lower():
                yield command.node, f"--host {host} in the block of {server.address}"
            elif host and server.port and port != server.port:
                yield command.node, f"port {port} in the block of {server.address} {server.port}"


def misc_timeout(known: Known) -> Found:
    for server, check, command in _ours(known):
        ours = known.timeout(command.options.get("--timeout"))
        written = check.value("misc_timeout")
        loop = server.node.value("delay_loop") or server.virtual.value("delay_loop") or "60"
        limit = _number(written if written is not None else loop)
        if ours is not None and limit is not None and limit < ours + 1:
            name = f"misc_timeout {written}" if written is not None else f"no misc_timeout, so delay_loop {loop}"
            yield check, f"{name}, and --timeout {ours:g} s"


# Weights.


def weight_style(known: Known) -> Found:
    for _, check, command in _ours(known):
        if _weighted(command) and not _is_dynamic(check):
            yield check, f"--weight {command.options['--weight']} without misc_dynamic"


def exit_0(known: Known) -> Found:
    for _, check, command in _ours(known):
        if _is_dynamic(check) and not _weighted(command):
            yield check, "misc_dynamic, and a check that exits 0"


def weight_differs(known: Known) -> Found:
    for server, check, command in _ours(known):
        weight = server.node.value("weight") or "1"
        if _is_dynamic(check) and _weighted(command) and command.options["--weight"] != weight:
            yield check, f"--weight {command.options['--weight']}, and the real server's weight is {weight}"


def two_dynamic(known: Known) -> Found:
    for server in setup.real_servers(known.config):
        dynamic = [check for check in server.node.all("MISC_CHECK") if _is_dynamic(check)]
        if dynamic and len(dynamic) + len(server.node.all("FILE_CHECK")) > 1:
            yield dynamic[-1], server.address


def weight_ignored(known: Known) -> Found:
    for virtual in _checked(known):
        scheduler = virtual.value("lvs_sched", "lb_algo")
        graded = any(
            "--weight" in c.options or "--track-file" in c.options for s, _, c in _ours(known) if s.virtual == virtual
        )
        if scheduler in ("rr", "lc") and graded:
            yield virtual, f"lvs_sched {scheduler}"


def all_weights_zero(known: Known) -> Found:
    for virtual in setup.virtual_servers(known.config):
        real = virtual.all("real_server")
        if real and all(server.value("weight") == "0" for server in real):
            yield virtual, "every real server has weight 0"


# The track file.


def _tracks(known: Known) -> Iterator[tuple[RealServer, Node, str]]:
    for server in setup.real_servers(known.config):
        for check in server.node.all("FILE_CHECK"):
            if name := check.value("track_file"):
                yield server, check, name


def track_file(known: Known) -> Found:
    before: dict[str, Node] = {}
    for node in known.config.root.children:
        if node.keyword in ("track_file", "vrrp_track_file") and node.arguments:
            before[node.arguments[0]] = node
        for server in node.all("real_server") if node.keyword == "virtual_server" else ():
            for check in server.all("FILE_CHECK"):
                name = check.value("track_file")
                if name not in before:
                    yield check, f"track_file {name} is not defined before this virtual_server"


def track_file_differs(known: Known) -> Found:
    files = {node.arguments[0]: node.value("file") for node in known.config.root.all("track_file") if node.arguments}
    for server, check, name in _tracks(known):
        written = [c.options["--track-file"] for _, c in server.our_checks if "--track-file" in c.options]
        if server.our_checks and files.get(name) not in (None, *written):
            yield check, f"{files[name]} is followed, and {' and '.join(written) or 'no file'} is written"


def file_check_version(known: Known) -> Found:
    if known.version is not None and (2, 3, 0) <= known.version[:3] <= (2, 3, 2):
        for _, check, _ in _tracks(known):
            yield check, f"FILE_CHECK with keepalived {'.'.join(map(str, known.version))}"


# The virtual server.


def lacks(*keywords: str) -> Callable[[Known], Found]:
    def find(known: Known) -> Found:
        for virtual in _checked(known):
            if virtual.first(*keywords) is None:
                yield virtual, ""

    return find


def no_alpha(known: Known) -> Found:
    for virtual in _checked(known):
        real = [server.node for server, _, _ in _ours(known) if server.virtual == virtual]
        if virtual.first("alpha") is None and any(server.first("alpha") is None for server in real):
            yield virtual, ""


def port_differs(known: Known) -> Found:
    for server in setup.real_servers(known.config):
        arguments = server.virtual.arguments
        method = server.virtual.value("lvs_method", "lb_kind")
        if method in ("DR", "TUN") and len(arguments) > 1 and server.port and server.port != arguments[1]:
            yield server.node, f"port {server.port}, and the virtual server has {arguments[1]}"


def hysteresis(known: Known) -> Found:
    for virtual in setup.virtual_servers(known.config):
        quorum, hysteresis = _number(virtual.value("quorum") or "1"), _number(virtual.value("hysteresis") or "0")
        if quorum is not None and hysteresis is not None and hysteresis >= quorum > 0 < hysteresis:
            yield virtual, f"hysteresis {hysteresis:g}, quorum {quorum:g}"


def inhibit_on_failure(known: Known) -> Found:
    for server, _, _ in _ours(known):
        if server.node.first("inhibit_on_failure"):
            yield server.node, "inhibit_on_failure"


def tcp_check_beside(known: Known) -> Found:
    for server in setup.real_servers(known.config):
        for check in server.node.all("TCP_CHECK") if server.our_checks else ():
            yield check, "TCP_CHECK beside mysqlcheck"


def tcp_check_alone(known: Known) -> Found:
    for server in setup.real_servers(known.config):
        if server.port == "3306" and not server.our_checks:
            for check in server.node.all("TCP_CHECK"):
                yield check, f"{server.address} 3306 is checked by TCP alone"


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) else None
