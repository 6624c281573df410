"""Operators' holds: a small file a target, which survives whatever becomes of the store."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysqlcheck import holds
from mysqlcheck.errors import StoreError
from mysqlcheck.model import OperatorHold, Severity
from mysqlcheck.outcome import operator_hold
from tests.state.building import TARGET, WALL, noise
from tests.state.examples import anything
from tests.state.holding import FOREVER, path_of, put, read, write

# What is written is read.

texts = st.text(st.characters(exclude_categories=["Cs"]))
times = st.floats(0, 1e12)


@anything
@given(reason=texts, who=texts, since=times, until=st.none() | times, wall=times)
def test_a_hold_is_read_as_it_was_written_until_its_time_is_over(
    tmp_path: Path, reason: str, who: str, since: float, until: float | None, wall: float
) -> None:
    hold = OperatorHold(reason, who, since, until)
    write(tmp_path, hold)
    if until is None:
        assert read(tmp_path, wall) == hold
    else:
        assert read(tmp_path, wall) == (hold._replace(left=until - wall) if wall < until else None)


def test_without_a_file_there_is_no_hold(tmp_path: Path) -> None:
    assert read(tmp_path) is None
    assert read(tmp_path / "missing") is None
    (tmp_path / "file").touch()
    assert read(tmp_path / "file") is None
    write(tmp_path)
    assert read(tmp_path, target="192.168.1.202:3306") is None


@pytest.mark.parametrize(("after", "stands"), [(-3600, True), (7199, True), (7200, False), (10**9, False)])
def test_a_hold_for_two_hours_stands_for_two_hours(tmp_path: Path, after: int, stands: bool) -> None:
    """By the wall clock, in which it was given; a clock that went back makes it last longer, and loses none."""
    write(tmp_path)
    assert (read(tmp_path, WALL + after) is not None) == stands


def test_another_hold_takes_the_place_of_the_first(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, FOREVER._replace(reason="still"))
    assert read(tmp_path) == FOREVER._replace(reason="still")
    assert len(list(path_of(tmp_path).parent.iterdir())) == 1


def test_a_hold_that_is_ended_is_gone(tmp_path: Path) -> None:
    write(tmp_path)
    assert holds.remove(str(tmp_path), TARGET)
    assert read(tmp_path) is None
    assert not holds.remove(str(tmp_path), TARGET)
    assert not holds.remove(str(tmp_path / "missing"), TARGET)


def test_the_file_is_one_that_a_person_can_read(tmp_path: Path) -> None:
    write(tmp_path)
    path = path_of(tmp_path)
    assert json.loads(path.read_text())["reason"] == "new disk"
    assert path.stat().st_mode & 0o777 == 0o644
    assert path.parent.stat().st_mode & 0o777 == 0o755


# What is damaged, or cannot be read, is a hold.


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"null", b"[]", b"{}", b"7", b'"held"', noise(4000), b"\xff" * 100, b"[" * 60_000, bytes(4096)),
        *(b'{"reason": "x", "who": "y", "since": 0}', b'{"who": "y", "since": 0, "until": null}'),
        *(b'{"reason": "x", "who": "y", "since": "then", "until": null}', b'{"until": null}'),
    ],
    ids=lambda content: repr(content[:40]),
)
def test_a_damaged_file_is_a_hold(tmp_path: Path, content: bytes) -> None:
    """Somebody has put it there; until when, nobody knows."""
    path = put(tmp_path, content)
    hold = read(tmp_path)
    assert hold is not None
    assert (hold.until, hold.left) == (None, None)
    assert str(path) in hold.reason


UNTIL = '{{"reason": "x", "who": "y", "since": {since}, "until": {until}}}'
HUGE = "1" + "0" * 400


NO_TIMES = ['""', '"soon"', "[]", "{}", "[1]", "false", "true", "NaN", HUGE, f"-{HUGE}"]


@pytest.mark.parametrize("until", NO_TIMES, ids=lambda text: text[:5])
def test_an_end_that_is_no_time_makes_a_damaged_file(tmp_path: Path, until: str) -> None:
    """Not one that is over: a hold ends by its own words or by an operator's."""
    put(tmp_path, UNTIL.format(since=0, until=until))
    hold = read(tmp_path)
    assert hold is not None
    assert "damaged" in hold.reason


