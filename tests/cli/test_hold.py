"""`mysqlcheck hold`: a drain by hand, which stands whatever happens to the database and to the director."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from tests.command import COMMAND, Ended, environment, mysqlcheck
from tests.hostile.personas import PASSWORD
from tests.hostile.server import HostileServer

from .asking import address
from .records import TARGET, keep, locked, noted, record

R1 = ("--host", "192.168.1.201")
LIMIT = 60.0


def hold(state: Path, *arguments: str, **env: str) -> Ended:
    """Hold a server, 192.168.1.201 unless another is named."""
    where = () if {"--host", "--socket"} & set(arguments) or "MYSQLCHECK_HOST" in env else R1
    return mysqlcheck("hold", *where, *arguments, "--reason", "index rebuild", state=state, env=env)


def status(state: Path) -> dict[str, object]:
    """The hold that stands on the one server that there is, as JSON has it."""
    documents = mysqlcheck("status", "--output", "json", state=state).json
    assert len(documents) == 1
    found: dict[str, object] = documents[0]["hold"]  # type: ignore[index]
    return found


def test_the_server_is_drained_from_its_next_check_on_until_it_is_released(
    healthy: HostileServer, tmp_path: Path
) -> None:
    def code(*arguments: str) -> int:
        return mysqlcheck(*address(healthy), *arguments, password=PASSWORD, state=tmp_path).code

    assert code() == 0
    assert hold(tmp_path, *address(healthy)).code == 0
    assert (code(), code("--weight", "50")) == (1, 2)
    assert mysqlcheck("release", *address(healthy), state=tmp_path).code == 0
    assert (code(), code("--weight", "50")) == (0, 52)


def test_it_says_until_when_and_the_command_that_ends_it(tmp_path: Path) -> None:
    ended = hold(tmp_path, "--port", "3307", "--for", "1h30m", TZ="UTC")
    assert ended.out.startswith("192.168.1.201:3307 is drained from its next check on, for 1h30m, until 20")
    assert ": index rebuild. " in ended.out
    command = shlex.split(ended.out.rpartition("End it with: ")[2])
    assert command[:2] == ["mysqlcheck", "release"]
    released = mysqlcheck(*command[1:])
    assert released.out.startswith("192.168.1.201:3307: ended the hold by ")


def test_without_a_time_it_stands_until_released(tmp_path: Path) -> None:
    assert "until released: index rebuild" in hold(tmp_path).out
    assert (status(tmp_path)["until"], status(tmp_path)["left"]) == (None, None)


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("2h", 7200), ("1h30m", 5400), ("3d", 259200)])
def test_durations_are_written_as_people_do(text: str, seconds: int, tmp_path: Path) -> None:
    began = time.time()
    assert hold(tmp_path, "--for", text).code == 0
    until = status(tmp_path)["until"]
    assert isinstance(until, float)
    assert began + seconds <= until <= time.time() + seconds


@pytest.mark.parametrize("text", ["0", "-5", "two hours", "1m1h", "", "366d"])
def test_a_time_that_is_none_is_refused_and_nothing_is_held(text: str, tmp_path: Path) -> None:
    ended = hold(tmp_path, f"--for={text}")
    assert ended.code == 2
    assert "allowed is a duration from 1s to 365d, like 30s, 10m or 1h" in ended.err
    assert list(tmp_path.iterdir()) == []


def test_it_ends_by_itself(healthy: HostileServer, tmp_path: Path) -> None:
    assert hold(tmp_path, *address(healthy), "--for", "1s").code == 0
    give_up = time.monotonic() + LIMIT
    while mysqlcheck(*address(healthy), password=PASSWORD, state=tmp_path).code != 0:
        assert time.monotonic() < give_up
    assert mysqlcheck("status", "--output", "json", state=tmp_path).json[0]["hold"] is None  # type: ignore[index]


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ((), "say why, for everybody who sees the server drained: --reason 'index rebuild'"),
        (("--reason", " "), "say why"),
        (("--reason", ""), "allowed is text on one line"),
        (("--reason", "two\nlines"), "allowed is text on one line"),
        (("--reason", "x" * 501), "it has 501 letters; allowed are 500"),
    ],
)
def test_a_reason_is_required(reason: tuple[str, ...], said: str, tmp_path: Path) -> None:
    ended = mysqlcheck("hold", *R1, *reason, state=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [(), ("--host", "%s"), ("--host", "x", "--port", "0"), ("--host", "x", "y")])
def test_a_mistake_on_the_command_line_exits_2(arguments: tuple[str, ...], tmp_path: Path) -> None:
    ended = mysqlcheck("hold", *arguments, "--reason", "x", state=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err


def test_a_second_hold_replaces_the_first_and_says_so(tmp_path: Path) -> None:
    hold(tmp_path, "--for", "2h")
    ended = mysqlcheck("hold", *R1, "--reason", "disk change", state=tmp_path)
    first, second = ended.out.splitlines()
    assert first.startswith("replaced: the hold by ")
    assert first.endswith("left: index rebuild")
    assert second.endswith("until released: disk change. " + second.partition("disk change. ")[2])
    assert status(tmp_path)["reason"] == "disk change"


def test_who_holds_it_is_the_person_behind_sudo(tmp_path: Path) -> None:
    hold(tmp_path, SUDO_USER="operator")
    assert status(tmp_path)["who"] == "operator"


@pytest.mark.parametrize("name", ["", "two words", "\x1b[31mred"])
def test_else_it_is_who_runs_the_command(name: str, tmp_path: Path) -> None:
    import pwd

    hold(tmp_path, SUDO_USER=name)
    assert status(tmp_path)["who"] == pwd.getpwuid(os.getuid()).pw_name


# What it stands through.


def test_it_survives_the_loss_of_the_database(healthy: HostileServer, tmp_path: Path) -> None:
    hold(tmp_path, *address(healthy))
    (tmp_path / "state.db").unlink()
    ended = mysqlcheck(*address(healthy), "--output", "json", password=PASSWORD, state=tmp_path)
    assert (ended.code, ended.codes) == (1, ["operator_hold"])


def test_a_store_that_is_locked_does_not_keep_it_from_standing(tmp_path: Path) -> None:
    keep(tmp_path, record())
    with locked(tmp_path):
        ended = hold(tmp_path)
    assert ended.code == 0
    assert "192.168.1.201:3306 is drained" in ended.out
    assert "the hold stands; it is not in the history" in ended.err
    assert status(tmp_path)["reason"] == "index rebuild"
    assert noted(tmp_path) == []


def test_where_it_cannot_be_written_nothing_is_held_and_it_says_so_aloud(tmp_path: Path) -> None:
    (tmp_path / "holds").write_text("this is no directory")
    ended = hold(tmp_path)
    assert (ended.code, ended.out) == (1, "")
    assert "192.168.1.201:3306 is NOT held: " in ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["holds"]


def test_no_state_directory_can_be_made_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = hold(tmp_path / "file" / "state")
    assert (ended.code, ended.out) == (1, "")
    assert "NOT held" in ended.err
    assert "Traceback" not in ended.err


def test_it_stands_although_nobody_can_be_told(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [*COMMAND, "hold", *R1, "--reason", "index rebuild", "--state-dir", str(tmp_path)],
            env=environment(), stdin=subprocess.DEVNULL, stdout=full, stderr=full, timeout=LIMIT,
        )  # fmt: skip
    assert ended.returncode == 0
    assert status(tmp_path)["reason"] == "index rebuild"


def test_what_it_writes_belongs_to_the_owner_of_the_state_directory() -> None:
    """A run as root must leave nothing that keepalived_script cannot write."""
    owner = 65534 if os.geteuid() == 0 else os.geteuid()
    with tempfile.TemporaryDirectory(prefix="mysqlcheck-state-") as name:
        os.chown(name, owner, -1)
        assert hold(Path(name)).code == 0
        written = list(Path(name).rglob("*"))
        assert {"state.db", "holds", "192.168.1.201_3a_3306.json"} <= {path.name for path in written}
        assert {path.stat().st_uid for path in written} == {owner}


# Which server is meant.


def test_a_server_that_is_not_on_record_is_perhaps_a_slip(tmp_path: Path) -> None:
    keep(tmp_path, record())
    assert hold(tmp_path).err == ""
    ended = hold(tmp_path, "--host", "192.168.1.201", "--port", "3307")
    assert ended.code == 0
    assert "nothing is recorded of 192.168.1.201:3307 in " in ended.err
    assert "On record: 192.168.1.201:3306." in ended.err
    assert "On record: 192.168.1.201:3306." in hold(tmp_path, "--host", "192.168.1.210").err


SAME = [
    (("--host", "127.0.0.1", "--port", "1"), {}, ""),
    (("--host", "LOCALHOST", "--port", "1"), {}, ""),
    (("--host", "::1", "--port", "1"), {}, ""),
    (("--host", "[::1]", "--port", "1"), {}, ""),
    (("--socket", "/nowhere.sock"), {}, ""),
    ((), {"MYSQLCHECK_HOST": "127.0.0.1", "MYSQLCHECK_PORT": "1"}, ""),
    (("--host", "127.0.0.1"), {"MYSQLCHECK_SOCKET": "/nowhere.sock", "MYSQLCHECK_PORT": "1"}, ""),
    (("--host", "127.0.0.1", "--config", "c.toml"), {}, "port = 1"),
    (("--host", "127.0.0.1", "--config", "c.toml", "--port", "2"), {}, "port = 1"),
    (("--config", "c.toml"), {}, "socket = '/nowhere.sock'"),
    (("--host", "127.0.0.1", "--defaults-file", "my.cnf"), {}, ""),
    (("--host", "127.0.0.1", "--config", "c.toml"), {}, "defaults_file = 'my.cnf'"),
    (("--defaults-file", "my.cnf"), {}, ""),
]


@pytest.mark.parametrize(("arguments", "env", "defaults"), SAME, ids=lambda value: str(value))
def test_it_finds_the_server_as_the_check_does(
    arguments: tuple[str, ...], env: dict[str, str], defaults: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("c.toml").write_text(f"[defaults]\n{defaults}\n")
    Path("my.cnf").write_text("[client]\nhost = 127.0.0.1\nport = 1\n")
    state = tmp_path / "state"
    checked = mysqlcheck(*arguments, "--output", "json", env=env, state=state)
    held = mysqlcheck("hold", *arguments, "--reason", "x", env=env, state=state)
    assert (held.code, held.err) == (0, "")
    assert held.out.startswith(f"{checked.json['target']} is drained")
    assert "operator_hold" in mysqlcheck(*arguments, "--output", "json", env=env, state=state).codes


def test_a_mistake_in_what_is_no_matter_of_its_is_no_obstacle(tmp_path: Path) -> None:
    env = {"MYSQLCHECK_MAX_LAG": "nonsense", "MYSQLCHECK_PASSWORD_FILE": "/nowhere", "MYSQLCHECK_NONSENSE": "1"}
    ended = hold(tmp_path, **env)
    assert ended.code == 0
    assert "nonsense" not in ended.err


@pytest.mark.parametrize("content", ["[defaults", "[defaults]\nmax_lag = 'nonsense'\n"])
def test_a_broken_config_file_does_not_stop_an_operator(content: str, tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text(content)
    ended = hold(tmp_path / "state", "--config", str(config))
    assert ended.code == 0
    assert str(config) in ended.err
    assert "going on with the command line and the environment alone" in ended.err


def test_it_finds_the_server_by_the_last_good_config_as_the_check_does(dead: HostileServer, tmp_path: Path) -> None:
    config, state = tmp_path / "c.toml", tmp_path / "state"
    config.write_text(f"[defaults]\nport = {dead.port}\n")
    arguments = ("--host", dead.host, "--config", str(config))
    mysqlcheck(*arguments, state=state)
    config.write_text("[defaults")
    ended = hold(state, *arguments)
    assert ended.out.startswith(f"{dead.host}:{dead.port} is drained")
    assert "last good version" in ended.err
    assert "operator_hold" in mysqlcheck(*arguments, "--output", "json", state=state).codes


def test_an_option_file_that_the_operator_cannot_read_is_no_matter(tmp_path: Path) -> None:
    """It belongs to keepalived's script user; a word only where a port in it would explain what looks odd."""
    keep(tmp_path, record())
    assert hold(tmp_path, MYSQLCHECK_DEFAULTS_FILE="/nowhere.cnf")[:3:2] == (0, "")
    ended = hold(tmp_path, "--host", "192.168.1.77", MYSQLCHECK_DEFAULTS_FILE="/nowhere.cnf")
    assert ended.code == 0
    assert "a port may stand there: /nowhere.cnf" in ended.err


