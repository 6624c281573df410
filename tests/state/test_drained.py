"""The whole command under an operator's hold: the store may be lost, the machine rebooted, the file damaged."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path

import pytest

from mysqlcheck import holds
from mysqlcheck.model import OperatorHold
from mysqlcheck.store import FILE
from tests.state.building import filled, noise, written
from tests.state.holding import path_of
from tests.state.running import OLD, Replica, check, up_for


def hold(directory: Path, target: str, until: float | None = None) -> None:
    holds.write(str(directory), target, OperatorHold("new disk", "operator", time.time(), until))


@pytest.mark.parametrize("what", ["deleted", "corrupt", "of another server", "a folder"])
def test_a_hold_survives_the_loss_of_the_store(tmp_path: Path, replica: Replica, what: str) -> None:
    check(replica.server, tmp_path)
    hold(tmp_path, replica.target)
    path = tmp_path / FILE
    path.unlink()
    if what == "corrupt":
        path.write_bytes(noise(20_000))
    elif what == "of another server":
        filled(tmp_path)
    elif what == "a folder":
        path.mkdir()
    ended = check(replica.server, tmp_path, "--weight", "100")
    assert (ended.code, ended.json["decision"], ended.codes) == (2, "drain", ["operator_hold"])


def test_a_hold_survives_a_reboot_and_ends_when_it_was_to_end(tmp_path: Path, replica: Replica) -> None:
    """Nothing in its file knows of a boot; the moments on record are of one that is over."""
    check(replica.server, tmp_path)
    hold(tmp_path, replica.target, time.time() + 3600)
    old = "'1e9 of-another-boot'"
    written(
        tmp_path,
        f"UPDATE record SET seen = {old}, since = {old}, until = {old}, answered_at = {old}",
        "UPDATE sighting SET boot = 'of-another-boot', first_seen = 1e9, seen = 1e9",
    )
    ended = check(replica.server, tmp_path, "--weight", "100")
    assert (ended.code, ended.codes) == (2, ["operator_hold"])
    hold(tmp_path, replica.target, time.time() - 1)
    assert check(replica.server, tmp_path, "--weight", "100").code == 102


def test_a_hold_is_of_the_server_whatever_its_role(tmp_path: Path, replica: Replica) -> None:
    hold(tmp_path, replica.target)
    replica.persona = replica.persona.but_variables(read_only="0", super_read_only="0")
    ended = check(replica.server, tmp_path, "--role", "any", "--weight", "100")
    assert (ended.code, ended.codes) == (2, ["operator_hold"])


def test_a_hold_makes_no_bad_server_better(tmp_path: Path, replica: Replica) -> None:
    hold(tmp_path, replica.target)
    replica.broken()
    ended = check(replica.server, tmp_path, "--weight", "100")
    assert (ended.code, ended.codes) == (1, ["sql_stopped", "operator_hold"])


@pytest.mark.parametrize(
    "content", [noise(500), b'{"reason": "\\ud800", "who": "operator", "since": 0, "until": null}']
)
def test_a_damaged_hold_drains_and_says_which_file_it_is(tmp_path: Path, replica: Replica, content: bytes) -> None:
    path = path_of(tmp_path, replica.target)
    path.parent.mkdir()
    path.write_bytes(content)
    for _ in range(2):
        ended = check(replica.server, tmp_path, "--weight", "100")
        assert (ended.code, ended.codes) == (2, ["operator_hold"])
    assert str(path) in ended.out or b"ud800" in content


def test_a_hold_does_not_ramp_and_flaps_nothing(tmp_path: Path, replica: Replica) -> None:
    """It lies over the phase: as soon as it is over the server serves as before, in full."""
    replica.persona = up_for(OLD)
    check(replica.server, tmp_path)
    hold(tmp_path, replica.target)
    assert check(replica.server, tmp_path, "--weight", "100").json["phase"] == "up"
    assert holds.remove(str(tmp_path), replica.target)
    assert check(replica.server, tmp_path, "--weight", "100").code == 102


def test_a_hold_that_is_slow_to_read_is_heeded(tmp_path: Path, replica: Replica) -> None:
    """A disk under load, or a processor: as long as there is time left for the check there is time for its operator."""
    hold(tmp_path, replica.target)
    path = path_of(tmp_path, replica.target)
    content = path.read_bytes()
    path.unlink()
    os.mkfifo(path)

    def tell_slowly() -> None:
        with open(path, "wb", buffering=0) as file, contextlib.suppress(BrokenPipeError):
            time.sleep(0.6)
            file.write(content)

    disk = threading.Thread(target=tell_slowly)
    disk.start()
    try:
        ended = check(replica.server, tmp_path, "--weight", "100")
    finally:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))  # if nobody has asked
        disk.join()
    assert (ended.code, ended.codes) == (2, ["operator_hold"])
