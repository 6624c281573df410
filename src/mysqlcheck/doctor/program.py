"""The program: Python and its packages, the other mysqlcheck, and whether keepalived's user can run ours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from mysqlcheck.doctor.findings import Code, Finding, Level, table, well

FLOORS = {"click": (8, 1, 3), "PyMySQL": (1, 0, 2), "prometheus-client": (0, 16)}
"""The oldest releases that are supported: Debian 12's own packages (pyproject.toml has the same)."""
LEAST_PYTHON = (3, 11)


class Installed(NamedTuple):
    """What the doctor itself runs with."""

    version: str
    python: tuple[int, ...]
    interpreter: str
    packages: Mapping[str, str | None]
    """The version of each package of FLOORS; None where it is not there."""


class Ran(NamedTuple):
    """How a program ended that was run as a user. `code` is None where it could not be run, or not to its end."""

    code: int | None
    out: str
    error: str
    seconds: float


class Script(NamedTuple):
    """A program of ours that keepalived is to run, or would be."""

    path: str
    user: str
    wrong: tuple[str, str] | None = None
    """A code and what is wrong already from the outside; then it was not run."""
    loose: str | None = None
    """Which part of its path others than root can change."""
    refused: bool = False
    """Whether keepalived does not run it for that (enable_script_security, as root)."""
    version: Ran | None = None
    """How `--version` ended."""
    starts: Ran | None = None
    """How `explain --help` ended, which loads all that a check needs."""


CODES = table(
    Code(
        "python_old",
        Level.PROBLEM,
        "This Python is older than what mysqlcheck is written for.",
        "Install Python 3.11 or later, and make the virtual environment anew with it.",
    ),
    Code(
        "package_missing",
        Level.PROBLEM,
        "A Python package that the check needs is not installed beside it.",
        "Install mysqlcheck anew: /opt/mysqlcheck/bin/pip install . (Debian: python3-click python3-pymysql "
        "python3-prometheus-client).",
    ),
    Code(
        "package_old",
        Level.WARNING,
        "A Python package is older than any release that mysqlcheck is tested with.",
        "Upgrade it: /opt/mysqlcheck/bin/pip install --upgrade click PyMySQL prometheus-client.",
    ),
    Code(
        "other_mysqlcheck",
        Level.NOTE,
        "MySQL's and MariaDB's client packages install a table checker that is called mysqlcheck too, and a shell "
        "finds that one first. It knows nothing of replication.",
        "Write whole paths, and keepalived-mysqlcheck, in keepalived.conf and in scripts.",
    ),
    Code(
        "script_not_found",
        Level.PROBLEM,
        "keepalived-mysqlcheck is neither named in keepalived.conf nor beside this program nor in PATH.",
        "Install it: python3 -m venv /opt/mysqlcheck && /opt/mysqlcheck/bin/pip install .",
    ),
    Code(
        "script_missing",
        Level.PROBLEM,
        "Nothing is at the path that keepalived runs. Missing at load the check is dropped and the server always up "
        "(with `alpha`: never); gone later it counts as success, and a dead server is let in.",
        "Install it there, or write the path at which it is; then reload keepalived.",
    ),
    Code(
        "script_not_executable",
        Level.PROBLEM,
        "keepalived's user may not execute the script: keepalived drops the check as if it were missing.",
        "`chmod 755` it, owned by root; then reload keepalived.",
    ),
    Code(
        "script_unreachable",
        Level.PROBLEM,
        "keepalived's user may not pass a directory on the way to the script, or to the interpreter in its first line. "
        "A script is dropped for it; an interpreter that cannot be executed counts as success, so that the server is "
        "up whatever its state.",
        "Install both where everybody may look: /opt/mysqlcheck with directories of mode 755, and a Python that is not "
        "below a home directory.",
    ),
    Code(
        "interpreter_missing",
        Level.PROBLEM,
        "The interpreter in the script's first line does not exist. keepalived only looks at the script; the failed "
        "execution counts as success, so that the server is up whatever its state.",
        "Make the virtual environment anew (an upgrade of Python breaks it so): python3 -m venv --clear "
        "/opt/mysqlcheck && /opt/mysqlcheck/bin/pip install .",
    ),
    Code(
        "script_insecure",
        Level.PROBLEM,
        "With enable_script_security keepalived drops a script that root would run and others than root can change.",
        "`chown root` and `chmod go-w` that component; or let `script_user keepalived_script` run scripts.",
    ),
    Code(
        "script_loose",
        Level.WARNING,
        "Others than root can change what keepalived runs, and with it what it takes for up. keepalived refuses that "
        "only where root runs the script with enable_script_security.",
        "`chown root` and `chmod go-w` that component.",
    ),
    Code(
        "script_fails",
        Level.PROBLEM,
        "The script could not be run as keepalived's user, or does not answer as ours does: a module that is missing "
        "or that this user may not read, a broken virtual environment, another program of the same name.",
        "Run the command as that user and mend what it says: runuser -u USER -- COMMAND.",
    ),
    Code(
        "other_version",
        Level.WARNING,
        "keepalived runs another version than this one: an upgrade went to one place, keepalived.conf names another.",
        "Name the new one in keepalived.conf and reload keepalived, or call the doctor of that installation.",
    ),
)  # fmt: skip


