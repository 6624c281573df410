"""`mysqlcheck history`: what happened to a server, when and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mysqlcheck.record import Event
from tests.command import Ended, mysqlcheck
from tests.hostile.personas import PASSWORD
from tests.hostile.server import HostileServer

from .asking import address
from .records import TARGET, corrupt, keep, locked, record

R1 = ("--host", "192.168.1.201")
NIGHT = 1_800_000_000.0
"""2027-01-15 08:00:00 UTC."""
STORY = (
    Event(NIGHT, TARGET, "replica", "transition", "up", "down", "unreachable: connection refused"),
    Event(NIGHT + 1, TARGET, "", "notify-down", "", "", "keepalived took it out; our record: replica is down"),
    Event(NIGHT + 40, TARGET, "replica", "transition", "down", "held", "held: it restarted; serves in 1m"),
    Event(NIGHT + 60, TARGET, "", "hold", "", "", "operator: drain for 2h: disk change"),
)


def history(state: Path, *arguments: str, **env: str) -> Ended:
    where = () if "--host" in arguments else R1
    return mysqlcheck("history", *where, *arguments, state=state, env={"TZ": "UTC", **env})


def documents(state: Path, *arguments: str) -> list[dict[str, Any]]:
    ended = history(state, *arguments, "--output", "json")
    assert ended.code == 0
    found: list[dict[str, Any]] = json.loads(ended.out)
    return found


def test_it_tells_the_story_the_oldest_first_in_local_time(tmp_path: Path) -> None:
    keep(tmp_path, record(), events=STORY)
    ended = history(tmp_path)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines() == [
        "2027-01-15 08:00:00  replica  up → down    unreachable: connection refused",
        "2027-01-15 08:00:01  -        notify-down  keepalived took it out; our record: replica is down",
        "2027-01-15 08:00:40  replica  down → held  held: it restarted; serves in 1m",
        "2027-01-15 08:01:00  -        hold         operator: drain for 2h: disk change",
    ]
    assert history(tmp_path, TZ="UTC-2").out.startswith("2027-01-15 10:00:00")


def test_what_checks_operators_and_keepalived_did_stands_in_it(
    healthy: HostileServer, dead: HostileServer, tmp_path: Path
) -> None:
    where = address(healthy)
    env = {"MYSQLCHECK_TRUST_UPTIME": "365d"}
    mysqlcheck(*where, env=env, password=PASSWORD, state=tmp_path)
    mysqlcheck("hold", *where, "--for", "2h", "--reason", "disk change", env={"SUDO_USER": "operator"}, state=tmp_path)
    mysqlcheck("notify-down", *where, state=tmp_path)
    mysqlcheck("release", *where, env={"SUDO_USER": "deputy"}, state=tmp_path)
    mysqlcheck(*where, env={**env, "MYSQLCHECK_RAMP": "0"}, password=PASSWORD, state=tmp_path)
    mysqlcheck(*address(dead), state=tmp_path)
    first, hold, notify, release, *rest = documents(tmp_path, *where)
    assert (first["kind"], first["before"], first["after"]) == ("transition", "unknown", "held")
    assert (hold["kind"], hold["text"]) == ("hold", "operator: drain for 2h: disk change")
    assert notify["kind"] == "notify-down"
    assert release["text"].startswith("deputy: ended the hold by operator since ")
    assert [(event["before"], event["after"]) for event in rest][-1][1] == "up"
    assert all(event["text"] for event in (first, hold, notify, release, *rest))


def test_only_the_last_ones(tmp_path: Path) -> None:
    keep(tmp_path, record(), events=STORY)
    assert [event["at"] for event in documents(tmp_path, "--last", "2")] == [NIGHT + 40, NIGHT + 60]
    assert len(history(tmp_path, "--last", "1").out.splitlines()) == 1


def test_json_has_raw_values(tmp_path: Path) -> None:
    keep(tmp_path, record(), events=STORY[:2])
    assert documents(tmp_path) == [
        {
            "at": NIGHT, "role": "replica", "kind": "transition", "before": "up", "after": "down",
            "text": "unreachable: connection refused",
        },
        {
            "at": NIGHT + 1, "role": None, "kind": "notify-down", "before": None, "after": None,
            "text": "keepalived took it out; our record: replica is down",
        },
    ]  # fmt: skip


def test_the_looks_that_changed_a_phase_are_printed_one_a_line(
    healthy: HostileServer, dead: HostileServer, tmp_path: Path
) -> None:
    where = address(healthy)
    first = mysqlcheck(*where, "--output", "json", password=PASSWORD, state=tmp_path).json
    mysqlcheck(*where, password=PASSWORD, state=tmp_path)  # changes nothing
    mysqlcheck("hold", *where, "--for", "2h", "--reason", "disk change", state=tmp_path)
    ended = history(tmp_path, *where, "--captures")
    assert (ended.code, ended.err) == (0, "")
    assert [json.loads(line) for line in ended.out.splitlines()] == [first["capture"]]


def test_where_no_look_is_kept_it_says_so(tmp_path: Path) -> None:
    keep(tmp_path, record(), events=STORY)
    ended = history(tmp_path, "--captures")
    assert (ended.code, ended.out) == (0, "")
    assert f"of no look at {TARGET} more is kept than its text" in ended.err


def test_what_a_server_says_does_nothing_to_the_terminal(tmp_path: Path) -> None:
    keep(tmp_path, record(), events=(STORY[0]._replace(text="sql_stopped: \x1b[2Jtwo\nlines"),))
    (line,) = history(tmp_path).out.splitlines()
    assert line.endswith("sql_stopped: ?[2Jtwo lines")


def test_another_servers_story_is_not_told(tmp_path: Path) -> None:
    keep(tmp_path, record(), events=STORY)
    other = "192.168.1.202:3306"
    keep(tmp_path, record(), target=other, events=(STORY[0]._replace(target=other),))
    assert len(documents(tmp_path, "--host", "192.168.1.202")) == 1


# Where there is nothing to tell.


def test_where_nothing_is_recorded_it_says_so(tmp_path: Path) -> None:
    ended = history(tmp_path)
    assert (ended.code, ended.out) == (0, "")
    assert f"nothing is recorded of {TARGET} in {tmp_path}" in ended.err
    assert documents(tmp_path) == []


def test_a_server_that_is_not_on_record_is_perhaps_a_slip(tmp_path: Path) -> None:
    keep(tmp_path, record())
    assert f"On record: {TARGET}." in history(tmp_path, "--host", "192.168.1.201", "--port", "3307").err


def test_a_server_to_which_nothing_happened(tmp_path: Path) -> None:
    keep(tmp_path, record())
    ended = history(tmp_path)
    assert ended.code == 0
    assert f"nothing has happened to {TARGET}" in ended.err


def test_a_store_that_is_locked_can_be_read_all_the_same(tmp_path: Path) -> None:
    keep(tmp_path, record(), events=STORY)
    with locked(tmp_path):
        assert len(history(tmp_path).out.splitlines()) == len(STORY)


def test_where_the_state_cannot_be_read_it_exits_1(tmp_path: Path) -> None:
    keep(tmp_path, record(), events=STORY)
    corrupt(tmp_path)
    for state in (tmp_path, tmp_path / "nowhere"):
        ended = history(state)
        assert (ended.code, ended.out) == (1, "")
        assert f"the history cannot be read: {state}" in ended.err
        assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    "arguments", [("--last", "0"), ("--last", "x"), ("x",), ("--output", "xml"), ("--host", "%s"), ("--host", "")]
)
def test_a_mistake_on_the_command_line_exits_2(arguments: tuple[str, ...], tmp_path: Path) -> None:
    ended = history(tmp_path, *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err


def test_it_asks_for_a_server(tmp_path: Path) -> None:
    ended = mysqlcheck("history", state=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert "give --host" in ended.err


def test_the_help_teaches() -> None:
    ended = mysqlcheck("history", "--help")
    assert (ended.code, ended.err) == (0, "")
    for word in ("notify-down", "--last 5", "local time", "Exit code"):
        assert word in ended.out
