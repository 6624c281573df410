"""A director whose state directory cannot be used takes no healthy replica out, and says what to do about it."""

from __future__ import annotations

import os
import re
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from mysqlcheck.store import FILE
from tests.hostile.server import HostileServer
from tests.state.building import filled, noise
from tests.state.disk import Disk
from tests.state.running import LIMIT, YOUNG, Replica, Surroundings, check, explain, metric, open_folder, up_for


class Director(NamedTuple):
    """What a trouble is made of: a folder of its own, a maker of small disks, an ordinary user."""

    folder: Path
    disk: Callable[[], Disk]
    user: Callable[[], tuple[str, ...]]
    stack: ExitStack


@pytest.fixture
def director(folder: Path, request: pytest.FixtureRequest) -> Iterator[Director]:
    def disk() -> Disk:
        make: Callable[[], Disk] = request.getfixturevalue("disks")
        return make()

    def user() -> tuple[str, ...]:
        found: tuple[str, ...] = request.getfixturevalue("ordinary")
        return found

    with ExitStack() as stack:
        yield Director(folder, disk, user, stack)


# Each makes the trouble, and returns where the check then runs.


def a_folder_in_a_missing_one(director: Director) -> Surroundings:
    return Surroundings(director.folder / "missing" / "state")


def no_right_to_make_it(director: Director) -> Surroundings:
    return Surroundings(director.folder / "state", director.user())


def a_file_in_its_place(director: Director) -> Surroundings:
    (director.folder / "state").write_text("")
    return Surroundings(director.folder / "state")


def a_file_above_it(director: Director) -> Surroundings:
    (director.folder / "file").write_text("")
    return Surroundings(director.folder / "file" / "state")


def a_fifo_in_its_place(director: Director) -> Surroundings:
    os.mkfifo(director.folder / "state")
    return Surroundings(director.folder / "state")


def a_dangling_link_in_its_place(director: Director) -> Surroundings:
    (director.folder / "state").symlink_to(director.folder / "missing" / "state")
    return Surroundings(director.folder / "state")


def a_folder_of_root(director: Director) -> Surroundings:
    before = director.user()
    (director.folder / "state").mkdir(mode=0o755)
    return Surroundings(director.folder / "state", before)


def a_folder_that_only_root_may_enter(director: Director) -> Surroundings:
    before = director.user()
    (director.folder / "state").mkdir(mode=0o700)
    return Surroundings(director.folder / "state", before)


def a_file_of_root_in_a_folder_of_ours(director: Director) -> Surroundings:
    before = director.user()
    filled(director.folder)
    state = director.folder / FILE
    assert state.stat().st_uid == 0
    os.chown(director.folder, 54321, 54321)
    return Surroundings(director.folder, before)


def a_full_disk(director: Director) -> Surroundings:
    disk = director.disk()
    disk.fill()
    return Surroundings(disk.place, disk.before)


def a_read_only_disk(director: Director) -> Surroundings:
    disk = director.disk()
    disk.make_read_only()
    return Surroundings(disk.place, disk.before)


def a_corrupt_file(director: Director) -> Surroundings:
    (director.folder / FILE).write_bytes(noise(30_000))
    return Surroundings(director.folder)


def a_corrupt_file_on_a_read_only_disk(director: Director) -> Surroundings:
    disk = director.disk()
    (disk.outside / FILE).write_bytes(noise(30_000))
    disk.make_read_only()
    return Surroundings(disk.place, disk.before)


def a_file_cut_in_half(director: Director) -> Surroundings:
    filled(director.folder)
    os.truncate(director.folder / FILE, 10_000)
    return Surroundings(director.folder)


def a_file_of_another_version(director: Director) -> Surroundings:
    filled(director.folder)
    with sqlite3.connect(director.folder / FILE) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    return Surroundings(director.folder)


def a_file_locked_by_another_process(director: Director) -> Surroundings:
    """For as long as the check runs, as by somebody who looks at it with sqlite3 and went to lunch."""
    filled(director.folder)
    database = sqlite3.connect(director.folder / FILE, isolation_level=None)
    director.stack.callback(database.close)
    database.execute("BEGIN EXCLUSIVE")
    return Surroundings(director.folder)


def an_empty_file_locked_by_another_process(director: Director) -> Surroundings:
    database = sqlite3.connect(director.folder / FILE, isolation_level=None)
    director.stack.callback(database.close)
    database.execute("BEGIN EXCLUSIVE")
    return Surroundings(director.folder)


def a_fifo_for_a_file(director: Director) -> Surroundings:
    os.mkfifo(director.folder / FILE)
    return Surroundings(director.folder)


def a_folder_for_a_file(director: Director) -> Surroundings:
    (director.folder / FILE).mkdir()
    return Surroundings(director.folder)


def a_socket_for_a_file(director: Director) -> Surroundings:
    listener = director.stack.enter_context(socket.socket(socket.AF_UNIX))
    listener.bind(str(director.folder / FILE))
    return Surroundings(director.folder)


def a_device_for_a_file(director: Director) -> Surroundings:
    (director.folder / FILE).symlink_to("/dev/full")
    return Surroundings(director.folder)


