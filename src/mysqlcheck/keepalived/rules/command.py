"""Our own command lines in keepalived.conf: that they are ours, that they check, and check the right server."""

from __future__ import annotations

import ipaddress
import math
import os
from collections.abc import Iterator

from mysqlcheck.keepalived.conf import Node
from mysqlcheck.keepalived.findings import Context, Found, Rule, Severity, literal
from mysqlcheck.keepalived.servers import DELAY_LOOP, INTERVAL, NAMES, RealServer, Script, Usage, number, seconds

LEAST_MARGIN = 0.5
"""The check ends by itself at most half a second after --timeout."""
MARGIN = 2.0
"""What leaves room for a busy director."""


def _ours(context: Context) -> Iterator[tuple[Script, Usage]]:
    for script in context.scripts:
        if script.usage is not None:
            yield script, script.usage


def _of_servers(context: Context) -> Iterator[tuple[RealServer, Script, Usage]]:
    """Yield every command of ours with the real server in whose block it stands."""
    for virtual in context.virtual_servers:
        for real in virtual.servers:
            for _, script, usage in real.ours:
                yield real, script, usage
            for hook in real.hooks:
                if hook.usage is not None:
                    yield real, hook, hook.usage


def other_program(context: Context) -> Iterator[Found]:
    """It is MySQL's or MariaDB's table checker."""
    for script, _ in _ours(context):
        program = script.words[0]
        if os.path.basename(program) != "mysqlcheck" or not literal(program):
            continue
        path: str | None = program
        if "/" not in program:
            path = context.machine.which(program) if context.machine else "/usr/bin/mysqlcheck"
        real = context.machine.resolve(path) if context.machine and path else None
        if context.machine and real:
            theirs = os.path.basename(real) not in NAMES or not context.machine.head(real).startswith(b"#!")
        else:
            theirs = "/" not in program or program == "/usr/bin/mysqlcheck"
        if theirs:
            what = f"{program} is {real} here" if real and real != program else program
            yield Found(script.node, f"{what}: that is MySQL's or MariaDB's table checker, and not this check")


def placeholder(context: Context) -> Iterator[Found]:
    """A literal %s."""
    for script, _ in _ours(context):
        if any("%s" in word for word in script.words):
            yield Found(script.node, "keepalived puts no address in place of %s: the check is asked for a server %s")


def usage_error(context: Context) -> Iterator[Found]:
    """The check would refuse its command line."""
    for script, usage in _ours(context):
        if "%s" not in " ".join(script.words):
            for problem in usage.problems:
                yield Found(script.node, f"the check refuses this command line and answers 1 (down): {problem}")


def not_a_check(context: Context) -> Iterator[Found]:
    """Another command than the check."""
    for script, usage in _ours(context):
        if script.checks and usage.shows:
            yield Found(script.node, "this shows a text and exits 0: the server is always up")
        elif script.checks and usage.command != "check":
            text = f"`{usage.command}` is a command for people or hooks: its exit code says nothing of the server"
            yield Found(script.node, text)
        elif script.node.keyword in ("notify_up", "notify_down"):
            wanted = script.node.keyword.replace("_", "-")
            if usage.command in ("notify-up", "notify-down", "check") and usage.command != wanted:
                yield Found(script.node, f"this hook calls `{usage.command}`", f"Call `{wanted}` here.")


def wrong_host(context: Context) -> Iterator[Found]:
    """It checks another server than the one whose block it stands in."""
    for real, script, usage in _of_servers(context):
        if usage.socket is not None or usage.problems or usage.shows or not literal(real.address):
            continue
        advice = f"Write --host {real.address}"
        if usage.host is None:
            if not usage.command.startswith("notify"):
                continue  # a check without it has a usage error
            yield Found(script.node, f"this hook does not say which server it is about ({real.address})", f"{advice}.")
        elif literal(usage.host) and _differ(usage.host, real.address):
            yield Found(script.node, f"this is about {usage.host}, and the real server is {real.address}", f"{advice}.")


def wrong_port(context: Context) -> Iterator[Found]:
    """It checks another port."""
    for real, script, usage in _of_servers(context):
        if usage.socket is None and not usage.problems and not usage.shows and real.port not in (None, 0, usage.port):
            text = f"this is about port {usage.port}, and the real server has port {real.port}"
            yield Found(script.node, text, f"Write --port {real.port}.")


def _limits(context: Context) -> Iterator[tuple[Node, str | None, float, Usage]]:
    """Yield each check with its misc_timeout as written, and the seconds after which keepalived kills it."""
    for virtual in context.virtual_servers:
        delay_loop = seconds(virtual.node.value("delay_loop")) or DELAY_LOOP
        for real in virtual.servers:
            for check, _, usage in real.ours:
                given = check.value("misc_timeout")
                if usage.checks and literal(given or ""):
                    yield check, given, number(given) or delay_loop, usage


