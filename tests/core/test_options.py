"""Where the settings of a check come from, and which place wins. Files are real, the environment is an argument."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mysqlcheck.errors import SettingsError
from mysqlcheck.layers import load
from mysqlcheck.model import Target
from mysqlcheck.options import Settings

HOST = {"host": "db1"}


class Files:
    """The operator's files in a folder of the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, content: str | bytes) -> str:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    def load(
        self,
        toml: Any = None,
        cnf: Any = None,
        env: Any = None,
        **given: str,
    ) -> Settings:
        """`toml` and `cnf` are the files' text or bytes, `env` the environment, the rest the command line."""
        if toml is not None:
            given["config"] = self.write("mysqlcheck.toml", toml)
        if cnf is not None:
            given["defaults_file"] = self.write("my.cnf", cnf)
        return load(given, env or {})

    def problems(
        self,
        toml: Any = None,
        cnf: Any = None,
        env: Any = None,
        **given: str,
    ) -> list[str]:
        """Every problem, without the folder's name."""
        with pytest.raises(SettingsError) as raised:
            self.load(toml, cnf, env, **given)
        return [str(problem).replace(f"{self.folder}/", "") for problem in raised.value.problems]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


# which place wins


def test_a_host_is_all_that_must_be_given() -> None:
    settings = load({"host": "192.168.1.201"}, {})
    assert settings.target == Target("192.168.1.201", 3306)
    assert (settings.user, settings.password, settings.role) == ("mysqlcheck", "", "replica")


PLACES: list[tuple[str, dict[str, str], dict[str, str], str]] = [
    # nothing but the option file; then one place more at a time
    ("", {}, {}, "from the option file"),
    ('[defaults]\nuser = "from defaults"\n', {}, {}, "from defaults"),
    ('[defaults]\nuser = "from defaults"\n[target."db1"]\nuser = "from target"\n', {}, {}, "from target"),
    ('[target."db1"]\nuser = "from target"\n', {"MYSQLCHECK_USER": "from env"}, {}, "from env"),
    ('[target."db1"]\nuser = "from target"\n', {"MYSQLCHECK_USER": "e"}, {"user": "from cli"}, "from cli"),
]


@pytest.mark.parametrize(("toml", "env", "given", "user"), PLACES, ids=[place[-1] for place in PLACES])
def test_each_place_wins_over_those_before_it(
    files: Files, toml: str, env: dict[str, str], given: dict[str, str], user: str
) -> None:
    assert files.load(toml, "[client]\nuser=from the option file\n", env, **HOST, **given).user == user


def test_the_option_file_wins_only_over_the_built_in_defaults(files: Files) -> None:
    settings = files.load(cnf="[client]\nuser=monitor\nssl-mode=REQUIRED\nport=3307\n", **HOST)
    assert (settings.user, settings.tls, settings.target) == ("monitor", "required", Target("db1", 3307))


def test_the_group_mysqlcheck_wins_over_client(files: Files) -> None:
    assert files.load(cnf="[mysqlcheck]\nuser=ours\n[client]\nuser=everybody's\n", **HOST).user == "ours"


def test_defaults_may_name_the_option_file(files: Files) -> None:
    path = files.write("other.cnf", "[client]\nuser=monitor\n")
    assert files.load(f'[defaults]\ndefaults_file = "{path}"\n', **HOST).user == "monitor"


def test_the_environment_may_name_host_and_config(files: Files) -> None:
    path = files.write("elsewhere.toml", '[target."db7:3310"]\nmax_lag = "7s"\n')
    env = {"MYSQLCHECK_HOST": "db7", "MYSQLCHECK_PORT": "3310", "MYSQLCHECK_CONFIG": path}
    settings = load({}, env)
    assert (settings.target, settings.max_lag) == (Target("db7", 3310), 7.0)


def test_other_programs_variables_are_not_ours(files: Files) -> None:
    assert files.load(env={"MYSQL_HOST": "x", "MYSQLCHECKS": "y", "mysqlcheck_user": "z"}, **HOST).user == "mysqlcheck"


def test_a_target_may_take_back_the_channels_that_all_others_must_have(files: Files) -> None:
    toml = '[defaults]\nchannel = "default,orders"\n[target.db1]\nchannel = []\n[target.db2]\nchannel = ["b"]\n'
    assert files.load(toml, host="db3").channel == ("", "orders")
    assert files.load(toml, host="db1").channel == ()
    assert files.load(toml, host="db2").channel == ("b",)
    assert files.load(toml, env={"MYSQLCHECK_CHANNEL": "c"}, host="db2").channel == ("c",)


