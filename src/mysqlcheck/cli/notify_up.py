"""`mysqlcheck notify-up --host H`: keepalived's notify_up hook."""

from __future__ import annotations

from mysqlcheck.cli import notify


def run(arguments: list[str]) -> int:
    """Run the hook; its exit code is always 0."""
    return notify.run("notify-up", arguments)
