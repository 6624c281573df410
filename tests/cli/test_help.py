"""--help teaches, --version answers, and both entry points are the same command."""

import subprocess
from pathlib import Path

import pytest

from mysqlcheck import __version__
from mysqlcheck.cli import COMMANDS
from mysqlcheck.options import Settings
from tests.command import COMMAND, environment, mysqlcheck
from tests.hostile.server import HostileServer

from .asking import address

ENTRY_POINTS = ("mysqlcheck", "keepalived-mysqlcheck")
REPOSITORY = Path(__file__).parents[2]


def launcher(name: str) -> list[str]:
    """The command line of an entry point of the installation under test.

    An installation without scripts (`python3 -m mysqlcheck`) gets those of the source tree.
    """
    if COMMAND[-2:] == ["-m", "mysqlcheck"]:
        return [*COMMAND[:-2], str(REPOSITORY / "src" / "bin" / name)]
    return [*COMMAND[:-1], str(Path(COMMAND[-1]).with_name(name))]


def squeezed(text: str) -> str:
    """Text without the line breaks that a help page of any width may put in."""
    return "".join(text.split())


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_exit_0_and_say_nothing_on_stderr(option: str) -> None:
    ended = mysqlcheck(option)
    assert (ended.code, ended.err) == (0, "")


def test_the_version_is_the_packages_version() -> None:
    assert mysqlcheck("--version").out == f"mysqlcheck {__version__}\n"


def test_the_help_says_everything_about_every_setting() -> None:
    page = squeezed(mysqlcheck("--help").out)
    for setting in Settings.declared().values():
        if "cli" in setting.sources:
            assert f"{setting.option}{squeezed(setting.kind.metavar)}" in page, setting.name
            assert squeezed(setting.help) in page, setting.name


def test_the_help_teaches() -> None:
    page = mysqlcheck("--help").out
    assert "misc_path" in page
    assert "/bin/keepalived-mysqlcheck --host" in page  # by its whole path, as keepalived needs it
    assert "N+2" in page
    assert "MYSQLCHECK_" in page
    for command in COMMANDS:
        assert f"  {command} " in page or command == "check"


def test_no_option_takes_the_password() -> None:
    assert "--password " not in mysqlcheck("--help").out


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_they_win_over_values_that_are_wrong(option: str) -> None:
    assert mysqlcheck("--port", "nonsense", option).code == 0


def test_they_are_not_found_in_the_place_of_a_value(dead: HostileServer) -> None:
    assert mysqlcheck(*address(dead), "--user", "--help").code == 1


def test_mysqls_h_for_the_host_does_not_bring_a_dead_server_up(dead: HostileServer) -> None:
    """`mysql -h 192.168.1.201` is in every administrator's fingers; help would exit 0, which is "up"."""
    assert mysqlcheck("-h", dead.host, "--port", str(dead.port)).code == 1
    assert mysqlcheck("-h", dead.host).code == 1


@pytest.mark.parametrize("name", ENTRY_POINTS)
def test_an_entry_point_checks(name: str, dead: HostileServer, tmp_path: Path) -> None:
    ended = subprocess.run(
        [*launcher(name), *address(dead)],
        env=environment({"MYSQLCHECK_STATE_DIR": str(tmp_path)}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stderr) == (1, "")
    assert ended.stdout.startswith(f"FAIL {dead.host}:{dead.port} unreachable: ")


def test_the_entry_points_are_the_same() -> None:
    first, second = (Path(launcher(name)[-1]).read_bytes() for name in ENTRY_POINTS)
    assert first == second