# tables for a target


@pytest.mark.parametrize(
    ("key", "given", "matches"),
    [
        ("db1", {"host": "db1"}, True),
        ("db1:3306", {"host": "db1"}, True),
        ("DB1", {"host": "db1"}, True),
        ("db1", {"host": "DB1"}, True),
        ("db1:3307", {"host": "db1"}, False),
        ("db1:3307", {"host": "db1", "port": "3307"}, True),
        ("db1", {"host": "db1", "port": "3307"}, True),  # no port: whatever port is asked for
        ("db2", {"host": "db1"}, False),
        ("192.168.1.201", {"host": "192.168.1.201"}, True),
        ("::1", {"host": "::1"}, True),
        ("[::1]:3306", {"host": "::1"}, True),
        ("[::1]", {"host": "[::1]"}, True),
        ("[::1]:3307", {"host": "::1"}, False),
        ("/run/mysqld/mysqld.sock", {"socket": "/run/mysqld/mysqld.sock"}, True),
        ("/run/mysqld/mysqld.sock", {"socket": "/run/mysqld/mysqld.sock", "port": "3307"}, True),
        ("/run/mysqld/mysqld.sock", {"socket": "/run/other.sock"}, False),
        ("localhost", {"socket": "/run/mysqld/mysqld.sock"}, False),
    ],
)
def test_a_table_counts_for_the_target_that_it_names(
    files: Files, key: str, given: dict[str, str], matches: bool
) -> None:
    settings = files.load(f'[target."{key}"]\nmax_lag = "7s"\n', **given)
    assert settings.max_lag == (7.0 if matches else 60.0)


def test_a_table_counts_for_the_port_that_the_option_file_gives(files: Files) -> None:
    settings = files.load('[target."db1:3307"]\nmax_lag = "7s"\n', "[client]\nport=3307\n", **HOST)
    assert (settings.target, settings.max_lag) == (Target("db1", 3307), 7.0)


def test_a_table_counts_for_the_host_that_the_option_file_gives(files: Files) -> None:
    settings = files.load('[target."db1"]\nmax_lag = "7s"\n', "[client]\nhost=db1\n")
    assert (settings.target, settings.max_lag) == (Target("db1"), 7.0)


def test_the_port_of_defaults_is_the_port_of_tables_without_one(files: Files) -> None:
    settings = files.load('[defaults]\nport = 3310\n[target."db1"]\nmax_lag = 7\n', **HOST)
    assert (settings.target, settings.max_lag) == (Target("db1", 3310), 7.0)


def test_two_tables_for_one_target_are_a_mistake(files: Files) -> None:
    toml = '[target."db1"]\nmax_lag = 7\n[target."db1:3306"]\nmax_lag = 8\n'
    assert files.problems(toml, **HOST) == ['mysqlcheck.toml [target."db1:3306"]: is a second table for db1:3306']


def test_two_tables_for_another_target_are_a_mistake_too(files: Files) -> None:
    toml = '[target."db2"]\nmax_lag = 7\n[target."db2:3306"]\nmax_lag = 8\n'
    assert files.problems(toml, **HOST) == ['mysqlcheck.toml [target."db2:3306"]: is a second table for db2:3306']


def test_a_mistake_in_another_target_s_table_is_told_too(files: Files) -> None:
    toml = '[target."db1"]\nmax_lag = 7\n[target."db2"]\nmax-lag = 7\nlag_ok = "soon"\n'
    assert files.problems(toml, **HOST) == [
        "mysqlcheck.toml [target.\"db2\"] max-lag: there is no setting 'max-lag'; did you mean max_lag?",
        "mysqlcheck.toml [target.\"db2\"] lag_ok: 'soon' is not allowed; "
        "allowed is a duration from 0s to 365d, like 30s, 10m or 1h",
    ]


@pytest.mark.parametrize("key", ["db1:0", "db1:65536", "db1:x", "", ":3306", "[::1", "[::1]3306"])
def test_a_table_that_names_no_target_is_a_mistake(files: Files, key: str) -> None:
    (problem,) = files.problems(f'[target."{key}"]\n', **HOST)
    assert problem.startswith(f'mysqlcheck.toml [target."{key}"]: is no target: ')


# one server, and one only


def test_no_host_is_a_mistake_that_says_what_to_give(files: Files) -> None:
    assert files.problems() == ["--host: no server to check: give --host ADDRESS (or --socket FILE)"]


