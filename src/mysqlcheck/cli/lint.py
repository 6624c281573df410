"""`mysqlcheck lint`: what is wrong with keepalived.conf, before keepalived finds out in its own way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache

import click

from mysqlcheck.cli import COMMANDS, people
from mysqlcheck.cli.options import given, options
from mysqlcheck.cli.target import NAMES
from mysqlcheck.errors import SettingsError
from mysqlcheck.keepalived import conf, lint
from mysqlcheck.keepalived.findings import Finding, Severity
from mysqlcheck.keepalived.machine import ThisMachine, Version, installed_version, version_of
from mysqlcheck.keepalived.servers import Usage
from mysqlcheck.options import Settings
from mysqlcheck.settings import Layer, read, resolve

HELP = """Read keepalived.conf and say what is wrong with it: where, what will happen, and what to write instead.

keepalived drops a check whose script is missing, runs half of a script that is not quoted, takes exit code 0 for weight
0 at a reload, and `keepalived -t` is content with all of it. This looks at our own checks closely, and at the scripts,
users, track files and quorums of the others. Run it on the director, as root: it looks at scripts and users there. It
changes nothing.

\b
  mysqlcheck lint
  mysqlcheck lint --elsewhere new/keepalived.conf          # in a repository or CI, not on the director
  mysqlcheck lint --output json | jq '.findings[].code'

--output json gives an object: findings (a list of objects: code, severity, file, line, text, advice), files (all that
were read) and keepalived (its version, null where it is not known).

Exit code 0 where there is nothing to mend (information does not count), 1 where there are warnings or errors, 2 for a
mistake on the command line or a file that cannot be read.
"""


def run(arguments: list[str]) -> int:
    """Run the command and return its exit code."""
    return people.run(command(), arguments)


def command() -> click.Command:
    """Build the command."""
    return click.Command(
        "lint",
        params=[
            click.Argument(["file"], required=False, default=conf.DEFAULT_FILE, metavar="[FILE]"),
            people.output(),
            click.Option(
                ["--keepalived-version"], metavar="X.Y.Z",
                help="The version of keepalived it is for.  [default: ask the one that is installed]",
            ),
            click.Option(
                ["--elsewhere"], is_flag=True,
                help="The file is for another machine: look at no script, user or keepalived of this one.",
            ),
        ],
        callback=_lint,
        help=HELP,
        context_settings={"max_content_width": 110},
    )  # fmt: skip


def _lint(file: str, output: str | None, keepalived_version: str | None, elsewhere: bool) -> int:
    if output not in (None, "text", "json"):
        raise click.BadParameter(f"{output!r} is not allowed; allowed is text or json", param_hint="--output")
    version = None if elsewhere else installed_version()
    if keepalived_version is not None:
        version = version_of(keepalived_version)
        if version is None:
            raise click.BadParameter("this is no version such as 2.2.7", param_hint="--keepalived-version")
    try:
        config = conf.read(file)
    except conf.ConfigUnreadable as error:
        people.warn(f"cannot be read: {people.plain(str(error))}")
        return 2
    found = lint.findings(config, judge, None if elsewhere else ThisMachine(), version)
    if output == "json":
        import json

        click.echo(json.dumps(_document(found, config, version), ensure_ascii=False, indent=2))
    else:
        click.echo("\n".join([*map(_text, found), _closing(found, config)]))
    return int(any(finding.severity > Severity.INFORMATION for finding in found))


def judge(arguments: Sequence[str]) -> Usage:
    """Read a command line of ours as the check would, but no file and no environment."""
    return _usage(tuple(arguments))


@cache
def _usage(arguments: tuple[str, ...]) -> Usage:
    name = arguments[0] if arguments and arguments[0] in COMMANDS else "check"
    rest = list(arguments[1:] if arguments[:1] == (name,) else arguments)
    others = name != "check"
    try:
        values = _parser(others).make_context("mysqlcheck", rest).params
    except click.ClickException as error:
        return Usage(name, problems=(error.format_message(),), timeout=Settings.timeout.default)
    told = given(values)
    layer = Layer("cli", told, lambda setting: setting.option)
    if others:
        known = {key: value for key, (value, problem) in read(Settings.declared(), layer).items() if problem is None}
        settings, problems = Settings.of(**known), tuple[str, ...]()
    else:
        settings, problems = _settings(layer)
    shows = bool(values.get("help") or values.get("version"))
    host, port = settings.host, settings.port
    try:
        if host is not None and settings.socket is None:
            host, port = settings.target.host, settings.target.port
    except ValueError as error:
        problems = (*problems, f"{Settings.host.option}: {error}")
    return Usage(
        name,
        () if shows else problems,
        shows,
        host,
        port,
        settings.socket,
        settings.weight,
        settings.track_file,
        settings.base_weight,
        settings.timeout,
    )


@cache
def _parser(others: bool) -> click.Command:
    """Return a parser of the check's options that shows nothing; for other commands, of the server's name alone."""
    flags: list[click.Parameter] = [click.Option([name], is_flag=True) for name in ("--version", "--help")]
    return click.Command(
        "mysqlcheck",
        params=[*(options(NAMES[:3]) if others else options()), *flags],
        add_help_option=False,
        context_settings={"ignore_unknown_options": others, "allow_extra_args": others},
    )


def _settings(layer: Layer) -> tuple[Settings, tuple[str, ...]]:
    """Return the settings of a command line, the mistakes left out, and the mistakes."""
    try:
        return resolve(Settings, [layer]), ()
    except SettingsError as error:
        good = {key: value for key, (value, problem) in read(Settings.declared(), layer).items() if problem is None}
        return Settings.of(**good), tuple(map(str, error.problems))


def _text(finding: Finding) -> str:
    head = f"{finding.file}:{finding.line}: {finding.severity}: {finding.code}: {finding.text}"
    return f"{people.plain(head)}\n    {people.plain(finding.advice)}"


def _closing(found: list[Finding], config: conf.Config) -> str:
    """Count."""
    counts = Counter(finding.severity for finding in found)
    read_files = f"{len(config.files)} file{'s' if len(config.files) != 1 else ''} read"
    names = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFORMATION: "note"}
    parts = [f"{counts[level]} {name}{'s' if counts[level] != 1 else ''}" for level, name in names.items()]
    return f"{people.plain(config.path)}: {', '.join(parts)} ({read_files})"


def _document(found: list[Finding], config: conf.Config, version: Version | None) -> dict[str, object]:
    return {
        "findings": [
            {
                "code": finding.code,
                "severity": str(finding.severity),
                "file": people.plain(finding.file),
                "line": finding.line,
                "text": people.plain(finding.text),
                "advice": people.plain(finding.advice),
            }
            for finding in found
        ],
        "files": [people.plain(file) for file in config.files],
        "keepalived": ".".join(map(str, version)) if version else None,
    }
