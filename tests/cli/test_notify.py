"""`mysqlcheck notify-down` and `notify-up`: keepalived's hooks. They record, hold nothing, and never get in the way."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mysqlcheck.model import Phase
from mysqlcheck.record import Event
from tests.command import Ended, mysqlcheck
from tests.hostile.personas import PASSWORD
from tests.hostile.server import HostileServer

from .asking import address
from .records import TARGET, corrupt, events, keep, kept, locked, noted, record

R1 = ("--host", "192.168.1.201")
HOOKS = ("notify-down", "notify-up")
LATE = 5.0
"""Seconds after which something has hung; a hook takes a tenth of one where nothing does."""


def notify(hook: str, state: Path, *arguments: str, **env: str) -> Ended:
    return mysqlcheck(hook, *(arguments or R1), state=state, env=env)


@pytest.mark.parametrize("hook", HOOKS)
def test_it_is_noted_beside_what_our_own_checks_said(hook: str, tmp_path: Path) -> None:
    keep(tmp_path, record(Phase.HELD, "held: it restarted; serves in 48s", left=48.0, checked=3.0))
    ended = notify(hook, tmp_path)
    assert (ended.code, ended.err) == (0, "")
    (event,) = events(tmp_path)
    assert (event.kind, event.role, event.before, event.after) == (hook, "", "", "")
    assert event.text.startswith(f"keepalived took it {'out' if hook == 'notify-down' else 'in'}; our record")
    assert "replica is held (fail, " in event.text
    assert event.text.endswith(" ago): held: it restarted; serves in 48s")
    assert ended.out == f"{TARGET}: {event.text}\n"


@pytest.mark.parametrize(
    ("hook", "phase", "differs"),
    [
        ("notify-down", Phase.UP, True),
        ("notify-down", Phase.RAMPING, True),
        ("notify-down", Phase.DOWN, False),
        ("notify-down", Phase.HELD, False),
        ("notify-down", Phase.DRAINING, False),  # which of the two it is to keepalived depends on the style
        ("notify-up", Phase.DRAINING, False),
        ("notify-up", Phase.UP, False),
        ("notify-up", Phase.DOWN, True),
        ("notify-up", Phase.HELD, True),
    ],
)
def test_history_shows_whether_keepalived_sees_it_as_we_do(
    hook: str, phase: Phase, differs: bool, tmp_path: Path
) -> None:
    keep(tmp_path, record(phase))
    notify(hook, tmp_path)
    assert ("our record DIFFERS: " in mysqlcheck("history", *R1, state=tmp_path).out) is differs


def test_one_role_that_agrees_is_enough(tmp_path: Path) -> None:
    """A hook does not say for which of two virtual servers it was called."""
    keep(tmp_path, record(Phase.UP), role="source")
    keep(tmp_path, record(Phase.DOWN), role="replica")
    for hook in HOOKS:
        notify(hook, tmp_path)
    assert all("our record: " in event.text for event in events(tmp_path))


def test_a_server_that_is_not_on_record_is_noted_too(tmp_path: Path) -> None:
    notify("notify-down", tmp_path)
    assert [event.text for event in events(tmp_path)] == ["keepalived took it out; we have no record of it"]


# Idempotent, and harmless.


def test_the_same_hook_twice_in_a_row_is_one_event(tmp_path: Path) -> None:
    first, second = notify("notify-down", tmp_path), notify("notify-down", tmp_path)
    assert (first.code, second.code) == (0, 0)
    assert second.out.endswith(" (noted before)\n")
    assert noted(tmp_path) == ["notify-down"]


def test_what_else_happens_in_between_does_not_matter(tmp_path: Path) -> None:
    notify("notify-down", tmp_path)
    change = Event(0.0, TARGET, "replica", "transition", "down", "held", "it restarted")
    keep(tmp_path, record(Phase.HELD), events=(change,))
    mysqlcheck("hold", *R1, "--reason", "disk change", state=tmp_path)
    notify("notify-down", tmp_path)
    assert noted(tmp_path) == ["notify-down", "transition", "hold"]


def test_down_and_up_are_two_in_whatever_order(tmp_path: Path) -> None:
    for hook in ("notify-up", "notify-down", "notify-down", "notify-up", "notify-up", "notify-down"):
        notify(hook, tmp_path)
    assert noted(tmp_path) == ["notify-up", "notify-down", "notify-up", "notify-down"]


def test_another_servers_hook_is_another_event(tmp_path: Path) -> None:
    notify("notify-down", tmp_path)
    notify("notify-down", tmp_path, "--host", "192.168.1.202")
    notify("notify-down", tmp_path)
    assert (noted(tmp_path), noted(tmp_path, "192.168.1.202:3306")) == (["notify-down"], ["notify-down"])


def test_it_starts_no_hold(healthy: HostileServer, tmp_path: Path) -> None:
    """keepalived calls it on a reload that removes the server, too, and at its own stop."""

    def code() -> int:
        return mysqlcheck(*address(healthy), password=PASSWORD, state=tmp_path).code

    assert code() == 0
    notify("notify-down", tmp_path, *address(healthy))
    assert code() == 0


@pytest.mark.parametrize("hook", HOOKS)
def test_it_changes_no_record(hook: str, tmp_path: Path) -> None:
    before = record(Phase.HELD, left=48.0)
    keep(tmp_path, before)
    notify(hook, tmp_path)
    assert kept(tmp_path) == before
    assert not (tmp_path / "holds").exists()


# It never gets in the way.


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize(
    "arguments",
    [("--nonsense",), ("--host", "%s"), (*R1, "DOWN"), (*R1, "--port", "0"), ("--host",), ("-h", "192.168.1.201")],
    ids=" ".join,
)
def test_a_mistake_is_said_and_exits_0(hook: str, arguments: tuple[str, ...], tmp_path: Path) -> None:
    ended = notify(hook, tmp_path, *arguments)
    assert (ended.code, ended.out) == (0, "")
    assert ended.err.startswith(f"mysqlcheck: {hook}: ")
    assert "Traceback" not in ended.err
    assert list(tmp_path.iterdir()) == []


def test_a_server_must_be_named(tmp_path: Path) -> None:
    ended = mysqlcheck("notify-down", state=tmp_path)
    assert (ended.code, ended.out) == (0, "")
    assert "give --host" in ended.err


def test_a_store_that_is_locked_for_a_minute_does_not_keep_it(tmp_path: Path) -> None:
    keep(tmp_path, record())
    with locked(tmp_path):
        ended = notify("notify-down", tmp_path)
    assert (ended.code, ended.out) == (0, "")
    assert "notify-down: nothing is noted: " in ended.err
    assert ended.seconds < LATE
    assert noted(tmp_path) == []


def test_a_disk_that_hangs_does_not_keep_it(tmp_path: Path) -> None:
    keep(tmp_path, record())
    os.mkfifo(tmp_path / "state.db-journal")  # SQLite opens it, and waits for whoever writes it
    ended = notify("notify-down", tmp_path)
    assert (ended.code, ended.out) == (0, "")
    assert "nothing is noted: " in ended.err
    assert ended.seconds < LATE


@pytest.mark.parametrize("variable", ["MYSQLCHECK_CONFIG", "MYSQLCHECK_DEFAULTS_FILE"])
def test_a_file_that_hangs_does_not_keep_it(variable: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    ended = notify("notify-up", tmp_path, **{variable: str(tmp_path / "fifo")})
    assert (ended.code, ended.out) == (0, "")
    assert "nothing is noted: " in ended.err
    assert ended.seconds < LATE


def test_a_state_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = notify("notify-up", tmp_path / "file" / "state")
    assert (ended.code, ended.out) == (0, "")
    assert "nothing is noted: " in ended.err


def test_a_corrupt_store_is_begun_anew(tmp_path: Path) -> None:
    keep(tmp_path, record())
    corrupt(tmp_path)
    ended = notify("notify-up", tmp_path)
    assert (ended.code, ended.err) == (0, "")
    assert noted(tmp_path) == ["notify-up"]


def test_a_broken_config_file_is_said_and_passed_over(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("[defaults")
    state = tmp_path / "state"
    ended = notify("notify-up", state, *R1, "--config", str(tmp_path / "c.toml"))
    assert ended.code == 0
    assert "c.toml" in ended.err
    assert noted(state) == ["notify-up"]


# What it costs: keepalived forks one for each change.


@pytest.mark.parametrize("command", [*HOOKS, "hold", "release", "status", "history"])
def test_no_command_for_operators_loads_what_only_a_check_needs(command: str, tmp_path: Path) -> None:
    reason = ("--reason", "x") if command == "hold" else ()
    arguments = ("-X", "importtime", "-m", "mysqlcheck", command, *R1, *reason, "--state-dir", str(tmp_path))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MYSQLCHECK_", "PYTHON"))}
    ended = subprocess.run(
        [sys.executable, *arguments], env=kept, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 0
    loaded = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines() if line.startswith("import time:")}
    assert "mysqlcheck.store" in loaded
    assert loaded.isdisjoint({"pymysql", "ssl", "mysqlcheck.mysql", "mysqlcheck.oneshot", "prometheus_client"})


@pytest.mark.parametrize("hook", HOOKS)
def test_the_help_teaches(hook: str) -> None:
    ended = mysqlcheck(hook, "--help")
    assert (ended.code, ended.err) == (0, "")
    for word in (f"keepalived-mysqlcheck {hook} --host", "real_server", "exit code is always"):
        assert word in " ".join(ended.out.split())
