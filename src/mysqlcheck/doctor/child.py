"""Looks at things as another user: really tried in a child process, not worked out from permission bits.

ACLs, capabilities, read-only mounts and security modules have their say that way. The child becomes the user for good
before it touches anything, so nothing of root's is followed on the way; what it found comes back as JSON. A child that
hangs is killed. The user gets his one group and no further ones, because that is all that keepalived gives to its
scripts (lib/notify.c sets the gid and clears the supplementary groups): being a member of another group helps no check.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from mysqlcheck.doctor.program import Ran
from mysqlcheck.errors import MysqlcheckError
from mysqlcheck.keepalived.machine import SYSTEM_PATH, User

Work = Callable[[], Any]
"""Returns what JSON can carry."""


class ChildFailed(MysqlcheckError):
    """A look in a child process came to no end in time, or to none at all."""


class _Child(NamedTuple):
    pid: int
    handle: int
    end: float


def may_become(user: User) -> bool:
    """Whether we can look at things as this user."""
    return os.geteuid() in (0, user.uid)


def look(user: User, seconds: float, work: Work) -> Any:
    """Do work in a child that is this user, and return its result. Raises ChildFailed."""
    found = look_at_all(user, seconds, [work])[0]
    if isinstance(found, ChildFailed):
        raise found
    return found


def look_at_all(user: User, seconds: float, works: Sequence[Work], at_once: int = 8) -> list[Any]:
    """Do several works, each in a child of its own and some at once; a result is a ChildFailed where it failed.

    `seconds` is how long each may take; all together take no longer than that times len(works) / at_once, rounded up.
    """
    results: list[Any] = []
    for first in range(0, len(works), at_once):
        children = [_start(user, seconds, work) for work in works[first : first + at_once]]
        results += [_result(child, seconds) for child in children]
    return results


def run(user: User, command: Sequence[str], seconds: float) -> Ran:
    """Run a program as keepalived would: this user, keepalived's PATH, no environment of this shell."""
    began = time.monotonic()
    as_user: dict[str, Any] = {}
    if os.geteuid() == 0:
        as_user = {"user": user.uid, "group": user.gid, "extra_groups": [user.gid]}
    try:
        ended = subprocess.run(
            command,
            env={"PATH": SYSTEM_PATH, "PYTHONDONTWRITEBYTECODE": "1"},
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            **as_user,
        )
    except subprocess.TimeoutExpired:
        return Ran(None, "", f"no end within {seconds:g} s", seconds)
    except (OSError, ValueError) as error:
        return Ran(None, "", getattr(error, "strerror", None) or str(error), 0.0)
    return Ran(ended.returncode, ended.stdout, ended.stderr, time.monotonic() - began)


def _start(user: User, seconds: float, work: Work) -> _Child:
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        return _Child(pid, reader, time.monotonic() + seconds)
    try:
        os.close(reader)
        if os.geteuid() == 0:
            os.setgroups([user.gid])
            os.setresgid(user.gid, user.gid, user.gid)
            os.setresuid(user.uid, user.uid, user.uid)
        _answer(writer, work)
    finally:
        os._exit(1)  # whatever happened: the parent's buffers and exit hooks are not ours


def _answer(writer: int, work: Work) -> None:
    try:
        answer = {"found": work()}
    except Exception as error:  # noqa: BLE001 - told by the parent
        answer = {"failed": f"{type(error).__name__}: {error}"}
    with open(writer, "wb") as pipe:
        pipe.write(json.dumps(answer).encode())


def _result(child: _Child, seconds: float) -> Any:
    try:
        content = _read(child)
        if content is None:
            return ChildFailed(f"no end within {seconds:g} s")
    finally:
        os.close(child.handle)
        os.kill(child.pid, signal.SIGKILL)  # not reaped yet: the number is still its own
        os.waitpid(child.pid, 0)
    try:
        answer = json.loads(content)
    except ValueError:
        return ChildFailed("it ended without a word")
    return ChildFailed(answer["failed"]) if "failed" in answer else answer["found"]


def _read(child: _Child) -> bytes | None:
    content = b""
    while select.select([child.handle], [], [], max(0.0, child.end - time.monotonic()))[0]:
        part = os.read(child.handle, 65536)
        if not part:
            return content
        content += part
    return None
