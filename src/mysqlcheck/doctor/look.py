"""Gathers the facts of this machine: the program, the files, the directories, each tried as the user who runs it."""

from __future__ import annotations

import contextlib
import errno
import importlib.metadata
import os
import socket
import stat
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from mysqlcheck import __version__, holds, optionfile
from mysqlcheck.doctor import child
from mysqlcheck.doctor.files import Output, Readable, State, Told, file_system
from mysqlcheck.doctor.program import FLOORS, Installed, Script
from mysqlcheck.errors import NothingRecorded, SettingsError, StoreError
from mysqlcheck.keepalived import program
from mysqlcheck.keepalived.machine import Machine, User
from mysqlcheck.layers import load
from mysqlcheck.options import DEFAULT_CONFIG, DEFAULT_OPTION_FILE, Settings
from mysqlcheck.store import Store

SECONDS = 5.0
"""How long a look at a file, or a run of the script, may take."""
STORE_SECONDS = 2.0
LOG = "/dev/log"
MOST_FILES = 10_000


class Asked(NamedTuple):
    """A check as it will be run: its target's name, what its command line says, and who runs it."""

    name: str
    told: Mapping[str, str]
    user: User


def installed() -> Installed:
    """Look at what we run with ourselves."""
    packages: dict[str, str | None] = {}
    for name in FLOORS:
        try:
            packages[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            packages[name] = None
    return Installed(__version__, sys.version_info[:3], sys.executable, packages)


def script(command: Sequence[str], user: User, refuses: bool, machine: Machine) -> Script:
    """Look at a program of ours, and run it as its user where nothing is wrong from the outside.

    `command` is its path, or a Python's with `-m mysqlcheck`; `refuses` is whether keepalived is told not to run as
    root what others can change.
    """
    path = command[0]
    found = Script(" ".join(command), user.name)
    for code, text in (
        ("script_missing", program.missing(machine, path)),
        ("script_not_executable", program.not_executable(machine, path, user)),
        ("interpreter_missing", program.interpreter_missing(machine, path)),
    ):
        if text:
            return found._replace(wrong=(code, text))
    try:
        blocked = child.look(user, SECONDS, lambda: _blocked(path, machine))
    except child.ChildFailed as error:
        return found._replace(wrong=("script_unreachable", f"{path} cannot be looked at: {error}"))
    if blocked:
        what = "enter" if os.path.isdir(blocked) else "execute"
        return found._replace(wrong=("script_unreachable", f"{user.name} may not {what} {blocked}, to run {path}"))
    found = found._replace(loose=program.insecure(machine, path), refused=refuses and 0 in (user.uid, user.gid))
    if found.loose and user.uid == 0:
        return found  # root runs nothing here that others may have changed
    return found._replace(
        version=child.run(user, [*command, "--version"], SECONDS),
        starts=child.run(user, [*command, "explain", "--help"], SECONDS),
    )


def _blocked(path: str, machine: Machine) -> str | None:
    """Return what on the way to a script, or to its interpreter, may not be passed by who we are."""
    ends = [path, *program.shebang(machine, path)[:1]]
    for end in ends:
        for each in dict.fromkeys((end, os.path.realpath(end))):
            for place in (*program.parents(each), each):
                try:
                    os.stat(place)
                except PermissionError:
                    continue  # the directory before it said no, and has been returned
                except OSError:
                    return place
                if not os.access(place, os.X_OK):
                    return place
    return None


def told(asked: Sequence[Asked], environment: Mapping[str, str]) -> list[Told]:
    """Read what each check is told, as its user."""
    answers = child.for_each([one.user for one in asked], SECONDS, [partial(_told, one, environment) for one in asked])
    return [
        Told(one.name, ((f"the settings cannot be read: {answer}", None),), state_dir=Settings.state_dir.default)
        if isinstance(answer, child.ChildFailed)
        else Told(*answer)
        for one, answer in zip(asked, answers, strict=True)
    ]


def _told(asked: Asked, environment: Mapping[str, str]) -> Told:
    named = {
        name: asked.told.get(name) or environment.get(Settings.declared()[name].variable)
        for name in ("config", "defaults_file", "password_file", "state_dir", "textfile", "track_file")
    }
    problems: tuple[tuple[str, str | None], ...] = ()
    try:
        load(asked.told, environment)
    except SettingsError as error:
        problems = tuple((str(problem), problem.file) for problem in error.problems)
    with contextlib.suppress(SettingsError):  # where the files are can be told although one of them is unreadable
        values = load(asked.told, environment, login_files=False).values
        named |= {name: values[name] for name in named if name != "config"}
    read = (named["config"] or DEFAULT_CONFIG, named["defaults_file"] or DEFAULT_OPTION_FILE, named["password_file"])
    state_dir = os.path.abspath(named["state_dir"] or Settings.state_dir.default)
    return Told(asked.name, problems, tuple(filter(None, read)), state_dir, named["textfile"], named["track_file"])


def readable(path: str, user: User) -> Readable | None:
    """Look at a file that is read; None where there is none, as far as we ourselves can tell."""
    nothing = Readable(path, user.name, False, False, False)
    if not os.path.lexists(path):
        return None
    try:  # in children, because a FIFO or a dead NFS server answers nobody
        found = child.look(user, SECONDS, lambda: os.access(path, os.R_OK))
        secret, others = child.look(child.ourselves(), SECONDS, lambda: (_secret(path), _for_all(path)))
    except child.ChildFailed:
        return nothing
    return nothing._replace(readable=found, secret=secret, others=others)


def _for_all(path: str) -> bool:
    return bool(os.stat(path).st_mode & stat.S_IROTH)


def _secret(path: str) -> bool:
    """Whether it is a password file, or an option file with a password in it."""
    if path.endswith(".toml"):
        return False
    try:
        options = optionfile.read(path)
    except SettingsError:
        return True
    with open(path, "rb") as file:
        return "password" in options or b"[" not in file.read(4096)


def state(path: str, user: User) -> State:
    """Look at the state directory, as the user."""
    try:
        found = State(*child.look(user, SECONDS, lambda: _state(path, user.name)))
    except child.ChildFailed as error:
        return State(path, user.name, True, False, trouble=(f"{path}: {error} (a disk that hangs?)",))
    return found


def _state(path: str, name: str) -> State:
    if not os.path.isdir(path):
        return State(path, name, False, os.access(folder_of(path), os.W_OK | os.X_OK))
    with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as mounts:
        kind = file_system(mounts.read(), os.path.realpath(path))
    room = os.statvfs(path)
    free = room.f_bavail * room.f_frsize if room.f_favail or not room.f_files else 0
    trouble: list[str] = []
    records, held = 0, 0
    try:
        records = len({kept.target for kept in Store(path).records(STORE_SECONDS)})
    except NothingRecorded:
        pass
    except StoreError as error:
        trouble.append(f"the records cannot be read: {error}")
    try:
        for target in holds.targets(path):
            hold = holds.read(path, target, time.time(), STORE_SECONDS)
            held += hold is not None
            if hold is not None and hold.reason.startswith(holds.path_of(path, target)):
                trouble.append(hold.reason)
    except StoreError as error:
        trouble.append(f"the holds cannot be read: {error}")
    writable = os.access(path, os.W_OK | os.X_OK)
    return State(path, name, True, writable, free, kind, _foreign(path), tuple(trouble), records, held)


def _foreign(path: str) -> tuple[str, ...]:
    found: list[str] = []
    for folder, folders, names in os.walk(path):
        here = [os.path.join(folder, name) for name in (*folders, *names)]
        found += [os.path.relpath(each, path) for each in here if not os.access(each, os.W_OK)]
        if len(found) > MOST_FILES:
            break
    return tuple(sorted(found)[:MOST_FILES])


def output(path: str, track: bool, user: User) -> Output:
    """Look at a file that is written for others, as the user."""

    def look() -> Output:
        folder = path if not track and os.path.isdir(path) else folder_of(path)
        writable = os.access(folder, os.W_OK | os.X_OK)
        return Output(path, user.name, track, folder, os.path.isdir(folder), writable, _content(path, track))

    try:
        return Output(*child.look(user, SECONDS, look))
    except child.ChildFailed:
        return Output(path, user.name, track, folder_of(path), True, False)


def folder_of(path: str) -> str:
    """Return the directory that a file is in."""
    return os.path.dirname(path) or "."


def _content(path: str, track: bool) -> str | None:
    if not track:
        return None
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            return file.read(40).decode("ascii", "replace")
    except OSError:
        return None


def log_reachable(user: User) -> bool:
    """Whether syslog's socket takes a connection of this user; nothing is sent."""

    def connect() -> bool:
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            with socket.socket(socket.AF_UNIX, kind) as sock:
                sock.settimeout(1.0)
                try:
                    sock.connect(LOG)
                except OSError as error:
                    if error.errno != errno.EPROTOTYPE:
                        return False
                else:
                    return True
        return False

    try:
        return bool(child.look(user, SECONDS, connect))
    except child.ChildFailed:
        return False
