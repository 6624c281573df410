"""Mistakes in the environment, the TOML file and the option file: all at once, each with its place."""

from pathlib import Path

import pytest

from tests.command import Ended, mysqlcheck

HOST = ("--host", "127.0.0.1", "--port", "1")


def refused(ended: Ended) -> str:
    """What was said, once the run has ended as a mistake must."""
    assert (ended.code, ended.out) == (1, "")
    assert "Traceback" not in ended.err
    return ended.err


def with_toml(tmp_path: Path, toml: str | bytes) -> str:
    path = tmp_path / "c.toml"
    path.write_bytes(toml.encode() if isinstance(toml, str) else toml)
    return refused(mysqlcheck(*HOST, "--config", str(path)))


def test_all_mistakes_of_all_sources_at_once(tmp_path: Path) -> None:
    option_file, config = tmp_path / "my.cnf", tmp_path / "c.toml"
    option_file.write_text("[client]\nport=0\n")
    config.write_text('[defaults]\nrole = "master"\nmax_lagg = 3\n[target."192.0.2.9:1"]\nmax_lag = "x"\n[pools]\n')
    env = {"MYSQLCHECK_LAG_OK": "-1", "MYSQLCHECK_MAX_LAGG": "3", "MYSQLCHECK_STATE_DIRECTORY": "/x"}
    ended = mysqlcheck(
        *HOST, "--weight", "254", "--tls", "yes", "--defaults-file", str(option_file), "--config", str(config), env=env
    )
    lines = refused(ended).splitlines()
    for place, words in (
        ("--weight: ", ("'254'", "1 to 253")),
        ("--tls: ", ("'yes'", "verify-identity")),
        ("MYSQLCHECK_LAG_OK: ", ("'-1'", "a duration")),
        ("MYSQLCHECK_MAX_LAGG: ", ("did you mean max_lag?",)),
        ("MYSQLCHECK_STATE_DIRECTORY: ", ("did you mean state_dir?",)),
        (f"{option_file} port: ", ("'0'", "1 to 65535")),
        (f"{config} [defaults] role: ", ("'master'", "replica, source or any")),
        (f"{config} [defaults] max_lagg: ", ("did you mean max_lag?",)),
        (f'{config} [target."192.0.2.9:1"] max_lag: ', ("'x'", "a duration")),
        (f"{config}: ", ("'pools'", "did you mean pool?", "[defaults]", "[target.")),
    ):
        (line,) = (line for line in lines if line.removeprefix("mysqlcheck: ").startswith(place))
        assert all(word in line for word in words), line
    assert len(lines) == 10


WRONG = (
    ("base_weight", "true"),
    ("base_weight", "1.5"),
    ("base_weight", "[1]"),
    ("base_weight", "0"),
    ("weight", "254"),
    ("weight", "1979-05-27"),
    ("max_lag", "true"),
    ("max_lag", "nan"),
    ("max_lag", "inf"),
    ("max_lag", "-1"),
    ("max_lag", "{ seconds = 3 }"),
    ("hold_down", "true"),
    ("trust_uptime", "-1"),
    ("fail_after", "'2h'"),
    ("credentials_grace", "[600]"),
    ("ramp", "'1m, 30s'"),
    ("release", "true"),
    ("release", "'never'"),
    ("shadow", "1"),
    ("shadow", "'perhaps'"),
    ("role", "3"),
    ("user", "3"),
    ("user", "''"),
    ("track_file", "'relative'"),
    ("base_weight", "0x" + "f" * 5000),
    ("timeout", "0x" + "f" * 5000),
    ("timeout", "9" * 400),
    ("timeout", "1e400"),
)


