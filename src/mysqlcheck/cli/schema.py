"""`mysqlcheck schema`: the statements that make the table of shared holds, and let accounts read and write it."""

from __future__ import annotations

import click

from mysqlcheck.checks import channels
from mysqlcheck.checks.connection import account
from mysqlcheck.checks.shared_hold import DATABASE, TABLE
from mysqlcheck.cli.grants import flavor, printed, say
from mysqlcheck.model import ServerVersion

HELP = """Print the statements that make the table of shared holds; run them on the source, replication carries them.

A hold that `mysqlcheck hold --shared` writes there reaches every replica, and every director that checks it. Without
the table, or without the grant, a check asks for nothing more and finds nothing wrong.

\b
  mysqlcheck schema --flavor mysql --user mysqlcheck --writer ops
"""
CREATE = (
    f"CREATE DATABASE IF NOT EXISTS {DATABASE};",
    f"CREATE TABLE IF NOT EXISTS {TABLE} (target VARCHAR(255) NOT NULL PRIMARY KEY, who VARCHAR(64) NOT NULL, "
    "reason VARCHAR(500) NOT NULL, since BIGINT NOT NULL, `until` BIGINT) "
    "ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;",
)


def statements(server: ServerVersion, user: str, writer: str, host: str) -> tuple[str, ...]:
    """Return the statements for the source; the account `user` is the one that checks log in with.

    The grant is on the table itself: a grant on the whole database does not tell the check that the table is there.
    """
    reads, writes = account(user, host), account(writer, host)
    return (
        *CREATE,
        f"GRANT SELECT ON {TABLE} TO {reads};",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {TABLE} TO {writes};",
        f"GRANT {channels.privilege(server)} ON *.* TO {writes};",
    )


def run(arguments: list[str]) -> int:
    """Run the command and return its exit code."""
    return printed(command(), arguments)


def command() -> click.Command:
    """Build the command."""
    return click.Command(
        "schema",
        params=[
            flavor(),
            click.Option(
                ["--user"], default="mysqlcheck", show_default=True, help="The account that checks log in with."
            ),
            click.Option(
                ["--writer"], default="mysqlcheck", show_default=True,
                help="The account that `hold --shared` writes with. Another one than the check's, whose password lies "
                "on every director, keeps the right to drain apart.",
            ),
            click.Option(
                ["--from", "host"], default="%", show_default=True, metavar="HOST",
                help="Where both come from, as MySQL writes it: a director's address, or 192.168.1.%.",
            ),
        ],
        callback=_print,
        help=HELP,
        context_settings={"max_content_width": 110},
    )  # fmt: skip


def _print(flavor: str | None, user: str, writer: str, host: str) -> None:
    say(flavor, lambda server: statements(server, user, writer, host))
