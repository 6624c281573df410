"""What we hand out for keepalived.conf is read by the real keepalived without a word."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.keepalived.asking import written
from tests.keepalived.real import OUR_SCRIPT, objections

TOP = Path(__file__).parents[2]
FILES = sorted((TOP / "contrib/keepalived").glob("*.conf"))
BEGIN = "Written by (on one line):\n"
GENERATED = [path for path in FILES if BEGIN in path.read_text()]


def examples() -> list[tuple[str, str]]:
    """Every whole file of contrib/keepalived, and README's block within a virtual server."""
    whole = [(path.name, path.read_text()) for path in FILES]
    block = re.search(r"^( +)real_server .*?^\1}$", (TOP / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert block is not None
    methods = "delay_loop 2\nlvs_sched wlc\nlvs_method DR\nprotocol TCP\n"
    server = f"virtual_server 192.168.1.10 3306 {{\n{methods}{block[0]}\n}}\n"
    head = "global_defs {\n    script_user keepalived_script\n    enable_script_security\n}\n"
    return [*whole, ("README.md", head + server)]


EXAMPLES = examples()
BALANCING = [(name, text) for name, text in EXAMPLES if "virtual_server" in text]


@pytest.mark.parametrize(("name", "text"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_keepalived_has_nothing_against_it(name: str, text: str, tmp_path: Path) -> None:
    assert OUR_SCRIPT in text
    assert objections(text, tmp_path) == (0, "")


@pytest.mark.parametrize(("name", "text"), BALANCING, ids=[name for name, _ in BALANCING])
def test_each_real_server_is_checked_and_noted_under_its_own_address(name: str, text: str) -> None:
    """A block that was copied and changed in one place only would check one server and serve another."""
    servers = re.findall(r"^( +)real_server (\S+) \d+ \{$(.*?)^\1\}$", text, re.MULTILINE | re.DOTALL)
    assert servers
    for _, address, block in servers:
        commands = re.findall(r'"([^"]*keepalived-mysqlcheck[^"]*)"', block)
        hosts = [re.findall(r"--host (\S+)", command) for command in commands]
        assert hosts
        assert hosts == [[address]] * len(commands)
        hooks = re.findall(rf'^ +notify_(up|down) "{OUR_SCRIPT} notify-(\w+) --host', block, re.MULTILINE)
        assert all(event == command for event, command in hooks)


@pytest.mark.parametrize("path", GENERATED, ids=lambda path: path.name)
def test_a_director_file_is_what_the_command_in_its_head_writes(path: Path) -> None:
    """So generator and examples cannot drift apart; write them anew with that command and `--force -o`."""
    command = path.read_text().partition(BEGIN)[2].partition("\n#\n")[0]
    words = shlex.split(re.sub(r"^#", "", command, flags=re.MULTILINE))
    assert words[:2] == ["mysqlcheck", "keepalived-config"]
    assert written(*words[2:]) == path.read_text()


def test_all_director_files_are_generated() -> None:
    names = {path.name for path in FILES}
    assert names - {path.name for path in GENERATED} == {"source-failover.conf"}
    assert {"director.conf", "director-backup.conf", "director-plain.conf", "director-dynamic.conf"} < names


def test_the_two_directors_differ_in_their_priority_alone() -> None:
    first, second = (
        (TOP / "contrib/keepalived" / name).read_text() for name in ("director.conf", "director-backup.conf")
    )
    assert first != second
    assert re.sub(r"priority \d+", "priority", first) == re.sub(r"priority \d+", "priority", second)


def test_the_source_is_checked_as_the_source_and_a_failure_is_a_fault() -> None:
    """With a weight that only lowers the priority, the better of two bad servers would have the address."""
    text = (TOP / "contrib/keepalived/source-failover.conf").read_text()
    script = text.partition("vrrp_script mysql_source {")[2].partition("\n}")[0]
    assert f'script "{OUR_SCRIPT} --host 192.168.1.200 --role source"' in script
    assert re.search(r"^ +weight 0$", script, re.MULTILINE)
    assert re.search(r"^ +init_fail", script, re.MULTILINE)