def test_a_literal_placeholder_is_a_mistake_that_says_who_does_not_fill_it(files: Files) -> None:
    (problem,) = files.problems(host="%s")
    assert problem.startswith("--host: '%s' is a place for the server's address, and keepalived does not fill it")


@pytest.mark.parametrize("host", ["fe80::1%eth0", "fe80::1%sfp0"])
def test_the_zone_of_an_ipv6_address_is_no_placeholder(files: Files, host: str) -> None:
    assert files.load(host=host).target == Target(host)


@pytest.mark.parametrize("host", ["two words", "/run/mysqld.sock", "user@db1", "db1?", "db1#1", "it's", "", "d\tb"])
def test_what_is_no_host_is_told_so(files: Files, host: str) -> None:
    (problem,) = files.problems(host=host)
    assert problem.startswith("--host: ")


@pytest.mark.parametrize("host", ["db1:3307", "192.168.1.201:3306"])
def test_a_port_within_the_host_is_a_mistake_that_names_the_option(files: Files, host: str) -> None:
    (problem,) = files.problems(host=host)
    assert problem.startswith("--host: ")
    assert "--port" in problem


@pytest.mark.parametrize("host", ["[::1", "[::1]x"])
def test_a_bracket_that_is_not_closed_is_a_mistake(files: Files, host: str) -> None:
    (problem,) = files.problems(host=host)
    assert problem.startswith("--host: ")


def test_a_bad_host_in_the_option_file_is_a_mistake_and_no_crash(files: Files) -> None:
    (problem,) = files.problems(cnf="[client]\nhost=[::1\n")
    assert problem.startswith("my.cnf host: ")


@pytest.mark.parametrize(
    ("host", "target"),
    [("::1", "[::1]:3306"), ("[::1]", "[::1]:3306"), ("2001:DB8::1", "[2001:db8::1]:3306"), ("DB1", "db1:3306")],
)
def test_a_host_may_be_an_ipv6_address_with_or_without_brackets(files: Files, host: str, target: str) -> None:
    assert str(files.load(host=host).target) == target


def test_a_socket_is_a_server_too(files: Files) -> None:
    assert str(files.load(socket="/run/mysqld/mysqld.sock").target) == "/run/mysqld/mysqld.sock"


def test_a_socket_must_be_an_absolute_path(files: Files) -> None:
    assert files.problems(socket="mysqld.sock") == ["--socket: 'mysqld.sock' is not an absolute path"]


def test_host_and_socket_at_once_are_two_servers(files: Files) -> None:
    (problem,) = files.problems(host="db1", socket="/run/mysqld/mysqld.sock")
    assert "--host" in problem
    assert "socket" in problem


@pytest.mark.parametrize("place", ["option file", "defaults"])
def test_a_host_on_the_command_line_wins_over_a_socket_from_a_file(files: Files, place: str) -> None:
    """Debian's own client option files name the local socket; --host must not end there."""
    if place == "option file":
        settings = files.load(cnf="[client]\nsocket=/run/mysqld/mysqld.sock\n", **HOST)
    else:
        settings = files.load('[defaults]\nsocket = "/run/mysqld/mysqld.sock"\n', **HOST)
    assert settings.target == Target("db1")


# mistakes


def test_a_misspelt_variable_is_a_mistake(files: Files) -> None:
    assert files.problems(env={"MYSQLCHECK_MAXLAG": "3", "MYSQLCHECK_HOTS": "x"}, **HOST) == [
        "MYSQLCHECK_MAXLAG: there is no setting 'maxlag'; did you mean max_lag?",
        "MYSQLCHECK_HOTS: there is no setting 'hots'; did you mean host?",
    ]


