"""`mysqlcheck grants`: the statements that make the account, with the least privileges."""

from __future__ import annotations

import click

from mysqlcheck.checks import channels, group
from mysqlcheck.checks.connection import account
from mysqlcheck.model import ServerVersion

SERVERS = {
    "mysql": ("MySQL (all versions)", ServerVersion("mysql", (8, 4), "")),
    "mariadb": ("MariaDB 10.5.9 and later", ServerVersion("mariadb", (10, 11), "")),
    "mariadb-10.5.8": ("MariaDB 10.5.2 to 10.5.8, which has no smaller one", ServerVersion("mariadb", (10, 5, 8), "")),
    "mariadb-10.4": ("MariaDB before 10.5.2", ServerVersion("mariadb", (10, 4), "")),
}


def statements(server: ServerVersion, user: str, host: str) -> tuple[str, ...]:
    """Return the statements for the source; replication carries them to every replica. A comment says where one is
    needed only for some servers.

    `host` is where checks come from, as MySQL writes it: an address, `192.168.1.%`, or `%`.
    """
    name = account(user, host)
    return (
        f"CREATE USER {name} IDENTIFIED BY '…' WITH MAX_USER_CONNECTIONS 20;",
        f"GRANT {channels.privilege(server)} ON *.* TO {name};",
        *(() if server.mariadb else (f"GRANT {group.PRIVILEGE} TO {name}; -- only members of a replication group",)),
    )


def run(arguments: list[str]) -> int:
    """Run the command and return its exit code."""
    try:
        command().main(arguments, prog_name="mysqlcheck grants", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    return 0


def command() -> click.Command:
    """Build the command."""
    return click.Command(
        "grants",
        params=[
            click.Option(["--flavor"], type=click.Choice(list(SERVERS)), help="Only for this kind of server."),
            click.Option(["--user"], default="mysqlcheck", show_default=True, help="The account's name."),
            click.Option(
                ["--from", "host"], default="%", show_default=True, metavar="HOST",
                help="Where checks come from, as MySQL writes it: a director's address, or 192.168.1.%.",
            ),
        ],
        callback=_print,
        help="Print the statements to run on the source; replication carries the account to every replica. "
        "Put the password in place of the dots, and into /etc/mysqlcheck/my.cnf on the directors.",
        context_settings={"max_content_width": 110},
    )  # fmt: skip


def _print(flavor: str | None, user: str, host: str) -> None:
    for name, (title, server) in SERVERS.items():
        if flavor in (None, name):
            click.echo(f"-- {title}")
            for statement in statements(server, user, host):
                click.echo(statement)
