"""`mysqlcheck --host H`: the check that keepalived runs."""

from __future__ import annotations

import os
from collections.abc import Callable

import click

from mysqlcheck import console
from mysqlcheck.cli import COMMANDS, Shown
from mysqlcheck.cli.options import given, options
from mysqlcheck.clock import Deadline
from mysqlcheck.errors import SettingsError
from mysqlcheck.options import load
from mysqlcheck.outcome import ExitCode

HELP = """Ask a MySQL or MariaDB server whether clients may read from it, and answer keepalived by the exit code.

\b
                 plain   with --track-file     with --weight N (misc_dynamic)
  serve          0       0, file: the weight   N+2, or less while it lags
  drain          1       0, file: weight 0     2
  fail           1       1, file: weight 0     1
  any mistake    1       1                     1

\b
In keepalived.conf, with the path of this command written out:
  MISC_CHECK {
    misc_path "/opt/mysqlcheck/bin/keepalived-mysqlcheck --host 192.168.1.201"
    misc_timeout 7
  }

Every option can also be set in the environment (MYSQLCHECK_MAX_LAG=90s) and in the TOML file (max_lag = "90s").
"""


def command() -> click.Command:
    """Build the command; only the check's way and the help need it."""
    width = max(map(len, COMMANDS))
    others = "\n".join(f"  {name:<{width}}  {text}" for name, text in COMMANDS.items() if name != "check")
    parameters = [
        *options(),
        click.Option(
            ["--version"],
            is_flag=True,
            expose_value=False,
            is_eager=True,
            callback=_version,
            help="Show the version.",
        ),
    ]
    return click.Command(
        "mysqlcheck",
        params=parameters,
        callback=lambda **values: values,
        help=HELP,
        epilog=f"\b\nOther commands (mysqlcheck COMMAND --help):\n{others}",
        context_settings={"max_content_width": 110, "help_option_names": ["-h", "--help"]},
    )


def run(arguments: list[str], began: float, rearm: Callable[[float], None]) -> ExitCode | Shown | None:
    """Parse, check, print. Returns the Decision's exit code; None where the operator must mend something."""
    deadline = Deadline(1.0, began)
    try:
        values = command().main(arguments, prog_name="mysqlcheck", standalone_mode=False)
        if not isinstance(values, dict):  # click has shown the help and "exits" with 0
            return Shown()
        settings = load(given(values), os.environ)
        rearm(settings.timeout)
        deadline = Deadline(settings.timeout, began)
        from mysqlcheck import oneshot

        report = oneshot.check(settings, deadline)
    except click.ClickException as error:
        console.warn(f"{error.format_message()} (see mysqlcheck --help)", deadline)
        return None
    except SettingsError as error:
        console.warn("\n".join(map(str, error.problems)), deadline)
        return None
    leave = Deadline(0.2)
    for warning in report.warnings:
        console.warn(warning, leave)
    from mysqlcheck.cli import present

    text = present.as_json if settings.output == "json" else present.as_line
    console.say(text(report, settings), leave)
    return report.exit_code


def _version(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        from mysqlcheck import __version__

        click.echo(f"mysqlcheck {__version__}")
        context.exit()
