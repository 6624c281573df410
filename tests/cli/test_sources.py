"""Where settings come from: option file, TOML, environment, command line; the later wins."""

from pathlib import Path

import pytest

from tests.command import mysqlcheck
from tests.hostile.personas import MYSQL, PASSWORD
from tests.hostile.server import HostileServer

from .asking import address, check


def user_of(server: HostileServer) -> str:
    """The account that the last login asked for."""
    return server.logins[-1].user.decode()


def write(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


def test_the_environment_alone_is_enough(healthy: HostileServer) -> None:
    env = {
        "MYSQLCHECK_HOST": healthy.host,
        "MYSQLCHECK_PORT": str(healthy.port),
        "MYSQLCHECK_WEIGHT": "50",
        "MYSQLCHECK_OUTPUT": "json",
    }
    ended = mysqlcheck(env=env, password=PASSWORD)
    assert (ended.code, ended.json["weight"]) == (52, 50)


def test_a_flag_in_the_environment(dead: HostileServer) -> None:
    for word, code in (("1", 0), ("yes", 0), ("TRUE", 0), ("0", 1), ("off", 1)):
        assert mysqlcheck(*address(dead), env={"MYSQLCHECK_SHADOW": word}).code == code


def test_other_programs_variables_are_none_of_ours(dead: HostileServer) -> None:
    env = {"MYSQL_HOST": "192.0.2.1", "MYSQL_PWD": "x", "_MYSQLCHECK": "x", "MYSQLCHECKX": "y"}
    assert "unreachable" in mysqlcheck(*address(dead), env=env).out


def test_toml_reaches_the_check(healthy: HostileServer, tmp_path: Path) -> None:
    config = write(tmp_path / "c.toml", '[defaults]\nuser = "from-toml"\nweight = 10\nlag_ok = 5\ntimeout = "2s"\n')
    assert check(healthy, "--config", config).code == 12
    assert user_of(healthy) == "from-toml"


def test_the_path_of_the_toml_file_may_stand_in_the_environment(healthy: HostileServer, tmp_path: Path) -> None:
    config = write(tmp_path / "c.toml", "[defaults]\nweight = 10\n")
    assert check(healthy, env={"MYSQLCHECK_CONFIG": config}).code == 12


def test_max_lag_decides_wherever_it_stands(tmp_path: Path) -> None:
    config = write(tmp_path / "c.toml", '[defaults]\nmax_lag = "40s"\n')
    with HostileServer(MYSQL.but_status(Seconds_Behind_Source="45").script()) as lagging:
        assert check(lagging).code == 0
        assert check(lagging, "--max-lag", "40s").code == 1
        assert check(lagging, env={"MYSQLCHECK_MAX_LAG": "40"}).code == 1
        assert check(lagging, "--config", config).code == 1
        assert check(lagging, "--config", config, "--max-lag", "1m").code == 0


@pytest.mark.parametrize("form", ["{host}:{port}", "[{host}]:{port}"])
def test_a_target_has_a_table_of_its_own(form: str, healthy: HostileServer, tmp_path: Path) -> None:
    key = form.format(host=healthy.host, port=healthy.port)
    config = write(
        tmp_path / "c.toml",
        f'[defaults]\nweight = 10\n[target."{key}"]\nweight = 20\n[target."192.0.2.1"]\nweight = 30\n',
    )
    assert check(healthy, "--config", config).code == 22


def test_a_target_is_found_by_the_port_of_the_defaults(healthy: HostileServer, tmp_path: Path) -> None:
    config = write(tmp_path / "c.toml", f'[defaults]\nport = {healthy.port}\n[target."{healthy.host}"]\nweight = 20\n')
    assert mysqlcheck("--host", healthy.host, "--config", config, password=PASSWORD).code == 22


def test_a_target_is_found_by_the_host_and_port_of_the_option_file(healthy: HostileServer, tmp_path: Path) -> None:
    option_file = write(tmp_path / "my.cnf", f"[client]\nhost={healthy.host}\nport={healthy.port}\n")
    config = write(tmp_path / "c.toml", f'[target."{healthy.host}:{healthy.port}"]\nweight = 20\n')
    ended = mysqlcheck("--defaults-file", option_file, "--config", config, password=PASSWORD)
    assert ended.code == 22
    ended = mysqlcheck("--host", healthy.host, "--defaults-file", option_file, "--config", config, password=PASSWORD)
    assert ended.code == 22


def test_a_socket_has_a_table_too(tmp_path: Path) -> None:
    path = tmp_path / "mysqld.sock"
    config = write(tmp_path / "c.toml", f'[target."{path}"]\nweight = 20\n')
    with HostileServer(MYSQL.script(), path=path):
        assert mysqlcheck("--socket", str(path), "--config", config, password=PASSWORD).code == 22


def test_an_option_file_reaches_the_check(healthy: HostileServer, tmp_path: Path) -> None:
    option_file = write(
        tmp_path / "my.cnf",
        f'[client]\nuser=x\nport = {healthy.port} # a comment\npassword="{PASSWORD}"\n'
        "[mysqlcheck]\nuser = from-file\n[mysqldump]\nuser=y\nquick\n",
    )
    ended = mysqlcheck("--host", healthy.host, "--defaults-file", option_file)
    assert (ended.code, user_of(healthy)) == (0, "from-file")


def test_options_of_other_programs_in_an_option_file_are_passed_over(healthy: HostileServer, tmp_path: Path) -> None:
    option_file = write(tmp_path / "my.cnf", "[client]\ndefault-character-set=utf8mb4\nno-beep\n[mysqld]\nport=1\n")
    assert check(healthy, "--defaults-file", option_file).code == 0


@pytest.mark.parametrize("line", ["password=", 'password=""', "socket=", "ssl-ca="])
def test_an_empty_value_in_an_option_file_is_no_mistake(line: str, healthy: HostileServer, tmp_path: Path) -> None:
    """MySQL's own clients read it as "none"."""
    option_file = write(tmp_path / "my.cnf", f"[client]\n{line}\n")
    assert check(healthy, "--defaults-file", option_file).code == 0


@pytest.mark.parametrize("source", ["file", "environment"])
def test_an_empty_password_is_no_password(source: str, healthy: HostileServer, tmp_path: Path) -> None:
    option_file = write(tmp_path / "my.cnf", "[client]\npassword=\n")
    if source == "file":
        ended = mysqlcheck(*address(healthy), "--output", "json", "--defaults-file", option_file)
    else:
        ended = mysqlcheck(*address(healthy), "--output", "json", password="")
    assert ended.codes == ["credentials"]


def test_a_password_file_reaches_the_check(healthy: HostileServer, tmp_path: Path) -> None:
    path = write(tmp_path / "password", f"{PASSWORD}\nand what comes after it\n")
    assert mysqlcheck(*address(healthy), "--password-file", path).code == 0
    assert mysqlcheck(*address(healthy), env={"MYSQLCHECK_PASSWORD_FILE": path}).code == 0


def test_a_password_file_on_the_command_line_wins_over_the_environment(healthy: HostileServer, tmp_path: Path) -> None:
    path = write(tmp_path / "password", PASSWORD)
    assert mysqlcheck(*address(healthy), "--password-file", path, password="another").code == 0


def test_the_environment_wins_over_a_password_file_in_the_toml_file(healthy: HostileServer, tmp_path: Path) -> None:
    path = write(tmp_path / "password", "another")
    config = write(tmp_path / "c.toml", f'[defaults]\npassword_file = "{path}"\n')
    assert check(healthy, "--config", config).code == 0


def test_the_later_layer_wins(healthy: HostileServer, tmp_path: Path) -> None:
    """Option file, [defaults], [target], environment, command line; each is tried against all before it."""
    option_file = write(tmp_path / "my.cnf", "[client]\nuser=client\n[mysqlcheck]\nuser=option-file\n")
    target = f'[target."{healthy.host}:{healthy.port}"]\nuser = "target"\n'
    defaults_only = write(tmp_path / "d.toml", '[defaults]\nuser = "defaults"\n')
    both = write(tmp_path / "t.toml", f'[defaults]\nuser = "defaults"\n{target}')
    base = ("--defaults-file", option_file)
    env = {"MYSQLCHECK_USER": "environment"}
    for expected, arguments, variables in (
        ("option-file", base, None),
        ("defaults", (*base, "--config", defaults_only), None),
        ("target", (*base, "--config", both), None),
        ("environment", (*base, "--config", both), env),
        ("command-line", (*base, "--config", both, "--user", "command-line"), env),
    ):
        assert check(healthy, *arguments, env=variables).code == 0
        assert user_of(healthy) == expected


@pytest.mark.parametrize("source", ["option file", "toml", "environment"])
def test_a_socket_from_elsewhere_never_takes_the_place_of_the_host(
    source: str, healthy: HostileServer, dead: HostileServer, tmp_path: Path
) -> None:
    """Debian's my.cnf names the local socket under [client]; --host asks about another machine."""
    path = tmp_path / "mysqld.sock"
    option_file = write(tmp_path / "my.cnf", f"[client]\nsocket={path}\n")
    config = write(tmp_path / "c.toml", f'[defaults]\nsocket = "{path}"\n')
    arguments = {"option file": ("--defaults-file", option_file), "toml": ("--config", config)}.get(source, ())
    env = {"MYSQLCHECK_SOCKET": str(path)} if source == "environment" else None
    with HostileServer(MYSQL.script(), path=path) as local:
        assert check(dead, *arguments, env=env).code == 1
        ended = check(healthy, *arguments, "--output", "json", env=env)
        assert (ended.code, ended.json["target"]) == (0, f"{healthy.host}:{healthy.port}")
    assert not local.sessions


def test_a_socket_on_the_command_line_wins_over_a_host_from_elsewhere(dead: HostileServer, tmp_path: Path) -> None:
    path = tmp_path / "mysqld.sock"
    option_file = write(tmp_path / "my.cnf", f"[client]\nhost={dead.host}\nport={dead.port}\n")
    with HostileServer(MYSQL.script(), path=path):
        for arguments, env in ((("--defaults-file", option_file), None), ((), {"MYSQLCHECK_HOST": dead.host})):
            assert mysqlcheck("--socket", str(path), *arguments, env=env, password=PASSWORD).code == 0
