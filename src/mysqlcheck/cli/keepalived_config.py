"""`mysqlcheck keepalived-config`: the virtual server for keepalived.conf, from the TOML file or from arguments."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence

import click

from mysqlcheck import publish
from mysqlcheck.cli import people, template
from mysqlcheck.errors import Problem, SettingsError
from mysqlcheck.keepalived import generate
from mysqlcheck.keepalived.wanted import Wanted
from mysqlcheck.kinds import Flag
from mysqlcheck.layers import targets
from mysqlcheck.model import Target
from mysqlcheck.options import DEFAULT_CONFIG
from mysqlcheck.settings import Layer, Setting, resolve

HELP = """Write the virtual server for keepalived.conf: its real servers, each with its check, weight and notify hooks.

\b
  mysqlcheck keepalived-config --vip 192.168.1.10 \\
      --real-server 192.168.1.201 --real-server 192.168.1.202 -o /etc/keepalived/keepalived.conf

Without --real-server they are the [target."host:port"] tables of the TOML file. Each line says what it is for; the
head says which directories to make. Look it through, then try it with `mysqlcheck lint` and
`unshare --pid --fork keepalived -t` (2.2.7 ends with Terminated without that).

\b
  --style file     FILE_CHECK for the weight beside a plain MISC_CHECK (recommended)
  --style plain    a plain MISC_CHECK: up or down, every server with the same weight
  --style dynamic  MISC_CHECK with misc_dynamic: the weight in the exit code

With --interface a vrrp_instance is written too. For the second director run it again with another --priority.

Exit code 0; 1 where the file could not be written; 2 for a mistake on the command line or in the TOML file.
"""


def run(arguments: list[str]) -> int:
    """Run the command and return its exit code."""
    return people.run(command(), arguments)


def command() -> click.Command:
    """Build the command."""
    return click.Command(
        "keepalived-config",
        params=[
            *(_option(setting) for setting in Wanted.declared().values()),
            click.Option(["-o", "--write"], metavar="FILE", help="Write it here.  [default: standard output]"),
            click.Option(["--force"], is_flag=True, help="Replace the file where there is one."),
        ],
        callback=_run,
        help=HELP,
        context_settings={"max_content_width": 110},
    )


def _option(setting: Setting[object]) -> click.Option:
    default = f"  [default: {setting.default_text}]" if setting.default_text not in ("none", "false") else ""
    if isinstance(setting.kind, Flag):
        return click.Option([setting.option], is_flag=True, help=setting.help)
    if setting.name == "vip":
        default = ""
    text = setting.help + default
    return click.Option([setting.option], metavar=setting.kind.metavar, multiple=setting.default == (), help=text)


def _run(write: str | None, force: bool, **values: object) -> int:
    given = {name: value for name, value in values.items() if value not in (None, False, ())}
    wanted = resolve(Wanted, [Layer("cli", given, lambda setting: setting.option)])
    text = _text(wanted, ["mysqlcheck keepalived-config", *_again(given)])
    trouble = _print(text) if write is None else _write(write, text, force)
    if trouble is not None:
        people.warn(trouble)
    return 0 if trouble is None else 1


def _text(wanted: Wanted, command: Sequence[str]) -> str:
    """Return what is to be written. Raises SettingsError with what is wrong with all of the servers."""
    servers = wanted.real_server or _from_file(wanted)
    program = template.program(wanted.check)
    read: list[template.Read] = []
    problems: list[Problem] = []
    for server in servers:
        try:
            read.append(template.read(program, server, wanted))
        except SettingsError as error:
            problems += error.problems
    if problems:
        raise SettingsError(list(dict.fromkeys(problems)))
    timeout = template.misc_timeout(wanted, max(one.timeout for one in read))
    return generate.text(wanted, [one.server for one in read], timeout, command)


def _from_file(wanted: Wanted) -> tuple[Target, ...]:
    """Return the real servers of the TOML file. Raises SettingsError where there are none, or not only such."""
    config = wanted.config or DEFAULT_CONFIG
    found = targets(wanted.config)
    if not found:
        text = f'name the servers: --real-server 192.168.1.201, or [target."192.168.1.201:3306"] in {config}'
        raise SettingsError([Problem("--real-server", text)])
    problems: list[Problem] = []
    servers: list[Target] = []
    for target in found:
        try:
            servers.append(Wanted.vip.kind.from_text(str(target)))
        except ValueError as error:
            problems.append(Problem(f'{config} [target."{target}"]', f"{error}; or name them by --real-server"))
    problems += [Problem(config, text) for _, text in wanted.unfit(servers)]
    if problems:
        raise SettingsError(problems)
    return tuple(servers)


def _again(given: Mapping[str, object]) -> Iterator[str]:
    """Yield the options that write the same again."""
    for name, value in given.items():
        option = f"--{name.replace('_', '-')}"
        for one in value if isinstance(value, tuple) else (value,):
            yield option if one is True else f"{option} {shlex.quote(str(one))}"


def _print(text: str) -> str | None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is left must not fail again at the end of the process
        return f"standard output cannot be written: {error.strerror}"
    return None


def _write(path: str, text: str, force: bool) -> str | None:
    """Write the file in one step; return why it was not written, or None."""
    if os.path.lexists(path) and not force:
        return f"--write: {path} is there already: --force replaces it"
    return publish.replace(path, text.encode())
