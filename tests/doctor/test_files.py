"""What is said of files and directories, from what was seen of them."""

from __future__ import annotations

import pytest

from mysqlcheck.doctor import files
from mysqlcheck.doctor.files import MIB, Output, Readable, State, Told, file_system
from mysqlcheck.doctor.findings import Finding, Level

WHO = "keepalived_script"
CNF = Readable("/etc/mysqlcheck/my.cnf", WHO, readable=True, secret=True, others=False)
STATE = State("/var/lib/mysqlcheck", WHO, True, True, 900 * MIB, "ext4")
TRACK = Output("/run/weights/r1", WHO, True, "/run/weights", True, True, "99\n")
PROM = Output("/var/lib/prom/a.prom", WHO, False, "/var/lib/prom", True, True)


def codes(findings: list[Finding]) -> list[str]:
    return [finding.code for finding in findings if finding.code]


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (CNF, []),
        (CNF._replace(readable=False), ["file_unreadable"]),
        (CNF._replace(others=True), ["secret_for_all"]),
        (CNF._replace(others=True, secret=False), []),
    ],
)
def test_a_file_is_readable_for_its_user_and_a_secret_for_nobody_else(found: Readable, code: list[str]) -> None:
    findings = list(files.readable([found]))
    assert codes(findings) == code
    assert all(WHO in finding.advice and CNF.path in finding.advice for finding in findings if finding.code)


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (STATE, []),
        (STATE._replace(exists=False), []),
        (STATE._replace(exists=False, writable=False), ["state_missing"]),
        (STATE._replace(writable=False), ["state_not_writable"]),
        (STATE._replace(foreign=("state.db",)), ["state_foreign"]),
        (STATE._replace(writable=False, foreign=("state.db",)), ["state_not_writable"]),  # the same cause
        (STATE._replace(free=MIB - 1), ["state_full"]),
        (STATE._replace(free=10 * MIB), ["state_full"]),
        (STATE._replace(file_system="tmpfs", free=10 * MIB), ["state_in_memory"]),
        (STATE._replace(trouble=("holds/a.json is damaged",)), ["state_damaged"]),
    ],
)
def test_each_fault_of_the_state_directory_has_its_code(found: State, code: list[str]) -> None:
    assert codes(list(files.state(found))) == code


def test_a_disk_that_is_full_is_a_problem_and_one_that_is_nearly_full_a_warning() -> None:
    assert next(files.state(STATE._replace(free=0))).level is Level.PROBLEM
    assert next(files.state(STATE._replace(free=10 * MIB))).level is Level.WARNING


def test_of_many_foreign_files_some_are_named() -> None:
    finding = next(files.state(STATE._replace(foreign=tuple(f"holds/{n}" for n in range(20)))))
    assert "holds/0, holds/1, holds/2 …" in finding.text
    assert "holds/3" not in finding.text


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (TRACK, []),
        (TRACK._replace(content=None), []),  # no check has written it yet
        (TRACK._replace(content="-100\n"), []),
        (TRACK._replace(content=""), ["track_broken"]),
        (TRACK._replace(content="ninety\n"), ["track_broken"]),
        (TRACK._replace(writable=False), ["track_not_writable"]),
        (TRACK._replace(folder_exists=False, writable=False), ["track_not_writable"]),
        (PROM, []),
        (PROM._replace(writable=False), ["textfile_not_writable"]),
        (PROM._replace(folder_exists=False), ["textfile_not_writable"]),
    ],
)
def test_each_fault_of_what_is_written_for_others_has_its_code(found: Output, code: list[str]) -> None:
    assert codes(list(files.outputs([found]))) == code


def test_one_mistake_that_many_checks_meet_is_said_once() -> None:
    told = [Told(name, (("/etc/a.toml: broken", "/etc/a.toml"),)) for name in ("r1:3306", "r2:3306")]
    (finding,) = files.settings(told, set(), [])
    assert finding.text == "/etc/a.toml: broken (r1:3306, r2:3306)"


def test_a_file_that_cannot_be_read_is_not_said_twice() -> None:
    told = [Told("r1:3306", (("/etc/a.toml: Permission denied", "/etc/a.toml"),))]
    assert not list(files.settings(told, {"/etc/a.toml"}, []))


MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
tmpfs /run tmpfs rw 0 0
/dev/sdb1 /var/lib xfs rw 0 0
tmpfs /var/lib/my\\040sql tmpfs rw 0 0
/dev/sdc1 /run ext4 rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/mysqlcheck", "xfs"),
        ("/var/library", "ext4"),
        ("/var/lib/my sql/state", "tmpfs"),
        ("/run/mysqlcheck", "ext4"),  # the last one lies over the others
        ("/", "ext4"),
    ],
)
def test_the_file_system_is_that_of_the_nearest_mount(path: str, kind: str) -> None:
    assert file_system(MOUNTS, path) == kind
