"""`mysqlcheck explain --from FILE`: what would have happened last night with other rules?"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mysqlcheck.checks import CODES
from tests.command import COMMAND, Ended, environment, mysqlcheck
from tests.hostile.personas import MYSQL, PASSWORD
from tests.hostile.server import HostileServer

from .asking import address, check

LAG = 45


@pytest.fixture(scope="module")
def lagging() -> Iterator[HostileServer]:
    """A replica that is less than max_lag behind."""
    with HostileServer(MYSQL.but_status(Seconds_Behind_Source=str(LAG)).script()) as server:
        yield server


@pytest.fixture(scope="module")
def captured(lagging: HostileServer) -> dict[str, Any]:
    """What a check of it printed."""
    return check(lagging, "--output", "json", "--weight", "100").json


@pytest.fixture
def file(captured: dict[str, Any], tmp_path: Path) -> Path:
    return written(tmp_path, captured)


def written(tmp_path: Path, *documents: object, name: str = "captures.json") -> Path:
    path = tmp_path / name
    path.write_text("\n".join(map(json.dumps, documents)) + "\n")
    return path


def explain(path: Path, *arguments: str, **env: str) -> Ended:
    return mysqlcheck("explain", "--from", str(path), *arguments, env={"TZ": "UTC", **env})


def test_the_same_rules_say_the_same(file: Path, captured: dict[str, Any]) -> None:
    document = explain(file, "--weight", "100", "--output", "json").json
    assert (document["decision"], document["phase"]) == (captured["decision"], captured["phase"]) == ("serve", "up")
    assert document["styles"]["weight"] == {"exit_code": captured["exit_code"], "weight": captured["weight"]}
    assert document["facts"] == captured["facts"]
    assert document["capture"] == captured["capture"]
    assert document["captured"] == {
        "at": captured["capture"]["at"], "decision": "serve", "phase": "up", "share": captured["capture"]["share"],
    }  # fmt: skip


def test_other_rules_say_what_would_have_been(file: Path, lagging: HostileServer) -> None:
    ended = explain(file, "--max-lag", "10s")
    first, then, *_ = ended.out.splitlines()
    assert (ended.code, ended.err) == (0, "")
    assert first == f"127.0.0.1:{lagging.port} as replica: DRAIN"
    assert then.startswith("captured 20")
    assert then.endswith(", and then decided: SERVE 37% (up)")
    assert f"{LAG} s behind, more than max_lag 10s" in ended.out
    assert set(CODES) <= {line.split()[0] for line in ended.out.splitlines() if line}


def test_the_file_of_settings_and_the_environment_say_the_rules_too(file: Path, lagging: HostileServer) -> None:
    config = file.with_name("mysqlcheck.toml")
    config.write_text(f'[target."{lagging.host}:{lagging.port}"]\nmax_lag = "20s"\n')
    assert explain(file, "--config", str(config), "--output", "json").json["decision"] == "drain"
    assert explain(file, MYSQLCHECK_MAX_LAG="20s", MYSQLCHECK_OUTPUT="json").json["decision"] == "drain"


def test_what_explain_printed_will_do_too(lagging: HostileServer, tmp_path: Path) -> None:
    ended = mysqlcheck("explain", *address(lagging), "--output", "json", password=PASSWORD)
    path = tmp_path / "over many lines.json"
    path.write_text(ended.out)
    assert "DRAIN" in explain(path, "--max-lag", "10s").out


def test_it_connects_to_nobody_and_writes_nothing(captured: dict[str, Any], tmp_path: Path) -> None:
    somewhere = json.loads(json.dumps(captured))
    somewhere["capture"]["observation"]["target"] = {"host": "no-such-host.invalid", "port": 3399}
    path = written(tmp_path, somewhere)
    files = ("--track-file", str(tmp_path / "r1"), "--textfile", str(tmp_path), "--state-dir", str(tmp_path / "s"))
    ended = explain(path, *files, "--password-file", str(tmp_path / "there is none"))
    assert (ended.code, ended.out.splitlines()[0]) == (0, "no-such-host.invalid:3399 as replica: SERVE")
    assert list(tmp_path.iterdir()) == [path]


def test_of_many_each_gets_a_line(captured: dict[str, Any], tmp_path: Path) -> None:
    refused = json.loads(json.dumps(captured["capture"]))
    refused |= {"at": 1_800_000_000.0, "action": "fail", "phase": "down"}
    refused["observation"].pop("facts")
    refused["observation"]["trouble"] = {"code": "unreachable", "severity": "fail", "text": "connection refused"}
    path = written(tmp_path, captured, refused)
    ended = explain(path, "--max-lag", "10s")
    first, second, empty, sum_ = ended.out.splitlines()
    assert (ended.code, ended.err, empty) == (0, "", "")
    assert f"replica  SERVE 37% (up) → DRAIN (draining)  lag: {LAG} s behind, more than max_lag 10s" in first
    assert second.startswith("2027-01-15 08:00:00  127.0.0.1:")
    assert second.endswith("FAIL (down)    → FAIL (down)       unreachable: connection refused")
    assert sum_ == "1 of 2 are decided otherwise"
    decided = [json.loads(line)["decision"] for line in explain(path, "--output", "json").out.splitlines()]
    assert decided == ["serve", "fail"]


def test_standard_input_is_a_dash(file: Path) -> None:
    ended = subprocess.run(
        [*COMMAND, "explain", "--from", "-", "--max-lag", "10s"],
        env=environment({"MYSQLCHECK_TRUST_UPTIME": "0"}),
        input=file.read_text(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, "as replica: DRAIN" in ended.stdout) == (0, True)


# Mistakes.


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ": is empty; allowed is what `--output json` or `history --captures` prints"),
        ("SERVE 192.168.1.201:3306 lag 0 s", ": is no JSON: "),
        ('{\n "target": \n', ": is no JSON: "),
        ("[" * 100_000, ": is no JSON: "),
        ('{"target": "192.168.1.201:3306", "facts": {}}', ": there is no capture here; "),
        ('{"capture": {"format": 2}}', ": capture.format: 2 is not allowed; allowed is 1"),
        ('{"format": 1, "boot_id": "", "atx": 0}', ": atx: there is no such key; did you mean at?"),
        ('{"format": 1, "boot_id": "", "at": 0}\n[]', " line 1: role: is missing\n"),
        ('{"format": 1, "boot_id": "", "at": 0}\n[]', " line 2: there is no capture here; "),
        ('{"format": 1, "boot_id": 1}\n\n{"format": 1', " line 3: is no JSON: "),
        ("\xff", ": is no UTF-8 text"),
    ],
)
def test_what_is_no_capture_is_said_with_its_place(content: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "night.json"
    path.write_bytes(content.encode("latin-1"))
    ended = explain(path)
    assert (ended.code, ended.out) == (2, "")
    assert f"{path}{words}" in ended.err
    assert "Traceback" not in ended.err


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    ended = explain(tmp_path / "none")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"mysqlcheck: --from {tmp_path / 'none'}: cannot be read: No such file or directory\n"


def test_a_server_and_a_role_that_were_captured_may_be_named_and_no_others(file: Path, lagging: HostileServer) -> None:
    assert explain(file, *address(lagging), "--role", "replica").code == 0
    for contradiction in (("--host", "192.168.1.202"), ("--port", "1"), ("--socket", "/s"), ("--role", "source")):
        ended = explain(file, *contradiction)
        assert (ended.code, ended.out) == (2, "")
        assert f"mysqlcheck: {contradiction[0]}: {contradiction[1]!r} is not what was captured" in ended.err
        assert str(file) in ended.err


def test_a_mistake_in_the_rules_is_said_as_always(file: Path) -> None:
    ended = explain(file, "--max-lag", "much")
    assert (ended.code, ended.out) == (2, "")
    assert "--max-lag: 'much' is not allowed; allowed is a duration" in ended.err


def test_no_password_stands_in_a_capture(lagging: HostileServer) -> None:
    for secret in (PASSWORD, "wrong but secret"):
        ended = mysqlcheck(*address(lagging), "--output", "json", password=secret)
        assert secret not in ended.out


def test_the_help_teaches() -> None:
    ended = mysqlcheck("explain", "--help")
    assert (ended.code, ended.err) == (0, "")
    for word in ("--from FILE", "history --host 192.168.1.201 --captures", "last night with max-lag 10?"):
        assert word in " ".join(ended.out.split())
