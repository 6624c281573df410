"""What is wrong with one program that keepalived is to run as some user. lint and doctor ask it of every script.

Each function returns a sentence about the program at a whole path, or None; what follows from it is for callers to say.
"""

from __future__ import annotations

import os
import stat

from mysqlcheck.keepalived.machine import Machine, User

ANY_X = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH


def missing(machine: Machine, program: str) -> str | None:
    """Say that nothing is there."""
    if machine.resolve(program):
        return None
    return f"{program} {'leads nowhere' if machine.lstat(program) else 'does not exist'}"


def not_executable(machine: Machine, program: str, user: User | None) -> str | None:
    """Say that it may not be executed by who runs it, or is no file."""
    found = machine.lstat(machine.resolve(program) or "")
    if found is None:
        return None
    if not stat.S_ISREG(found.mode):
        return f"{program} is no regular file"
    if may(user, found.mode, found.uid, execute=True):
        return None
    return f"{program} is not executable{f' by {user.name}' if user and found.mode & ANY_X else ''}"


def unreachable(machine: Machine, program: str, user: User | None) -> str | None:
    """Say which directory on the way may not be entered by who runs it."""
    for folder in parents(machine.resolve(program) or ""):
        found = machine.lstat(folder)
        if user and found and not may(user, found.mode, found.uid, execute=False):
            return f"{user.name} may not enter {folder} on the way to {program}"
    return None


def interpreter_missing(machine: Machine, program: str) -> str | None:
    """Say that the program named behind #! is not there."""
    words = shebang(machine, program)
    if not words:
        return None
    gone = None if machine.resolve(words[0]) else words[0]
    if gone is None and os.path.basename(words[0]) == "env" and words[1:]:
        named = not words[1].startswith("-") and "=" not in words[1]
        gone = words[1] if named and not machine.which(words[1]) else None
    return f"{program} is run by {gone} (its first line), which does not exist" if gone else None


def insecure(machine: Machine, program: str) -> str | None:
    """Say which component of its path others than root can change; of links both ends count."""
    real = machine.resolve(program)
    for path in (program, real) if real else ():
        if weak := next(filter(None, (_weakness(machine, part) for part in (*parents(path), path))), None):
            return weak
    return None


def may(user: User | None, mode: int, owner: int, *, execute: bool) -> bool:
    """Whether a user may execute a file or enter a directory; of groups the best is supposed."""
    if user is None or user.uid == 0:
        return not execute or bool(mode & ANY_X)
    return bool(mode & (stat.S_IXUSR if user.uid == owner else stat.S_IXGRP | stat.S_IXOTH))


def parents(path: str) -> list[str]:
    """Return the directories on the way to a file, from the root."""
    parts = [part for part in path.split("/") if part][:-1]
    return ["/", *("/" + "/".join(parts[: end + 1]) for end in range(len(parts)))] if path else []


def shebang(machine: Machine, program: str) -> list[str]:
    """Return the words of a script's first line: its interpreter and what is passed to that; none where it has none."""
    real = machine.resolve(program)
    head = machine.head(real) if real else b""
    if not head.startswith(b"#!"):
        return []
    return head[2:].split(b"\n")[0].decode("utf-8", "surrogateescape").split(maxsplit=1)[:2]


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
