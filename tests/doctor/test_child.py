"""Looking at things as another user: what that user may do, and what becomes of a look that goes wrong."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

import pytest

from mysqlcheck.doctor import child
from mysqlcheck.doctor.child import ChildFailed, ourselves
from mysqlcheck.keepalived.machine import User

from .director import NOBODY, needs_root

US = ourselves()
LONG = 30.0


def hang() -> None:
    signal.pause()


def children() -> set[int]:
    """Our child processes; servers of other tests may be among them."""
    parents: dict[int, int] = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            parents[int(file.parent.name)] = int(file.read_text().rpartition(")")[2].split()[1])
    return {pid for pid, parent in parents.items() if parent == os.getpid()}


def test_a_look_returns_what_it_found() -> None:
    assert child.look(US, LONG, lambda: ["a", 1, None, True]) == ["a", 1, None, True]


def test_more_than_a_pipe_holds_comes_back_whole() -> None:
    assert len(child.look(US, LONG, lambda: "x" * 1_000_000)) == 1_000_000


def test_what_a_look_raises_is_told() -> None:
    with pytest.raises(ChildFailed, match="ZeroDivisionError"):
        child.look(US, LONG, lambda: 1 / 0)


def test_a_look_that_hangs_is_ended_in_time() -> None:
    began, before = time.monotonic(), children()
    with pytest.raises(ChildFailed, match=r"no end within 0\.2 s"):
        child.look(US, 0.2, hang)
    assert time.monotonic() - began < LONG
    assert children() == before  # nothing of it is left


def test_a_look_that_dies_is_told() -> None:
    with pytest.raises(ChildFailed, match="without a word"):
        child.look(US, LONG, lambda: os.kill(os.getpid(), 9))


def test_one_that_hangs_does_not_hold_the_others_up() -> None:
    began = time.monotonic()
    found = child.for_each([US] * 5, 1.0, [hang, lambda: 1, hang, lambda: 2, hang])
    assert [answer for answer in found if not isinstance(answer, ChildFailed)] == [1, 2]
    assert time.monotonic() - began < 3 * 1.0


@needs_root
def test_root_looks_as_the_user_and_stays_root_itself(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(0o600)
    found = child.look(NOBODY, LONG, lambda: [os.getresuid(), os.getresgid(), os.access(secret, os.R_OK)])
    assert found == [[NOBODY.uid] * 3, [NOBODY.gid] * 3, False]
    assert os.getresuid() == (0, 0, 0)


@needs_root
def test_the_user_has_no_further_groups_because_keepalived_gives_none() -> None:
    assert child.look(NOBODY, LONG, os.getgroups) == [NOBODY.gid]


def test_somebody_else_can_be_become_by_root_alone() -> None:
    assert child.may_become(US)
    assert child.may_become(User("somebody", US.uid + 1, 1)) is (os.geteuid() == 0)


def test_a_program_runs_with_keepalived_s_path_and_without_this_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYSQLCHECK_PASSWORD", "secret")
    ran = child.run(US, ["/usr/bin/env"], LONG)
    assert ran.code == 0
    assert "secret" not in ran.out
    assert "PATH=/usr/local/sbin:" in ran.out


def test_a_program_that_cannot_be_run_or_does_not_end_has_no_code() -> None:
    assert child.run(US, ["/nonexistent/program"], LONG)[::2] == (None, "No such file or directory")
    assert child.run(US, ["/bin/sleep", "600"], 0.2)[::2] == (None, "no end within 0.2 s")


def test_a_program_is_ended_with_what_it_has_started() -> None:
    began = time.monotonic()
    assert child.run(US, ["/bin/sh", "-c", "sleep 600; true"], 0.2).code is None
    assert time.monotonic() - began < LONG
