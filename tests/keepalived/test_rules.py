"""Every rule of the linter on a configuration that is in order but for one thing: it finds that, and nothing else."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from mysqlcheck.keepalived.findings import Severity
from mysqlcheck.keepalived.lint import RULES
from mysqlcheck.keepalived.machine import Stat, Version, version_of
from mysqlcheck.options import Settings

from .directors import FILE, FOLDER, LINK, PYTHON, SCRIPT, WEIGHTS, Director, codes, linted

GLOBAL = "global_defs {\n script_user keepalived_script\n enable_script_security\n}\n"
TRACK = 'track_file r1 {\n file "/run/mysqlcheck/weights/r1"\n}\n'
SERVER = "virtual_server 192.168.1.10 3306 {\n delay_loop 2\n alpha\n lvs_sched wlc\n lvs_method DR\n protocol TCP\n"
PLAIN = (
    f"{GLOBAL}{TRACK}{SERVER} real_server 192.168.1.201 3306 {{\n  weight 1\n"
    f'  notify_up "{SCRIPT} notify-up --host 192.168.1.201"\n'
    f'  notify_down "{SCRIPT} notify-down --host 192.168.1.201"\n'
    f'  MISC_CHECK {{\n   misc_path "{SCRIPT} --host 192.168.1.201"\n   misc_timeout 7\n  }}\n }}\n}}\n'
)
FILES = PLAIN.replace(" MISC_CHECK {", " FILE_CHECK {\n   track_file r1\n  }\n  MISC_CHECK {").replace(
    '--host 192.168.1.201"\n   misc_timeout',
    '--host 192.168.1.201 --track-file /run/mysqlcheck/weights/r1"\n   misc_timeout',
)
WEIGHT = (
    PLAIN.replace("weight 1\n", "weight 100\n")
    .replace('1"\n   misc_timeout', '1 --weight 100"\n   misc_timeout')
    .replace("misc_timeout 7\n", "misc_timeout 7\n   misc_dynamic\n")
)
CHECK = f'"{SCRIPT} --host 192.168.1.201"'
COMMAND = f"misc_path {CHECK}"
MONITOR = f'{GLOBAL}vrrp_script m {{\n script "{SCRIPT} --host 192.168.1.201"\n timeout 6\n}}\n'
UP = f"{SCRIPT} notify-up --host 192.168.1.201"
FOREIGN = f"{GLOBAL}{SERVER} real_server 10.0.0.1 80 {{\n  MISC_CHECK {{\n   misc_path /bin/x\n  }}\n }}\n}}\n"
VRRP = 'vrrp_script s {\n script "/bin/x"\n}\nvrrp_instance i {\n notify_master /bin/x\n}\n'


@pytest.mark.parametrize("text", [PLAIN, FILES, WEIGHT, MONITOR], ids=["plain", "track-file", "weight", "vrrp"])
def test_nothing_is_found_where_all_is_in_order(text: str, tmp_path: Path) -> None:
    assert linted(text, tmp_path) == []


BROKEN: list[tuple[str, str, str, str]] = [
    # the command line
    ("other_mysqlcheck", PLAIN, COMMAND, COMMAND.replace(SCRIPT, "/usr/bin/mysqlcheck")),
    ("other_mysqlcheck", PLAIN, COMMAND, COMMAND.replace(SCRIPT, "/opt/link/mysqlcheck")),
    ("host_placeholder", PLAIN, COMMAND, f'misc_path "{SCRIPT} --host %s"'),
    ("usage_error", PLAIN, COMMAND, f'misc_path "{SCRIPT} --host 192.168.1.201 --password x"'),
    ("usage_error", PLAIN, COMMAND, f'misc_path "{SCRIPT} --host 192.168.1.201 --max-lag soon"'),
    ("usage_error", PLAIN, COMMAND, f'misc_path "{SCRIPT} -h 192.168.1.201"'),
    ("usage_error", PLAIN, COMMAND, f'misc_path "{SCRIPT} 192.168.1.201"'),
    ("usage_error", PLAIN, COMMAND, f'misc_path "{SCRIPT} --host 192.168.1.201 --base-weight 5"'),
    ("usage_error", PLAIN, COMMAND, f"misc_path {SCRIPT}"),
    ("usage_error", WEIGHT, "--weight 100", "--weight 999"),  # of a line that is refused nothing else is told
    ("usage_error", WEIGHT, "--weight 100", "--weight 100 --nonsense"),
    ("usage_error", FILES, "--track-file /run", "--track-file run"),
    ("not_a_check", PLAIN, COMMAND, f'misc_path "{SCRIPT} explain --host 192.168.1.201"'),
    ("not_a_check", PLAIN, COMMAND, f'misc_path "{SCRIPT} status"'),
    ("not_a_check", PLAIN, COMMAND, f'misc_path "{SCRIPT} --host 192.168.1.201 --help"'),
    ("not_a_check", PLAIN, COMMAND, f'misc_path "{SCRIPT} --version"'),
    ("not_a_check", PLAIN, "notify-up --host", "notify-down --host"),
    ("not_a_check", PLAIN, "notify-up --host", "--host"),
    ("host_mismatch", PLAIN, COMMAND, COMMAND.replace(".201", ".202")),
    ("host_mismatch", PLAIN, COMMAND, COMMAND.replace("192.168.1.201", "::1")),
    ("host_mismatch", PLAIN, "notify-up --host 192.168.1.201", "notify-up --host 192.168.1.20"),
    ("host_mismatch", PLAIN, "notify-down --host 192.168.1.201", "notify-down"),
    ("port_mismatch", PLAIN, COMMAND, COMMAND.replace('1"', '1 --port 3307"')),
    ("port_mismatch", PLAIN, "1.201 3306", "1.201 3307"),
    ("timeout_missing", PLAIN.replace("delay_loop 2", "delay_loop 6"), "   misc_timeout 7\n", ""),
    ("timeout_missing", PLAIN.replace("delay_loop 2", ""), "   misc_timeout 7\n", ""),
    ("timeout_missing", PLAIN.replace("delay_loop 2", "delay_loop 6"), "misc_timeout 7", "misc_timeout 7.5"),
    ("timeout_too_short", PLAIN, "   misc_timeout 7\n", ""),
    ("timeout_too_short", PLAIN, "misc_timeout 7", "misc_timeout 3"),
    ("timeout_too_short", PLAIN, "misc_timeout 7", "misc_timeout 0"),
    ("timeout_too_short", WEIGHT, "misc_timeout 7", "misc_timeout 2"),
    ("timeout_too_short", PLAIN, COMMAND, COMMAND.replace('1"', '1 --timeout 7"')),
    # weights
    ("dynamic_missing", WEIGHT, "   misc_dynamic\n", ""),
    ("dynamic_plain", PLAIN, "misc_timeout 7\n", "misc_timeout 7\n   misc_dynamic\n"),
    ("weight_mismatch", WEIGHT, "weight 100\n", "weight 50\n"),
    ("weight_mismatch", WEIGHT, "  weight 100\n", ""),
    ("base_weight_mismatch", FILES, "weight 1\n", "weight 100\n"),
    ("dynamic_twice", WEIGHT, "  weight 100\n", "  weight 100\n  MISC_CHECK {\n misc_path /bin/x\n misc_dynamic\n }\n"),
    ("file_check_beside_dynamic", WEIGHT, "  weight 100\n", "  weight 100\n  FILE_CHECK {\n   track_file r1\n  }\n"),
    ("weights_ignored", FILES, "lvs_sched wlc", "lvs_sched rr"),
    ("weights_ignored", WEIGHT, "lvs_sched wlc", "lb_algo lc"),
    ("all_weights_zero", PLAIN, "weight 1\n", "weight 0\n"),
    ("all_weights_zero", FOREIGN, " alpha\n", " alpha\n weight 0\n"),
    ("quorum_too_high", PLAIN, " alpha\n", " alpha\n quorum 2\n"),
    ("hysteresis_too_high", WEIGHT, " alpha\n", " alpha\n quorum 7\n hysteresis 7\n"),
    ("hysteresis_too_high", FOREIGN, " alpha\n", " alpha\n hysteresis 1\n"),
    # track files
    ("track_file_undefined", FILES, TRACK, ""),
    ("track_file_undefined", FILES, "track_file r1\n", "track_file r2\n"),
    ("track_file_undefined", FILES, "   track_file r1\n", "   weight 1\n"),
    ("track_file_mismatch", FILES, "--track-file /run/mysqlcheck/weights/r1", "--track-file /run/r1"),
    ("track_file_mismatch", FILES, "  FILE_CHECK {\n   track_file r1\n  }\n", ""),
    ("track_file_weight", FILES, "   track_file r1\n", "   track_file r1\n   weight 2\n"),
    ("track_file_weight", FILES, "track_file r1 {\n", "track_file r1 {\n weight 1 reverse\n"),
    ("dynamic_missing", MONITOR, "192.168.1.201", "192.168.1.201 --weight 5"),
    ("timeout_too_short", MONITOR, " timeout 6\n", ""),
    ("timeout_too_short", MONITOR, " timeout 6\n", " interval 3\n"),
    ("timeout_too_short", MONITOR, " timeout 6\n", " timeout 3\n interval 9\n"),
    ("usage_error", PLAIN, COMMAND, f'misc_path "{SCRIPT} --host [::1"'),
    # the virtual server
    ("alpha_missing", PLAIN, " alpha\n", ""),
    ("alpha_missing", PLAIN, "  weight 1\n", "  weight 1\n  alpha off\n"),
    ("protocol_missing", PLAIN, " protocol TCP\n", ""),
    ("protocol_missing", PLAIN, "protocol TCP", "protocol udp"),
    ("method_missing", PLAIN, " lvs_method DR\n", ""),
    ("inhibit_on_failure", PLAIN, " alpha\n", " alpha\n inhibit_on_failure\n"),
    ("inhibit_on_failure", PLAIN, "  weight 1\n", "  weight 1\n  inhibit_on_failure\n"),
    ("connect_check_beside", PLAIN, "  weight 1\n", "  weight 1\n  TCP_CHECK {\n   connect_timeout 3\n  }\n"),
    ("connect_check_only", FOREIGN.replace("1 80", "1 3306"), "MISC_CHECK {\n   misc_path /bin/x\n", "TCP_CHECK {\n"),
    # scripts
    ("script_relative", PLAIN, COMMAND, COMMAND.replace(SCRIPT, "keepalived-mysqlcheck")),
    ("script_relative", FOREIGN, "/bin/x", "x"),
    ("script_missing", PLAIN, COMMAND, COMMAND.replace("/opt/", "/srv/")),
    ("script_missing", FOREIGN, "/bin/x", "/bin/y"),
    ("script_missing", FOREIGN, "/bin/x", "y"),
    ("script_missing", VRRP, "notify_master /bin/x", "notify_master /bin/y"),
    ("script_missing", VRRP, 'script "/bin/x"', 'script "/bin/y"'),
    ("script_not_executable", FOREIGN, "/bin/x", "/bin/data"),
    ("script_not_executable", FOREIGN, "/bin/x", "/bin"),
    ("script_not_executable", FOREIGN, "/bin/x", "/bin/only-root"),
    ("script_unreachable", FOREIGN, "/bin/x", "/root/x"),
    ("interpreter_missing", FOREIGN, "/bin/x", "/bin/old-venv"),
    ("interpreter_missing", FOREIGN, "/bin/x", "/bin/env-gone"),
    ("script_insecure", FOREIGN.replace("script_user keepalived_script", "script_user root"), "/bin/x", "/home/joe/x"),
    ("script_insecure", FOREIGN.replace("script_user keepalived_script", "script_user root"), "/bin/x", "/bin/to-joe"),
    ("script_insecure", FOREIGN.replace("script_user keepalived_script", "script_user root"), "/bin/x", "/bin/777"),
    ("script_insecure", FOREIGN.replace("/bin/x", "/bin/775"), "/bin/775", "/bin/775\n   user root"),
    ("script_as_root", FOREIGN, " script_user keepalived_script\n enable_script_security\n", " script_user root\n"),
    ("script_user_unknown", FOREIGN, "script_user keepalived_script", "script_user joe"),
    ("script_user_unknown", FOREIGN, "script_user keepalived_script", "script_user keepalived_script nogroup"),
    ("script_user_unknown", FOREIGN, "/bin/x", "/bin/x\n   user joe"),
    ("script_user_unknown", VRRP, "notify_master /bin/x", "notify_master /bin/x joe"),
    ("script_unquoted", FOREIGN, "/bin/x", "/bin/x --host 10.0.0.1"),
    ("script_unquoted", VRRP, "notify_master /bin/x", "notify_master /bin/x -v"),
    ("script_unquoted", PLAIN, f'"{UP}"', UP),
    ("script_unquoted", PLAIN, COMMAND, f"misc_path {SCRIPT} --host 192.168.1.201"),
]  # fmt: skip


def everything() -> Director:
    """A director with a file for each thing that can be wrong with one."""
    return Director(
        {
            SCRIPT: FILE, PYTHON: FILE, WEIGHTS: FOLDER, "/usr/bin/env": FILE, "/usr/bin/keepalived-mysqlcheck": FILE,
            "/usr/bin/x": FILE, "/usr/bin/mysqlcheck": FILE, "/usr/bin/mariadb-check": FILE,
            "/opt/link/mysqlcheck": LINK, "/bin/x": FILE, "/bin/data": stat.S_IFREG | 0o644,
            "/bin/only-root": stat.S_IFREG | 0o700, "/root": stat.S_IFDIR | 0o700, "/root/x": FILE,
            "/bin/old-venv": FILE, "/bin/env-gone": FILE, "/home/joe": Stat(FOLDER, 1000, 1000), "/home/joe/x": FILE,
            "/bin/to-joe": LINK, "/bin/777": stat.S_IFREG | 0o777, "/bin/775": Stat(stat.S_IFREG | 0o775, 0, 100),
        },
        heads={
            SCRIPT: b"#!" + PYTHON.encode() + b"\n", "/usr/bin/mysqlcheck": b"\x7fELF", "/bin/x": b"#!/usr/bin/env x\n",
            "/usr/bin/keepalived-mysqlcheck": b"#!/usr/bin/x\n",
            "/bin/old-venv": b"#!/opt/venv/bin/python3.9\n", "/bin/env-gone": b"#!/usr/bin/env ruby\n",
        },
        links={"/opt/link/mysqlcheck": "/usr/bin/mariadb-check", "/bin/to-joe": "/home/joe/x"},
    )  # fmt: skip


@pytest.mark.parametrize(("code", "text", "old", "new"), BROKEN, ids=[f"{row[0]}-{n}" for n, row in enumerate(BROKEN)])
def test_a_rule_finds_what_it_is_there_for(code: str, text: str, old: str, new: str, tmp_path: Path) -> None:
    assert text.count(old) == 1
    assert code not in codes(linted(text, tmp_path, everything()))
    assert codes(linted(text.replace(old, new), tmp_path, everything())) == [code]


def test_every_rule_has_its_test() -> None:
    """The syntax rules have theirs in test_conf.py."""
    elsewhere = {
        "not_text", "file_skipped", "include_missing", "include_loop", "unbalanced_braces", "unterminated_quote",
        "line_too_long", "definition_kept", "not_expanded", "track_file_late", "file_check_crashes",
        "script_user_missing", "track_directory_missing",
    }  # fmt: skip
    assert {rule.code for rule in RULES} == {row[0] for row in BROKEN} | elsewhere


def test_a_bare_name_is_looked_up_in_path_and_finds_the_table_checker(tmp_path: Path) -> None:
    found = linted(PLAIN.replace(COMMAND, COMMAND.replace(SCRIPT, "mysqlcheck")), tmp_path, everything())
    assert codes(found) == ["other_mysqlcheck", "script_relative"]
    assert "/usr/bin/mysqlcheck" in found[0].text


def test_no_two_rules_have_one_code() -> None:
    assert len({rule.code for rule in RULES}) == len(RULES)


def test_a_track_file_behind_the_virtual_server_is_too_late(tmp_path: Path) -> None:
    found = linted(FILES.replace(TRACK, "") + TRACK, tmp_path)
    assert codes(found) == ["track_file_late"]


def test_the_directory_of_a_track_file_must_be_there(tmp_path: Path) -> None:
    found = linted(FILES, tmp_path, Director({SCRIPT: FILE, PYTHON: FILE}))
    assert codes(found) == ["track_directory_missing"]
    assert "/run/mysqlcheck/weights" in found[0].text


@pytest.mark.parametrize(
    ("version", "crashes"),
    [((2, 2, 7), False), ((2, 2, 8), False), ((2, 3, 0), True), ((2, 3, 2), True), ((2, 3, 3), False), (None, False)],
)
def test_file_check_crashes_some_versions(version: Version | None, crashes: bool, tmp_path: Path) -> None:
    expected = ["file_check_crashes"] if crashes else []
    assert codes(linted(FILES, tmp_path, version=version)) == expected
    assert linted(PLAIN, tmp_path, version=version) == []


@pytest.mark.parametrize(
    ("text", "version"),
    [("2.3.1", (2, 3, 1)), ("Keepalived v2.2.7 (01/16,2022)", (2, 2, 7)), ("2.3", None), ("", None), ("1.2.3.4", None)],
)
def test_versions_are_read_as_keepalived_writes_them(text: str, version: Version | None) -> None:
    assert version_of(text) == version


def test_without_a_script_user_scripts_run_as_keepalived_script_or_as_root(tmp_path: Path) -> None:
    """Seen: with enable_script_security and no such user keepalived removed the check, without it root ran it."""
    nobody = Director({SCRIPT: FILE, PYTHON: FILE}, users=("root",))
    without = PLAIN.replace(" script_user keepalived_script\n", "")
    assert linted(without, tmp_path) == []
    assert codes(linted(without, tmp_path, nobody)) == ["script_user_missing"]
    assert codes(linted(without.replace(" enable_script_security\n", ""), tmp_path, nobody)) == ["script_as_root"]


def test_severities_are_those_of_the_rules(tmp_path: Path) -> None:
    severity = {rule.code: rule.severity for rule in RULES}
    found = linted(WEIGHT.replace("alpha", "inhibit_on_failure").replace("wlc", "rr").replace("7", "2"), tmp_path)
    assert {finding.severity for finding in found} == set(Severity)
    assert all(finding.severity is severity[finding.code] for finding in found)


def test_findings_come_in_the_order_of_the_file_and_say_where(tmp_path: Path) -> None:
    found = linted(FILES.replace("alpha\n", "\n").replace("misc_timeout 7", "misc_timeout 3"), tmp_path)
    assert [(finding.code, finding.line) for finding in found] == [("alpha_missing", 8), ("timeout_too_short", 21)]
    assert found[1].advice == "Write misc_timeout 5 or more."
    assert "misc_timeout is 3 s, and the check may take --timeout 3 s" in found[1].text


def test_the_default_timeout_is_the_check_s_own(tmp_path: Path) -> None:
    """The margin is kept to what the options declare, not to a number that was copied."""
    limit = int(Settings.timeout.default)
    assert codes(linted(PLAIN.replace("misc_timeout 7", f"misc_timeout {limit}"), tmp_path)) == ["timeout_too_short"]
    assert linted(PLAIN.replace("misc_timeout 7", f"misc_timeout {limit + 1}"), tmp_path) == []


@pytest.mark.parametrize(
    "change",
    [
        (COMMAND, COMMAND.replace("192.168.1.201", "db1.example.com")),  # a name may well be that address
        (COMMAND, COMMAND.replace("--host 192.168.1.201", "--socket /run/mysqld.sock")),
        (COMMAND, COMMAND.replace("192.168.1.201", "${_ENV HOST}")),
        (COMMAND, COMMAND.replace('1"', '1 --port 3306 --weight 100 --track-file /x"').replace("--weight 100 ", "")),
        ("weight 1\n", "weight 1\n  FILE_CHECK {\n   track_file r1\n  }\n"),  # an agent may write it
        (" alpha\n", ""),
        (" lvs_method DR\n", ""),
        ("192.168.1.10 3306 {", "fwmark 1 {"),
    ],
)
def test_what_cannot_be_told_from_here_is_no_finding_of_host_or_protocol(
    change: tuple[str, str], tmp_path: Path
) -> None:
    text = PLAIN.replace(*change)
    if not change[1]:
        text = text.replace("weight 1\n", "weight 1\n  alpha\n  lvs_method DR\n")
    unsure = {"host_mismatch", "port_mismatch", "protocol_missing", "alpha_missing", "method_missing", "usage_error"}
    assert not unsure & set(codes(linted(text, tmp_path)))


def test_other_people_s_checks_are_not_judged_by_our_rules(tmp_path: Path) -> None:
    block = '  MISC_CHECK {\n   misc_path "/bin/x --host %s --weight 5 -h"\n   misc_dynamic\n  }\n'
    text = f"{GLOBAL}virtual_server 10.0.0.1 80 {{\n real_server 10.0.0.2 3307 {{\n{block}{block} }}\n}}\n"
    assert linted(text, tmp_path, everything()) == []


def test_a_weight_s_mistakes_are_told_in_each_view_once(tmp_path: Path) -> None:
    text = PLAIN.replace(" alpha\n", "@one alpha\n@two notify_x\n")
    assert codes(linted(text, tmp_path)) == ["alpha_missing"]
    assert len(linted(text, tmp_path)) == 1


def test_a_hook_of_ours_may_name_its_user(tmp_path: Path) -> None:
    assert (
        linted(PLAIN.replace('notify-up --host 192.168.1.201"', 'notify-up --host 192.168.1.201" root'), tmp_path) == []
    )
