"""The textfile is read by a real node_exporter, and promtool has nothing against it."""

from __future__ import annotations

import subprocess
import urllib.request
from pathlib import Path

import pytest

from tests.lab.server import free_port
from tests.lab.topology import Topology
from tests.lab.waiting import wait_until
from tests.real.checking import Checker

TOOLS = Path(__file__).parents[2] / ".cache" / "bin"


def tool(name: str) -> str:
    path = TOOLS / name
    if not path.exists():
        pytest.skip(f"no {name}: run tests/lab/install metrics")
    return str(path)


def test_promtool_finds_nothing_to_say(topology: Topology, tmp_path: Path) -> None:
    check, promtool = Checker(topology), tool("promtool")
    for server, role in ((topology.replica, "replica"), (topology.source, "source"), (topology.source, "replica")):
        file = tmp_path / "check.prom"
        check(server, "--role", role, "--textfile", str(file), "--weight", "100")
        ended = subprocess.run([promtool, "check", "metrics"], input=file.read_bytes(), capture_output=True)
        assert (ended.returncode, ended.stdout + ended.stderr) == (0, b"")


def test_promtool_finds_nothing_to_say_of_channels(topology: Topology, tmp_path: Path) -> None:
    promtool, file = tool("promtool"), tmp_path / "check.prom"
    topology.configure_replication(topology.replica, "second", topology.replicas[1])
    try:
        Checker(topology)(topology.replica, "--channel=default,second,third", "--textfile", str(file))
    finally:
        topology.forget_replication(topology.replica, "second")
    text = file.read_bytes()
    assert text.count(b"\nmysqlcheck_channel_lag_seconds{") == 3
    ended = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True)
    assert (ended.returncode, ended.stdout + ended.stderr) == (0, b"")


def test_node_exporter_exports_every_target_and_role(topology: Topology, tmp_path: Path) -> None:
    check, exporter = Checker(topology), tool("prometheus-node-exporter")
    topology.stop_sql_thread(topology.replica)
    check(topology.replica, "--textfile", str(tmp_path), "--weight", "100")
    check(topology.source, "--role", "source", "--textfile", str(tmp_path))
    port = free_port()
    options = ["--collector.disable-defaults", "--collector.textfile", f"--collector.textfile.directory={tmp_path}"]
    running = subprocess.Popen(
        [exporter, *options, f"--web.listen-address=127.0.0.1:{port}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    text = ""

    def scraped() -> bool:
        nonlocal text
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                text = answer.read().decode()
        except OSError:
            return False
        return True

    try:
        wait_until(scraped, "node_exporter to answer")
    finally:
        running.terminate()
        running.wait()
    replica = f'role="replica",target="127.0.0.1:{topology.replica.port}"'
    source = f'role="source",target="127.0.0.1:{topology.source.port}"'
    assert f'mysqlcheck_decision{{decision="fail",{replica}}} 1' in text
    assert f'mysqlcheck_reason{{code="sql_stopped",{replica}}} 1' in text
    assert f"mysqlcheck_exit_code{{{replica}}} 1" in text
    assert f"mysqlcheck_lag_seconds{{{replica}}} NaN" in text
    assert f'mysqlcheck_decision{{decision="serve",{source}}} 1' in text
    assert "node_textfile_scrape_error 0" in text
