"""`mysqlcheck doctor`: what people and scripts see of it, its exit codes, and that nothing holds it up."""

from __future__ import annotations

import json
import os
import shlex
import socket
from pathlib import Path

import pytest

from mysqlcheck.doctor.codes import SUBJECTS
from tests.command import COMMAND, Ended, mysqlcheck
from tests.hostile.personas import MYSQL, PASSWORD
from tests.hostile.server import HostileServer

from .asking import address


def doctor(tmp_path: Path, *arguments: str) -> Ended:
    """Without a keepalived.conf of this machine, and with the script installed, whatever it is that is tried."""
    conf, script = tmp_path / "keepalived.conf", tmp_path / "bin" / "keepalived-mysqlcheck"
    conf.touch()
    script.parent.mkdir(exist_ok=True)
    script.write_text(f'#!/bin/sh\nexec {shlex.join(COMMAND)} "$@"\n')
    script.chmod(0o755)
    path = f"{script.parent}:{os.environ['PATH']}"
    return mysqlcheck("doctor", "--conf", str(conf), *arguments, password=PASSWORD, env={"PATH": path})


def test_each_subject_has_its_lines_and_the_last_one_counts(dead: HostileServer, tmp_path: Path) -> None:
    ended = doctor(tmp_path, *address(dead))
    assert (ended.code, ended.err) == (1, "")
    lines = ended.out.splitlines()
    assert [line for line in lines if line in SUBJECTS] == list(SUBJECTS)[:4]
    at = next(number for number, line in enumerate(lines) if "no_answer" in line)
    assert lines[at].startswith(f"  PROBLEM  no_answer: {dead.host}:{dead.port}: unreachable: connection refused")
    assert "→ From this director: " in lines[at + 1]
    assert lines[-1].startswith("1 problem, ")
    assert max(map(len, lines)) <= 110


def test_without_a_problem_it_exits_0(healthy: HostileServer, tmp_path: Path) -> None:
    ended = doctor(tmp_path, *address(healthy))
    assert ended.code == 0, ended.out
    assert f"  ok       SERVE {healthy.host}:{healthy.port} " in ended.out
    assert ended.out.splitlines()[-1].startswith("0 problems, ")


def test_json_has_the_same(dead: HostileServer, tmp_path: Path) -> None:
    ended = doctor(tmp_path, *address(dead), "--output", "json")
    assert (ended.code, ended.err) == (1, "")
    found = ended.json
    assert set(found) == {"findings", "counts"}
    assert found["counts"]["problem"] == 1
    (problem,) = [one for one in found["findings"] if one["level"] == "problem"]
    assert set(problem) == {"subject", "level", "code", "text", "advice"}
    assert (problem["subject"], problem["code"]) == ("The servers", "no_answer")
    assert all(one["code"] is None for one in found["findings"] if one["level"] == "ok")


def test_a_server_that_hangs_does_not_hang_the_doctor(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = str(listening.getsockname()[1])
        ended = doctor(tmp_path, "--host", "127.0.0.1", "--port", port, "--timeout", "1s")
    assert ended.code == 1
    assert "timeout: no answer within 1s" in ended.out.replace("1 s", "1s")
    assert ended.seconds < 20


def test_a_server_that_refuses_the_login_is_a_problem_and_the_password_is_not_shown(tmp_path: Path) -> None:
    with HostileServer(MYSQL.script()) as server:
        ended = mysqlcheck("doctor", "--conf", str(tmp_path / "none"), *address(server), password="another secret")
    assert ended.code == 1
    assert "login_failed" in ended.out
    assert "another secret" not in ended.out + ended.err


def test_the_servers_of_the_toml_file_are_asked(dead: HostileServer, tmp_path: Path) -> None:
    config = tmp_path / "mysqlcheck.toml"
    config.write_text(f'[target."{dead.host}:{dead.port}"]\nmax_lag = 90\n')
    ended = doctor(tmp_path, "--config", str(config), "--output", "json")
    texts = [one["text"] for one in ended.json["findings"] if one["code"] == "no_answer"]
    assert len(texts) == 1
    assert texts[0].startswith(f"{dead.host}:{dead.port}: ")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--vip", "db.example.com"), "--vip"),
        (("--vip", "192.168.1.10:99999"), "--vip"),
        (("--script-user", "nobodyatall"), "--script-user"),
        (("--output", "xml"), "--output"),
        (("--port", "3307", "--vip", "192.168.1.10"), "--vip ADDRESS:PORT"),
        (("--nonsense",), "--nonsense"),
        (("192.168.1.201",), "unexpected"),
    ],
)
def test_a_mistake_on_the_command_line_exits_2_with_a_word(
    arguments: tuple[str, ...], word: str, tmp_path: Path
) -> None:
    ended = doctor(tmp_path, *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert word in ended.err
    assert "Traceback" not in ended.err


def test_a_mistake_in_the_check_s_options_is_a_problem(tmp_path: Path) -> None:
    ended = doctor(tmp_path, "--host", "%s", "--max-lag", "soon")
    assert ended.code == 1
    assert "settings_wrong: --host: '%s' is a place" in ended.out
    assert "settings_wrong: --max-lag: 'soon'" in ended.out


def test_a_keepalived_conf_that_was_named_and_is_not_there_is_a_problem(tmp_path: Path) -> None:
    ended = mysqlcheck("doctor", "--conf", str(tmp_path / "none"), "--output", "json")
    assert "conf_unreadable" in [one["code"] for one in ended.json["findings"]]


def test_the_help_teaches() -> None:
    ended = mysqlcheck("doctor", "--help")
    assert (ended.code, ended.err) == (0, "")
    for word in ("--vip", "--script-user", "--conf", "PROBLEM", "Exit code 0", "docs/reference/doctor.md"):
        assert word in ended.out


def test_every_code_has_a_section_in_the_docs_and_no_two_are_alike() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/doctor.md").read_text()
    names = [name for codes in SUBJECTS.values() for name in codes]
    assert len(names) == len(set(names))
    for name in names:
        assert f"### `{name}`" in page


def test_json_is_json_whatever_a_server_says(tmp_path: Path) -> None:
    with HostileServer(lambda session: session.send_bytes(b"\xff\x00\x1b[31m" * 20)) as server:
        ended = doctor(tmp_path, *address(server), "--output", "json")
    assert "\x1b" not in ended.out
    assert json.loads(ended.out)["counts"]["problem"] == 1
