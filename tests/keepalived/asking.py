"""How the tests of this folder ask for a configuration."""

from __future__ import annotations

from tests.command import Ended, mysqlcheck

from .real import OUR_SCRIPT

VIP = ("--vip", "192.168.1.10")
REPLICAS = ("--real-server", "192.168.1.201", "--real-server", "192.168.1.202")
CHECK = ("--check", f"{OUR_SCRIPT} --host %s")
EXAMPLE = (*VIP, *REPLICAS, *CHECK)
"""The two replicas of all our examples."""


def config(*arguments: str) -> Ended:
    """Run the command."""
    return mysqlcheck("keepalived-config", *arguments)


def written(*arguments: str) -> str:
    """Return what it writes, which must be without a word on standard error."""
    ended = config(*arguments)
    assert (ended.code, ended.err) == (0, "")
    return ended.out


def mistakes(*arguments: str) -> list[str]:
    """Return what it says is wrong, line by line; nothing is written."""
    ended = config(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert "Traceback" not in ended.err
    return ended.err.splitlines()
