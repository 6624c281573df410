"""The agent's unit: systemd reads it, rates it, and makes the directories that the commands use."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mysqlcheck.options import Settings

UNIT = Path(__file__).parents[2] / "contrib/systemd/mysqlcheck-agent.service"


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze: run tests/lab/install director")
    command = ["systemd-analyze", "--no-pager", *words, str(UNIT)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def value(name: str) -> str:
    found = re.findall(rf"^{name}=(.*)$", UNIT.read_text(), re.MULTILINE)
    assert len(found) == 1, name
    return str(found[0])


def test_systemd_takes_it(tmp_path: Path) -> None:
    said = analyze("verify").stderr.splitlines()
    assert [line for line in said if "is not executable: No such file or directory" not in line] == []


def test_systemd_rates_it_as_ok_or_better() -> None:
    said = analyze("security", "--offline=true").stdout
    (level,) = re.findall(r"Overall exposure level for .*: ([0-9.]+) OK", said)
    assert float(level) < 2


def test_it_runs_what_keepalived_runs_as_the_same_user_before_it() -> None:
    assert value("ExecStart") == "/opt/mysqlcheck/bin/keepalived-mysqlcheck agent"
    assert (value("User"), value("Before")) == ("keepalived_script", "keepalived.service")


def test_its_directories_are_those_of_the_commands_and_stay() -> None:
    made = [f"/run/{name}" for name in value("RuntimeDirectory").split()]
    assert made == ["/run/mysqlcheck", Settings.verdict_dir.default, "/run/mysqlcheck/weights"]
    assert value("RuntimeDirectoryPreserve") == "yes"
    assert f"/var/lib/{value('StateDirectory')}" == Settings.state_dir.default


def test_systemd_never_gives_up() -> None:
    assert (value("Restart"), value("StartLimitIntervalSec")) == ("always", "0")


def test_systemd_waits_longer_than_it_needs() -> None:
    assert (value("Type"), int(value("TimeoutStopSec")) > 1, int(value("WatchdogSec")) >= 10) == ("notify", True, True)
