"""What is said of the program, from what was seen of it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from mysqlcheck.doctor.findings import Finding, Level
from mysqlcheck.doctor.program import FLOORS, LEAST_PYTHON, Installed, Ran, Script, in_path, installed, numbers, scripts

PATH = "/opt/mysqlcheck/bin/keepalived-mysqlcheck"
VERSION = Ran(0, "mysqlcheck 1.2.3\n", "", 0.1)
STARTS = Ran(0, "Usage: mysqlcheck explain [OPTIONS]\n", "", 0.2)
GOOD = Script(PATH, "keepalived_script", version=VERSION, starts=STARTS)
HERE = Installed("1.2.3", (3, 11, 2), "/opt/mysqlcheck/bin/python3", {"click": "8.1.3", "PyMySQL": "1.0.2"})


def codes(findings: list[Finding]) -> list[str]:
    return [finding.code for finding in findings if finding.code]


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (GOOD, []),
        (Script(PATH, "root", ("script_missing", f"{PATH} does not exist")), ["script_missing"]),
        (GOOD._replace(loose="everybody may write to /opt"), ["script_loose"]),
        (GOOD._replace(loose="everybody may write to /opt", refused=True), ["script_insecure"]),
        (GOOD._replace(version=Ran(0, "mysqlcheck 1.2.2\n", "", 0.1)), ["other_version"]),
        (GOOD._replace(version=Ran(None, "", "Exec format error", 0.0)), ["script_fails"]),
        (GOOD._replace(version=Ran(0, "mysqlcheck  Ver 2.7.4 Distrib 10.11\n", "", 0.1)), ["script_fails"]),
        (GOOD._replace(starts=Ran(1, "", "Traceback\nModuleNotFoundError: pymysql\n", 0.1)), ["script_fails"]),
        (GOOD._replace(starts=Ran(-9, "", "", 0.1)), ["script_fails"]),
    ],
)
def test_each_fault_of_a_script_has_its_code(script: Script, code: list[str]) -> None:
    assert codes(list(scripts([script], "1.2.3"))) == code


def test_a_script_without_a_problem_is_well_and_one_with_a_problem_is_not() -> None:
    assert [finding.level for finding in scripts([GOOD], "1.2.3")] == [Level.OK]
    broken = GOOD._replace(starts=Ran(1, "", "Permission denied\n", 0.1))
    assert [finding.level for finding in scripts([broken], "1.2.3")] == [Level.PROBLEM]


def test_a_script_that_fails_is_told_with_its_last_words_and_the_command_to_try() -> None:
    failed = Ran(1, "", "Traceback (most recent call last):\nModuleNotFoundError: No module named 'pymysql'\n\n", 0.1)
    (finding,) = scripts([GOOD._replace(starts=failed)], "1.2.3")
    assert finding.text.endswith("ended with 1: ModuleNotFoundError: No module named 'pymysql'")
    assert f"runuser -u keepalived_script -- {PATH} explain --help" in finding.advice


def test_no_script_at_all_is_a_problem() -> None:
    assert codes(list(scripts([], "1.2.3"))) == ["script_not_found"]


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        (HERE, []),
        (HERE._replace(python=(3, 10, 9)), ["python_old"]),
        (HERE._replace(packages={"click": "8.1.2"}), ["package_old"]),
        (HERE._replace(packages={"PyMySQL": None}), ["package_missing"]),
        (HERE._replace(packages={"prometheus-client": "0.16.0"}), []),
    ],
)
def test_python_and_the_packages_are_held_against_what_is_supported(facts: Installed, code: list[str]) -> None:
    assert codes(list(installed(facts))) == code


def test_the_table_checker_in_path_is_told() -> None:
    assert codes(list(in_path("/usr/bin/mysqlcheck", ours=False))) == ["other_mysqlcheck"]
    assert not list(in_path("/opt/mysqlcheck/bin/mysqlcheck", ours=True))
    assert not list(in_path(None, ours=False))


def test_the_floors_are_those_of_the_package() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    wanted = {name: numbers(floor) for name, _, floor in (line.partition(">=") for line in project["dependencies"])}
    assert {name.lower(): floor for name, floor in FLOORS.items()} == wanted
    assert project["requires-python"] == f">={'.'.join(map(str, LEAST_PYTHON))}"
