"""`mysqlcheck agent`: look at every server of the TOML file each second, and publish what follows."""

from __future__ import annotations

import os

import click

from mysqlcheck.cli import people
from mysqlcheck.cli.options import given, options

HELP = """Look at every server that the TOML file has a [target] table for, each second, and publish what follows.

A check that keepalived forks costs an interpreter; a look on a connection that is kept costs a hundredth of it. The
agent sees a server die the moment its connection closes, and publishes, at each look:

\b
  the verdict     in /run/mysqlcheck/verdicts: a plain `mysqlcheck --host H` answers from it while it is fresh,
                  and checks by itself when it is not. An agent that dies costs speed, never safety.
  the weight      in track_file, where a target has one: keepalived's FILE_CHECK follows it within milliseconds
  metrics         in textfile, every 10 s: one file for all targets that name the same

\b
  # /etc/mysqlcheck/mysqlcheck.toml
  [defaults]
  textfile = "/var/lib/prometheus/node-exporter/mysqlcheck.prom"
  [target."192.168.1.201:3306"]
  track_file = "/run/mysqlcheck/weights/192.168.1.201"
  [target."192.168.1.202:3306"]
  track_file = "/run/mysqlcheck/weights/192.168.1.202"

With pool = "readers" under [defaults] and a table [pool.readers] (min_serving, panic_max_lag) the best of those that
merely lag or are held are let in where fewer would serve.

It runs in the foreground, under systemd by contrib/systemd/mysqlcheck-agent.service, as the user that keepalived runs
scripts as; started by root it becomes the owner of the state directory. SIGHUP reads the configuration anew (one with a
mistake is refused, and the old one stays), SIGTERM ends it. What happens is told on standard error.

Exit code 0 after SIGTERM or Ctrl-C; 1 where a directory cannot be had; 2 for a mistake in the configuration.
"""


def run(arguments: list[str]) -> int:
    """Run the command and return its exit code."""
    return people.run(command(), arguments)


def command() -> click.Command:
    """Build the command."""
    return click.Command(
        "agent",
        params=options(["config", "defaults_file", "state_dir"]),
        callback=_agent,
        help=HELP,
        context_settings={"max_content_width": 110},
    )


def _agent(**values: object) -> int:
    from mysqlcheck.agent.service import Service

    return Service(given(values), os.environ).run()
