"""What the rules ask of the machine that keepalived runs on."""

import os
import pwd
import stat
from typing import Protocol


class Machine(Protocol):
    """Answers about files; each returns what is wrong, or None."""

    def cannot_run(self, path: str) -> str | None:
        """Say why this program cannot be executed."""

    def insecure(self, path: str) -> str | None:
        """Say which part of the path others than root may change."""

    def has_user(self, name: str) -> bool:
        """Whether there is a user of this name."""

    def is_table_checker(self, path: str) -> bool:
        """Whether this is not our program but the client package's."""


class ThisMachine:
    """The machine that we run on."""

    def cannot_run(self, path: str) -> str | None:
        """Look at the file and at the interpreter in its first line."""
        if why := _not_executable(path):
            return why
        try:
            with open(path, "rb") as file:
                first = file.readline(256)
        except OSError:
            return None  # executable and not readable: a binary may be
        words = first[2:].split() if first.startswith(b"#!") else []
        interpreter = os.fsdecode(words[0]) if words else ""
        if interpreter and (why := _not_executable(interpreter)):
            return f"{path}: its interpreter {why}"
        return None

    def insecure(self, path: str) -> str | None:
        """Look at every folder on the way, of the real path: keepalived resolves links once."""
        part = os.path.realpath(path)
        while True:
            try:
                found = os.stat(part)
            except OSError:
                return None  # missing is another rule's word
            if found.st_uid != 0:
                return f"{part} is not root's"
            sticky = stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX
            if found.st_mode & 0o022 and not sticky:
                return f"{part} is writable by its group or by all"
            if part == "/":
                return None
            part = os.path.dirname(part)

    def has_user(self, name: str) -> bool:
        """Ask the system's databases."""
        try:
            pwd.getpwnam(name)
        except KeyError:
            return False
        return True

    def is_table_checker(self, path: str) -> bool:
        """The client packages' program is a binary, or a link to one; ours is a script."""
        try:
            with open(path, "rb") as file:
                return file.read(4) == b"\x7fELF"
        except OSError:
            return False


def _not_executable(path: str) -> str | None:
    try:
        found = os.stat(path)
    except OSError as error:
        return f"{path}: {error.strerror}"
    if not stat.S_ISREG(found.st_mode) or not found.st_mode & 0o111:
        return f"{path} is no executable file"
    return None
