"""A broken file of the operator's takes no healthy server out: last good configuration, grace for credentials."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.command import FORGETFUL, Ended, mysqlcheck
from tests.hostile.personas import MYSQL, PASSWORD
from tests.hostile.server import HostileServer

from .asking import address

GRACE = FORGETFUL | {"MYSQLCHECK_CREDENTIALS_GRACE": "10m"}
LAGGING = MYSQL.but_status(Seconds_Behind_Source="100")


class Director:
    """One state directory, one configuration."""

    def __init__(self, folder: Path) -> None:
        self.state, self.config = folder / "state", folder / "mysqlcheck.toml"
        self.option_file = folder / "my.cnf"

    def check(self, server: HostileServer, *arguments: str, env: Mapping[str, str] = GRACE) -> Ended:
        files = ("--config", str(self.config)) if "--config" not in arguments else ()
        secret = None if self.option_file.exists() else PASSWORD
        if self.option_file.exists():
            arguments = (*arguments, "--defaults-file", str(self.option_file))
        return mysqlcheck(*address(server), *files, *arguments, env=env, password=secret, state=self.state)


@pytest.fixture
def director(tmp_path: Path) -> Director:
    return Director(tmp_path)


@pytest.fixture
def lagging() -> HostileServer:
    return HostileServer(LAGGING.script())


BROKEN = ['[defaults\nmax_lag = "2h"\n', "[defaults]\nmax_lgag = 1\n", '[defaults]\nmax_lag = "soon"\n', "x = 1\n"]


@pytest.mark.parametrize("broken", BROKEN, ids=["no TOML", "unknown key", "wrong value", "wrong place"])
def test_the_last_good_version_of_a_broken_file_is_used_and_that_is_said(
    broken: str, director: Director, lagging: HostileServer
) -> None:
    with lagging as server:
        director.config.write_text('[defaults]\nmax_lag = "10m"\n')
        assert director.check(server).code == 0
        director.config.write_text(broken)
        ended = director.check(server, "--output", "json")
    assert ended.code == 0, "100 s behind are fine for the last good version, and not for the default of 1 minute"
    assert f"{director.config} is broken: its last good version is used; mend it" in ended.err
    assert any("last good version" in warning for warning in ended.json["warnings"])
    assert len(ended.json["warnings"]) > 1, "the mistakes themselves are told too"


def test_a_file_that_is_gone_or_unreadable_is_replaced_by_its_last_good_version_too(
    director: Director, lagging: HostileServer
) -> None:
    with lagging as server:
        director.config.write_text('[defaults]\nmax_lag = "10m"\n')
        director.check(server)
        director.config.unlink()
        director.config.mkdir()
        assert director.check(server).code == 0


def test_a_mended_file_counts_at_once(director: Director, lagging: HostileServer) -> None:
    with lagging as server:
        director.config.write_text('[defaults]\nmax_lag = "10m"\n')
        director.check(server)
        director.config.write_text("[defaults\n")
        director.check(server)
        director.config.write_text('[defaults]\nmax_lag = "30s"\n')
        ended = director.check(server)
    assert ended.code == 1
    assert "lag" in ended.out
    assert ended.err == ""


@pytest.mark.parametrize("broken", BROKEN)
def test_with_no_good_version_on_record_a_broken_file_is_exit_1(
    broken: str, director: Director, healthy: HostileServer
) -> None:
    director.config.write_text(broken)
    ended = director.check(healthy)
    assert ended.code == 1
    assert str(director.config) in ended.err
    assert "last good" not in ended.err


def test_each_file_has_a_last_good_version_of_its_own(
    director: Director, healthy: HostileServer, tmp_path: Path
) -> None:
    director.config.write_text('[defaults]\nmax_lag = "10m"\n')
    director.check(healthy)
    other = tmp_path / "other.toml"
    other.write_text("[defaults\n")
    assert director.check(healthy, "--config", str(other)).code == 1


def test_a_mistake_on_the_command_line_is_not_covered(director: Director, healthy: HostileServer) -> None:
    director.config.write_text('[defaults]\nmax_lag = "10m"\n')
    director.check(healthy)
    director.config.write_text("[defaults\n")
    ended = director.check(healthy, "--lag-ok", "never")
    assert ended.code == 1
    assert "--lag-ok" in ended.err


def test_a_good_file_that_does_not_go_with_the_command_line_is_a_mistake(
    director: Director, healthy: HostileServer
) -> None:
    director.config.write_text('[defaults]\nlag_ok = "5m"\nmax_lag = "10m"\n')
    director.check(healthy)
    assert director.check(healthy, "--max-lag", "1m").code == 1


def test_that_a_last_good_version_is_used_is_a_metric(
    director: Director, healthy: HostileServer, tmp_path: Path
) -> None:
    def exported() -> str:
        file = tmp_path / "check.prom"
        director.check(healthy, "--textfile", str(file))
        return next(line for line in file.read_text().splitlines() if line.startswith("mysqlcheck_config_error{"))

    director.config.write_text("[defaults]\n")
    assert exported().endswith(" 0.0")
    director.config.write_text("[defaults\n")
    assert exported().endswith(" 1.0")


@pytest.mark.parametrize("broken", ["gone", "a directory", "no option file"])
def test_a_broken_option_file_is_like_a_refused_login_and_the_last_good_verdict_stays(
    broken: str, director: Director, healthy: HostileServer
) -> None:
    director.config.write_text("[defaults]\n")
    director.option_file.write_text(f'[client]\npassword="{PASSWORD}"\n')
    assert director.check(healthy).code == 0
    if broken == "no option file":
        director.option_file.write_text("[client]\n!include\n")
    else:
        director.option_file.unlink()
        director.option_file.mkdir()
        if broken == "gone":
            director.option_file.rmdir()
            director.option_file.symlink_to("nowhere")
    arguments = ("--output", "json", "--defaults-file", str(director.option_file))
    ended = director.check(healthy, *arguments)
    assert ended.code == 0
    assert ended.codes == ["credentials"]
    assert str(director.option_file) in ended.json["reasons"][0]["text"]
    late = director.check(healthy, *arguments, env=FORGETFUL)
    assert late.code == 1, "the grace is over"
    assert late.codes == ["credentials"]
    assert PASSWORD not in ended.out + ended.err + late.out + late.err


def test_a_certificate_file_that_is_gone_is_one_too(director: Director, healthy: HostileServer, tmp_path: Path) -> None:
    director.config.write_text("[defaults]\n")
    assert director.check(healthy).code == 0
    gone = ("--tls", "verify-ca", "--tls-ca", str(tmp_path / "gone.pem"))
    ended = director.check(healthy, *gone)
    assert ended.code == 0
    assert "gone.pem" in ended.out


def test_with_no_verdict_on_record_a_broken_option_file_is_a_plain_mistake(
    director: Director, healthy: HostileServer
) -> None:
    director.config.write_text("[defaults]\n")
    director.option_file.mkdir()
    ended = director.check(healthy)
    assert (ended.code, ended.out) == (1, "")
    assert str(director.option_file) in ended.err
