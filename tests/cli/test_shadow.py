"""--shadow judges, prints and exports, and always says serve."""

from pathlib import Path

import pytest

from tests.command import mysqlcheck
from tests.hostile.personas import MYSQL
from tests.hostile.server import HostileServer

from .asking import check


@pytest.mark.parametrize(("arguments", "code"), [((), 0), (("--weight", "1"), 3), (("--weight", "253"), 255)])
def test_shadow_serves_a_dead_server_in_full_and_says_what_it_would_have_said(
    arguments: tuple[str, ...], code: int, dead: HostileServer
) -> None:
    ended = check(dead, "--shadow", *arguments)
    assert ended.code == code
    assert "FAIL" in ended.out
    assert "would" in ended.out
    assert "unreachable" in ended.out


def test_shadow_in_json_has_both_answers(dead: HostileServer) -> None:
    ended = check(dead, "--shadow", "--weight", "100", "--output", "json")
    document = ended.json
    assert ended.code == document["exit_code"] == 102
    assert (document["decision"], document["weight"]) == ("serve", 100)
    assert (document["shadow"]["decision"], document["shadow"]["exit_code"]) == ("fail", 1)
    assert [reason["code"] for reason in document["reasons"]] == ["unreachable"]


def test_shadow_writes_the_full_weight_and_exports_what_it_would_have_said(dead: HostileServer, tmp_path: Path) -> None:
    track, text = tmp_path / "r1", tmp_path / "x.prom"
    assert check(dead, "--shadow", "--track-file", str(track), "--textfile", str(text)).code == 0
    assert track.read_text() == "99\n"
    metrics = text.read_text()
    labels = f'role="replica",target="{dead.host}:{dead.port}"'
    assert f'mysqlcheck_decision{{decision="fail",{labels}}} 1.0' in metrics
    assert f"mysqlcheck_shadow{{{labels}}} 1.0" in metrics


def test_what_shadow_would_have_said_of_a_drain_takes_the_unwritten_file_into_account(tmp_path: Path) -> None:
    with HostileServer(MYSQL.but_status(Seconds_Behind_Source="600").script()) as server:
        track = str(tmp_path / "missing" / "r1")
        ended = check(server, "--shadow", "--track-file", track, "--output", "json")
    assert ended.code == 0
    assert (ended.json["shadow"]["decision"], ended.json["shadow"]["exit_code"]) == ("drain", 1)


def test_shadow_serves_a_silent_server_too() -> None:
    with HostileServer(lambda session: session.wait_for_hangup()) as server:
        ended = check(server, "--shadow", "--timeout", "2s")
    assert ended.code == 0
    assert "timeout" in ended.out


def test_shadow_is_no_cure_for_a_usage_error() -> None:
    assert mysqlcheck("--shadow", "--host", "%s").code == 1
