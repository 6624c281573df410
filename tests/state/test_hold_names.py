"""Each target has a hold file of its own, and the file's name tells whose it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysqlcheck import holds
from mysqlcheck.model import Target
from mysqlcheck.statedir import file_name, target_of
from tests.state.building import TARGET
from tests.state.examples import anything
from tests.state.holding import FOREVER, path_of, read, write

hosts = st.from_regex(r"[a-zA-Z0-9]([a-zA-Z0-9_.-]{0,30}[a-zA-Z0-9])?", fullmatch=True) | st.ip_addresses().map(str)
ports = st.integers(1, 65535)
sockets = st.from_regex(r"/[a-zA-Z0-9_./ %ü-]{1,80}", fullmatch=True)
targets = st.builds(lambda host, port: str(Target.parse(f"[{host}]" if ":" in host else host, port)), hosts, ports)


@anything
@given(target=targets | sockets)
def test_the_name_of_a_file_tells_its_target(target: str) -> None:
    name = file_name(target)
    assert target_of(name) == target
    assert "/" not in name
    assert name not in ("", ".", "..")


@anything
@given(one=targets | sockets | st.text(), other=targets | sockets | st.text())
def test_no_two_targets_share_a_file(one: str, other: str) -> None:
    assert (file_name(one) == file_name(other)) == (one == other)


@pytest.mark.parametrize(
    "target",
    ["192.168.1.201:3306", "db_1.example.com:3307", "[fe80::1%eth0]:3306", "/run/mysqld/mysqld.sock", "/run/a_2f_b"],
)
def test_a_hold_is_found_by_the_name_of_its_target(tmp_path: Path, target: str) -> None:
    write(tmp_path, FOREVER, target)
    assert read(tmp_path, target=target) == FOREVER
    assert holds.targets(str(tmp_path)) == [target]
    assert holds.remove(str(tmp_path), target)
    assert holds.targets(str(tmp_path)) == []


def test_the_longest_path_that_a_socket_can_have_can_be_held(tmp_path: Path) -> None:
    target = "/srv/mysql_data/" + "instance_1/" * 7 + "mysql_1.sock"
    assert len(target) < 108
    write(tmp_path, FOREVER, target)
    assert read(tmp_path, target=target) == FOREVER
    assert holds.targets(str(tmp_path)) == [target]


@pytest.mark.parametrize("name", [".x.tmp", "README", "_ffffffff_.json", "_110000_.json", "_d800_.json", ".json", "x"])
def test_what_else_lies_among_the_holds_harms_nothing(tmp_path: Path, name: str) -> None:
    write(tmp_path)
    (path_of(tmp_path).parent / name).write_text("{}")
    found = holds.targets(str(tmp_path))
    assert TARGET in found
    "".join(found).encode("utf-8", "backslashreplace")


def test_without_holds_there_are_none(tmp_path: Path) -> None:
    assert holds.targets(str(tmp_path)) == []
    assert holds.targets(str(tmp_path / "missing")) == []
