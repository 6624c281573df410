"""hold --shared and release --shared: what is wrong on the command line, and a server that cannot be asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from mysqlcheck.cli.grants import SERVERS
from mysqlcheck.model import OperatorHold
from tests.command import mysqlcheck
from tests.hostile.personas import PASSWORD
from tests.hostile.server import HostileServer

from .asking import address
from .records import keep, record

R1 = ("--host", "192.168.1.201")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("hold", "--shared", *R1), "say why"),
        (("hold", *R1, "--reason", "x", "--user", "ops"), "--user belongs to --shared"),
        (("hold", *R1, "--reason", "x", "--source", "h"), "--source belongs to --shared"),
        (("release", *R1, "--wait", "1s"), "--wait belongs to --shared"),
        (("hold", "--shared", *R1, "--reason", "x", "--wait", "soon"), "allowed is a duration"),
        (("hold", "--shared", *R1, "--reason", "x", "--source", "h:0"), "the port is a number from 1 to 65535"),
        (("hold", "--shared", "--socket", "/s.sock", "--reason", "x"), "--host, no --socket"),
        (("hold", "--shared", "--reason", "x"), "no server to check"),
        (("release", "--shared", *R1, "--role", "any"), "--role is about the hold timer"),
        (("hold", "--shared", *R1, "--reason", "x", "--password-file", "/nowhere"), "/nowhere: cannot be read"),
    ],
)
def test_a_mistake_is_told_and_nothing_is_held(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    ended = mysqlcheck(*arguments, state=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_does_not_answer_leads_to_no_source(dead: HostileServer, tmp_path: Path) -> None:
    ended = mysqlcheck("hold", "--shared", *address(dead), "--reason", "x", state=tmp_path)
    assert (ended.code, ended.out) == (1, "")
    assert "is NOT held on all directors" in ended.err
    assert "name it by --source" in ended.err


def test_a_source_that_is_read_only_is_none(healthy: HostileServer, tmp_path: Path) -> None:
    where = f"{healthy.host}:{healthy.port}"
    arguments = ("hold", "--shared", *address(healthy), "--source", where, "--reason", "x")
    ended = mysqlcheck(*arguments, password=PASSWORD, state=tmp_path)
    assert (ended.code, ended.out) == (1, "")
    assert f"{where} is read_only" in ended.err


def test_the_schema_is_printed_for_each_kind_of_server() -> None:
    ended = mysqlcheck("schema", "--flavor", "mysql", "--writer", "ops", "--from", "192.168.1.%")
    assert (ended.code, ended.err) == (0, "")
    assert "CREATE TABLE IF NOT EXISTS mysqlcheck.hold (target VARCHAR(255)" in ended.out
    assert "GRANT SELECT ON mysqlcheck.hold TO 'mysqlcheck'@'192.168.1.%';" in ended.out
    assert "GRANT SELECT, INSERT, UPDATE, DELETE ON mysqlcheck.hold TO 'ops'@'192.168.1.%';" in ended.out
    assert mysqlcheck("schema").out.count("CREATE TABLE") == len(SERVERS)


def test_a_plain_release_tells_of_a_hold_on_all_directors_that_stands(tmp_path: Path) -> None:
    kept = record()
    hold = OperatorHold("disk change", "ops", 1_700_000_000.0, None, shared=True)
    keep(tmp_path, kept._replace(memory=kept.memory._replace(shared=hold)))
    ended = mysqlcheck("release", *R1, state=tmp_path)
    assert ended.code == 0
    assert "disk change is one on all directors, and stands: release --shared ends it" in ended.out
    shown = mysqlcheck("status", state=tmp_path).out
    assert "operator_hold: drained by ops on all directors until released: disk change" in shown