def installed(facts: Installed) -> Iterator[Finding]:
    """Judge Python and the packages."""
    number = ".".join(map(str, facts.python))
    if facts.python < LEAST_PYTHON:
        least = ".".join(map(str, LEAST_PYTHON))
        yield CODES["python_old"].found(f"{facts.interpreter} is Python {number}; {least} is the oldest that will do")
    for name, version in facts.packages.items():
        floor = ".".join(map(str, FLOORS[name]))
        if version is None:
            yield CODES["package_missing"].found(f"{facts.interpreter} has no package {name} ({floor} or later)")
        elif numbers(version) < FLOORS[name]:
            yield CODES["package_old"].found(f"{name} is {version}, and {floor} is the oldest that is tested")
    having = ", ".join(f"{name} {version}" for name, version in facts.packages.items() if version)
    yield well(f"mysqlcheck {facts.version}: {facts.interpreter} (Python {number}), {having}")


def in_path(found: str | None, ours: bool) -> Iterator[Finding]:
    """Judge what `mysqlcheck` means to a shell and to keepalived as a service."""
    if found and not ours:
        yield CODES["other_mysqlcheck"].found(f"`mysqlcheck` in PATH is {found}: MySQL's or MariaDB's table checker")


def scripts(found: list[Script], version: str) -> Iterator[Finding]:
    """Judge each program that keepalived runs for a check, once for each user who runs it."""
    if not found:
        yield CODES["script_not_found"].found("there is no keepalived-mysqlcheck to be found")
    for script in found:
        findings = list(_script(script, version))
        if not any(finding.level is Level.PROBLEM for finding in findings):
            took = f", and is ready after {script.starts.seconds:.2f} s" if script.starts else ""
            yield well(f"{script.path}: {script.user} can run it{took}")
        yield from findings


def _script(script: Script, version: str) -> Iterator[Finding]:
    if script.wrong:
        code, text = script.wrong
        yield CODES[code].found(text)
    if script.loose:
        code = "script_insecure" if script.refused else "script_loose"
        yield CODES[code].found(f"{script.loose}, and {script.user} runs {script.path}")
    if script.version is None or script.starts is None:
        return
    said = re.match(r"mysqlcheck (\S+)\n", script.version.out)
    for option, ran, sound in (
        ("--version", script.version, said is not None),
        ("explain --help", script.starts, "mysqlcheck explain" in script.starts.out),
    ):
        if ran.code != 0 or not sound:
            command = f"runuser -u {script.user} -- {script.path} {option}"
            text = f"{script.path} {option}, run as {script.user}, {_ended(ran)}"
            yield CODES["script_fails"].found(text, f"Run it and mend what it says: {command}")
            return
    if said and said[1] != version:
        yield CODES["other_version"].found(f"{script.path} is version {said[1]}, and this is {version}")


def _ended(ran: Ran) -> str:
    last = next((line for line in reversed((ran.error or ran.out).splitlines()) if line.strip()), "no word")
    if ran.code is None:
        return f"could not be run: {last.strip()}"
    return f"ended with {ran.code}: {last.strip()}"


def numbers(version: str) -> tuple[int, ...]:
    """Return the numbers that a version begins with."""
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(map(int, found[0].split("."))) if found else ()
