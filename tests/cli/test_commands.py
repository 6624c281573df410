"""The subcommands: `check` is the default, the others are for people and end as people expect."""

from pathlib import Path

import pytest

from mysqlcheck.checks import CODES
from tests.command import mysqlcheck
from tests.hostile.personas import MYSQL
from tests.hostile.server import HostileServer

from .asking import address, check


def test_check_is_the_default_command(dead: HostileServer) -> None:
    assert mysqlcheck("check", *address(dead))[:3] == mysqlcheck(*address(dead))[:3]
    assert mysqlcheck("check", "--help")[:3] == mysqlcheck("--help")[:3]


@pytest.mark.parametrize("arguments", [(), ("--port", "0"), ("check", "--host", "x"), ("--nonsense",), ("x",)])
def test_the_explicit_check_exits_1_on_a_usage_error_as_well(arguments: tuple[str, ...]) -> None:
    ended = mysqlcheck("check", *arguments)
    assert (ended.code, ended.out) == (1, "")


@pytest.mark.parametrize("word", ["chekc", "Check", "Explain", "histori", "notify", "explain --host x"])
def test_a_word_that_is_no_command_is_a_usage_error_of_the_check(word: str) -> None:
    assert mysqlcheck(word).code == 1


@pytest.mark.parametrize("command", ["explain", "grants"])
def test_a_command_for_people_has_help(command: str) -> None:
    ended = mysqlcheck(command, "--help")
    assert (ended.code, ended.err) == (0, "")
    assert f"mysqlcheck {command}" in ended.out


@pytest.mark.parametrize(
    "arguments",
    [
        ("explain",),
        ("explain", "--host", "%s"),
        ("explain", "--host", "x", "--port", "0"),
        ("explain", "--nonsense"),
        ("explain", "x"),
        ("explain", "--host", "127.0.0.1", "--config", "/nowhere.toml"),
        ("explain", "--host", "127.0.0.1", "--tls", "verify-ca", "--tls-ca", "/nowhere.pem"),
        ("grants", "--nonsense"),
        ("grants", "--flavor", "oracle"),
        ("grants", "x"),
    ],
    ids=" ".join,
)
def test_a_usage_error_of_theirs_exits_2_as_everywhere(arguments: tuple[str, ...]) -> None:
    ended = mysqlcheck(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err
    assert "Traceback" not in ended.err


def test_explain_shows_every_rule_and_every_style(healthy: HostileServer) -> None:
    ended = mysqlcheck("explain", *address(healthy), "--weight", "50")
    assert ended.code == 0
    shown = {line.split()[0] for line in ended.out.splitlines() if line}
    assert set(CODES) <= shown
    for style in ("plain:", "track-file:", "weight:"):
        assert style in ended.out


def test_explain_exits_0_for_a_dead_server_and_tells_what_each_style_would_exit_with(dead: HostileServer) -> None:
    ended = mysqlcheck("explain", *address(dead), "--output", "json")
    document = ended.json
    assert ended.code == 0
    assert document["decision"] == "fail"
    assert {style: answer["exit_code"] for style, answer in document["styles"].items()} == {
        "plain": 1,
        "track-file": 1,
        "weight": 1,
    }
    assert document["styles"]["track-file"]["track_file"] == -1
    assert {rule["code"] for rule in document["rules"]} | set(document["not_judged"]) == set(CODES)


@pytest.mark.parametrize("lag", ["0", "35", "600"])
def test_explain_says_what_the_check_then_does(lag: str, tmp_path: Path) -> None:
    with HostileServer(MYSQL.but_status(Seconds_Behind_Source=lag).script()) as server:
        styles = check_styles(server)
        track = tmp_path / "r1"
        assert check(server).code == styles["plain"]["exit_code"]
        assert check(server, "--weight", "50").code == styles["weight"]["exit_code"]
        ended = check(server, "--weight", "50", "--track-file", str(track))
        assert ended.code == styles["track-file"]["exit_code"]
        assert int(track.read_text()) == styles["track-file"]["track_file"]


def check_styles(server: HostileServer) -> dict[str, dict[str, int]]:
    from tests.hostile.personas import PASSWORD

    arguments = ("explain", *address(server), "--weight", "50", "--output", "json")
    styles: dict[str, dict[str, int]] = mysqlcheck(*arguments, password=PASSWORD).json["styles"]
    return styles


def test_explain_writes_no_file(dead: HostileServer, tmp_path: Path) -> None:
    files = ("--track-file", str(tmp_path / "r1"), "--textfile", str(tmp_path), "--state-dir", str(tmp_path / "s"))
    assert mysqlcheck("explain", *address(dead), *files).code == 0
    assert list(tmp_path.iterdir()) == []


def test_grants_prints_the_statements_of_every_flavor() -> None:
    ended = mysqlcheck("grants")
    assert ended.code == 0
    assert "CREATE USER 'mysqlcheck'@'%'" in ended.out
    assert "GRANT REPLICATION CLIENT ON *.* TO 'mysqlcheck'@'%';" in ended.out
    assert "GRANT REPLICA MONITOR ON *.* TO 'mysqlcheck'@'%';" in ended.out
    assert "GRANT SELECT ON performance_schema.replication_group_members TO 'mysqlcheck'@'%'; -- only" in ended.out
    assert "MySQL" in ended.out
    assert "MariaDB" in ended.out


def test_grants_for_one_flavor_an_account_and_its_hosts() -> None:
    ended = mysqlcheck("grants", "--flavor", "mariadb", "--user", "o'brien\\", "--from", "192.168.1.%")
    assert "GRANT REPLICA MONITOR ON *.* TO 'o''brien\\\\'@'192.168.1.%';" in ended.out
    assert "MySQL" not in ended.out
    assert "REPLICATION CLIENT" not in ended.out


def test_grants_for_a_mariadb_that_has_no_privilege_for_this_alone() -> None:
    ended = mysqlcheck("grants", "--flavor", "mariadb-10.5.8")
    assert "GRANT REPLICATION SLAVE ADMIN ON *.* TO 'mysqlcheck'@'%';" in ended.out
    assert "REPLICA MONITOR" not in ended.out


def test_grants_for_the_tables_that_other_tools_write() -> None:
    tables = ("--heartbeat-table", "percona.heartbeat", "--checksum-table", "percona.checksums")
    out = mysqlcheck("grants", "--flavor", "mariadb", *tables).out
    for table in ("heartbeat", "checksums"):
        assert f"GRANT SELECT ON `percona`.`{table}` TO 'mysqlcheck'@'%';" in out
    refused = mysqlcheck("grants", "--checksum-table", "checksums")
    assert refused.code == 2
    assert "'--checksum-table': 'checksums' is not allowed; allowed is database.table" in refused.err


def test_grants_quotes_a_name_so_that_no_statement_can_follow_it() -> None:
    out = mysqlcheck("grants", "--flavor", "mysql", "--user", "x'; DROP TABLE y; --").out
    assert "'x''; DROP TABLE y; --'@'%'" in out