@pytest.mark.parametrize("since", ['""', "null", "[]", "{}", HUGE], ids=lambda text: text[:5])
def test_a_beginning_that_is_no_time_makes_one_too(tmp_path: Path, since: str) -> None:
    put(tmp_path, UNTIL.format(since=since, until="null"))
    hold = read(tmp_path)
    assert hold is not None
    assert "damaged" in hold.reason


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
complete = st.fixed_dictionaries(dict.fromkeys(("reason", "who", "since", "until"), values))
"""Documents with everything that a hold has, of whatever type."""


@anything
@given(document=values | complete)
def test_whatever_stands_in_the_file_is_a_hold_or_over_and_breaks_nothing(tmp_path: Path, document: Any) -> None:
    put(tmp_path, json.dumps(document))
    hold = read(tmp_path)
    if hold is None:
        assert isinstance(document["until"], (int, float))
        assert document["until"] <= WALL
    else:
        assert operator_hold(hold).severity is Severity.DRAIN


@anything
@given(content=st.binary(max_size=200))
def test_whatever_bytes_are_in_the_file_there_is_a_hold(tmp_path: Path, content: bytes) -> None:
    put(tmp_path, content)
    assert read(tmp_path) is not None


@pytest.mark.parametrize("what", ["a folder", "a link to itself", "a file that nobody may read", "a socket"])
def test_what_cannot_be_read_is_a_hold(tmp_path: Path, what: str) -> None:
    path = put(tmp_path, "{}")
    path.unlink()
    if what == "a folder":
        path.mkdir()
    elif what == "a link to itself":
        path.symlink_to(path.name)
    elif what == "a socket":
        os.mknod(path, 0o140644)
    else:
        if os.geteuid() != 0:
            path.touch(0o000)
        else:
            os.symlink(f"/proc/{os.getpid()}/mem", path)  # an input/output error, for root as for all
    hold = read(tmp_path)
    assert hold is not None
    assert str(path) in hold.reason


@pytest.fixture
def as_somebody(folder: Path) -> Iterator[Path]:
    """A state directory, and this process as an ordinary user that may read it."""
    if os.geteuid() != 0:
        yield folder
        return
    write(folder)
    os.setegid(54321)
    os.seteuid(54321)
    try:
        yield folder
    finally:
        os.seteuid(0)
        os.setegid(0)


def test_a_file_without_the_right_to_read_it_is_a_hold(as_somebody: Path) -> None:
    if os.getuid() != 0:
        write(as_somebody)
        path_of(as_somebody).chmod(0)
    else:
        os.seteuid(0)
        path_of(as_somebody).chmod(0o600)
        os.seteuid(54321)
    hold = read(as_somebody)
    assert hold is not None
    assert "Permission denied" in hold.reason


def test_a_folder_of_holds_that_may_not_be_entered_is_said(as_somebody: Path) -> None:
    """Nobody can tell whether there is one for this server."""
    if os.getuid() != 0:
        write(as_somebody)
        path_of(as_somebody).parent.chmod(0)
    else:
        os.seteuid(0)
        path_of(as_somebody).parent.chmod(0o700)
        os.seteuid(54321)
    with pytest.raises(StoreError, match="Permission denied"):
        read(as_somebody)
    if os.getuid() != 0:
        path_of(as_somebody).parent.chmod(0o755)


def test_a_fifo_in_its_place_hangs_nobody(tmp_path: Path) -> None:
    """Whoever opens one waits for ever for the other side: nobody can tell, which is said; or it is a hold."""
    path = put(tmp_path, "")
    path.unlink()
    os.mkfifo(path)
    try:
        assert holds.read(str(tmp_path), TARGET, WALL, 0.2) is not None
    except StoreError as error:
        assert str(path) in str(error)  # noqa: PT017
    finally:
        os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))  # the thread that still waits has had its other side
