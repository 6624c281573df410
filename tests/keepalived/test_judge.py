"""What the linter makes of our own command lines is what the check would make of them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mysqlcheck.cli import COMMANDS
from mysqlcheck.cli.lint import judge
from mysqlcheck.options import Settings
from tests.command import mysqlcheck

REFUSED = [
    "", "-h 192.168.1.201", "--host", "--host=", "--host db1:3306", "--host 127.0.0.1 --port 0", "192.168.1.201",
    "--host 127.0.0.1 --timeout", "--host 127.0.0.1 --weight 254", "--host 127.0.0.1 --weight=0", "check explain",
    "--host 127.0.0.1 --base-weight 2", "--host 127.0.0.1 extra", "--host 127.0.0.1 --track-file relative", "--host %s",
    "--host 127.0.0.1 --pass x", "--host 127.0.0.1 --socket /s", "--socket s", "--nonsense --help", "expliain",
]  # fmt: skip
FINE = [
    "--host 127.0.0.1", "check --host 127.0.0.1", "--host=127.0.0.1 --port=1", "--host ::1 --port 1",
    "--socket /nothing", "--host [::1] --port 1", "--host 127.0.0.1 --weight 253 --track-file /nothing/here/x",
]  # fmt: skip


@pytest.mark.parametrize("line", REFUSED)
def test_what_the_check_refuses_is_a_problem_in_its_words(line: str) -> None:
    """The check itself exits 1 for it, and says why."""
    usage, ended = judge(line.split()), mysqlcheck(*line.split())
    assert usage.problems
    assert (ended.code, ended.out) == (1, "")
    assert all(problem in ended.err for problem in usage.problems)


@pytest.mark.parametrize("line", FINE)
def test_what_the_check_takes_is_no_problem(line: str) -> None:
    """Nobody answers there, so that it says FAIL; but it says it of a server."""
    usage = judge(line.split())
    assert usage.problems == ()
    assert usage.checks
    ended = mysqlcheck(*line.split(), env={"MYSQLCHECK_TIMEOUT": "1s"})
    assert ended.out.startswith(("FAIL", "DRAIN")), ended.err


@pytest.mark.parametrize(
    "line", ["--help", "--version", "--port nonsense --help", "--host 127.0.0.1 --help --weight 900"]
)
def test_help_and_version_are_always_up(line: str) -> None:
    assert judge(line.split()).shows
    assert mysqlcheck(*line.split()).code == 0


def test_the_style_and_the_server_are_those_of_the_line() -> None:
    line = "--host db1 --port 3307 --weight 9 --track-file /x --base-weight 2 --timeout 1500ms"
    usage = judge(line.split())
    assert (usage.host, usage.port, usage.socket, usage.timeout) == ("db1", 3307, None, 1.5)
    assert (usage.weight, usage.track_file, usage.base_weight, usage.dynamic) == (9, "/x", 2, False)
    assert judge(["--host", "a", "--weight", "9"]).dynamic
    assert judge(["--host", "a"]).timeout == Settings.timeout.default


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"check"}))
def test_every_other_command_is_known_by_its_name(name: str) -> None:
    usage = judge([name, "--host", "10.0.0.1", "--last", "5", "more"])
    assert (usage.command, usage.checks, usage.host, usage.problems) == (name, False, "10.0.0.1", ())


@settings(max_examples=200, deadline=5000)
@given(
    st.lists(
        st.one_of(st.sampled_from([*COMMANDS, "--host", "--port", "--weight", "9", "--", "-", "=", "[::1"]), st.text())
    )
)
def test_no_command_line_ends_in_a_traceback(arguments: list[str]) -> None:
    judge(arguments)
