"""The settings of every server that the TOML file has a table for: what an agent checks."""

from __future__ import annotations

from pathlib import Path

import pytest

from mysqlcheck.errors import SettingsError
from mysqlcheck.layers import load, load_targets
from mysqlcheck.model import Target

TOML = """
[defaults]
max_lag = "90s"
port = 3307

[target."192.168.1.201"]
max_lag = "10m"

[target."192.168.1.202:3306"]

[target."[2001:db8::1]:3306"]
weight = 50

[target."/run/mysqld/mysqld.sock"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mysqlcheck.toml"


def problems(file: Path, text: str, environment: dict[str, str] | None = None) -> list[str]:
    file.write_text(text)
    with pytest.raises(SettingsError) as raised:
        load_targets({"config": str(file)}, environment or {})
    return [str(problem).replace(str(file), "FILE") for problem in raised.value.problems]


def test_each_table_is_a_target_in_the_order_of_the_file(file: Path) -> None:
    file.write_text(TOML)
    found = load_targets({"config": str(file)}, {})
    assert [settings.target for settings in found] == [
        Target("192.168.1.201", 3307),
        Target("192.168.1.202", 3306),
        Target("2001:db8::1", 3306),
        Target("localhost", 3307, "/run/mysqld/mysqld.sock"),
    ]
    assert [settings.max_lag for settings in found] == [600, 90, 90, 90]
    assert [settings.weight for settings in found] == [None, None, 50, None]
    assert {settings.default_port for settings in found} == {3307}


def test_they_are_what_a_check_of_each_would_read(file: Path) -> None:
    file.write_text(TOML)
    environment = {"MYSQLCHECK_USER": "monitor", "MYSQLCHECK_HOST": "192.168.1.9", "MYSQLCHECK_TIMEOUT": "2s"}
    for settings in load_targets({"config": str(file)}, environment):
        target = settings.target
        where = {"host": target.host, "port": str(target.port)}
        alone = load(
            {"config": str(file), **(where if target.socket is None else {"socket": target.socket})}, environment
        )
        assert (alone.target, alone.values) == (target, settings.values)


def test_all_mistakes_are_told_at_once_and_once(file: Path) -> None:
    text = """
[defaults]
max_lgg = 5
[target."192.168.1.201"]
max_lag = "5x"
[target."192.168.1.201:3306"]
[target."192.168.1.202"]
weight = 300
[target."a b:c"]
"""
    assert problems(file, text, {"MYSQLCHECK_TLS": "maybe"}) == [
        'FILE [target."192.168.1.201:3306"]: is a second table for 192.168.1.201:3306',
        "FILE [target.\"a b:c\"]: is no target: 'a b:c': the port is a number from 1 to 65535",
        "FILE [defaults] max_lgg: there is no setting 'max_lgg'; did you mean max_lag?",
        "FILE [target.\"192.168.1.201\"] max_lag: '5x' is not allowed; allowed is a duration from 1s to 365d, like "
        "30s, 10m or 1h",
        "MYSQLCHECK_TLS: 'maybe' is not allowed; allowed is disabled, preferred, required, verify-ca or "
        "verify-identity",
        'FILE [target."192.168.1.202"] weight: 300 is not allowed; allowed is a whole number from 1 to 253',
    ]


@pytest.mark.parametrize("text", ["", "[defaults]\nmax_lag = 5\n"])
def test_a_file_without_a_target_is_a_mistake(file: Path, text: str) -> None:
    assert problems(file, text) == [
        'FILE: has no table of a server to check: write one for each, [target."192.168.1.201:3306"]'
    ]


def test_a_file_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read as TOML: No such file or directory"):
        load_targets({"config": str(tmp_path / "nothing.toml")}, {})
