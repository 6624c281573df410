"""What a rule may ask of the director that a configuration is for. The rules take it as a value; tests make one up."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import re
import shutil
import subprocess
from typing import NamedTuple, Protocol

Version = tuple[int, ...]
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""What systemd gives a service for PATH, where bare names are looked up."""


class Stat(NamedTuple):
    """A file or directory as keepalived looks at it."""

    mode: int
    uid: int
    gid: int


class User(NamedTuple):
    """A user who runs scripts."""

    name: str
    uid: int
    gid: int


class Machine(Protocol):
    """The director."""

    def lstat(self, path: str) -> Stat | None:
        """Return what is at a path, symbolic links not followed; None where nothing is."""

    def resolve(self, path: str) -> str | None:
        """Return the path with every symbolic link followed; None where it leads nowhere.

        What we may not look at is supposed to be there, and nothing else can be told of it.
        """

    def which(self, name: str) -> str | None:
        """Return the program that a bare name means."""

    def head(self, path: str) -> bytes:
        """Return the first bytes of a file, as far as it can be read."""

    def user(self, name: str) -> User | None:
        """Return a user by name; keepalived takes no numbers."""

    def group(self, name: str) -> int | None:
        """Return a group's number by its name."""


class ThisMachine:
    """The machine we run on."""

    def lstat(self, path: str) -> Stat | None:
        """Ask the file system."""
        try:
            found = os.lstat(path)
        except (OSError, ValueError):
            return None
        return Stat(found.st_mode, found.st_uid, found.st_gid)

    def resolve(self, path: str) -> str | None:
        """Ask the file system."""
        try:
            return os.path.realpath(path, strict=True)
        except PermissionError:
            return path
        except (OSError, ValueError):
            return None

    def which(self, name: str) -> str | None:
        """Look where keepalived as a service looks, not where this shell does."""
        return shutil.which(name, path=SYSTEM_PATH)

    def head(self, path: str) -> bytes:
        """Read a little, and wait for nothing."""
        try:
            with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
                return file.read(256)
        except (OSError, ValueError):
            return b""

    def user(self, name: str) -> User | None:
        """Ask the user database."""
        with contextlib.suppress(KeyError, ValueError):
            found = pwd.getpwnam(name)
            return User(found.pw_name, found.pw_uid, found.pw_gid)
        return None

    def group(self, name: str) -> int | None:
        """Ask the group database."""
        with contextlib.suppress(KeyError, ValueError):
            return grp.getgrnam(name).gr_gid
        return None


def version_of(text: str) -> Version | None:
    """Read a version as keepalived and people write it: `2.3.1`, `Keepalived v2.2.7 (01/16,2022)`."""
    found = re.search(r"(?<![\d.])v?(\d+)\.(\d+)\.(\d+)(?![\d.])", text)
    return tuple(map(int, found.groups())) if found else None


def installed_version() -> Version | None:
    """Ask the keepalived that is installed here; None where there is none, or it does not answer."""
    program = shutil.which("keepalived", path=f"{os.environ.get('PATH', os.defpath)}:{SYSTEM_PATH}")
    if program is None:
        return None
    try:
        ended = subprocess.run(
            [program, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=5,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return version_of(ended.stdout + ended.stderr)
