"""`mysqlcheck lint`: what in keepalived.conf will not do what it seems to."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import Counter

import click

from mysqlcheck.cli import people
from mysqlcheck.keepalived import conf
from mysqlcheck.keepalived.lint import Finding, Level, findings
from mysqlcheck.keepalived.machine import ThisMachine
from mysqlcheck.keepalived.rules import Known, Version
from mysqlcheck.kinds import OneOf, Text
from mysqlcheck.options import Settings

DEFAULT_FILE = "/etc/keepalived/keepalived.conf"
HELP = """Read keepalived.conf and say what in it will not do what it seems to: where, what will happen, what to write.
Run it on the director, where the scripts are; keepalived itself is not touched.

\b
  mysqlcheck lint
  mysqlcheck lint /tmp/new.conf --output json

`keepalived -t` reads the syntax; it exits 0 for a script that does not exist, and knows nothing of MySQL. Each code is
explained in docs/reference/lint.md.

Exit code 0 where nothing speaks against it (information is no objection); 1 where something does; 2 where the file
cannot be read, or for a mistake on the command line.
"""
MOST_SECONDS = 5.0


def _version(text: str) -> str | None:
    return None if re.fullmatch(r"\d+(\.\d+){1,3}", text) else f"{text!r} is no version, like 2.3.3"


VERSION = Text("X.Y.Z", "a version of keepalived, like 2.3.3", _version)


def run(arguments: list[str]) -> int:
    """Run the command and return its exit code."""
    return people.run(command(), arguments)


def command() -> click.Command:
    """Build the command."""
    return click.Command(
        "lint",
        params=[
            click.Argument(["file"], required=False, default=DEFAULT_FILE, metavar="[FILE]"),
            click.Option(
                ["--output"], type=people.Written(OneOf("text", "json")), default="text", metavar="text|json",
                help="Lines for people, or JSON.  [default: text]",
            ),
            click.Option(
                ["--keepalived-version"], type=people.Written(VERSION), metavar="X.Y.Z",
                help="The keepalived that will read it.  [default: what is installed here says]",
            ),
        ],
        callback=_lint,
        help=HELP,
        context_settings={"max_content_width": 110},
    )  # fmt: skip


def _lint(file: str, output: str, keepalived_version: str | None) -> int:
    try:
        config = conf.read(file)
    except OSError as error:
        raise click.FileError(file, error.strerror) from None
    options = frozenset(setting.option for setting in Settings.declared().values() if "cli" in setting.sources)
    version = _numbers(keepalived_version) if keepalived_version else _installed()
    found = findings(Known(config, ThisMachine(), options, timeout, version))
    wrong = [one for one in found if one.level is not Level.INFORMATION]
    if output == "json":
        rows = [{**one._asdict(), "level": one.level.value} for one in found]
        click.echo(json.dumps({"file": file, "findings": rows}, indent=2))
    else:
        click.echo("".join(map(_text, found)) + _closing(found, file))
    return 1 if wrong else 0


def timeout(written: str | None) -> float | None:
    """Read the --timeout of a check, in seconds; None where it is not allowed."""
    if written is None:
        return float(Settings.timeout.default)
    try:
        return float(Settings.timeout.kind.from_text(written))
    except ValueError:
        return None


def _text(one: Finding) -> str:
    line = f"{one.file}:{one.line}: {one.level.value}: {one.code}: {one.text}"
    return f"{people.plain(line)}\n    write: {one.instead}\n"


def _closing(found: list[Finding], file: str) -> str:
    counts = Counter(one.level for one in found)
    told = ", ".join(f"{counts[level]} × {level.value}" for level in Level if counts[level])
    return f"{file}: {told or 'nothing against it'}"


def _installed() -> Version | None:
    """Ask the keepalived that is installed here; it may not be."""
    program = shutil.which("keepalived") or shutil.which("keepalived", path="/usr/sbin:/sbin:/usr/local/sbin")
    if program is None:
        return None
    try:
        told = subprocess.run([program, "--version"], capture_output=True, timeout=MOST_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"Keepalived v(\d+(?:\.\d+)+)", (told.stdout + told.stderr).decode("utf-8", "replace"))
    return _numbers(found[1]) if found else None


def _numbers(version: str) -> Version:
    return tuple(map(int, version.split(".")))