def test_a_wrong_type_or_value_is_refused_with_its_place(tmp_path: Path) -> None:
    """Each in the table of a target of its own: those of other targets are examined too."""
    tables = [f'[target."192.0.2.{number}"]\n{key} = {value}\n' for number, (key, value) in enumerate(WRONG)]
    lines = with_toml(tmp_path, "".join(tables)).splitlines()
    assert len(lines) == len(WRONG)
    for number, (key, value) in enumerate(WRONG):
        assert f'[target."192.0.2.{number}"] {key}: ' in lines[number], value


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("max_lag = 3\n", "belongs under [defaults]"),
        ("[default]\n", "did you mean defaults?"),
        ("defaults = 3\n", "[defaults]"),
        ("[[defaults]]\n", "[defaults]"),
        ("[[target]]\n", "[target]"),
        ("[target]\nr1 = 3\n", '[target."r1"]'),
        ('[target."a:b:0"]\nport = 1\n', '[target."a:b:0"]'),
        ('[target."h:0"]\n', "1 to 65535"),
        (f'[target."h:{"9" * 5000}"]\n', "1 to 65535"),
        ('[target.""]\n', "names no host"),
        ('[defaults]\nconfig = "x"\n', "cannot be set here"),
        ('[defaults]\nhost = "x"\n', "cannot be set here"),
        ('[defaults]\nstate_dir = "/x"\n', "state_dir cannot be set here, only by: cli, env"),
        ('[target."h"]\nstate_dir = "/x"\n', "state_dir cannot be set here"),
        ('[target."h"]\nport = 3\n', "cannot be set here"),
        ('[target."127.0.0.1:1"]\n[target."127.0.0.1:01"]\n', "second table"),
        ("[defaults\n", "TOML"),
        (b"\xff\xfe\x00", "TOML"),
        (b"\x00", "TOML"),
        ("a = " + "[" * 5000, "TOML"),
        ("a = " + "9" * 5000, "TOML"),
        ("a = 2026-02-31\n", "TOML"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_a_toml_file_that_makes_no_sense_is_refused(toml: str | bytes, said: str, tmp_path: Path) -> None:
    err = with_toml(tmp_path, toml)
    assert str(tmp_path / "c.toml") in err
    assert said in err


@pytest.mark.parametrize(
    "content",
    [
        b"[client]\nport=abc\n",
        b"[client]\nport=0\n",
        b"\xff\xfe",
        b"!include /nowhere/at/all.cnf\n",
        b"[client]\nssl-mode=SOMETIMES\n",
    ],
)
def test_an_option_file_that_makes_no_sense_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "my.cnf"
    path.write_bytes(content)
    err = refused(mysqlcheck(*HOST, "--defaults-file", str(path)))
    assert str(path) in err or "/nowhere/at/all.cnf" in err


def test_an_option_file_that_includes_itself_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "my.cnf"
    for include in (f"!include {path}\n", f"!includedir {tmp_path}\n" * 20):
        path.write_text(include)
        assert "include" in refused(mysqlcheck(*HOST, "--defaults-file", str(path)))


@pytest.mark.parametrize("directive", [b"!include a\0b", b"!includedir a\0b", b"!include", b"!include "])
def test_a_broken_include_is_refused_or_passed_over_in_words(directive: bytes, tmp_path: Path) -> None:
    path = tmp_path / "my.cnf"
    path.write_bytes(directive + b"\n")
    ended = mysqlcheck(*HOST, "--defaults-file", str(path))
    assert (ended.code, "Traceback" in ended.err) == (1, False)


@pytest.mark.parametrize("option", ["--config", "--defaults-file", "--password-file"])
def test_a_directory_is_no_file(option: str, tmp_path: Path) -> None:
    assert str(tmp_path) in refused(mysqlcheck(*HOST, option, str(tmp_path)))


@pytest.mark.parametrize("name", [b"MYSQLCHECK_", b"MYSQLCHECK_\xff", b"MYSQLCHECK_A B", b"MYSQLCHECK_USER"])
def test_environment_variables_that_are_no_text_or_no_setting(name: bytes) -> None:
    import os

    assert os.fsdecode(name).encode("ascii", "backslashreplace").decode() in refused(
        mysqlcheck(*HOST, env={os.fsdecode(name): os.fsdecode(b"\xff")})
    )
