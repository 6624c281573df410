"""`mysqlcheck release`: it ends an operator's hold, and the timer of a server that came back."""

from __future__ import annotations

from pathlib import Path

import pytest

from mysqlcheck import holds
from mysqlcheck.model import Phase
from tests.command import Ended, mysqlcheck
from tests.hostile.personas import PASSWORD
from tests.hostile.server import HostileServer

from .asking import address
from .records import TARGET, corrupt, events, keep, kept, locked, noted, record

R1 = ("--host", "192.168.1.201")
UNKNOWN = {"MYSQLCHECK_TRUST_UPTIME": "365d", "MYSQLCHECK_RAMP": "0"}
"""No Uptime is trusted: a server that is met for the first time is held for a minute."""


def release(state: Path, *arguments: str) -> Ended:
    return mysqlcheck("release", *(arguments if "--host" in arguments else (*R1, *arguments)), state=state)


def hold(state: Path, *arguments: str) -> Ended:
    return mysqlcheck("hold", *R1, "--reason", "index rebuild", *arguments, state=state)


@pytest.mark.parametrize("how", ["auto", "manual"])
def test_a_server_that_is_held_serves_from_its_next_check_on(how: str, healthy: HostileServer, tmp_path: Path) -> None:
    def code() -> int:
        arguments = (*address(healthy), "--release", how)
        return mysqlcheck(*arguments, env=UNKNOWN, password=PASSWORD, state=tmp_path).code

    assert (code(), code()) == (1, 1)
    ended = release(tmp_path, *address(healthy))
    assert (ended.code, ended.err) == (0, "")
    assert "as replica: its hold timer is ended; it serves from its next check on" in ended.out
    assert code() == 0


def test_an_operators_hold_is_ended_and_shown(tmp_path: Path) -> None:
    hold(tmp_path, "--for", "2h")
    ended = release(tmp_path)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"{TARGET}: ended the hold by ")
    assert ended.out.endswith("left: index rebuild\n")
    assert holds.targets(str(tmp_path)) == []


def test_both_are_ended_at_once_and_are_one_event(tmp_path: Path) -> None:
    keep(tmp_path, record(Phase.HELD, "held: it restarted; serves in 48s", left=48.0, lag=4.0))
    hold(tmp_path)
    ended = release(tmp_path)
    first, second = ended.out.splitlines()
    assert first.startswith(f"{TARGET}: ended the hold by ")
    assert second.startswith(f"{TARGET}: as replica: its hold timer is ended; ")
    assert second.endswith("if nothing speaks against it (last lag 4s)")
    assert noted(tmp_path) == ["hold", "release"]
    assert events(tmp_path)[-1].text.endswith("index rebuild; ended the hold timer as replica")


def test_it_may_be_said_twice(tmp_path: Path) -> None:
    keep(tmp_path, record(Phase.HELD, "held: it restarted; serves in 48s", left=48.0))
    hold(tmp_path)
    release(tmp_path)
    before = kept(tmp_path)
    ended = release(tmp_path)
    assert (ended.code, ended.err) == (0, "")
    assert "its hold timer is over already; it serves from its next check on" in ended.out
    assert kept(tmp_path) == before
    assert noted(tmp_path) == ["hold", "release"]


def test_where_the_timer_is_over_it_says_what_still_bars_it(tmp_path: Path) -> None:
    text = "held: it restarted; its time is over, serves without: lag (lag 45 s)"
    keep(tmp_path, record(Phase.HELD, text, left=-10.0, checked=1.0))
    ended = release(tmp_path)
    assert ended.code == 0
    assert text in ended.out


def test_a_server_that_is_down_cannot_be_released(tmp_path: Path) -> None:
    down = record(Phase.DOWN, "sql_stopped: the SQL thread is off", left=30.0)
    keep(tmp_path, down)
    ended = release(tmp_path)
    assert (ended.code, ended.err) == (0, "")
    assert "it is down, and that cannot be released: sql_stopped: the SQL thread is off\n" in ended.out
    assert kept(tmp_path) == down


def test_one_that_will_wait_for_a_person_when_it_comes_back_must_be_released_then(tmp_path: Path) -> None:
    keep(tmp_path, record(Phase.DOWN, "unreachable: connection refused", left=None))
    assert "once it answers it is held, and waits for another release" in release(tmp_path).out


