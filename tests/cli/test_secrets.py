"""The password is in no output, however it was given and whatever goes wrong."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.command import Ended, mysqlcheck
from tests.hostile.leaks import assert_no_secret
from tests.hostile.personas import MYSQL, PASSWORD
from tests.hostile.server import HostileServer
from tests.hostile.session import Session
from tests.hostile.wire import native_scramble

from .asking import address

Given = tuple[tuple[str, ...], Mapping[str, str]]


@pytest.fixture(params=["environment", "password file", "option file", "target table"])
def given(request: pytest.FixtureRequest, tmp_path: Path) -> Given:
    """The password, given in one of the ways there are."""
    file, option_file, config = tmp_path / "password", tmp_path / "my.cnf", tmp_path / "c.toml"
    file.write_text(PASSWORD)
    option_file.write_text(f"[client]\npassword={PASSWORD}\n")
    config.write_text(f'[defaults]\npassword_file = "{file}"\n')
    ways: dict[str, Given] = {
        "environment": ((), {"MYSQLCHECK_PASSWORD": PASSWORD}),
        "password file": (("--password-file", str(file)), {}),
        "option file": (("--defaults-file", str(option_file)), {}),
        "target table": (("--config", str(config)), {}),
    }
    return ways[request.param]


def clean(ended: Ended, *servers: HostileServer) -> Ended:
    assert_no_secret(PASSWORD, ended.out, ended.err, *servers)
    assert "Traceback" not in ended.err
    return ended


@pytest.mark.parametrize("command", [(), ("explain",)])
@pytest.mark.parametrize("output", ["text", "json"])
def test_it_logs_in_and_is_not_shown(
    command: tuple[str, ...], output: str, given: Given, healthy: HostileServer
) -> None:
    arguments, env = given
    ended = clean(mysqlcheck(*command, *address(healthy), *arguments, "--output", output, env=env), healthy)
    assert ended.code == 0
    assert '"serve"' in ended.out or "SERVE" in ended.out


@pytest.mark.parametrize("command", [(), ("explain",)])
def test_it_is_not_in_what_is_said_of_a_usage_error(command: tuple[str, ...], given: Given) -> None:
    arguments, env = given
    for mistake in (("--port", "0"), ("--nonsense",), ("nonsense",), ("--host", "%s")):
        ended = clean(mysqlcheck(*command, "--host", "127.0.0.1", *arguments, *mistake, env=env))
        assert ended.code == (2 if command else 1)


def test_it_is_not_in_what_is_said_of_a_refused_login(given: Given) -> None:
    arguments, env = given

    def refuse(session: Session) -> None:
        session.greet()
        session.read_login()
        session.error(1045, "28000", "Access denied for user 'x'@'y' (using password: YES)")

    with HostileServer(refuse) as server:
        for output in ("text", "json"):
            ended = clean(mysqlcheck(*address(server), *arguments, "--output", output, env=env), server)
            assert (ended.code, "credentials" in ended.out) == (1, True)


@pytest.mark.parametrize(
    "arguments",
    [(f"--password={PASSWORD}",), ("--password", PASSWORD), (f"-p{PASSWORD}",), (f"--passwd={PASSWORD}",)],
    ids=["--password=…", "--password …", "-p…", "--passwd=…"],
)
@pytest.mark.parametrize("command", ["check", "explain"])
def test_no_option_takes_it_and_the_attempt_is_not_repeated(
    command: str, arguments: tuple[str, ...], dead: HostileServer
) -> None:
    ended = clean(mysqlcheck(command, *address(dead), *arguments))
    assert ended.code == (1 if command == "check" else 2)


@pytest.mark.parametrize(
    "toml", ['[defaults]\npassword = "{}"\n', '[target."h"]\npassword = "{}"\n', "[defaults]\npassword = {}\n"]
)
def test_the_toml_file_does_not_take_it_either(toml: str, dead: HostileServer, tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text(toml.format(PASSWORD))
    assert clean(mysqlcheck(*address(dead), "--config", str(config))).code == 1


ODD = ("\t", "\x1b", "\xa0", "\u2028", "\udcff")
"""What no keyboard types, and str.isprintable() refuses; \\udcff is a byte that is no UTF-8."""


@pytest.mark.parametrize("odd", ODD, ids=ascii)
@pytest.mark.parametrize("command", ["check", "explain"])
def test_an_odd_password_in_the_environment_is_not_shown(command: str, odd: str, dead: HostileServer) -> None:
    clean(mysqlcheck(command, *address(dead), "--port", "0", password=f"{odd}{PASSWORD}{odd}"))


def test_an_odd_password_in_an_option_file_is_not_shown(dead: HostileServer, tmp_path: Path) -> None:
    option_file = tmp_path / "my.cnf"
    for odd in (r"\t", r"\n", "\x1b"):
        option_file.write_text(f"[client]\npassword={PASSWORD}{odd}\n")
        clean(mysqlcheck(*address(dead), "--defaults-file", str(option_file)))


@pytest.mark.parametrize("odd", ["\t", "\xa0", "ü"], ids=ascii)
def test_an_odd_password_logs_in(odd: str) -> None:
    password = PASSWORD + odd

    def script(session: Session) -> None:
        session.greet(MYSQL.version)
        login = session.read_login()
        assert login.auth == native_scramble(password, session.salt)
        session.ok()
        session.serve(MYSQL.answer)

    with HostileServer(script) as server:
        assert mysqlcheck(*address(server), password=password).code == 0


def test_a_password_file_that_is_no_text_is_not_shown(dead: HostileServer, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_bytes(PASSWORD.encode() + b"\xff\n")
    assert clean(mysqlcheck(*address(dead), "--password-file", str(file))).code == 1


def test_it_is_in_no_file_that_a_check_writes(healthy: HostileServer, given: Given, tmp_path: Path) -> None:
    arguments, env = given
    folder = tmp_path / "written"
    folder.mkdir()
    files = ("--track-file", str(folder / "r1"), "--textfile", str(folder))
    assert mysqlcheck(*address(healthy), *arguments, *files, env=env).code == 0
    assert_no_secret(PASSWORD, *(file.read_bytes() for file in folder.iterdir()))