@pytest.mark.parametrize(
    ("table", "key", "value", "sources"),
    [
        ("[defaults]", "host", '"db1"', "cli, env"),
        ("[defaults]", "config", '"/x"', "cli, env"),
        ("[defaults]", "output", '"json"', "cli, env"),
        ("[defaults]", "password", '"x"', "env"),
        ('[target."db1"]', "port", "3306", "cli, defaults, env"),
        ('[target."db1"]', "defaults_file", '"/x"', "cli, defaults, env"),
        ('[target."db1"]', "socket", '"/x"', "cli, defaults, env"),
        ('[target."db1"]', "host", '"db1"', "cli, env"),
    ],
)
def test_a_key_in_the_wrong_place_is_told_where_it_may_stand(
    files: Files, table: str, key: str, value: str, sources: str
) -> None:
    assert files.problems(f"{table}\n{key} = {value}\n", **HOST) == [
        f"mysqlcheck.toml {table} {key}: {key} cannot be set here, only by: {sources}"
    ]


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        ("max_lag = 3\n", "there is no key 'max_lag' here; max_lag belongs under [defaults]"),
        ("[default]\n", "there is no table 'default' here; did you mean defaults?"),
        ("[targets.db1]\n", "there is no table 'targets' here; did you mean target?"),
        ("[zzz]\n", "there is no table 'zzz' here"),
    ],
)
def test_an_unknown_key_or_table_at_the_top_is_told_what_was_meant(files: Files, toml: str, problem: str) -> None:
    assert files.problems(toml, **HOST) == [
        f'mysqlcheck.toml: {problem}; allowed are [defaults], [target."host:port"] and [pool.NAME]'
    ]


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        ("defaults = 1\n", "mysqlcheck.toml: defaults must be a table: [defaults]"),
        ("[[defaults]]\n", "mysqlcheck.toml: defaults must be a table: [defaults]"),
        ("target = 1\n", "mysqlcheck.toml: target must be a table: [target]"),
        ("[target]\ndb1 = 1\n", 'mysqlcheck.toml [target."db1"]: must be a table'),
    ],
)
def test_a_value_where_a_table_belongs_is_a_mistake(files: Files, toml: str, problem: str) -> None:
    assert files.problems(toml, **HOST) == [problem]


@pytest.mark.parametrize(
    "value",
    ["true", '"soon"', "nan", "inf", "-1", "1e9", "[30]", "{s = 30}", "1979-05-27", "9" * 400],
    ids=lambda value: value[:12],
)
def test_a_value_of_the_wrong_kind_is_a_mistake_and_no_crash(files: Files, value: str) -> None:
    (problem,) = files.problems(f"[defaults]\nmax_lag = {value}\n", **HOST)
    assert problem.startswith("mysqlcheck.toml [defaults] max_lag: ")
    assert problem.endswith(" is not allowed; allowed is a duration from 1s to 365d, like 30s, 10m or 1h")


@pytest.mark.parametrize(
    "content",
    [
        b"[defaults\n",
        b"[defaults]\nmax_lag = \n",
        b"[defaults]\nmax_lag = 1\nmax_lag = 2\n",
        b'[target."db1"]\n[target."db1"]\n',
        b"\xff\xfe[\x00d\x00",
        b"\x00",
        b"x = " + b"[" * 100_000,
        b"x = " + b"9" * 10_000,
        b"x = 1979-13-45\n",
    ],
    ids=["bracket", "value", "key twice", "table twice", "UTF-16", "NUL", "deep", "huge", "date"],
)
def test_bytes_that_are_no_toml_are_one_problem_of_the_file(files: Files, content: bytes) -> None:
    (problem,) = files.problems(content, **HOST)
    assert problem.startswith("mysqlcheck.toml: cannot be read as TOML: ")


def test_a_file_that_cannot_be_read_is_told_with_the_reason(files: Files) -> None:
    folder = str(files.folder)
    with pytest.raises(SettingsError) as raised:
        load({"host": "db1", "config": folder, "defaults_file": f"{folder}/none.cnf"}, {})
    assert [str(problem) for problem in raised.value.problems] == [
        f"{folder}: cannot be read as TOML: Is a directory",
        f"{folder}/none.cnf: cannot read this MySQL option file: No such file or directory",
    ]


def test_everything_that_is_wrong_anywhere_is_told_at_once(files: Files) -> None:
    problems = files.problems(
        "surprise = 1\n[defaults]\nlag_ok = -1\n[target.db1]\nrole = 'master'\n[target.db2]\nweigth = 3\n",
        "[client]\nport=many\n",
        {"MYSQLCHECK_TIMEOUT": "never"},
        host="db1",
        weight="254",
        password_file=f"{files.folder}/none",
    )
    assert {problem.partition(": ")[0] for problem in problems} == {
        "mysqlcheck.toml",
        'mysqlcheck.toml [target."db2"] weigth',
        "my.cnf port",
        "mysqlcheck.toml [defaults] lag_ok",
        'mysqlcheck.toml [target."db1"] role',
        "MYSQLCHECK_TIMEOUT",
        "--weight",
        "--password-file none",
    }


