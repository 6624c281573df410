"""Who runs scripts: a user that exists, and not root where nobody looks who may change them."""

from __future__ import annotations

from collections.abc import Iterator

from mysqlcheck.keepalived.findings import Context, Found, Rule, Severity, literal
from mysqlcheck.keepalived.machine import Machine
from mysqlcheck.keepalived.rules.scripts import consequence, swallowed


def as_root(context: Context) -> Iterator[Found]:
    """Scripts run as root and keepalived is not told to look after them."""
    if context.secure:
        return
    for script in context.scripts:
        user = context.runs_as(script)
        if user and user.uid == 0:
            yield Found(script.node, f"root runs {script.words[0]}, and keepalived does not look who may change it")
            return  # a word on all of them is enough


def user_unknown(context: Context) -> Iterator[Found]:
    """A user that scripts are to run as does not exist."""
    if context.machine is None:
        return
    if node := context.script_user:
        for kind, text in _unknown(context.machine, node.words):
            yield Found(node, f"there is no {kind} {text} here: keepalived drops every script that names no user")
    for script in context.scripts:
        if not script.user or swallowed(script):
            continue
        for kind, text in _unknown(context.machine, script.user):
            yield Found(script.node, f"there is no {kind} {text} here: {consequence(script)}")


def user_missing(context: Context) -> Iterator[Found]:
    """With enable_script_security and no script_user only keepalived_script will do."""
    if context.machine is None or not context.secure or context.script_user:
        return
    if context.machine.user("keepalived_script") is not None:
        return
    for script in context.scripts:
        if not script.user:
            text = "no script_user is named, and there is no user keepalived_script here"
            yield Found(script.node, f"{text}: {consequence(script)}")


def _unknown(machine: Machine, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if names and literal(names[0]) and machine.user(names[0]) is None:
        yield "user", names[0]
    group = names[1].removeprefix(":") if len(names) > 1 else ""
    if group and literal(group) and machine.group(group) is None:
        yield "group", group


RULES = (
    Rule(
        "script_as_root",
        Severity.WARNING,
        as_root,
        "Without enable_script_security root runs whatever stands at the path. keepalived calls that a security "
        "violation in its log, and `keepalived -t` ends with 6.",
        "Put `script_user keepalived_script` and `enable_script_security` into global_defs.",
    ),
    Rule(
        "script_user_unknown",
        Severity.ERROR,
        user_unknown,
        "The user or group who is to run scripts does not exist: keepalived drops the checks, and their servers are "
        "always up (with `alpha`: never). 2.2.7 was also seen to end with a signal.",
        "`useradd --system --no-create-home keepalived_script`, or name one that exists.",
    ),
    Rule(
        "script_user_missing",
        Severity.ERROR,
        user_missing,
        "With enable_script_security and no script_user scripts run as keepalived_script. Where that user does not "
        "exist keepalived drops them all.",
        "`useradd --system --no-create-home keepalived_script`, and write `script_user keepalived_script`.",
    ),
)
