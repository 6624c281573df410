"""`mysqlcheck status`: every server, and why it serves or does not."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from mysqlcheck import holds
from mysqlcheck.model import Action, OperatorHold, Phase
from tests.command import Ended, mysqlcheck
from tests.hostile.personas import PASSWORD
from tests.hostile.server import HostileServer

from .asking import address
from .records import TARGET, corrupt, keep, locked, record

R1 = ("--host", "192.168.1.201")
WIDTH = 120


def status(state: Path, *arguments: str, **env: str) -> Ended:
    return mysqlcheck("status", *arguments, state=state, env=env)


def documents(state: Path, *arguments: str) -> list[dict[str, Any]]:
    ended = status(state, *arguments, "--output", "json")
    assert ended.code == 0
    found: list[dict[str, Any]] = json.loads(ended.out)
    return found


def cells(ended: Ended, target: str = TARGET) -> dict[str, str]:
    """One server's cells, by the heads of their columns."""
    head, *lines = ended.out.splitlines()
    line = next(line for line in lines if line.startswith(target))
    names = ["TARGET", "ROLE", "PHASE", "WEIGHT", "LAG", "LAST CHECK", "RE-ENTRY"]
    starts = [head.index(name) for name in names]
    return {name: line[a:b].strip() for name, a, b in zip(names, starts, [*starts[1:], None], strict=True)}


def held_by_hand(state: Path, target: str = TARGET, seconds: float | None = 7200.0) -> None:
    state.mkdir(exist_ok=True)
    wall = time.time()
    holds.write(str(state), target, OperatorHold("index rebuild", "operator", wall, seconds and wall + seconds))


def test_what_a_check_found_is_shown(healthy: HostileServer, dead: HostileServer, tmp_path: Path) -> None:
    mysqlcheck(*address(healthy), "--weight", "50", password=PASSWORD, state=tmp_path)
    mysqlcheck(*address(dead), state=tmp_path)
    ended = status(tmp_path)
    assert (ended.code, ended.err) == (0, "")
    up = cells(ended, f"{healthy.host}:{healthy.port}")
    assert (up["ROLE"], up["PHASE"].split()[0], up["WEIGHT"], up["LAG"], up["RE-ENTRY"]) == (
        "replica", "up", "50", "0s", "-",
    )  # fmt: skip
    down = cells(ended, f"{dead.host}:{dead.port}")
    assert (down["PHASE"].split()[0], down["WEIGHT"], down["LAG"]) == ("down", "-", "-")
    assert "\n    unreachable: connection refused" in ended.out


def test_how_long_it_is_in_its_phase_and_when_it_was_checked(tmp_path: Path) -> None:
    keep(tmp_path, record(Phase.DRAINING, "lag: lag 90 s", since=4000.0, checked=20.0, lag=90.0))
    row = cells(status(tmp_path))
    assert row["PHASE"].startswith("draining 1h6m")
    assert row["LAST CHECK"] in {f"{seconds}s ago" for seconds in range(20, 60)}
    assert row["LAG"] == "90s"


def test_a_held_server_counts_down_to_its_re_entry(tmp_path: Path) -> None:
    keep(tmp_path, record(Phase.HELD, "held: it restarted; serves in 10m", left=600.0))
    assert cells(status(tmp_path))["RE-ENTRY"].startswith(("10m", "9m"))
    assert 500 < documents(tmp_path)[0]["reentry"] <= 600


def test_one_that_waits_for_a_person_says_so(tmp_path: Path) -> None:
    keep(tmp_path, record(Phase.HELD, "held: it restarted; serves after `mysqlcheck release`", left=None))
    ended = status(tmp_path)
    assert cells(ended)["RE-ENTRY"] == "manual"
    assert "    held: it restarted; serves after `mysqlcheck release`" in ended.out.splitlines()
    assert documents(tmp_path)[0]["reentry"] == "manual"


def test_one_whose_time_is_over_is_due(tmp_path: Path) -> None:
    text = "held: it restarted; its time is over, serves without: lag (lag 45 s)"
    keep(tmp_path, record(Phase.HELD, text, left=-5.0, checked=1.0))
    ended = status(tmp_path)
    assert cells(ended)["RE-ENTRY"] == "due"
    assert text in ended.out
    assert documents(tmp_path)[0]["reentry"] == 0


