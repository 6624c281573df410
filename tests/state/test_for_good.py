"""A hold is on the disk for good before the operator is told so, or it is said that it is not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from mysqlcheck import holds
from mysqlcheck.errors import StoreError
from tests.state.building import TARGET
from tests.state.holding import FOREVER, HOLD, path_of, read, write


class Spied:
    """The calls that write a hold, in their order; each does what it always does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[tuple[str, str]] = []
        fsync, replace, mkdir, unlink = os.fsync, os.replace, os.mkdir, os.unlink

        def spied_fsync(handle: int) -> None:
            self.calls.append(("fsync", os.readlink(f"/proc/self/fd/{handle}")))
            fsync(handle)

        def spied_replace(before: str, after: str) -> None:
            self.calls.append(("replace", f"{before} {after}"))
            replace(before, after)

        def spied_mkdir(path: str, mode: int = 0o777) -> None:
            mkdir(path, mode)
            self.calls.append(("mkdir", path))

        def spied_unlink(path: str) -> None:
            unlink(path)
            self.calls.append(("unlink", path))

        for function in (spied_fsync, spied_replace, spied_mkdir, spied_unlink):
            monkeypatch.setattr(os, function.__name__.removeprefix("spied_"), function)


def test_a_hold_is_on_the_disk_before_the_operator_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its content before its name, and its name before the command ends."""
    write(tmp_path)
    spied = Spied(monkeypatch)
    write(tmp_path, FOREVER)
    (first, temporary), (second, names), (third, folder) = spied.calls
    assert (first, second, third) == ("fsync", "replace", "fsync")
    assert names == f"{temporary} {path_of(tmp_path)}"
    assert folder == str(path_of(tmp_path).parent)


def test_the_first_hold_s_folder_is_on_the_disk_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new folder is there after a crash only where the one above it was synchronised as well."""
    spied = Spied(monkeypatch)
    write(tmp_path / "state")
    made = [path for call, path in spied.calls if call == "mkdir"]
    assert made == [str(tmp_path / "state"), str(path_of(tmp_path / "state").parent)]
    for path in made:
        after = spied.calls[spied.calls.index(("mkdir", path)) :]
        assert ("fsync", os.path.dirname(path)) in after, f"{path} may be gone after a crash"


def test_the_end_of_a_hold_is_on_the_disk_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    spied = Spied(monkeypatch)
    assert holds.remove(str(tmp_path), TARGET)
    assert spied.calls == [("unlink", str(path_of(tmp_path))), ("fsync", str(path_of(tmp_path).parent))]


def test_a_hold_that_cannot_be_written_is_said_and_the_old_one_stands(tmp_path: Path) -> None:
    write(tmp_path)
    folder = path_of(tmp_path).parent
    shutil.move(folder, tmp_path / "elsewhere")
    folder.write_text("no folder")
    with pytest.raises(StoreError, match=str(tmp_path)):
        write(tmp_path, FOREVER)
    folder.unlink()
    shutil.move(tmp_path / "elsewhere", folder)
    assert read(tmp_path) == HOLD._replace(left=7200)
    assert len(list(folder.iterdir())) == 1


def test_a_write_that_dies_half_way_leaves_the_old_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)

    def dies(_handle: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", dies)
    with pytest.raises(StoreError, match="Input/output error"):
        write(tmp_path, FOREVER)
    assert read(tmp_path) == HOLD._replace(left=7200)
    assert len(list(path_of(tmp_path).parent.iterdir())) == 1