def test_a_password_is_not_looked_for(tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text("[defaults]\nport = 3306\npassword_file = '/nowhere'\n")
    keep(tmp_path, record())
    assert hold(tmp_path, "--config", str(config))[:3:2] == (0, "")


# For people.


@pytest.mark.parametrize("command", ["hold", "release", "history", "status"])
def test_ctrl_c_ends_it_quietly(command: str, tmp_path: Path) -> None:
    config = tmp_path / "fifo"
    os.mkfifo(config)  # nobody writes: whoever reads it waits
    arguments = [*COMMAND, command, *R1, "--config", str(config), *(["--reason", "x"] if command == "hold" else [])]
    with subprocess.Popen(
        arguments,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        wait_for_reader(config)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=LIMIT)
    assert (process.returncode, out, err.strip()) == (130, "", "")


def wait_for_reader(fifo: Path) -> None:
    give_up = time.monotonic() + LIMIT
    while True:
        try:
            handle = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            assert time.monotonic() < give_up
            time.sleep(0.01)
        else:
            os.close(handle)
            return


def test_the_help_teaches() -> None:
    ended = mysqlcheck("hold", "--help")
    assert (ended.code, ended.err) == (0, "")
    for word in ("mysqlcheck release", "--for 2h", "reboot", "Exit code"):
        assert word in ended.out


def test_the_target_of_these_tests_is_named_as_a_check_names_it(tmp_path: Path) -> None:
    assert hold(tmp_path).out.startswith(TARGET)
