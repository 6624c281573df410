"""`mysqlcheck --host H`: the check that keepalived runs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import click

from mysqlcheck import __version__, console
from mysqlcheck.cli import COMMANDS, Shown
from mysqlcheck.cli.options import given, options
from mysqlcheck.clock import Deadline
from mysqlcheck.errors import SettingsError
from mysqlcheck.lastgood import load_settings
from mysqlcheck.line import log_line
from mysqlcheck.options import Settings
from mysqlcheck.outcome import ExitCode

HELP = """Ask a MySQL or MariaDB server whether clients may read from it, and answer keepalived by the exit code.

\b
                 plain   with --track-file     with --weight N (misc_dynamic)
  serve          0       0, file: the weight   N+2, or less while it lags
  drain          1       0, file: weight 0     2
  fail, held     1       1, file: weight 0     1
  any mistake    1       1                     1

\b
In keepalived.conf, with the path of this command written out:
  MISC_CHECK {
    misc_path "/opt/mysqlcheck/bin/keepalived-mysqlcheck --host 192.168.1.201"
    misc_timeout 7
  }

A server that restarted is held for --hold-down before it serves again; memory between checks is in --state-dir.

Every option can also be set in the environment (MYSQLCHECK_MAX_LAG=90s) and in the TOML file (max_lag = "90s").
"""

PATIENCE = 0.2
"""How long the answer waits for whoever reads standard output, standard error and syslog, in seconds."""
FILES_SECONDS = 1.0
"""What reading the files may take at least, where they are all that could tell --timeout."""


def command(shown: list[str]) -> click.Command:
    """Build the command. --help and --version note in `shown` that it was they who ended the parsing."""

    def show(text: Callable[[click.Context], str]) -> Callable[[click.Context, click.Parameter, bool], None]:
        def callback(context: click.Context, parameter: click.Parameter, wanted: bool) -> None:
            if wanted:
                console.say(text(context), Deadline(2.0))  # not click.echo: `--help | head` is no crash
                shown.append(str(parameter.name))
                context.exit()

        return callback

    def flag(name: str, text: Callable[[click.Context], str], help: str) -> click.Option:
        return click.Option([name], is_flag=True, expose_value=False, is_eager=True, callback=show(text), help=help)

    width = max(map(len, COMMANDS))
    others = "\n".join(f"  {name:<{width}}  {text}" for name, text in COMMANDS.items() if name != "check")
    parameters = [
        *options(),
        flag("--version", lambda _: f"mysqlcheck {__version__}", "Show the version."),
        flag("--help", lambda context: context.get_help(), "Show this message."),
    ]
    return click.Command(
        "mysqlcheck",
        params=parameters,
        # no -h: to people who know mysql it is the host, and `-h 192.168.1.201` would be an "up" for ever
        add_help_option=False,
        help=HELP,
        epilog=f"\b\nOther commands (mysqlcheck COMMAND --help):\n{others}",
        context_settings={"max_content_width": 110},
    )


def run(arguments: list[str], began: float, rearm: Callable[[float], None]) -> ExitCode | Shown | None:
    """Parse, check, print. Returns the Decision's exit code; None where the operator must mend something."""
    deadline = Deadline(1.0, began)
    shown: list[str] = []
    try:
        # make_context and not main(): that would also answer to shell completion's environment variable
        values = given(command(shown).make_context("mysqlcheck", arguments).params)
        rearm(_early_timeout(values, time.monotonic() - began))
        settings, warnings = load_settings(values, os.environ)
        rearm(settings.timeout)
        deadline = Deadline(settings.timeout, began)
        from mysqlcheck import oneshot

        report = oneshot.check(settings, deadline, warnings)
    except click.exceptions.Exit:
        return Shown() if shown else None
    except click.ClickException as error:
        console.warn(f"{error.format_message()} (see mysqlcheck --help)", deadline)
        return None
    except SettingsError as error:
        console.warn("\n".join(map(str, error.problems)), deadline)
        return None
    from mysqlcheck.cli import present

    # what is still to be said must be said before the backstop comes, 0.4 s after --timeout (funnel.py)
    last = Deadline(settings.timeout + 0.35, began)
    leave = Deadline(min(PATIENCE, last.left()))
    for warning in report.warnings:
        console.warn(warning, leave)
    for event in report.look.judgement.events:
        console.log(log_line(event, settings.shadow), leave)
    text = present.as_json if settings.output == "json" else present.as_line
    console.say(text(report, settings), last, patience=PATIENCE)  # a long one (JSON of 200 channels) takes its time
    return report.exit_code


def _early_timeout(values: dict[str, str], elapsed: float) -> float:
    """Return the timeout that holds while the files are read, which may hang (a FIFO, a dead NFS server)."""
    setting = Settings.timeout
    try:
        return float(setting.kind.from_text(values.get("timeout") or os.environ.get(setting.variable) or ""))
    except ValueError:  # it is the default's, unless a file says more: however long it took to come so far
        return max(setting.default, elapsed + FILES_SECONDS)
