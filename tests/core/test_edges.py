"""The small edges: files that others read, words for people, and the deadline."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mysqlcheck import clock, console, publish
from mysqlcheck.clock import Deadline

# publish.replace


def test_a_new_file_has_the_content_and_can_be_read_by_all(tmp_path: Path) -> None:
    path = tmp_path / "weight"
    before = os.umask(0o077)
    try:
        assert publish.replace(str(path), b"99\n") is None
    finally:
        os.umask(before)
    assert path.read_bytes() == b"99\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_an_old_file_is_replaced_and_no_other_is_left(tmp_path: Path) -> None:
    path = tmp_path / "weight"
    path.write_bytes(b"a much longer content than the new one\n")
    path.chmod(0o600)
    assert publish.replace(str(path), b"-1\n") is None
    assert path.read_bytes() == b"-1\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert os.listdir(tmp_path) == ["weight"]


def test_a_reader_never_sees_a_part_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "metrics.prom"
    contents = [bytes([letter]) * 65_536 for letter in b"ab"]
    publish.replace(str(path), contents[0])
    done, torn, reads = threading.Event(), [], []

    def read() -> None:
        while not done.is_set():
            content = path.read_bytes()
            reads.append(len(content))
            if content not in contents:
                torn.append(content)

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(300):
        assert publish.replace(str(path), contents[turn % 2]) is None
    done.set()
    reader.join()
    assert reads
    assert torn == []


def test_two_writers_at_once_leave_one_whole_file(tmp_path: Path) -> None:
    path = str(tmp_path / "weight")
    failures: list[str | None] = []

    def write(content: bytes) -> None:
        failures.extend(publish.replace(path, content) for _ in range(100))

    writers = [threading.Thread(target=write, args=(content,)) for content in (b"99\n", b"-1\n")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert failures == [None] * 200
    assert Path(path).read_bytes() in (b"99\n", b"-1\n")
    assert os.listdir(tmp_path) == ["weight"]


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    path = str(tmp_path / "none" / "weight")
    assert publish.replace(path, b"1\n") == f"cannot write {path}: No such file or directory"


def test_a_folder_in_the_place_of_the_file_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    path = tmp_path / "weight"
    path.mkdir()
    assert publish.replace(str(path), b"1\n") == f"cannot write {path}: Is a directory"
    assert os.listdir(tmp_path) == ["weight"]


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = str(tmp_path / "file" / "weight")
    assert publish.replace(path, b"1\n") == f"cannot write {path}: Not a directory"


def test_a_folder_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    path, before = str(tmp_path / "weight"), os.geteuid()
    if before == 0:
        os.seteuid(65534)  # root may write everywhere
    try:
        assert publish.replace(path, b"1\n") == f"cannot write {path}: Permission denied"
    finally:
        os.seteuid(before)
    assert os.listdir(tmp_path) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    if os.getuid() != 0:
        pytest.skip("only root may mount a small file system to fill")
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("this container may not mount a small file system to fill")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_told_and_the_old_file_stays(small_disk: Path) -> None:
    path = small_disk / "weight"
    assert publish.replace(str(path), b"99\n") is None
    (small_disk / "fill").write_bytes(b"x" * (os.statvfs(small_disk).f_bavail * 4096))
    assert publish.replace(str(path), b"-1\n" * 4096) == f"cannot write {path}: No space left on device"
    assert path.read_bytes() == b"99\n"
    assert sorted(os.listdir(small_disk)) == ["fill", "weight"]


def test_a_disk_that_is_read_only_is_told_and_the_old_file_stays(small_disk: Path) -> None:
    path = small_disk / "weight"
    assert publish.replace(str(path), b"99\n") is None
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert publish.replace(str(path), b"-1\n") == f"cannot write {path}: Read-only file system"
    assert path.read_bytes() == b"99\n"


def test_a_file_in_this_folder_needs_no_folder_in_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert publish.replace("weight", b"1\n") is None
    assert (tmp_path / "weight").read_bytes() == b"1\n"


# console.say


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            continue


def seconds_to_say(text: str, stream: int, seconds: float = 0.2) -> float:
    began = time.monotonic()
    console.say(text, Deadline(seconds), stream)
    return time.monotonic() - began


def test_a_line_reaches_the_reader(pipe: tuple[int, int]) -> None:
    console.say("SERVE db1:3306 ü \udcff", Deadline(1), pipe[1])
    assert os.read(pipe[0], 100) == "SERVE db1:3306 ü \\udcff\n".encode()


def test_a_pipe_that_nobody_reads_is_left_at_the_deadline(pipe: tuple[int, int]) -> None:
    """A blocking pipe: what does not fit would hold a plain write for ever."""
    assert 0.15 < seconds_to_say("x" * 1_000_000, pipe[1]) < 1.0


def test_a_full_pipe_is_not_waited_for_when_no_time_is_left(pipe: tuple[int, int]) -> None:
    seconds_to_say("x" * 1_000_000, pipe[1])
    assert seconds_to_say("y", pipe[1], 0.0) < 0.1


def test_a_long_text_reaches_a_slow_reader_whole(pipe: tuple[int, int]) -> None:
    text, got = "x" * 200_000, bytearray()

    def read() -> None:
        while len(got) < len(text) + 1:
            got.extend(os.read(pipe[0], 8192))

    reader = threading.Thread(target=read)
    reader.start()
    console.say(text, Deadline(10), pipe[1])
    reader.join(10)
    assert got.decode() == text + "\n"


def test_a_pipe_without_a_reader_is_no_matter(pipe: tuple[int, int]) -> None:
    os.close(pipe[0])
    assert seconds_to_say("x", pipe[1]) < 0.1


def test_a_closed_stream_is_no_matter(pipe: tuple[int, int]) -> None:
    os.close(pipe[1])
    assert seconds_to_say("x", pipe[1]) < 0.1


@pytest.mark.parametrize("device", ["/dev/full", "/dev/null"])
def test_a_full_disk_behind_the_stream_is_no_matter(device: str) -> None:
    stream = os.open(device, os.O_WRONLY)
    try:
        assert seconds_to_say("x", stream) < 0.1
    finally:
        os.close(stream)


@pytest.mark.parametrize("closed", ["1>&-", "2>&-", "1>&- 2>&-", "1>/dev/full 2>/dev/full"])
def test_a_warning_and_a_line_without_streams_raise_nothing(closed: str) -> None:
    code = (
        "from mysqlcheck import console; from mysqlcheck.clock import Deadline;"
        "console.say('a', Deadline(1)); console.warn('b\\nc', Deadline(1)); import os; os._exit(7)"
    )
    ended = subprocess.run(["sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, code], timeout=20)
    assert ended.returncode == 7


@pytest.mark.parametrize("text", ["\udcff", "a\0b", "%s %n", "x" * 1_000_000], ids=["surrogate", "NUL", "%", "long"])
def test_a_warning_of_any_text_raises_nothing(text: str) -> None:
    """Its text may hold bytes of a command line or of the environment that are no UTF-8, as surrogates."""
    code = f"from mysqlcheck import console; from mysqlcheck.clock import Deadline; console.warn({text!r}, Deadline(1))"
    ended = subprocess.run([sys.executable], input=code.encode(), stderr=subprocess.DEVNULL, timeout=20)
    assert ended.returncode == 0


# clock


def test_a_deadline_counts_down_and_never_below_zero() -> None:
    assert 0.9 < Deadline(1.0).left() <= 1.0
    assert Deadline(-1.0).left() == 0.0


def test_a_deadline_may_have_begun_before() -> None:
    assert Deadline(3.0, time.monotonic() - 5).left() == 0.0
    assert 0.9 < Deadline(3.0, time.monotonic() - 2).left() <= 1.0


def test_now_is_the_boot_clock_and_does_not_go_back() -> None:
    first, second = clock.now(), clock.now()
    assert first.boot_id == second.boot_id
    passed = second.since(first)
    assert passed is not None
    assert 0 <= passed < 1
    assert abs(first.seconds - time.clock_gettime(time.CLOCK_BOOTTIME)) < 1
