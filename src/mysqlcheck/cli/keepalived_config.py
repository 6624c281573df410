"""`mysqlcheck keepalived-config`: write the virtual server for keepalived.conf."""

from __future__ import annotations

import math
import os
import shlex
import shutil
import sys

import click

from mysqlcheck.cli import people
from mysqlcheck.errors import Problem, SettingsError
from mysqlcheck.keepalived.generate import IGNORE_WEIGHTS, Plan, Style, render
from mysqlcheck.kinds import OneOf, Seconds, Whole
from mysqlcheck.model import Target
from mysqlcheck.options import Settings, configured_targets

PROGRAM = "keepalived-mysqlcheck"
SPARE_SECONDS = 4
"""From our --timeout to misc_timeout: what a busy director may need to start and end an interpreter."""
SCHEDULERS = ("wlc", "wrr", "sed", "nq", "rr", "lc")
HELP = """Write the virtual server of some MySQL replicas for keepalived.conf, with the check for each real server.

The real servers are those of --real-server, or the [target] tables of mysqlcheck.toml. Nothing is read from them and
nothing is changed: look at what is printed, put it into keepalived.conf, and try that with `keepalived -t`.

\b
  mysqlcheck keepalived-config --vip 192.168.1.10 --real-server 192.168.1.201 --real-server 192.168.1.202

keepalived itself fills in no address: the %s of --check is replaced here, for each real server by its own. Styles:
file (FILE_CHECK for the weight beside a plain MISC_CHECK, recommended), plain (up or down), dynamic (misc_dynamic).

Exit code 0; 2 for a mistake in what it is told.
"""


def run(arguments: list[str]) -> int:
    """Run the command and return its exit code."""
    return people.run(command(), arguments)


def command() -> click.Command:
    """Build the command."""
    defaults = Plan._field_defaults
    weight, styles = people.Written(Whole(1, 253)), people.Written(OneOf(*(style.value for style in Style)))
    return click.Command(
        "keepalived-config",
        params=[
            click.Option(["--vip"], metavar="ADDRESS[:PORT]", help="The virtual server that clients use. Required."),
            click.Option(["--real-server"], metavar="HOST[:PORT]", multiple=True, help="A replica; may be repeated."),
            click.Option(["--config"], metavar="FILE", help="The TOML file whose targets are meant without that."),
            click.Option(["--style"], type=styles, default="file", show_default=True, metavar="file|plain|dynamic",
                         help="How keepalived learns the weight."),
            click.Option(["--weight"], type=weight, default=str(defaults["weight"]), show_default=True, metavar="N",
                         help="The full weight of a real server, 1 to 253."),
            click.Option(["--check"], default=f"{PROGRAM} --host %s", show_default=True, metavar="TEMPLATE",
                         help="The check's command line; %s stands for a real server's address."),
            click.Option(["--scheduler"], type=people.Written(OneOf(*SCHEDULERS)), default="wlc", show_default=True,
                         metavar="|".join(SCHEDULERS), help="rr and lc ignore weights: style plain only."),
            click.Option(["--lvs-method"], type=people.Written(OneOf("DR", "NAT", "TUN")), default="DR",
                         show_default=True, metavar="DR|NAT|TUN", help="How packets reach the real server."),
            click.Option(["--delay-loop"], type=people.Written(Seconds(minimum=0.1)), default="2s", show_default=True,
                         metavar="DURATION", help="From one check to the next."),
            click.Option(["--inhibit-on-failure"], is_flag=True,
                         help="Keep a failed server at weight 0: its open sessions go on, on the failed server."),
            click.Option(["--sorry-server"], metavar="HOST[:PORT]", help="Serves when none of them does."),
            click.Option(["--track-dir"], default=defaults["track_dir"], show_default=True, metavar="DIR",
                         help="Where the track files are; on a tmpfs, and not the script user's to lose."),
            click.Option(["--script-user"], default=defaults["script_user"], show_default=True, metavar="USER",
                         help="The user that keepalived runs the check as."),
        ],
        callback=_print,
        help=HELP,
        context_settings={"max_content_width": 110},
    )  # fmt: skip


