"""The files that a check writes: a track file for keepalived, metrics for node_exporter."""

import threading
from pathlib import Path

import pytest

from tests.command import mysqlcheck
from tests.hostile.personas import MYSQL
from tests.hostile.server import HostileServer

from .asking import address, check

LAGGING = MYSQL.but_status(Seconds_Behind_Source="600")


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        ((), -1),
        (("--base-weight", "5"), -5),
        (("--weight", "7"), -1),
        (("--weight", "7", "--base-weight", "253"), -253),
    ],
)
def test_a_dead_server_gets_weight_0_in_its_track_file(
    arguments: tuple[str, ...], value: int, dead: HostileServer, tmp_path: Path
) -> None:
    """FILE_CHECK adds the file's value to the configured weight, so weight 0 is 0 - base."""
    file = tmp_path / "r1"
    assert check(dead, "--track-file", str(file), *arguments).code == 1
    assert file.read_text() == f"{value}\n"


@pytest.mark.parametrize(
    ("arguments", "value"),
    [((), 99), (("--weight", "7"), 6), (("--weight", "7", "--base-weight", "3"), 4), (("--weight", "1"), 0)],
)
def test_a_healthy_server_gets_its_weight_there_and_exit_code_0(
    arguments: tuple[str, ...], value: int, healthy: HostileServer, tmp_path: Path
) -> None:
    file = tmp_path / "r1"
    file.write_text("-1\n")
    assert check(healthy, "--track-file", str(file), *arguments).code == 0
    assert file.read_text() == f"{value}\n"


def test_a_lagging_server_is_drained_by_the_file_and_stays_up(tmp_path: Path) -> None:
    file = tmp_path / "r1"
    with HostileServer(LAGGING.script()) as server:
        assert check(server, "--track-file", str(file)).code == 0
    assert file.read_text() == "-1\n"


def test_a_track_file_is_readable_by_all_and_nothing_is_left_beside_it(healthy: HostileServer, tmp_path: Path) -> None:
    check(healthy, "--track-file", str(tmp_path / "r1"), "--textfile", str(tmp_path))
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o644}
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("what", ["no such directory", "a directory"])
@pytest.mark.parametrize("option", ["--track-file", "--textfile"])
def test_a_file_that_cannot_be_written_takes_no_healthy_server_out(
    option: str, what: str, healthy: HostileServer, tmp_path: Path
) -> None:
    path = tmp_path / "missing" / "r1"
    if what == "a directory":
        path.mkdir(parents=True)
        if option == "--textfile":  # a directory is welcome there; one where its file should be is not
            name = f"mysqlcheck-{healthy.host}_3a_{healthy.port}-replica.prom"
            (path / name).mkdir()
    ended = check(healthy, option, str(path), "--output", "json")
    assert (ended.code, ended.json["decision"]) == (0, "serve")
    (warning,) = ended.json["warnings"]
    assert str(path) in warning
    assert warning in ended.err
    leftovers = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert leftovers == []


def test_a_drain_that_stands_in_no_file_is_said_by_the_exit_code(tmp_path: Path) -> None:
    with HostileServer(LAGGING.script()) as server:
        ended = check(server, "--track-file", str(tmp_path / "missing" / "r1"))
        assert ended.code == 1
        assert "cannot write" in ended.err
        assert check(server, "--track-file", str(tmp_path / "r1"), "--textfile", "/nowhere/x.prom").code == 0


def test_a_fail_stays_a_fail_whatever_can_be_written(dead: HostileServer, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing" / "x")
    ended = check(dead, "--track-file", missing, "--textfile", missing)
    assert ended.code == 1
    assert ended.err.count("cannot write") == 2


def test_a_textfile_tells_what_the_check_found(dead: HostileServer, tmp_path: Path) -> None:
    file = tmp_path / "x.prom"
    assert check(dead, "--textfile", str(file)).code == 1
    lines = file.read_text().splitlines()
    labels = f'{{decision="fail",role="replica",target="{dead.host}:{dead.port}"}} 1.0'
    assert f"mysqlcheck_decision{labels}" in lines
    assert not any(line.split()[-1].isdigit() and len(line.split()) > 2 for line in lines if not line.startswith("#"))


def test_in_a_directory_each_target_and_role_has_its_own_file(dead: HostileServer, tmp_path: Path) -> None:
    """Checks at once never overwrite each other: two virtual servers may point at one real server."""
    addresses = [address(dead), ("--host", "::1", "--port", str(dead.port)), ("--socket", str(tmp_path / "no.sock"))]
    folder = tmp_path / "textfiles"
    folder.mkdir()
    runs = [
        threading.Thread(
            target=mysqlcheck, args=(*where, "--role", role, "--textfile", str(folder), "--timeout", "20s")
        )
        for where in addresses
        for role in ("replica", "source")
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    files = list(folder.iterdir())
    assert len(files) == len(runs)
    assert all(file.suffix == ".prom" for file in files)  # node_exporter reads no others
    assert len({line for file in files for line in file.read_text().splitlines() if 'code="lag"' in line}) == len(runs)