MAKE_IT_WRITABLE = r"install -d -o|must be able to write"
TROUBLES: dict[str, tuple[Callable[[Director], Surroundings], str]] = {
    "no directory, and none above it": (a_folder_in_a_missing_one, MAKE_IT_WRITABLE),
    "no directory, and no right to make it": (no_right_to_make_it, MAKE_IT_WRITABLE),
    "a file in its place": (a_file_in_its_place, "(?i)not a directory"),
    "a file above it": (a_file_above_it, "(?i)not a directory"),
    "a FIFO in its place": (a_fifo_in_its_place, "(?i)not a directory"),
    "a dangling link in its place": (a_dangling_link_in_its_place, MAKE_IT_WRITABLE),
    "a directory of root": (a_folder_of_root, MAKE_IT_WRITABLE),
    "a directory that only root may enter": (a_folder_that_only_root_may_enter, MAKE_IT_WRITABLE),
    "a file of root": (a_file_of_root_in_a_folder_of_ours, MAKE_IT_WRITABLE),
    "a full disk": (a_full_disk, "(?i)full|no space"),
    "a read-only disk": (a_read_only_disk, "(?i)read-?only|unable to open"),
    "a corrupt file": (a_corrupt_file, r"state\.db\.broken"),
    "a corrupt file on a read-only disk": (a_corrupt_file_on_a_read_only_disk, "(?i)not a database|read-?only"),
    "a file cut in half": (a_file_cut_in_half, r"state\.db\.broken"),
    "a file of another version": (a_file_of_another_version, r"state\.db\.broken"),
    "a file locked by another process": (a_file_locked_by_another_process, "locked by another process"),
    "a new file locked by another process": (an_empty_file_locked_by_another_process, "locked by another process"),
    "a FIFO for a file": (a_fifo_for_a_file, FILE),
    "a folder for a file": (a_folder_for_a_file, FILE),
    "a socket for a file": (a_socket_for_a_file, FILE),
    "a device for a file": (a_device_for_a_file, FILE),
}
troubles = pytest.mark.parametrize("trouble", TROUBLES)


@troubles
def test_a_healthy_replica_serves_and_the_trouble_is_said(trouble: str, director: Director, replica: Replica) -> None:
    """In time, from the server's own words: on standard error (and in the log), in the JSON, and as a metric."""
    make, says = TROUBLES[trouble]
    where = make(director)
    metrics = director.stack.enter_context(open_folder()) / "metrics.prom"
    metrics.parent.chmod(0o777)
    ended = check(replica.server, where, "--textfile", str(metrics))
    assert (ended.code, ended.json["decision"], ended.json["phase"]) == (0, "serve", "up")
    assert ended.seconds < LIMIT
    (warning,) = ended.json["warnings"]
    assert str(where.state) in warning
    assert re.search(says, warning)
    assert warning in ended.err
    assert metric(metrics.read_text(), "state_error") == 1


@troubles
def test_a_replica_that_started_just_now_is_held_all_the_same(
    trouble: str, director: Director, replica: Replica
) -> None:
    """Nobody knows since when it answers; the next check may remember again."""
    replica.persona = up_for(YOUNG)
    where = TROUBLES[trouble][0](director)
    ended = check(replica.server, where)
    assert (ended.code, ended.json["phase"], ended.codes) == (1, "held", ["held"])
    assert ended.seconds < LIMIT


@troubles
def test_a_dead_server_is_taken_out_all_the_same(trouble: str, director: Director, dead: HostileServer) -> None:
    where = TROUBLES[trouble][0](director)
    ended = check(dead, where)
    assert (ended.code, ended.json["decision"], ended.codes) == (1, "fail", ["unreachable"])
    assert ended.seconds < LIMIT


@troubles
def test_a_person_who_asks_gets_an_explanation_all_the_same(trouble: str, director: Director, replica: Replica) -> None:
    where = TROUBLES[trouble][0](director)
    ended = explain(replica.server, where.state, before=where.before)
    assert (ended.code, ended.json["decision"]) == (0, "serve")
    assert ended.seconds < LIMIT


# What is set aside is said once.


@pytest.mark.parametrize("trouble", [name for name, (_, says) in TROUBLES.items() if "broken" in says])
def test_a_store_that_was_begun_anew_is_no_trouble_any_more(trouble: str, director: Director, replica: Replica) -> None:
    where = TROUBLES[trouble][0](director)
    check(replica.server, where)
    metrics = director.folder / "metrics"
    ended = check(replica.server, where, "--textfile", str(metrics))
    assert (ended.code, ended.json["warnings"]) == (0, [])
    assert metric(metrics.read_text(), "state_error") == 0


def test_without_trouble_nothing_is_said(director: Director, replica: Replica) -> None:
    metrics = director.folder / "metrics"
    for _ in range(2):
        ended = check(replica.server, director.folder / "state", "--textfile", str(metrics))
        assert (ended.code, ended.json["warnings"], ended.err) == (0, [], "")
        assert metric(metrics.read_text(), "state_error") == 0


def test_an_ordinary_user_s_own_directory_is_no_trouble(director: Director, replica: Replica) -> None:
    before = director.user()
    state = director.folder / "state"
    state.mkdir()
    os.chown(state, 54321, 54321)
    ended = check(replica.server, state, before=before)
    assert (ended.code, ended.json["warnings"]) == (0, [])
    assert (state / FILE).stat().st_uid == 54321
