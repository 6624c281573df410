"""Scripts: that they are there, that they run, and that keepalived does not drop them at load.

A check whose script is missing or insecure when the configuration is loaded is dropped, and a server without a check
is always up (with `alpha`: never). One that cannot be executed later counts as success. Neither is an error to
`keepalived -t`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from mysqlcheck.keepalived.findings import Context, Found, Rule, Severity, literal
from mysqlcheck.keepalived.machine import Machine, User
from mysqlcheck.keepalived.servers import Script

ANY_X = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH


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
        program = script.words[0]
        if context.machine and literal(program) and program.startswith("/"):
            yield script, program, context.machine


def _bare(context: Context) -> Iterator[tuple[Script, str]]:
    """Yield every script whose path is no whole one."""
    for script in context.scripts:
        program = script.words[0]
        if program and literal(program) and not program.startswith(("/", "<")):  # `</x` only asks whether x opens
            yield script, program


def relative(context: Context) -> Iterator[Found]:
    """A bare name is looked up in PATH at load; a relative path starts from wherever keepalived was started."""
    for script, program in _bare(context):
        found = context.machine.which(program) if context.machine else None
        if "/" in program:
            text = f"{program} is taken from the directory that keepalived happens to run in"
        elif found or context.machine is None:
            text = (
                f"{program} is looked up in keepalived's PATH at load{f', which finds {found} here' if found else ''}"
            )
        else:
            continue  # that is script_missing
        advice = "" if script.usage else f"Write the whole path: `command -v {os.path.basename(program)}`."
        yield Found(script.node, text, advice)


def missing(context: Context) -> Iterator[Found]:
    """Nothing is at the path, or in PATH."""
    for script, program in _bare(context):
        if context.machine and "/" not in program and not context.machine.which(program):
            yield Found(script.node, f"{program} is not to be found in PATH: {consequence(script)}")
    for script, program, machine in _programs(context):
        if not machine.resolve(program):
            what = "leads nowhere" if machine.lstat(program) else "does not exist"
            yield Found(script.node, f"{program} {what}: {consequence(script)}")


def not_executable(context: Context) -> Iterator[Found]:
    """It may not be executed by who runs it, or it is no file."""
    for script, program, machine in _programs(context):
        found = machine.lstat(machine.resolve(program) or "")
        user = context.runs_as(script)
        if found is None:
            continue
        if not stat.S_ISREG(found.mode):
            yield Found(script.node, f"{program} is no regular file: {consequence(script)}")
        elif not _may(user, found.mode, found.uid, execute=True):
            who = f" by {user.name}" if user and found.mode & ANY_X else ""
            yield Found(script.node, f"{program} is not executable{who}: {consequence(script)}")


def unreachable(context: Context) -> Iterator[Found]:
    """A directory on the way may not be entered by who runs it."""
    for script, program, machine in _programs(context):
        user = context.runs_as(script)
        for folder in _parents(machine.resolve(program) or ""):
            found = machine.lstat(folder)
            if user and found and not _may(user, found.mode, found.uid, execute=False):
                text = f"{user.name} may not enter {folder} on the way to {program}: {consequence(script)}"
                yield Found(script.node, text)
                break


def interpreter_missing(context: Context) -> Iterator[Found]:
    """The program named behind #! is not there."""
    for script, program, machine in _programs(context):
        real = machine.resolve(program)
        words = _shebang(machine.head(real)) if real else []
        if not words:
            continue
        if not machine.resolve(words[0]):
            gone = words[0]
        elif os.path.basename(words[0]) == "env" and words[1:] and not words[1].startswith("-") and "=" not in words[1]:
            if machine.which(words[1]):
                continue
            gone = words[1]
        else:
            continue
        result = "and a check that cannot be executed counts as success" if script.checks else "so it never runs"
        yield Found(script.node, f"{program} is run by {gone} (its first line), which does not exist, {result}")


def insecure(context: Context) -> Iterator[Found]:
    """With enable_script_security a script run as root must stand where root alone can put it."""
    if not context.secure:
        return
    for script, program, machine in _programs(context):
        user = context.runs_as(script)
        if user is None or 0 not in (user.uid, user.gid):
            continue
        real = machine.resolve(program)
        for path in (program, real) if real else ():
            if weak := next(filter(None, (_weakness(machine, part) for part in (*_parents(path), path))), None):
                yield Found(script.node, f"{weak}, and {user.name} would run {program}: {consequence(script)}")
                break


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


def _may(user: User | None, mode: int, owner: int, *, execute: bool) -> bool:
    """Whether a user may execute a file or enter a directory; of groups the best is supposed."""
    if user is None or user.uid == 0:
        return not execute or bool(mode & ANY_X)
    return bool(mode & (stat.S_IXUSR if user.uid == owner else stat.S_IXGRP | stat.S_IXOTH))


def _parents(path: str) -> list[str]:
    """Return the directories on the way to a file, from the root."""
    parts = [part for part in path.split("/") if part][:-1]
    return ["/", *("/" + "/".join(parts[: end + 1]) for end in range(len(parts)))] if path else []


def _weakness(machine: Machine, path: str) -> str | None:
    """Say why keepalived calls a component of a path insecure; by its own rule (check_security in notify.c)."""
    found = machine.lstat(path)
    if found is None:
        return None
    if found.uid:
        return f"{path} does not belong to root (uid {found.uid})"
    if not (stat.S_ISREG(found.mode) or (stat.S_ISDIR(found.mode) and not found.mode & stat.S_ISVTX)):
        return None
    if found.mode & stat.S_IWOTH:
        return f"everybody may write to {path}"
    return f"its group may write to {path} (gid {found.gid})" if found.gid and found.mode & stat.S_IWGRP else None


def _shebang(head: bytes) -> list[str]:
    if not head.startswith(b"#!"):
        return []
    return head[2:].split(b"\n")[0].decode("utf-8", "surrogateescape").split(maxsplit=1)[:2]


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
