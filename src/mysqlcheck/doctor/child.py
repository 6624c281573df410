"""Looks at things as another user: really tried in a child process, not worked out from permission bits.

ACLs, capabilities, read-only mounts and security modules have their say that way. The child becomes the user for good
before it touches anything, so nothing of root's is followed on the way; what it found comes back as JSON. A child that
hangs is killed. The user gets his one group and no further ones, because that is all that keepalived gives to its
scripts (lib/notify.c sets the gid and clears the supplementary groups): being a member of another group helps no check.
(Newer ones give further groups where script_user says `:group`; that is judged as the one group.)
"""

from __future__ import annotations

import json
import os
import pwd
import select
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from mysqlcheck.doctor.program import Ran
from mysqlcheck.errors import MysqlcheckError
from mysqlcheck.keepalived.machine import SYSTEM_PATH, User

AT_ONCE = 8
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


def ourselves() -> User:
    """Return who we are."""
    uid = os.geteuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = f"uid {uid}"
    return User(name, uid, os.getegid())


def look(user: User, seconds: float, work: Work) -> Any:
    """Do work in a child that is this user, and return its result. Raises ChildFailed."""
    found = for_each([user], seconds, [work])[0]
    if isinstance(found, ChildFailed):
        raise found
    return found


def for_each(users: Sequence[User], seconds: float, works: Sequence[Work]) -> list[Any]:
    """Do a work for each user, each in a child of its own, AT_ONCE of them at once; a ChildFailed is one that failed.

    `seconds` is how long each may take; all together take no longer than that times len(works) / AT_ONCE, rounded up.
    """
    results: list[Any] = []
    jobs = list(zip(users, works, strict=True))
    for first in range(0, len(jobs), AT_ONCE):
        children = [_start(user, seconds, work) for user, work in jobs[first : first + AT_ONCE]]
        results += [_result(child, seconds) for child in children]
    return results


def run(user: User, command: Sequence[str], seconds: float) -> Ran:
    """Run a program as keepalived would: this user, keepalived's PATH, no environment of this shell."""
    began = time.monotonic()
    as_user: dict[str, Any] = {}
    if os.geteuid() == 0:
        as_user = {"user": user.uid, "group": user.gid, "extra_groups": [user.gid]}
    try:
        process = subprocess.Popen(
            command,
            env={"PATH": SYSTEM_PATH, "PYTHONDONTWRITEBYTECODE": "1"},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
            **as_user,
        )
    except (OSError, ValueError) as error:
        return Ran(None, "", getattr(error, "strerror", None) or str(error), 0.0)
    with process:
        try:
            out, error_ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # with what it has started, which would hold the pipes open
            process.communicate()
            return Ran(None, "", f"no end within {seconds:g} s", seconds)
    return Ran(process.returncode, out, error_, time.monotonic() - began)


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