@pytest.mark.parametrize("phase", [Phase.UP, Phase.RAMPING, Phase.DRAINING])
def test_where_nothing_is_held_it_says_so(phase: Phase, tmp_path: Path) -> None:
    keep(tmp_path, record(phase))
    ended = release(tmp_path)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"{TARGET}: as replica: nothing is held, it is {phase.value}\n"


def test_a_server_that_nobody_knows_is_perhaps_a_slip(tmp_path: Path) -> None:
    keep(tmp_path, record())
    ended = release(tmp_path, "--host", "192.168.1.201", "--port", "3307")
    assert ended.code == 0
    assert ended.out == "192.168.1.201:3307: nothing is held\n"
    assert f"On record: {TARGET}." in ended.err


def test_a_role_is_released_alone(tmp_path: Path) -> None:
    for role in ("replica", "source"):
        keep(tmp_path, record(Phase.HELD, left=None), role=role)
    assert "as source: its hold timer is ended" in release(tmp_path, "--role", "source").out
    assert kept(tmp_path, role="replica").standing.until is None
    assert kept(tmp_path, role="source").standing.until is not None
    assert "as replica: its hold timer is ended" in release(tmp_path).out
    assert kept(tmp_path, role="replica").standing.until is not None


def test_another_server_is_left_alone(tmp_path: Path) -> None:
    other = record(Phase.HELD, left=48.0)
    keep(tmp_path, other, target="192.168.1.202:3306")
    keep(tmp_path, record(Phase.HELD, left=48.0))
    release(tmp_path)
    assert kept(tmp_path, target="192.168.1.202:3306") == other


def test_it_counts_although_the_director_has_rebooted_since(healthy: HostileServer, tmp_path: Path) -> None:
    name = f"{healthy.host}:{healthy.port}"
    keep(tmp_path, record(Phase.HELD, left=48.0, boot="another-boot"), target=name)
    assert "its hold timer is ended" in release(tmp_path, *address(healthy)).out
    env = {"MYSQLCHECK_RELEASE": "manual"}
    assert mysqlcheck(*address(healthy), env=env, password=PASSWORD, state=tmp_path).code == 0


# Trouble.


def test_a_store_that_is_locked_keeps_the_timer_and_not_the_hold(tmp_path: Path) -> None:
    held = record(Phase.HELD, left=48.0)
    keep(tmp_path, held)
    hold(tmp_path)
    with locked(tmp_path):
        ended = release(tmp_path)
    assert ended.code == 1
    assert f"{TARGET}: ended the hold by " in ended.out
    assert "could NOT be ended" in ended.err
    assert holds.targets(str(tmp_path)) == []
    assert kept(tmp_path) == held


def test_a_hold_that_cannot_be_removed_still_stands_and_the_timer_is_ended(tmp_path: Path) -> None:
    keep(tmp_path, record(Phase.HELD, left=48.0))
    Path(holds.path_of(str(tmp_path), TARGET)).mkdir(parents=True)
    ended = release(tmp_path)
    assert ended.code == 1
    assert "STILL STANDS" in ended.err
    assert "its hold timer is ended" in ended.out


def test_a_corrupt_store_does_not_keep_the_hold(tmp_path: Path) -> None:
    hold(tmp_path)
    corrupt(tmp_path)
    ended = release(tmp_path)
    assert ended.code == 1
    assert "Traceback" not in ended.err
    assert holds.targets(str(tmp_path)) == []


def test_a_state_directory_that_is_not_there_is_said_aloud(tmp_path: Path) -> None:
    ended = release(tmp_path / "nowhere")
    assert ended.code == 1
    assert str(tmp_path / "nowhere") in ended.err
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("arguments", [("--role", "slave"), ("x",), ("--host", "%s"), ("--for", "2h")])
def test_a_mistake_on_the_command_line_exits_2(arguments: tuple[str, ...], tmp_path: Path) -> None:
    ended = release(tmp_path, *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err


def test_the_help_teaches() -> None:
    ended = mysqlcheck("release", "--help")
    assert (ended.code, ended.err) == (0, "")
    for word in ("mysqlcheck hold", "--release manual", "cannot be released", "Exit code"):
        assert word in " ".join(ended.out.split())