def test_a_timer_that_ended_since_the_last_check_is_not_told_as_running(tmp_path: Path) -> None:
    keep(tmp_path, record(Phase.HELD, "held: it restarted; serves in 5s", left=-5.0, checked=10.0))
    ended = status(tmp_path)
    assert "serves in 5s" not in ended.out
    assert "    the hold timer has ended since its last check" in ended.out.splitlines()


def test_after_a_reboot_nobody_knows_when_it_serves_again(tmp_path: Path) -> None:
    keep(tmp_path, record(Phase.HELD, "held: it restarted; serves in 48s", left=48.0, boot="another-boot"))
    ended = status(tmp_path)
    assert cells(ended)["RE-ENTRY"] == "-"
    assert "this director has rebooted since: the hold timer begins anew with the next check" in ended.out
    assert documents(tmp_path)[0]["reentry"] is None


def test_a_server_that_nobody_checks_any_more_is_stale(tmp_path: Path) -> None:
    keep(tmp_path, record(checked=59.0 * 60))
    ended = status(tmp_path)
    assert cells(ended)["LAST CHECK"].endswith(" ago STALE")
    assert "    not checked for 59m" in ended.out
    assert documents(tmp_path)[0]["stale"] is True


def test_every_role_has_a_line(tmp_path: Path) -> None:
    for role in ("source", "replica"):
        keep(tmp_path, record(), role=role)
    assert [document["role"] for document in documents(tmp_path)] == ["replica", "source"]


# Operators' holds.


def test_an_operators_hold_lies_over_every_role(tmp_path: Path) -> None:
    for role in ("source", "replica"):
        keep(tmp_path, record(), role=role)
    held_by_hand(tmp_path)
    assert status(tmp_path).out.count("    operator_hold: drained by operator for another 2h: index rebuild\n") == 2
    hold = documents(tmp_path)[0]["hold"]
    assert (hold["who"], hold["reason"], hold["until"] - hold["since"]) == ("operator", "index rebuild", 7200)
    assert 7000 < hold["left"] <= 7200


def test_it_is_not_told_twice_once_a_check_has_seen_it(tmp_path: Path) -> None:
    text = "operator_hold: drained by operator for another 2h: index rebuild"
    keep(tmp_path, record(Phase.UP, text, action=Action.DRAIN))
    held_by_hand(tmp_path)
    assert status(tmp_path).out.count("operator_hold") == 1


def test_one_that_has_ended_is_not_told_as_standing(tmp_path: Path) -> None:
    keep(tmp_path, record(Phase.UP, "operator_hold: drained by operator until released: x", action=Action.DRAIN))
    ended = status(tmp_path)
    assert "drained by operator" not in ended.out
    assert "    the operator's hold has ended since its last check" in ended.out.splitlines()


def test_a_server_that_is_only_held_by_hand_is_shown_too(tmp_path: Path) -> None:
    held_by_hand(tmp_path, seconds=None)
    ended = status(tmp_path)
    assert ended.code == 0
    assert cells(ended)["LAST CHECK"] == "never"
    assert "    operator_hold: drained by operator until released: index rebuild" in ended.out.splitlines()
    document = documents(tmp_path)[0]
    assert {name for name, value in document.items() if value is not None} == {"target", "hold"}


def test_a_hold_that_is_over_is_none(tmp_path: Path) -> None:
    held_by_hand(tmp_path, seconds=-1.0)
    assert documents(tmp_path) == []


def test_a_hold_that_cannot_be_read_is_one_all_the_same(tmp_path: Path) -> None:
    held_by_hand(tmp_path)
    Path(holds.path_of(str(tmp_path), TARGET)).write_text("{")
    assert "operator_hold: drained by an operator until released: " in status(tmp_path).out


# How it is shown.


def test_a_table_fits_the_screen_and_the_reason_stands_below(tmp_path: Path) -> None:
    keep(
        tmp_path, record(Phase.DOWN, f"sql_stopped: {'error 1062, duplicate entry; ' * 40}", weight=253, since=99999.0)
    )
    keep(tmp_path, record(checked=99999.0), target=f"/{'very/' * 30}mysqld.sock")
    keep(tmp_path, record(), target="[2001:db8:1234:5678:9abc:def0:1234:5678]:33060")
    ended = status(tmp_path)
    lines = ended.out.splitlines()
    path, *rest = (line for line in lines if not line.startswith(f"/{'very/' * 30}mysqld.sock"))
    assert max(map(len, (path, *rest))) <= WIDTH
    assert f"/{'very/' * 30}mysqld.sock" in lines  # its name is shown in full, whatever its length
    assert sum("error 1062" in line for line in lines) == 3
    assert cells(ended, "192.168.1.201")["WEIGHT"] == "253"


