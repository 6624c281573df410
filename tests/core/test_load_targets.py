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


# Pools.

POOL = """
[defaults]
pool = "readers"
[target."192.168.1.200"]
role = "source"
[target."192.168.1.201"]
[target."192.168.1.202"]
max_lag = "5m"
[pool.readers]
"""


def test_servers_name_their_pool(file: Path) -> None:
    file.write_text(POOL + 'min_serving = 2\npanic_max_lag = "20m"\n')
    for settings in load_targets({"config": str(file)}, {}):
        assert settings.pool == "readers"
        assert settings.pool_settings is not None
        found = settings.pool_settings
        assert (found.min_serving, found.panic_max_lag, found.recover_after) == (2, 1200, 10)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("min_serving = 0", "[pool.readers] min_serving: 0 is not allowed; allowed is a whole number from 1 to 1000"),
        ("max_lag = 5", "[pool.readers] max_lag: there is no setting 'max_lag'; did you mean panic_max_lag?"),
        ("min_serving = 3", "[pool.readers] min_serving: min_serving 3 is more than the 2 servers of the pool"),
        (
            "panic_max_lag = 60",
            "[pool.readers] panic_max_lag: panic_max_lag 1m is below max_lag 5m of 192.168.1.202:3306",
        ),
        ("[pool.writers]", '[pool.writers]: no server is in it: write pool = "writers" under [defaults] or its table'),
        ("[pool]\nothers = 5", "[pool.others]: must be a table"),
    ],
)
def test_mistakes_about_pools_are_told_like_all_others(file: Path, text: str, expected: str) -> None:
    assert expected in "\n".join(problems(file, POOL + text))


def test_a_pool_may_be_of_sources_alone(file: Path) -> None:
    text = '[target."192.168.1.200:3306"]\nrole = "source"\npool = "writers"\n[pool.writers]\n'
    file.write_text(text, encoding="utf-8")
    assert [found.pool for found in load_targets({"config": str(file)}, {})] == ["writers"]


@pytest.mark.parametrize(
    ("instead", "expected"),
    [
        ("[pool.reader]", "[defaults] pool: there is no table [pool.readers]; did you mean reader?"),
        ("[pool.others]", "[defaults] pool: there is no table [pool.readers]; there are others"),
        ("", "[defaults] pool: there is no table [pool.readers]"),
        ("[pool]\nreaders = 5", "[pool.readers]: must be a table"),
        ("[pools.readers]", "there is no table 'pools' here; did you mean pool?; allowed are"),
    ],
)
def test_a_pool_that_is_not_there_is_a_mistake(file: Path, instead: str, expected: str) -> None:
    assert expected in "\n".join(problems(file, POOL.replace("[pool.readers]", instead)))


def test_a_check_of_one_server_reads_past_what_only_the_agent_can_know(file: Path) -> None:
    """A pool with more to serve than there are is refused by the agent; no replica goes down for it."""
    file.write_text(POOL + "min_serving = 3")
    assert load({"config": str(file), "host": "192.168.1.201"}, {}).pool == "readers"