def test_a_mistake_in_the_option_file_is_told_by_the_option_s_own_name(files: Files) -> None:
    assert files.problems(cnf="[client]\nssl-mode=SOMETIMES\n", **HOST) == [
        "my.cnf ssl-mode: 'SOMETIMES' is not allowed; "
        "allowed is disabled, preferred, required, verify-ca or verify-identity"
    ]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"resume_lag": "2m"}, "--resume-lag: resume_lag 2m is above max_lag 1m"),
        ({"lag_ok": "61"}, "--lag-ok: lag_ok 61s is above max_lag 1m"),
        ({"tls_key": "/k.pem"}, "--tls-key: --tls-key needs the certificate it belongs to: give --tls-cert too"),
        ({"base_weight": "5"}, "--base-weight: --base-weight belongs to --track-file"),
        ({"track_file": "weight"}, "--track-file: 'weight' is not absolute"),
    ],
)
def test_values_that_make_no_sense_together_are_a_mistake(files: Files, given: dict[str, str], problem: str) -> None:
    (found,) = files.problems(**HOST, **given)
    assert found.startswith(problem)


# passwords

CNF = "[client]\npassword=from the option file\n"


def test_a_password_file_gives_its_first_line(files: Files) -> None:
    path = files.write("password", "from the file \nand a note\n")
    assert files.load(password_file=path, **HOST).password == "from the file "


def test_a_password_file_may_come_from_windows_and_hold_any_letters(files: Files) -> None:
    path = files.write("password", "пароль ¶\r\n")
    assert files.load(password_file=path, **HOST).password == "пароль ¶"


def test_an_empty_password_file_is_an_empty_password(files: Files) -> None:
    assert files.load(cnf=CNF, password_file=files.write("password", ""), **HOST).password == ""


def test_a_password_file_wins_over_the_option_file(files: Files) -> None:
    path = files.write("password", "from the file\n")
    assert files.load(cnf=CNF, password_file=path, **HOST).password == "from the file"
    assert files.load(f'[defaults]\npassword_file = "{path}"\n', CNF, **HOST).password == "from the file"


def test_the_environment_wins_over_a_password_file_of_the_configuration(files: Files) -> None:
    path = files.write("password", "from the file\n")
    env = {"MYSQLCHECK_PASSWORD": "from env"}
    assert files.load(f'[defaults]\npassword_file = "{path}"\n', CNF, env, **HOST).password == "from env"


def test_a_password_file_on_the_command_line_wins_over_the_environment(files: Files) -> None:
    path = files.write("password", "from the file\n")
    env = {"MYSQLCHECK_PASSWORD": "from env"}
    assert files.load(None, CNF, env, **HOST, password_file=path).password == "from the file"


def test_the_environment_wins_over_the_option_file(files: Files) -> None:
    assert files.load(cnf=CNF, env={"MYSQLCHECK_PASSWORD": "from env"}, **HOST).password == "from env"


def test_an_empty_password_is_a_password(files: Files) -> None:
    assert files.load(cnf=CNF, env={"MYSQLCHECK_PASSWORD": ""}, **HOST).password == ""
    assert files.load(cnf="[client]\npassword=\n", **HOST).password == ""


def test_a_password_may_hold_what_other_texts_may_not(files: Files) -> None:
    assert files.load(env={"MYSQLCHECK_PASSWORD": "a\tb\x07"}, **HOST).password == "a\tb\x07"


@pytest.mark.parametrize("content", [b"\xff\xfe\n", None], ids=["no UTF-8", "missing"])
def test_a_password_file_that_cannot_be_read_is_a_mistake(files: Files, content: bytes | None) -> None:
    path = files.write("password", content) if content else f"{files.folder}/none"
    (problem,) = files.problems(**HOST, password_file=path)
    assert problem.startswith(f"--password-file {Path(path).name}: cannot be read: ")


@pytest.mark.parametrize("place", ["[defaults]", '[target."db1"]', '[target."db2"]'])
@pytest.mark.parametrize("key", ["password", "pasword"])
def test_a_password_in_the_configuration_is_a_mistake_and_not_repeated(files: Files, place: str, key: str) -> None:
    (problem,) = files.problems(f'{place}\n{key} = "hunter2"\n', **HOST)
    assert "hunter2" not in problem


@pytest.mark.parametrize(
    ("toml", "cnf", "env"),
    [
        ("[defaults]\nmax_lag = 0\n", CNF.replace("from", "hunter2"), {}),
        ("[defaults]\nmax_lag = 0\n", None, {"MYSQLCHECK_PASSWORD": "hunter2\n"}),
        ('[defaults]\npassword = "hunter2\n', None, {}),
    ],
)
def test_no_message_repeats_a_password(files: Files, toml: str, cnf: str | None, env: dict[str, str]) -> None:
    assert "hunter2" not in " ".join(files.problems(toml, cnf, env, **HOST))
