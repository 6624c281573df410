"""The files: settings and passwords, the state directory, the log, metrics, and track files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mysqlcheck.doctor.findings import Code, Finding, Level, table, well

MIB = 1 << 20
LEAST_BYTES, LITTLE_BYTES = MIB, 50 * MIB
MEMORY = ("tmpfs", "ramfs")
MOST_NAMED = 3


class Told(NamedTuple):
    """What a check is told by its command line, the environment and the files, read as the user who runs it."""

    name: str
    problems: tuple[tuple[str, str | None], ...] = ()
    """What is wrong, and the file that it stands in."""
    read: tuple[str, ...] = ()
    """The files that were read: TOML, option file, password file."""
    state_dir: str = ""
    textfile: str | None = None
    track_file: str | None = None


class Readable(NamedTuple):
    """A file that the check reads."""

    path: str
    user: str
    readable: bool
    secret: bool
    """Whether a password stands in it."""
    others: bool
    """Whether everybody may read it."""


class State(NamedTuple):
    """The state directory as the user sees it."""

    path: str
    user: str
    exists: bool
    writable: bool
    """Where it does not exist: whether the user may make it."""
    free: int = 0
    """Bytes."""
    file_system: str = ""
    foreign: tuple[str, ...] = ()
    """What stands in it and the user may not write."""
    trouble: tuple[str, ...] = ()
    """Why records or holds cannot be read."""
    records: int = 0
    holds: int = 0


class Output(NamedTuple):
    """A file that the check writes for others: metrics or a track file."""

    path: str
    user: str
    track: bool
    folder: str
    folder_exists: bool
    writable: bool
    content: str | None = None
    """The beginning of a track file; None where it is not there."""


CODES = table(
    Code(
        "settings_wrong",
        Level.PROBLEM,
        "The check would refuse its settings: a command line, a variable or a file has a mistake. Without a last good "
        "version of the file it answers 1 (down) for every server that is told the same.",
        "Mend what is named; `mysqlcheck explain --host H` reads the same.",
    ),
    Code(
        "file_unreadable",
        Level.PROBLEM,
        "The user who runs the checks cannot read a file that they are told by. A default file that he cannot even see "
        "is passed over in silence: no password, no settings.",
        "Let that user read it; one with a password nobody else.",
    ),
    Code(
        "secret_for_all",
        Level.WARNING,
        "Every user of this machine can read the password of the monitor's account.",
        "chown USER FILE && chmod 600 FILE, with the user who runs the checks.",
    ),
    Code(
        "environment",
        Level.NOTE,
        "MYSQLCHECK_ variables of this shell were taken into account here. keepalived's checks have keepalived's own "
        "environment, and not this one.",
        "Put the settings into /etc/mysqlcheck/mysqlcheck.toml, the password into /etc/mysqlcheck/my.cnf.",
    ),
    Code(
        "state_missing",
        Level.PROBLEM,
        "The state directory is not there and the user who runs the checks may not make it: no memory between checks. "
        "A hold then begins anew only by the server's own words, nothing has a grace, and no operator's hold can be "
        "set.",
        "install -d -o keepalived_script /var/lib/mysqlcheck",
    ),
    Code(
        "state_not_writable",
        Level.PROBLEM,
        "The user who runs the checks cannot write to the state directory: no memory between checks, as if it were "
        "missing.",
        "Give it to that user: chown -R keepalived_script /var/lib/mysqlcheck; or mount it for writing.",
    ),
    Code(
        "state_full",
        Level.PROBLEM,
        "The disk of the state directory is full, or nearly: memory between checks and operators' holds cannot be "
        "written.",
        "Make room there.",
    ),
    Code(
        "state_in_memory",
        Level.WARNING,
        "The state directory is in memory: a reboot of the director forgets operators' holds, and puts servers back "
        "that somebody took out.",
        "Leave it at /var/lib/mysqlcheck, on a disk; only track files belong below /run.",
    ),
    Code(
        "state_foreign",
        Level.PROBLEM,
        "Something in the state directory belongs to another user, and the one who runs the checks may not write it: "
        "what stands in it stays as it was.",
        "chown -R keepalived_script /var/lib/mysqlcheck",
    ),
    Code(
        "state_damaged",
        Level.WARNING,
        "What is on record cannot be read. The next check sets a broken database aside and begins anew; a hold that "
        "cannot be read counts as a hold.",
        "`mysqlcheck status` says more; `mysqlcheck release --host H` ends a hold that cannot be read.",
    ),
    Code(
        "log_unreachable",
        Level.WARNING,
        "Nobody listens at /dev/log: changes and warnings of the check under keepalived go nowhere, since keepalived "
        "gives it no standard error.",
        "Start systemd-journald or a syslog daemon; in a container, mount its socket.",
    ),
    Code(
        "textfile_not_writable",
        Level.WARNING,
        "The user who runs the checks cannot write the metrics: they grow old, and an alert on them is blind.",
        "Let the user's own group write there: chgrp keepalived_script DIRECTORY && chmod g+w DIRECTORY.",
    ),
    Code(
        "track_not_writable",
        Level.PROBLEM,
        "The user who runs the checks cannot put a track file where keepalived watches for it: the weight does not "
        "follow, and a drain becomes a fail.",
        "install -d -o keepalived_script /run/mysqlcheck/weights (tmpfiles.d makes it at each boot), then reload "
        "keepalived.",
    ),
    Code(
        "track_broken",
        Level.WARNING,
        "A track file holds no whole number. keepalived reads that as 0: the server has its configured weight.",
        "The next check writes it anew; find out what else writes there.",
    ),
)  # fmt: skip


def settings(told: Sequence[Told], unreadable: set[str], variables: Sequence[str]) -> Iterator[Finding]:
    """Judge what the checks are told; a file that cannot be read is said elsewhere."""
    names: dict[str, list[str]] = {}
    for one in told:
        for text, file in one.problems:
            if file not in unreadable:
                names.setdefault(text, []).append(one.name)
    for text, concerned in names.items():
        yield CODES["settings_wrong"].found(f"{text} ({', '.join(concerned)})")
    if variables:
        yield CODES["environment"].found(f"{', '.join(variables)}: set in this shell, not in keepalived")


def readable(files: Sequence[Readable]) -> Iterator[Finding]:
    """Judge the files that are read."""
    for file in files:
        if not file.readable:
            advice = f"chown {file.user} {file.path} && chmod 600 {file.path}, and chmod 755 the directories above it."
            yield CODES["file_unreadable"].found(f"{file.user} cannot read {file.path}", advice)
            continue
        if file.secret and file.others:
            advice = f"chown {file.user} {file.path} && chmod 600 {file.path}"
            yield CODES["secret_for_all"].found(f"everybody can read the password in {file.path}", advice)
        yield well(f"{file.path}: {file.user} can read it")


def state(found: State) -> Iterator[Finding]:
    """Judge the state directory."""
    if not found.exists:
        if found.writable:
            yield well(f"{found.path}: not there yet, and {found.user} may make it")
        else:
            advice = f"install -d -o {found.user} {found.path}"
            yield CODES["state_missing"].found(f"there is no {found.path}, and {found.user} may not make it", advice)
        return
    bad = list(_state(found))
    yield from bad
    if not any(finding.level is Level.PROBLEM for finding in bad):
        what = f"{found.file_system or 'unknown'}, {found.free // MIB} MiB free"
        held = f", {found.holds} held by an operator" if found.holds else ""
        yield well(f"{found.path}: {found.user} can write to it ({what}); {found.records} on record{held}")


def _state(found: State) -> Iterator[Finding]:
    if not found.writable:
        advice = f"chown -R {found.user} {found.path}, unless it is mounted read-only."
        yield CODES["state_not_writable"].found(f"{found.user} cannot write to {found.path}", advice)
    elif found.foreign:
        some = ", ".join(found.foreign[:MOST_NAMED]) + (" …" if len(found.foreign) > MOST_NAMED else "")
        advice = f"chown -R {found.user} {found.path}"
        yield CODES["state_foreign"].found(f"{found.user} cannot write {some} in {found.path}", advice)
    if found.free < LEAST_BYTES:
        yield CODES["state_full"].found(f"the disk of {found.path} has {found.free // 1024} KiB left")
    elif found.free < LITTLE_BYTES and found.file_system not in MEMORY:
        full = CODES["state_full"]
        yield full.found(f"the disk of {found.path} has {found.free // MIB} MiB left")._replace(level=Level.WARNING)
    if found.file_system in MEMORY:
        yield CODES["state_in_memory"].found(f"{found.path} is on {found.file_system}")
    for text in found.trouble:
        yield CODES["state_damaged"].found(text)


def log(reachable: bool, user: str) -> Iterator[Finding]:
    """Judge the way to syslog or the journal."""
    if reachable:
        yield well(f"/dev/log: {user} can write to the log")
    else:
        yield CODES["log_unreachable"].found(f"{user} cannot write to the log: /dev/log does not take it")


def outputs(files: Sequence[Output]) -> Iterator[Finding]:
    """Judge metrics and track files."""
    for file in files:
        if not file.folder_exists or not file.writable:
            why = f"{file.user} cannot write to {file.folder}" if file.folder_exists else f"there is no {file.folder}"
            code = CODES["track_not_writable" if file.track else "textfile_not_writable"]
            advice = f"install -d -o {file.user} {file.folder}" if file.track else ""
            more = " (tmpfiles.d makes it at each boot), then reload keepalived." if file.track else ""
            yield code.found(f"{why}, for {file.path}", advice + more)
        elif file.track and file.content is not None and not whole_number(file.content):
            shown = repr(file.content) if file.content else "empty"
            yield CODES["track_broken"].found(f"{file.path} is {shown}, and keepalived reads it as 0")
        else:
            now = f" (now {file.content.strip()})" if file.track and file.content else ""
            yield well(f"{file.path}: {file.user} can write it{now}")


def whole_number(text: str) -> bool:
    """Whether keepalived reads a number from it."""
    digits = text.strip().removeprefix("-")
    return digits.isascii() and digits.isdecimal()


def file_system(mounts: str, path: str) -> str:
    """Return the type of the file system that a path is on, from the text of /proc/self/mounts; the last one counts."""
    best, kind = "", ""
    for line in mounts.splitlines():
        _, place, what, *_ = [*line.split(), "", "", ""]
        place = place.replace("\\040", " ")
        if (path + "/").startswith(place.rstrip("/") + "/") and len(place) >= len(best):
            best, kind = place, what
    return kind
