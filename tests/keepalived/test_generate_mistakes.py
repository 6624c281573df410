"""What cannot be written as asked for: exit code 2, every mistake at once, each with its option and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from .asking import CHECK, EXAMPLE, REPLICAS, VIP, config, mistakes
from .real import OUR_SCRIPT

TWICE = ("--real-server", "2001:DB8::1", "--real-server", "[2001:db8:0::1]:3306")


def test_all_mistakes_are_told_at_once() -> None:
    found = mistakes("--vip", "x", "--real-server", "a", "--style", "foo", "--weight", "999", "--check", "check")
    assert [line.split(": ")[1] for line in found] == ["--vip", "--real-server", "--style", "--weight", "--check"]
    assert "allowed is file, plain or dynamic" in found[2]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (REPLICAS, "--vip: say which virtual address"),
        (VIP, "--real-server: name the servers: --real-server 192.168.1.201, or [target."),
        ((*VIP, "--real-server", "db1.example"), "'db1.example' is no address"),
        ((*VIP, "--real-server", "/run/mysqld/mysqld.sock"), "is no address"),
        (("--vip", "fe80::1%eth0", *REPLICAS), "no address with a zone"),
        ((*VIP, *REPLICAS, "--real-server", "192.168.1.201:3306"), "192.168.1.201:3306 is given twice"),
        ((*TWICE, "--vip", "2001:db8::10"), "[2001:db8::1]:3306 is given twice"),
        ((*VIP, "--real-server", "192.168.1.10"), "is the virtual address itself"),
        ((*VIP, "--real-server", "192.168.1.201:3307"), "DR cannot change: let it listen on 3306, or take"),
        ((*VIP, "--real-server", "2001:db8::1"), "not of the same family"),
        ((*EXAMPLE, "--sorry-server", "192.168.1.200:3307"), "--sorry-server: 192.168.1.200:3307 has another port"),
        ((*EXAMPLE, "--scheduler", "rr"), "--scheduler: rr ignores weights"),
        ((*EXAMPLE, "--scheduler", "lc", "--style", "dynamic"), "take wlc, wrr, sed or nq, or --style plain"),
        ((*EXAMPLE, "--priority", "150"), "--priority: VRRP needs to know where: add --interface"),
        ((*EXAMPLE, "--interface", "eth0 }"), "--interface: 'eth0 }'"),
        ((*EXAMPLE, "--script-user", "a b"), "--script-user: 'a b' is no such name"),
        ((*EXAMPLE, "--track-dir", "weights"), "--track-dir: 'weights' is not absolute"),
        ((*EXAMPLE, "--track-dir", '/a"b'), "--track-dir: "),
        ((*EXAMPLE, "--config", "a.toml"), "--config: 'a.toml' is not absolute"),
        ((*EXAMPLE, "--config", "/nowhere.toml"), "/nowhere.toml: cannot be read"),
        ((*EXAMPLE, "--delay-loop", "0"), "--delay-loop: '0' is not allowed; allowed is a duration from 0.1s to 1h"),
        ((*EXAMPLE, "--misc-timeout", "3.5"), "--misc-timeout: '3.5' is not allowed; allowed is a whole number"),
        ((*EXAMPLE, "--misc-timeout", "4"), "--misc-timeout: 4 is too near the check's own --timeout of 3 s"),
        ((*EXAMPLE, "--persistence-timeout", "0"), "--persistence-timeout: '0' is not allowed"),
    ],
)  # fmt: skip
def test_a_mistake_names_its_option_and_what_is_allowed(arguments: tuple[str, ...], words: str) -> None:
    found = mistakes(*arguments)
    assert len(found) == 1
    assert words in found[0]


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("keepalived-mysqlcheck --host", "has no %s, the place of the server's address"),
        ("no-such-program %s", "nor in PATH: write its whole path"),
        ("./keepalived-mysqlcheck --host %s", "write the whole path of ./keepalived-mysqlcheck"),
        (f'{OUR_SCRIPT} --host "%s"', "keepalived runs no shell"),
        (f"{OUR_SCRIPT} --host %s --user $USER", "keepalived runs no shell"),
        (f"{OUR_SCRIPT} --host %s --port 3307", "leave out --port: the port comes from --real-server"),
        (f"{OUR_SCRIPT} --host %s --weight=50", "leave out --weight: it comes from --style and --weight"),
        (f"{OUR_SCRIPT} --host %s --track-file /x", "leave out --track-file: it comes from --style and --track-dir"),
        (f"{OUR_SCRIPT} --host %s --help", "leave out --help"),
        (f"{OUR_SCRIPT} --host %s --max-lgg 5", "No such option"),
        (f"{OUR_SCRIPT} --host %s --max-lag 5x", "--max-lag: '5x' is not allowed"),
        (f"{OUR_SCRIPT} --user %s", "--check: it names no server: write --host %s"),
        (f"{OUR_SCRIPT} %s", "unexpected extra argument (%s)"),
    ],
)
def test_a_template_that_the_check_would_not_understand(template: str, words: str) -> None:
    """Better now than by a server that is down because its check ends with a usage error."""
    found = mistakes(*VIP, *REPLICAS, "--check", template)
    assert len(found) == 1
    assert words in found[0]


@pytest.mark.parametrize(
    ("style", "setting", "words"),
    [
        ("plain", "weight = 50", "plain, but weight in"),
        ("plain", 'track_file = "/x"', "plain, but track_file in"),
        ("dynamic", 'track_file = "/x"', "dynamic, but track_file in"),
    ],
)
def test_a_toml_file_that_would_make_the_check_answer_in_another_style(
    style: str, setting: str, words: str, tmp_path: Path
) -> None:
    """A weight there lets a plain check exit 52, which keepalived reads as down without misc_dynamic."""
    file = tmp_path / "mysqlcheck.toml"
    file.write_text(f'[target."192.168.1.202"]\n{setting}\n')
    found = mistakes(*EXAMPLE, "--style", style, "--config", str(file))
    assert len(found) == 1
    assert words in found[0]
    assert "192.168.1.202:3306" in found[0]


def test_targets_of_the_file_that_are_no_real_servers_are_named(tmp_path: Path) -> None:
    file = tmp_path / "mysqlcheck.toml"
    file.write_text('[target."db1"]\n[target."192.168.1.201"]\n[target."/run/mysqld.sock"]\n')
    found = mistakes(*VIP, *CHECK, "--config", str(file))
    assert len(found) == 2
    assert 'mysqlcheck.toml [target."db1:3306"]' in found[0]
    assert "name them by --real-server" in found[1]


def test_a_mistake_in_the_file_is_the_mistake_that_the_check_would_tell(tmp_path: Path) -> None:
    file = tmp_path / "mysqlcheck.toml"
    file.write_text('[target."192.168.1.201"]\nmax_lgg = 5\n')
    assert "did you mean max_lag?" in mistakes(*VIP, *CHECK, "--config", str(file))[0]


def test_a_slip_in_an_option_is_a_usage_error() -> None:
    ended = config("--vipp", "192.168.1.10")
    assert (ended.code, ended.out) == (2, "")


def test_the_help_teaches_by_an_example() -> None:
    ended = config("--help")
    assert (ended.code, ended.err) == (0, "")
    assert "mysqlcheck keepalived-config --vip 192.168.1.10 \\" in ended.out
