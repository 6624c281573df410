"""`mysqlcheck doctor`: everything that the check needs on a director, what is wrong with it, and what to do."""

from __future__ import annotations

import ipaddress
import os
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import click

from mysqlcheck.cli import people
from mysqlcheck.cli.check import command as check_command
from mysqlcheck.cli.lint import judge
from mysqlcheck.cli.options import given, options
from mysqlcheck.cli.target import names_a_server
from mysqlcheck.doctor.examine import Question, Section, examine
from mysqlcheck.doctor.findings import Finding, Level
from mysqlcheck.errors import MysqlcheckError
from mysqlcheck.keepalived.conf import DEFAULT_FILE
from mysqlcheck.keepalived.machine import ThisMachine
from mysqlcheck.model import Target

HELP = """Look at everything that the check needs on this director; say what is wrong, and what to do about each.

Run it as root before you trust a setup, and when something is odd. It really tries things as the user whom keepalived
runs scripts as: the program, its interpreter, settings and passwords, the state directory, track files, and a login on
each server. It changes nothing and records nothing.

\b
  mysqlcheck doctor                              # all servers that keepalived.conf checks or the TOML file names
  mysqlcheck doctor --host 192.168.1.201         # this one; with the check's own options
  mysqlcheck doctor --vip 192.168.1.10           # also: does each server answer at the virtual address?

With --vip each server must listen to the address; and where this machine does not have it (a client, the other
director), it is connected to with the check's account until every server that serves has answered.

\b
  ok         it is as it should be
  note       good to know, nothing to mend
  WARNING    it works, and not as it should, or not for ever
  PROBLEM    the check, or what it is there for, does not work

Every code stands in docs/reference/doctor.md. --output json gives an object: findings (a list of objects: subject,
level, code, text, advice; code and advice are null where all is well) and counts (of problem, warning, note, ok).

Exit code 0 where there is no problem (warnings may be), 1 where there is one, 2 for a mistake on the command line.
"""
WIDTH = 110
MARK = {Level.OK: "ok", Level.NOTE: "note", Level.WARNING: "WARNING", Level.PROBLEM: "PROBLEM"}


def run(arguments: list[str]) -> int:
    """Run the command and return its exit code."""
    return people.run(command(), arguments)


def command() -> click.Command:
    """Build the command: its own options, and the options of the check."""
    return click.Command(
        "doctor",
        params=[
            click.Option(["--conf"], metavar="FILE", help=f"keepalived's configuration.  [default: {DEFAULT_FILE}]"),
            click.Option(
                ["--vip"], metavar="ADDRESS[:PORT]",
                help="A virtual address: try whether each server answers there. The port is --port, or 3306.",
            ),
            click.Option(
                ["--script-user"], metavar="USER",
                help="The user who runs the checks.  [default: as keepalived.conf says, else keepalived_script, "
                "else root]",
            ),
            *options(),
        ],
        callback=_doctor,
        help=HELP,
        context_settings={"max_content_width": 110},
    )  # fmt: skip


def _doctor(conf: str | None, vip: str | None, script_user: str | None, **values: object) -> int:
    told = given(values)
    output = told.pop("output", os.environ.get("MYSQLCHECK_OUTPUT", "text"))
    if output not in ("text", "json"):
        raise click.BadParameter(f"{output!r} is not allowed; allowed is text or json", param_hint="--output")
    if "port" in told and not told.keys() & {"host", "socket"} and not names_a_server(os.environ):
        text = "--port needs the --host that it belongs to; a virtual address has its own: --vip ADDRESS:PORT"
        raise click.UsageError(text)
    user = None
    if script_user is not None and (user := ThisMachine().user(script_user)) is None:
        raise click.BadParameter(f"there is no user {script_user!r} on this machine", param_hint="--script-user")
    question = Question(
        told,
        {name: value for name, value in os.environ.items() if name != "MYSQLCHECK_OUTPUT"},
        conf or DEFAULT_FILE,
        conf is not None,
        user,
        None if vip is None else _address(vip, told),
        judge,
        read_options,
    )
    sections: list[Section] = []
    try:
        for section in examine(question):
            sections.append(section)
            if output == "text":
                click.echo("\n".join(_lines(*section)))
    except MysqlcheckError as error:
        people.warn(people.plain(str(error)))
        return 1
    counts = Counter(finding.level for _, findings in sections for finding in findings)
    if output == "json":
        import json

        click.echo(json.dumps(_document(sections, counts), ensure_ascii=False, indent=2))
    else:
        click.echo(_closing(counts))
    return int(counts[Level.PROBLEM] > 0)


def read_options(arguments: Sequence[str]) -> Mapping[str, str]:
    """Read the options of a check's command line that has no mistake."""
    rest = list(arguments[1:] if arguments[:1] == ("check",) else arguments)
    return given(check_command([]).make_context("mysqlcheck", rest).params)


def _address(text: str, told: Mapping[str, str]) -> Target:
    port = told.get("port", "3306")
    try:
        target = Target.parse(text, int(port) if port.isdecimal() else 3306)
        ipaddress.ip_address(target.host)
    except ValueError as error:
        what = f"{text!r} is no address such as 192.168.1.10, 192.168.1.10:3306 or [2001:db8::10]:3306 ({error})"
        raise click.BadParameter(what, param_hint="--vip") from None
    return target


def _lines(title: str, findings: Sequence[Finding]) -> Iterator[str]:
    yield title
    for finding in findings:
        code = f"{finding.code}: " if finding.code else ""
        yield from _wrapped(f"  {MARK[finding.level]:<9}", code + people.plain(finding.text))
        if finding.advice:
            yield from _wrapped(f"{'':<11}→ ", people.plain(finding.advice))
    yield ""


def _wrapped(head: str, text: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_on_hyphens=False,
        break_long_words=False,
    )


def _closing(counts: Counter[Level]) -> str:
    parts = [f"{counts[level]} {level}{'s' if counts[level] != 1 else ''}" for level in (Level.PROBLEM, Level.WARNING)]
    return f"{', '.join(parts)}; {counts[Level.OK]} things are well"


def _document(sections: Sequence[Section], counts: Counter[Level]) -> dict[str, object]:
    return {
        "findings": [
            {
                "subject": title,
                "level": str(finding.level),
                "code": finding.code or None,
                "text": people.plain(finding.text),
                "advice": people.plain(finding.advice) or None,
            }
            for title, findings in sections
            for finding in findings
        ],
        "counts": {str(level): counts[level] for level in reversed(Level)},
    }
