"""The state directory: who owns it, and how a run as root leaves nothing there that its owner cannot write."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator
from typing import TypeVar

from mysqlcheck.clock import within
from mysqlcheck.errors import OutOfTime

Result = TypeVar("Result")

SCRIPT_USER = "keepalived_script"
"""The user that keepalived runs scripts as, where it exists (keepalived.conf(5), script_user)."""


@contextlib.contextmanager
def as_owner(directory: str, make: bool = True) -> Iterator[None]:
    """Become the directory's owner where we are root; with `make` make the directory where there is none.

    So no file there ever belongs to root, and root never follows what the owner may have put there.
    Raises OSError where there is no directory and none can be made.
    """
    try:
        owner = os.stat(directory)
    except FileNotFoundError:
        if not make:
            raise
        _make(directory)
        owner = os.stat(directory)
    if os.geteuid() != 0 or owner.st_uid == 0:
        yield
        return
    from mysqlcheck import captures  # noqa: F401 - what work there needs; the owner may not be allowed to read our library

    group, groups = os.getegid(), os.getgroups()
    os.setgroups([])
    os.setegid(owner.st_gid)
    os.seteuid(owner.st_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)


def work_in(directory: str, seconds: float, work: Callable[[], Result], make: bool = True) -> Result:
    """Do work on files of the directory as its owner, in a thread: its disk may hang.

    Raises OutOfTime, OSError, or what the work raised.
    """

    def as_its_owner() -> Result:
        with as_owner(directory, make):
            return work()

    try:
        return within(seconds, as_its_owner)
    except OutOfTime:
        if os.getuid() == 0 and os.geteuid() != 0:  # it still hangs there as the owner; we go on as ourselves
            os.seteuid(0)
            os.setegid(os.getgid())
        raise


def _make(directory: str) -> None:
    with contextlib.suppress(FileExistsError):
        os.mkdir(directory, 0o755)
        sync(os.path.dirname(os.path.abspath(directory)))
        if os.geteuid() == 0:
            import pwd

            with contextlib.suppress(KeyError):
                user = pwd.getpwnam(SCRIPT_USER)
                os.chown(directory, user.pw_uid, user.pw_gid)


def sync(directory: str) -> None:
    """Put a directory's entries on the disk."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def file_name(target: str) -> str:
    """Return a file name for a target: no two targets share one."""
    return re.sub(r"[^A-Za-z0-9.-]", lambda found: f"_{ord(found[0]):x}_", target)


def target_of(name: str) -> str:
    """Return the target that a file is named after."""
    return re.sub(r"_([0-9a-f]{1,4}|[0-9a-f]{5}|10[0-9a-f]{4})_", lambda found: chr(int(found[1], 16)), name)


def explain(error: OSError, directory: str) -> str:
    """Say what is wrong with the directory, and what to do about it."""
    why = error.strerror or str(error)
    text = f"{directory}: {why}"
    if isinstance(error, (FileNotFoundError, PermissionError)):
        text += "; make it writable for the user that keepalived runs the check as: "
        text += f"install -d -o {SCRIPT_USER} {directory}"
    return text