def test_what_a_server_says_does_nothing_to_the_terminal(tmp_path: Path) -> None:
    keep(tmp_path, record(Phase.DOWN, "sql_stopped: \x1b[2Jtwo\nlines\x07"))
    ended = status(tmp_path)
    assert "    sql_stopped: ?[2Jtwo lines?" in ended.out.splitlines()


def test_json_has_raw_values(tmp_path: Path) -> None:
    began = time.time()
    keep(tmp_path, record(Phase.RAMPING, "ramping: in service again", left=30.0, checked=4.0, weight=20, lag=2.0))
    (document,) = documents(tmp_path)
    assert document.pop("phase_since") >= 90
    assert began - 4 <= document.pop("checked") <= time.time() - 4
    assert document == {
        "target": TARGET, "role": "replica", "decision": "serve", "phase": "ramping", "weight": 20, "lag": 2.0,
        "stale": False, "reentry": None, "reason": {"code": "ramping", "text": "in service again"}, "hold": None,
        "shared_hold": None,
    }  # fmt: skip


def test_one_server_alone(tmp_path: Path) -> None:
    for number in (201, 202):
        keep(tmp_path, record(), target=f"192.168.1.{number}:3306")
    assert [document["target"] for document in documents(tmp_path, *R1)] == [TARGET]
    assert [document["target"] for document in documents(tmp_path)] == [TARGET, "192.168.1.202:3306"]
    assert "192.168.1.202" not in status(tmp_path, MYSQLCHECK_HOST="192.168.1.201").out


def test_a_server_that_is_not_on_record_is_perhaps_a_slip(tmp_path: Path) -> None:
    keep(tmp_path, record())
    ended = status(tmp_path, *R1, "--port", "3307")
    assert (ended.code, ended.out) == (0, "")
    assert f"On record: {TARGET}." in ended.err


def test_no_file_is_read_that_says_nothing_of_it(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)  # whoever reads it waits for ever
    keep(tmp_path, record())
    assert status(tmp_path, "--defaults-file", str(fifo), "--config", str(fifo)).code == 0


# Trouble.


def test_before_the_first_check_it_says_so(tmp_path: Path) -> None:
    ended = status(tmp_path)
    assert (ended.code, ended.out) == (0, "")
    assert f"nothing has been recorded in {tmp_path} yet" in ended.err
    assert documents(tmp_path) == []


def test_without_a_state_directory_it_says_what_to_do(tmp_path: Path) -> None:
    ended = status(tmp_path / "nowhere")
    assert (ended.code, ended.out) == (1, "")
    assert f"install -d -o keepalived_script {tmp_path / 'nowhere'}" in ended.err
    assert not (tmp_path / "nowhere").exists()


def test_a_store_that_is_locked_can_be_read_all_the_same(tmp_path: Path) -> None:
    keep(tmp_path, record())
    with locked(tmp_path):
        ended = status(tmp_path)
    assert ended.code == 0
    assert cells(ended)["PHASE"].startswith("up")


@pytest.mark.parametrize("output", ["text", "json"])
def test_where_the_store_is_broken_the_holds_are_shown_still(output: str, tmp_path: Path) -> None:
    keep(tmp_path, record())
    corrupt(tmp_path)
    held_by_hand(tmp_path)
    ended = status(tmp_path, "--output", output)
    assert ended.code == 1
    assert "the records cannot be read: " in ended.err
    assert "Traceback" not in ended.err
    assert "index rebuild" in ended.out


def test_it_changes_nothing(tmp_path: Path) -> None:
    keep(tmp_path, record())
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    status(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    "arguments", [("x",), ("--port", "3306"), ("--output", "xml"), ("--host", "%s"), ("--reason", "x")]
)
def test_a_mistake_on_the_command_line_exits_2(arguments: tuple[str, ...], tmp_path: Path) -> None:
    ended = status(tmp_path, *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err


def test_the_help_teaches(tmp_path: Path) -> None:
    ended = mysqlcheck("status", "--help")
    assert (ended.code, ended.err) == (0, "")
    keep(tmp_path, record())
    for word in (*documents(tmp_path)[0], "STALE", "manual", "watch -n1 mysqlcheck status", "Exit code"):
        assert word in ended.out
