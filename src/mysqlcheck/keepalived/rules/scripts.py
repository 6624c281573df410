"""Scripts: that they are there, that they run, and that keepalived does not drop them at load.

A check whose script is missing or insecure when the configuration is loaded is dropped, and a server without a check
is always up (with `alpha`: never). One that cannot be executed later counts as success. Neither is an error to
`keepalived -t`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from mysqlcheck.keepalived import program
from mysqlcheck.keepalived.findings import Context, Found, Rule, Severity, literal
from mysqlcheck.keepalived.machine import Machine
from mysqlcheck.keepalived.servers import Script


def consequence(script: Script) -> str:
    """Return what it means that keepalived drops this script when it loads the configuration."""
    if script.node.keyword == "misc_path":
        return "keepalived drops this check; with no other the server is always up (with alpha: never)"
    if script.node.keyword == "script":
        return "keepalived drops this script, and nobody tracks it"
    return f"keepalived never runs this {script.node.keyword}"


def _programs(context: Context) -> Iterator[tuple[Script, str, Machine]]:
    """Yield every script with a whole path, where it can be looked at."""
    for script in context.scripts:
        path = script.words[0]
        if context.machine and literal(path) and path.startswith("/"):
            yield script, path, context.machine


def _bare(context: Context) -> Iterator[tuple[Script, str]]:
    """Yield every script whose path is no whole one."""
    for script in context.scripts:
        path = script.words[0]
        if path and literal(path) and not path.startswith(("/", "<")):  # `</x` only asks whether x opens
            yield script, path


def relative(context: Context) -> Iterator[Found]:
    """A bare name is looked up in PATH at load; a relative path starts from wherever keepalived was started."""
    for script, path in _bare(context):
        found = context.machine.which(path) if context.machine else None
        if "/" in path:
            text = f"{path} is taken from the directory that keepalived happens to run in"
        elif found or context.machine is None:
            text = f"{path} is looked up in keepalived's PATH at load{f', which finds {found} here' if found else ''}"
        else:
            continue  # that is script_missing
        advice = "" if script.usage else f"Write the whole path: `command -v {os.path.basename(path)}`."
        yield Found(script.node, text, advice)


def missing(context: Context) -> Iterator[Found]:
    """Nothing is at the path, or in PATH."""
    for script, name in _bare(context):
        if context.machine and "/" not in name and not context.machine.which(name):
            yield Found(script.node, f"{name} is not to be found in PATH: {consequence(script)}")
    for script, path, machine in _programs(context):
        if text := program.missing(machine, path):
            yield Found(script.node, f"{text}: {consequence(script)}")


def not_executable(context: Context) -> Iterator[Found]:
    """It may not be executed by who runs it, or it is no file."""
    for script, path, machine in _programs(context):
        if text := program.not_executable(machine, path, context.runs_as(script)):
            yield Found(script.node, f"{text}: {consequence(script)}")


def unreachable(context: Context) -> Iterator[Found]:
    """A directory on the way may not be entered by who runs it."""
    for script, path, machine in _programs(context):
        if text := program.unreachable(machine, path, context.runs_as(script)):
            yield Found(script.node, f"{text}: {consequence(script)}")


def interpreter_missing(context: Context) -> Iterator[Found]:
    """The program named behind #! is not there."""
    for script, path, machine in _programs(context):
        if text := program.interpreter_missing(machine, path):
            result = "and a check that cannot be executed counts as success" if script.checks else "so it never runs"
            yield Found(script.node, f"{text}, {result}")


def insecure(context: Context) -> Iterator[Found]:
    """With enable_script_security a script run as root must stand where root alone can put it."""
    if not context.secure:
        return
    for script, path, machine in _programs(context):
        user = context.runs_as(script)
        if user is None or 0 not in (user.uid, user.gid):
            continue
        if text := program.insecure(machine, path):
            yield Found(script.node, f"{text}, and {user.name} would run {path}: {consequence(script)}")


def unquoted(context: Context) -> Iterator[Found]:
    """Arguments outside the quotes."""
    for script in context.scripts:
        if script.after and swallowed(script):
            lost = " ".join(script.after)
            if script.checks:
                text = f"only {script.words[0]!r} is run: keepalived passes over {lost!r}"
            else:
                text = f"{script.after[0]!r} is taken for the user who is to run it: {consequence(script)}"
            yield Found(script.node, text, f'Write it in quotes: {script.node.keyword} "{script.words[0]} {lost}"')


def swallowed(script: Script) -> bool:
    """Whether what follows the script was meant as its arguments: hooks may name a user and a group there."""
    ours_alone = script.usage is not None and len(script.words) == 1
    return bool(script.after) and (
        script.checks or ours_alone or len(script.after) > 2 or script.after[0][:1] in ("-", "/")
    )


PATH_ADVICE = "Write the whole path: /opt/mysqlcheck/bin/keepalived-mysqlcheck."
RULES = (
    Rule(
        "script_relative",
        Severity.WARNING,
        relative,
        "A script without a whole path is looked up in the PATH that keepalived was started with, or from its working "
        "directory. Which program that is changes with what is installed: a bare `mysqlcheck` is MySQL's table "
        "checker.",
        PATH_ADVICE,
    ),
    Rule(
        "script_missing",
        Severity.ERROR,
        missing,
        "A check whose script is not there when keepalived loads its configuration is dropped: the server is always up "
        "(with `alpha`: never). `keepalived -t` still ends with 0. If the script vanishes later, that counts as "
        "success.",
        "Install it there, or write the path at which it is: `command -v keepalived-mysqlcheck`.",
    ),
    Rule(
        "script_not_executable",
        Severity.ERROR,
        not_executable,
        "keepalived drops a script that its user may not execute, as if it were missing.",
        "`chmod 755` it, owned by root.",
    ),
    Rule(
        "script_unreachable",
        Severity.ERROR,
        unreachable,
        "The user who runs scripts may not enter a directory on the way (as with a virtual environment below /root): "
        "keepalived drops the script as if it were missing.",
        "Install it where everybody may look: /opt/mysqlcheck, with directories of mode 755.",
    ),
    Rule(
        "interpreter_missing",
        Severity.ERROR,
        interpreter_missing,
        "The interpreter in the script's first line does not exist. keepalived only looks at the script; the failed "
        "execution counts as **success**, so the server is up whatever its state.",
        "Install the interpreter, or make the virtual environment anew: an upgrade of Python breaks it so.",
    ),
    Rule(
        "script_insecure",
        Severity.ERROR,
        insecure,
        "With enable_script_security keepalived drops a script that root would run and others than root can change: a "
        "component of its path does not belong to root, or its group or everybody may write to it.",
        "`chown root` and `chmod go-w` that component; or let `script_user keepalived_script` run scripts.",
    ),
    Rule(
        "script_unquoted",
        Severity.ERROR,
        unquoted,
        "Of a script only the first word or quoted text is run. Words behind it are passed over (misc_path) or taken "
        "for a user and a group (notify_up and its like): the check runs without its arguments.",
        'Quote the whole: misc_path "/opt/mysqlcheck/bin/keepalived-mysqlcheck --host 192.168.1.201".',
    ),
)