def _print(
    vip: str | None, real_server: tuple[str, ...], config: str | None, style: str, weight: int, check: str,
    scheduler: str, lvs_method: str, delay_loop: float, inhibit_on_failure: bool, sorry_server: str | None,
    track_dir: str, script_user: str,
) -> None:  # fmt: skip
    problems: list[Problem] = []

    def target(option: str, text: str) -> Target:
        try:
            return Target.parse(text)
        except ValueError as error:
            problems.append(Problem(option, str(error)))
            return Target("")

    if vip is None:
        problems.append(Problem("--vip", "the virtual server's address is missing, like --vip 192.168.1.10"))
    real = [target("--real-server", text) for text in real_server] or _configured(config, problems)
    for one in dict.fromkeys(one for one in real if one.host):
        if real.count(one) > 1:
            problems.append(Problem("--real-server", f"{one} is there twice"))
        if one.socket:
            problems.append(Problem("--real-server", f"{one} is a socket, which LVS cannot reach; give its address"))
    virtual = target("--vip", vip or "192.168.1.10")
    for one in real if lvs_method != "NAT" else []:
        if one.port != virtual.port and not one.socket:
            text = f"{one} is not on the virtual server's port {virtual.port}; only --lvs-method NAT changes ports"
            problems.append(Problem("--real-server", text))
    if scheduler in IGNORE_WEIGHTS and style != "plain":
        text = f"{scheduler} ignores weights above 0, and style {style} is there to set them; use wlc, wrr, sed or nq"
        problems.append(Problem("--scheduler", text))
    for option, value in (("--track-dir", track_dir), ("--script-user", script_user)):
        if any(letter in value for letter in ' "\\$!#{}\n') or not value:
            problems.append(Problem(option, f"{value!r}: a name without spaces, quotes and signs of keepalived's own"))
    if not track_dir.startswith("/"):
        problems.append(Problem("--track-dir", f"{track_dir!r} is no absolute path"))
    template, timeout = _template(check, problems)
    plan = Plan(
        virtual, tuple(real), template, Style(style), weight, scheduler, lvs_method,
        delay_loop, math.ceil(timeout) + SPARE_SECONDS, track_dir.rstrip("/"), script_user, inhibit_on_failure,
        target("--sorry-server", sorry_server) if sorry_server else None,
    )  # fmt: skip
    if problems:
        raise SettingsError(problems)
    click.echo(render(plan), nl=False)


def _configured(config: str | None, problems: list[Problem]) -> list[Target]:
    """Return the targets of the TOML file."""
    try:
        found = configured_targets(config)
    except SettingsError as error:
        problems += error.problems
        return []
    if not found:
        text = 'none is given, and no [target."host:port"] stands in the TOML file'
        problems.append(Problem("--real-server", text))
    return list(found)


def _template(check: str, problems: list[Problem]) -> tuple[str, float]:
    """Return the check's command line with its program made absolute, and its --timeout in seconds."""
    timeout = float(Settings.timeout.default)

    def wrong(text: str) -> tuple[str, float]:
        problems.append(Problem("--check", f"{check!r}: {text}"))
        return check, timeout

    words = check.split()
    if any(letter in check for letter in "\"'\\$!#{}\n"):
        return wrong("keepalived has a meaning of its own for quotes, backslashes and $ ! # { }; write it without them")
    if "%s" not in words and not any(word.endswith("=%s") for word in words):
        return wrong(
            "%s is missing as a word; it stands for the real server's address: keepalived-mysqlcheck --host %s"
        )
    for given in ("--weight", "--track-file", "--port"):
        if any(word == given or word.startswith(f"{given}=") for word in words):
            return wrong(f"{given} is added for each real server; leave it out")
    for number, word in enumerate(words):
        if word == "--timeout" or word.startswith("--timeout="):
            value = word.partition("=")[2] or " ".join(words[number + 1 : number + 2])
            try:
                timeout = Settings.timeout.kind.from_text(value)
            except ValueError:
                return wrong(f"--timeout {value!r} is not allowed; allowed is {Settings.timeout.kind.allowed}")
    program = words[0]
    if not program.startswith("/"):
        beside = os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), program)
        found = beside if os.access(beside, os.X_OK) else shutil.which(program)
        if found is None:
            return wrong(f"there is no {program} beside this program nor in PATH; write its absolute path")
        program = os.path.abspath(found)
    if shlex.quote(program) != program:
        return wrong(f"the path {program} has signs that keepalived would take apart")
    return " ".join([program, *words[1:]]), timeout