def timeout_missing(context: Context) -> Iterator[Found]:
    """No misc_timeout, so that delay_loop is the limit."""
    for check, given, limit, usage in _limits(context):
        if given is not None and number(given) is None:
            yield Found(check, f"misc_timeout {given!r} is no whole number, and keepalived passes it over")
        elif given is None and limit >= usage.timeout + LEAST_MARGIN:
            yield Found(check, "there is no misc_timeout: whoever shortens delay_loop lets keepalived kill it")


def timeout_too_short(context: Context) -> Iterator[Found]:
    """keepalived would kill the check."""
    for check, given, limit, usage in _limits(context):
        if limit < usage.timeout + LEAST_MARGIN:
            name = "misc_timeout" if number(given) else "delay_loop (there is no misc_timeout)"
            text = f"{name} is {limit:g} s, and the check may take --timeout {usage.timeout:g} s"
            if check.all("misc_dynamic"):
                text += "; killed under misc_dynamic it leaves its weight behind for good"
            yield Found(check, text, f"Write misc_timeout {math.ceil(usage.timeout + MARGIN)} or more.")
    for script, usage in _ours(context):
        timeout, interval = script.block.value("timeout"), script.block.value("interval")
        if script.block.keyword != "vrrp_script" or not usage.checks or not literal(f"{timeout}{interval}"):
            continue
        limit = seconds(timeout) or seconds(interval) or INTERVAL
        if limit < usage.timeout + LEAST_MARGIN:
            name = "timeout" if timeout else "interval (there is no timeout)"
            text = f"{name} is {limit:g} s, and the check may take --timeout {usage.timeout:g} s"
            yield Found(script.block, text, f"Write timeout {math.ceil(usage.timeout + MARGIN)} or more.")


def _differ(host: str, address: str) -> bool:
    """Whether two addresses are two; a name may be anything."""
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0]) != ipaddress.ip_address(address)
    except ValueError:
        return False


RULES = (
    Rule(
        "other_mysqlcheck",
        Severity.ERROR,
        other_program,
        "MySQL's and MariaDB's client packages install a table checker that is called mysqlcheck too. It knows nothing "
        "of replication, and its exit code says nothing of it.",
        "Write the whole path of keepalived-mysqlcheck: /opt/mysqlcheck/bin/keepalived-mysqlcheck.",
    ),
    Rule(
        "host_placeholder",
        Severity.ERROR,
        placeholder,
        "keepalived fills in no address. A `%s` reaches the check as it is, which is a usage error: the server "
        "is never up.",
        "Write the real server's address in its block.",
    ),
    Rule(
        "usage_error",
        Severity.ERROR,
        usage_error,
        "The check would refuse this command line: it answers 1 each time, and the server is never up. Only the "
        "command "
        "line itself is judged here, no file and no environment.",
        "See `mysqlcheck --help`.",
    ),
    Rule(
        "not_a_check",
        Severity.ERROR,
        not_a_check,
        "`explain`, `status`, `--help` and the other commands do not answer keepalived. Most exit 0, so that the "
        "server "
        "is always up. Or a notify_up calls notify-down, and the history tells the contrary of what happened.",
        "Call the check: no command, only options.",
    ),
    Rule(
        "host_mismatch",
        Severity.ERROR,
        wrong_host,
        "The check, or a hook, is about another address than the real server's: one server is checked and another one "
        "serves. That comes of copied blocks.",
        "Write the real server's own address.",
    ),
    Rule(
        "port_mismatch",
        Severity.ERROR,
        wrong_port,
        "The check, or a hook, is about another port than the real server's (3306 without --port).",
        "Write the real server's own port with --port.",
    ),
    Rule(
        "timeout_missing",
        Severity.WARNING,
        timeout_missing,
        "Without misc_timeout keepalived kills a check after the virtual server's delay_loop. misc_timeout takes whole "
        "seconds only; `2.5` is passed over.",
        "Write misc_timeout, at least 2 s above --timeout: with the default of 3 s, `misc_timeout 7`.",
    ),
    Rule(
        "timeout_too_short",
        Severity.ERROR,
        timeout_too_short,
        "keepalived ends the check with SIGTERM before it has its answer, and a server that is only slow to fail "
        "counts "
        "as down. With misc_dynamic a check that dies by a signal leaves its weight behind in keepalived's sums "
        "for good.",
        "Write misc_timeout (in a vrrp_script, timeout) at least 2 s above --timeout.",
    ),
)
