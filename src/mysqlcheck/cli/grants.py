"""`mysqlcheck grants`: the statements that make the account, with the least privileges."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click

from mysqlcheck.checks import applier, channels, group
from mysqlcheck.checks.connection import account
from mysqlcheck.kinds import TableName
from mysqlcheck.model import ServerVersion

SERVERS = {
    "mysql": ("MySQL (all versions)", ServerVersion("mysql", (8, 4), "")),
    "mariadb": ("MariaDB 10.5.9 and later", ServerVersion("mariadb", (10, 11), "")),
    "mariadb-10.5.8": ("MariaDB 10.5.2 to 10.5.8, which has no smaller one", ServerVersion("mariadb", (10, 5, 8), "")),
    "mariadb-10.4": ("MariaDB before 10.5.2", ServerVersion("mariadb", (10, 4), "")),
}


def statements(
    server: ServerVersion, user: str, host: str, tables: Sequence[str] = (), applies: bool = False
) -> tuple[str, ...]:
    """Return the statements for the source; replication carries them to every replica. A comment says where one is
    needed only for some servers.

    `host` is where checks come from, as MySQL writes it: an address, `192.168.1.%`, or `%`; `tables` are those that
    other tools write and a check is told to read; `applies` where the lag is what MySQL's applier tells.
    """
    name = account(user, host)
    reads = tuple(f"GRANT SELECT ON {TableName.quoted(table)} TO {name};" for table in tables)
    progress = tuple(f"GRANT SELECT ON {one} TO {name};" for one in applier.TABLES) if applier.query(server) else ()
    return (
        f"CREATE USER {name} IDENTIFIED BY '…' WITH MAX_USER_CONNECTIONS 20;",
        f"GRANT {channels.privilege(server)} ON *.* TO {name};",
        *reads,
        *(progress if applies else ()),
        *(() if server.mariadb else (f"GRANT {group.PRIVILEGE} TO {name}; -- only members of a replication group",)),
    )


def run(arguments: list[str]) -> int:
    """Run the command and return its exit code."""
    return printed(command(), arguments)


def printed(command: click.Command, arguments: list[str]) -> int:
    """Run a command that prints statements; returns its exit code."""
    try:
        command.main(arguments, prog_name=f"mysqlcheck {command.name}", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    return 0


def flavor() -> click.Option:
    """The option that keeps the statements to one kind of server."""
    return click.Option(["--flavor"], type=click.Choice(list(SERVERS)), help="Only for this kind of server.")


def say(flavor: str | None, statements: Callable[[ServerVersion], tuple[str, ...]]) -> None:
    """Print the statements for each kind of server, or for this one."""
    for name, (title, server) in SERVERS.items():
        if flavor in (None, name):
            click.echo(f"-- {title}")
            for statement in statements(server):
                click.echo(statement)


def command() -> click.Command:
    """Build the command."""
    return click.Command(
        "grants",
        params=[
            flavor(),
            click.Option(["--user"], default="mysqlcheck", show_default=True, help="The account's name."),
            click.Option(
                ["--from", "host"], default="%", show_default=True, metavar="HOST",
                help="Where checks come from, as MySQL writes it: a director's address, or 192.168.1.%.",
            ),
            click.Option(
                ["--heartbeat-table"], metavar="DB.TABLE", callback=_table,
                help="The table of pt-heartbeat, where the check is given one: it must be able to read it.",
            ),
            click.Option(
                ["--checksum-table"], metavar="DB.TABLE", callback=_table,
                help="The table of pt-table-checksum, where the check is given one. Grant it when the table is there.",
            ),
            click.Option(
                ["--applier", "applies"], is_flag=True,
                help="Also what `--lag-source applier` reads on MySQL 8.0 and later.",
            ),
        ],
        callback=_print,
        help="Print the statements to run on the source; replication carries the account to every replica. "
        "Put the password in place of the dots, and into /etc/mysqlcheck/my.cnf on the directors.",
        context_settings={"max_content_width": 110},
    )  # fmt: skip


def _table(context: click.Context, parameter: click.Parameter, text: str | None) -> str | None:
    """Read the name of the table as the check does."""
    kind = TableName()
    try:
        return None if text is None else kind.from_text(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is not allowed; allowed is {kind.allowed}", context, parameter) from None


def _print(
    flavor: str | None, user: str, host: str, heartbeat_table: str | None, checksum_table: str | None, applies: bool
) -> None:
    tables = [table for table in (heartbeat_table, checksum_table) if table]
    say(flavor, lambda server: statements(server, user, host, tables, applies))
