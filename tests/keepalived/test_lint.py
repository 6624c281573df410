"""Each rule finds its own mistake in a configuration that is otherwise good, at its line, and nothing else does."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from mysqlcheck.keepalived.generate import Plan, Style, render
from mysqlcheck.keepalived.lint import RULES, Level
from mysqlcheck.model import Target
from tests.command import mysqlcheck

from .judging import judge
from .machines import MadeUp

PROGRAM = "/opt/mysqlcheck/bin/keepalived-mysqlcheck"
CONTRIB = Path(__file__).parents[2] / "contrib/keepalived"
PLAN = Plan(Target("192.168.1.10"), (Target("192.168.1.201"), Target("192.168.1.202")), f"{PROGRAM} --host %s")
GOOD = {style: render(PLAN._replace(style=style)) for style in Style}
TCP = "virtual_server 192.168.1.10 3306 {\n real_server 192.168.1.201 3306 {\n  TCP_CHECK {\n  }\n }\n}\n"
CALL = f"{PROGRAM} --host 192.168.1.201"


class Row(NamedTuple):
    """What is changed in a good configuration, at its first place; the codes found, and the words in the line."""

    codes: str
    before: str
    after: str
    style: Style = Style.PLAIN
    where: str | None = None
    """A part of the line that must be named; by default the line of what was written instead."""
    machine: MadeUp = MadeUp()
    version: tuple[int, ...] = (2, 2, 7)


FILE, PLAIN, DYNAMIC = Style.FILE, Style.PLAIN, Style.DYNAMIC
SECOND = 'MISC_CHECK {\n misc_path "/x"\n misc_dynamic\n }\n'
FOLLOW = "FILE_CHECK {\n            track_file"
ROWS = [
    Row("script_relative", f'misc_path "{PROGRAM}', 'misc_path "keepalived-mysqlcheck'),
    Row("script_missing", CALL, "/gone --host 192.168.1.201", machine=MadeUp(missing=("/gone",)), where="misc_path"),
    Row("hook_missing", f'notify_up "{PROGRAM}', 'notify_up "/gone', machine=MadeUp(missing=("/gone",))),
    Row("script_insecure", 'script_user keepalived_script\n', "script_user root\n", machine=MadeUp(unsafe=(PROGRAM,)),
        where="misc_path"),
    Row("no_such_user", "script_user keepalived_script", "script_user keepalived"),
    Row("misc_path_unquoted", f'misc_path "{CALL}"', f"misc_path {CALL}"),
    Row("literal_percent_s", f'misc_path "{CALL}"', f'misc_path "{PROGRAM} --host %s"'),
    Row("other_mysqlcheck", f'misc_path "{CALL}"', 'misc_path "/usr/bin/mysqlcheck --host 192.168.1.201"',
        machine=MadeUp(table_checkers=("/usr/bin/mysqlcheck",))),
    Row("usage_error", f'misc_path "{CALL}"', f'misc_path "{CALL} --max-lagg 10"'),
    Row("usage_error", f'misc_path "{CALL}"', f'misc_path "{CALL} --timeout soon"'),
    Row("no_check", f'misc_path "{CALL}"', f'misc_path "{PROGRAM} status --host 192.168.1.201"'),
    Row("other_server", f'misc_path "{CALL}"', f'misc_path "{PROGRAM} --host 192.168.1.202"'),
    Row("other_server", "notify-down --host 192.168.1.201", "notify-down --host 192.168.1.202"),
    Row("other_server", f'misc_path "{CALL}"', f'misc_path "{CALL} --port 3307"'),
    Row("misc_timeout", "misc_timeout 7", "misc_timeout 3", where="MISC_CHECK"),
    Row("misc_timeout", "misc_timeout 7", "# none", where="MISC_CHECK"),
    Row("misc_timeout", f'misc_path "{CALL}"', f'misc_path "{CALL} --timeout 10s"', where="MISC_CHECK"),
    Row("weight_style", f'misc_path "{CALL}"', f'misc_path "{CALL} --weight 100"', where="MISC_CHECK"),
    Row("exit_0", f"{CALL} --weight 100", CALL, DYNAMIC, where="MISC_CHECK"),
    Row("weight_differs", "--weight 100", "--weight 50", DYNAMIC, where="MISC_CHECK"),
    Row("two_dynamic", "    MISC_CHECK {", f"    {SECOND}    MISC_CHECK {{", DYNAMIC, where="MISC_CHECK {\n        "),
    Row("weight_ignored", "lvs_sched wlc", "lvs_sched rr", FILE, where="virtual_server"),
    Row("weight_ignored", "lvs_sched wlc", "lb_algo lc", DYNAMIC, where="virtual_server"),
    Row("track_file", f"{FOLLOW} mysql-192.168.1.201\n", f"{FOLLOW} r9\n", FILE),
    Row("track_file_differs", "--track-file /run/mysqlcheck/weights/mysql-192.168.1.201", "--track-file /run/x", FILE,
        where="FILE_CHECK"),
    Row("no_alpha", "    alpha ", "    # no ", where="virtual_server"),
    Row("no_protocol", "    protocol TCP\n", "\n", where="virtual_server"),
    Row("no_method", "    lvs_method DR\n", "\n", where="virtual_server"),
    Row(f"port_differs{' other_server' * 3}", "real_server 192.168.1.201 3306", "real_server 192.168.1.201 3307"),
    Row("hysteresis", "    protocol TCP\n", "protocol TCP\nquorum 2\nhysteresis 2\n", where="virtual_server"),
    Row("tcp_check_beside", "    MISC_CHECK {", "    TCP_CHECK {\n }\n MISC_CHECK {", where="TCP_CHECK"),
    Row("inhibit_on_failure", "        weight 100\n", "weight 100\ninhibit_on_failure\n", where="real_server"),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=[f"{row.codes.split()[0]}-{number}" for number, row in enumerate(ROWS)])
def test_a_rule_finds_its_mistake_and_nothing_else_is_found(row: Row, tmp_path: Path) -> None:
    assert row.before in GOOD[row.style]
    text = GOOD[row.style].replace(row.before, row.after, 1)
    file = tmp_path / "keepalived.conf"
    file.write_text(text)
    found = judge(file, row.machine, row.version)
    codes = [one.code for one in found if one.code != "script_insecure"] or [one.code for one in found[:1]]
    assert codes == row.codes.split()
    first = found[0]
    line = text[: text.index(row.where or row.after)].count("\n") + 1
    assert (first.file, first.line) == (str(file), line)
    assert first.text
    assert first.instead


@pytest.mark.parametrize("style", Style)
@pytest.mark.parametrize("method", ["DR", "NAT"])
def test_what_keepalived_config_writes_is_clean(style: Style, method: str, tmp_path: Path) -> None:
    file = tmp_path / "keepalived.conf"
    file.write_text(render(PLAN._replace(style=style, method=method)))
    assert judge(file) == []


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[2] / "contrib/keepalived").glob("*.conf")), ids=lambda p: p.name
)
def test_what_we_hand_out_is_clean(path: Path) -> None:
    assert judge(path) == []


def test_a_server_that_tcp_alone_checks_is_worth_a_word(tmp_path: Path) -> None:
    file = tmp_path / "keepalived.conf"
    file.write_text(
        "virtual_server 192.168.1.10 3306 {\n real_server 192.168.1.201 3306 {\n  TCP_CHECK {\n  }\n }\n}\n"
    )
    assert [(one.code, one.level) for one in judge(file)] == [("tcp_check_alone", Level.INFORMATION)]


def test_a_vrrp_script_of_ours_is_looked_at_and_others_are_not(tmp_path: Path) -> None:
    file = tmp_path / "keepalived.conf"
    ours, other = "keepalived-mysqlcheck --host %s", "killall -0 haproxy"
    file.write_text(f'vrrp_script a {{\n script "{other}"\n}}\nvrrp_script b {{\n script "{ours}"\n}}\n')
    assert [(one.line, one.code) for one in judge(file)] == [(5, "literal_percent_s"), (5, "script_relative")]


def test_weights_that_are_all_0_are_found_whoever_checks(tmp_path: Path) -> None:
    file = tmp_path / "keepalived.conf"
    file.write_text(GOOD[PLAIN].replace("weight 100", "weight 0"))
    assert [one.code for one in judge(file)] == ["all_weights_zero"]


@pytest.mark.parametrize("version", [(2, 3, 0), (2, 3, 2)])
def test_file_check_is_for_no_keepalived_that_crashes_on_it(version: tuple[int, ...], tmp_path: Path) -> None:
    file = tmp_path / "keepalived.conf"
    file.write_text(GOOD[FILE])
    assert {one.code for one in judge(file, version=version)} == {"file_check_version"}
    assert judge(file, version=(2, 3, 3)) == judge(file, version=None) == []


def test_includes_and_definitions_are_followed(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    part = tmp_path / "conf.d" / "replicas.conf"
    part.write_text(GOOD[PLAIN].replace(f'"{CALL}"', '"$CHECK --host 192.168.1.201 --nonsense"'))
    file = tmp_path / "keepalived.conf"
    file.write_text(f"$CHECK={PROGRAM}\ninclude conf.d/*.conf\ninclude conf.d/none.conf\n")
    found = judge(file)
    assert [(one.code, Path(one.file).name) for one in found] == [
        ("usage_error", "replicas.conf"), ("unreadable", "keepalived.conf"),
    ]  # fmt: skip


def test_every_rule_has_been_found_here() -> None:
    elsewhere = {"tcp_check_alone", "all_weights_zero", "file_check_version"}
    assert {row.codes.split()[0] for row in ROWS} | elsewhere == {rule.code for rule in RULES}


def test_the_command_says_where_what_and_what_instead(tmp_path: Path) -> None:
    file = tmp_path / "keepalived.conf"
    file.write_text("virtual_server 192.168.1.10 3306 {\n real_server 192.168.1.201 3306 {\n  weight 0\n }\n}\n")
    ended = mysqlcheck("lint", str(file))
    assert (ended.code, ended.err) == (1, "")
    assert f"{file}:1: error: all_weights_zero: every real server has weight 0: " in ended.out
    assert "    write: a weight of at least 1\n" in ended.out
    assert ended.out.endswith(f"{file}: 1 × error\n")
    asked = mysqlcheck("lint", str(file), "--output", "json")
    assert (asked.code, [one["code"] for one in asked.json["findings"]]) == (1, ["all_weights_zero"])


def test_information_alone_is_clean(tmp_path: Path) -> None:
    file = tmp_path / "keepalived.conf"
    file.write_text(
        "virtual_server 192.168.1.10 3306 {\n real_server 192.168.1.201 3306 {\n  TCP_CHECK {\n  }\n }\n}\n"
    )
    assert mysqlcheck("lint", str(file)).code == 0


@pytest.mark.parametrize(
    "arguments", [("/nowhere.conf",), ("/tmp",), ("--keepalived-version", "new"), ("--output", "xml")]
)
def test_what_cannot_be_read_is_a_usage_error(arguments: tuple[str, ...]) -> None:
    ended = mysqlcheck("lint", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert "Traceback" not in ended.err
