"""What we hand out for keepalived.conf is read by the real keepalived without a word."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
OUR_SCRIPT = "/opt/mysqlcheck/bin/keepalived-mysqlcheck"
SEARCH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"


def examples() -> list[tuple[str, str]]:
    """Every whole file of contrib/keepalived, and README's block within a virtual server."""
    whole = [(path.name, path.read_text()) for path in sorted((TOP / "contrib/keepalived").glob("*.conf"))]
    block = re.search(r"^( +)real_server .*?^\1}$", (TOP / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert block is not None
    methods = "delay_loop 2\nlvs_sched wlc\nlvs_method DR\nprotocol TCP\n"
    server = f"virtual_server 192.168.1.10 3306 {{\n{methods}{block[0]}\n}}\n"
    return [*whole, ("README.md", f"global_defs {{\n script_user root\n enable_script_security\n}}\n{server}")]


@pytest.mark.parametrize(("name", "text"), examples(), ids=[name for name, _ in examples()])
def test_keepalived_has_nothing_against_it(name: str, text: str, tmp_path: Path) -> None:
    keepalived = shutil.which("keepalived", path=SEARCH)
    if keepalived is None or os.getuid() != 0:
        why = "needs root and keepalived: run tests/lab/install director"
        if os.environ.get("TEST_REQUIRE"):
            pytest.fail(why)
        pytest.skip(why)
    assert OUR_SCRIPT in text
    # keepalived asks whether the script exists and is safe, and whether its user does; here neither is installed
    text = text.replace(OUR_SCRIPT, "/usr/bin/true").replace("script_user keepalived_script", "script_user root")
    text = text.replace("/run/mysqlcheck/weights", str(tmp_path))
    file = tmp_path / "keepalived.conf"
    file.write_text(text)
    ended = subprocess.run([keepalived, "-t", "-f", str(file)], capture_output=True, text=True, timeout=30)
    assert (ended.returncode, ended.stdout + ended.stderr) == (0, "")


@pytest.mark.parametrize(("name", "text"), examples(), ids=[name for name, _ in examples()])
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
