"""What `mysqlcheck keepalived-config` writes is what keepalived reads; what would not work there is refused here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from mysqlcheck.keepalived.generate import Plan, Style, command, render
from mysqlcheck.model import Target
from tests.command import mysqlcheck

from .reading import nothing_against

CHECK = "/opt/mysqlcheck/bin/keepalived-mysqlcheck --host %s"
VIP, R1, R2 = Target("192.168.1.10"), Target("192.168.1.201"), Target("192.168.1.202")
OTHER_PORT = Target("192.168.1.202", 3307)
PLAN = Plan(VIP, (R1, R2), CHECK)
SIX = Plan(Target("2001:db8::10"), (Target("2001:db8::201"), Target("2001:db8::202")), CHECK)
VARIANTS: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "another weight": {"weight": 50},
    "inhibit_on_failure": {"inhibit_on_failure": True},
    "sorry_server": {"sorry_server": Target("192.168.1.200")},
    "sed, half a second": {"scheduler": "sed", "delay_loop": 0.5},
    "NAT": {"method": "NAT"},
}
SERVERS = ("--real-server", "192.168.1.201", "--real-server", "192.168.1.202")
ASKED = ("keepalived-config", "--vip", "192.168.1.10", *SERVERS, "--check", CHECK)


@pytest.mark.parametrize("plan", [PLAN, SIX], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("style", Style)
@pytest.mark.parametrize("variant", VARIANTS)
def test_keepalived_has_nothing_against_it(plan: Plan, style: Style, variant: str, tmp_path: Path) -> None:
    if plan is SIX and variant == "sorry_server":
        plan = plan._replace(sorry_server=Target("2001:db8::1"))
    else:
        plan = plan._replace(**VARIANTS[variant])
    if plan.method == "NAT":  # with the others a real server has the port of the virtual one
        plan = plan._replace(real=(plan.real[0], plan.real[1]._replace(port=3307)))
    plan = plan._replace(style=style, track_dir=str(tmp_path))
    nothing_against(render(plan), tmp_path)


@pytest.mark.parametrize(
    ("style", "added"),
    [
        (Style.FILE, " --port 3307 --track-file /run/mysqlcheck/weights/mysql-192.168.1.202-3307"),
        (Style.PLAIN, " --port 3307"),
        (Style.DYNAMIC, " --port 3307 --weight 100"),
    ],
)
def test_each_real_server_is_checked_under_its_own_address(style: Style, added: str) -> None:
    program = "/opt/mysqlcheck/bin/keepalived-mysqlcheck"
    assert command(PLAN._replace(style=style), OTHER_PORT) == f"{program} --host 192.168.1.202{added}"


@pytest.mark.parametrize("style", Style)
def test_what_is_easily_forgotten_is_always_written(style: Style) -> None:
    text = render(PLAN._replace(style=style))
    for line in ("alpha", "lvs_method DR", "protocol TCP", "lvs_sched wlc", "enable_script_security"):
        assert re.search(rf"^ +{line}\b", text, re.MULTILINE), line
    assert len(re.findall(r'^ +misc_path ".*"$', text, re.MULTILINE)) == 2
    assert ("misc_dynamic" in text) == (style is Style.DYNAMIC)
    assert "%s" not in text


def test_the_command_prints_it(tmp_path: Path) -> None:
    ended = mysqlcheck(*ASKED)
    assert (ended.code, ended.err, ended.out) == (0, "", render(PLAN))


def test_the_targets_of_the_toml_file_are_the_real_servers(tmp_path: Path) -> None:
    file = tmp_path / "mysqlcheck.toml"
    file.write_text('[target."192.168.1.201"]\n[target."192.168.1.202:3306"]\nmax_lag = 120\n')
    ended = mysqlcheck("keepalived-config", "--vip", "192.168.1.10", "--config", str(file), "--check", CHECK)
    assert (ended.code, ended.err, ended.out) == (0, "", render(PLAN))


def test_misc_timeout_follows_the_check_s_own_timeout() -> None:
    ended = mysqlcheck(*ASKED[:-1], f"{CHECK} --timeout 5.5s")
    assert ended.out.count("misc_timeout 10 ") == 2


def test_the_program_is_made_absolute() -> None:
    found = re.findall(r'misc_path "(\S+) --host', mysqlcheck(*ASKED[:-2]).out)
    assert [Path(path).name for path in found] == ["keepalived-mysqlcheck"] * 2
    assert all(Path(path).is_absolute() for path in found)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--check", "/opt/x/keepalived-mysqlcheck --host 192.168.1.201"), "--check: '/opt/x/keepalived-mysqlcheck"),
        (("--check", "no-such-program-anywhere --host %s"), "there is no no-such-program-anywhere"),
        (("--check", f"{CHECK} --weight 100"), "--weight is added"),
        (("--check", f"{CHECK} --defaults-file '/a b'"), "quotes"),
        (("--check", f"{CHECK} --timeout soon"), "--timeout 'soon' is not allowed"),
        (("--scheduler", "rr"), "--scheduler: rr ignores weights"),
        (("--real-server", "192.168.1.201:3306"), "192.168.1.201:3306 is there twice"),
        (("--real-server", "192.168.1.9:3307"), "192.168.1.9:3307 is not on the virtual server's port 3306"),
        (("--real-server", "192.168.1.9:0"), "the port is a number"),
        (("--real-server", "/run/mysqld/mysqld.sock"), "LVS cannot reach"),
        (("--track-dir", "weights"), "--track-dir: 'weights' is no absolute path"),
        (("--script-user", "a b"), "--script-user: 'a b'"),
        (("--weight", "0"), "from 1 to 253"),
        (("--style", "graded"), "file"),
        (("--sorry-server", ":3306"), "--sorry-server"),
    ],
)
def test_what_would_not_work_is_refused(arguments: tuple[str, ...], said: str) -> None:
    ended = mysqlcheck(*ASKED, *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert "Traceback" not in ended.err


def test_without_a_server_it_says_where_they_come_from(tmp_path: Path) -> None:
    file = tmp_path / "mysqlcheck.toml"
    file.write_text("[defaults]\n")
    ended = mysqlcheck("keepalived-config", "--config", str(file))
    assert ended.code == 2
    assert "--vip: the virtual server's address is missing" in ended.err
    assert "--real-server: none is given" in ended.err
