"""What we hand out for keepalived.conf is read by the real keepalived without a word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .reading import OUR_SCRIPT, nothing_against

TOP = Path(__file__).parents[2]


def examples() -> list[tuple[str, str]]:
    """Every whole file of contrib/keepalived, and README's block within a virtual server."""
    whole = [(path.name, path.read_text()) for path in sorted((TOP / "contrib/keepalived").glob("*.conf"))]
    block = re.search(r"^( +)real_server .*?^\1}$", (TOP / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert block is not None
    methods = "delay_loop 2\nlvs_sched wlc\nlvs_method DR\nprotocol TCP\n"
    server = f"virtual_server 192.168.1.10 3306 {{\n{methods}{block[0]}\n}}\n"
    return [*whole, ("README.md", f"global_defs {{\n script_user root\n enable_script_security\n}}\n{server}")]


DIRECTORS = [(name, text) for name, text in examples() if "real_server" in text]


@pytest.mark.parametrize(("name", "text"), examples(), ids=[name for name, _ in examples()])
def test_keepalived_has_nothing_against_it(name: str, text: str, tmp_path: Path) -> None:
    nothing_against(text, tmp_path)


@pytest.mark.parametrize(("name", "text"), DIRECTORS, ids=[name for name, _ in DIRECTORS])
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
