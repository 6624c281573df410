"""The agent's part of `make bench`: what a look on a kept connection costs, with few servers and with many.

A server on loopback answers at every address of 127.0.0.0/8, so one real MariaDB stands for a thousand: each target has
an address, a connection, a thread and files of its own. All queries of the default rules, a verdict and a track file at
each look, metrics every 10 s; no TLS.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.command import COMMAND, environment
from tests.lab.topology import Topology
from tests.lab.waiting import wait_until

SIZES = (10, 1000)
SECONDS = 30.0
METRICS = 10.0
"""Seconds between two metrics files."""


def measure(topology: Topology, folder: Path, seconds: float = SECONDS) -> list[dict[str, Any]]:
    """Run an agent for each size, and return what it cost; times in milliseconds."""
    topology.replica.sql("SET GLOBAL max_connections = 3000")
    return [_one(topology, folder / str(size), size, seconds) for size in SIZES]


def _one(topology: Topology, folder: Path, size: int, seconds: float) -> dict[str, Any]:
    (folder / "weights").mkdir(parents=True)
    config, metrics = folder / "mysqlcheck.toml", folder / "mysqlcheck.prom"
    lines = [
        f'[defaults]\nuser = "{topology.monitor.user}"\ntls = "disabled"\ntextfile = "{metrics}"\ntrust_uptime = 0'
    ]
    for number in range(size):
        address = f"127.0.{number // 250}.{number % 250 + 1}"
        lines.append(f'[target."{address}:{topology.replica.port}"]\ntrack_file = "{folder}/weights/{address}"')
    config.write_text("\n".join(lines) + "\n")
    variables = environment(
        {
            "MYSQLCHECK_PASSWORD": topology.monitor.password,
            "MYSQLCHECK_STATE_DIR": str(folder / "state"),
            "MYSQLCHECK_VERDICT_DIR": str(folder / "verdicts"),
        }
    )
    with (folder / "log").open("wb") as log:
        agent = subprocess.Popen([*COMMAND, "agent", "--config", str(config)], env=variables, stdout=log, stderr=log)
    try:
        wait_until(metrics.exists, "the agent's first metrics", 60)
        looks, late, used, began = *_looks(metrics), _cpu(agent.pid), time.monotonic()
        wait_until(
            lambda: time.monotonic() - began > seconds and _looks(metrics)[0] > looks, "the agent's metrics", 120
        )
        spent, made = _cpu(agent.pid) - used, _looks(metrics)
        lasted = time.monotonic() - began
        resident = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{agent.pid}/status").read_text())
        return {
            "servers": size,
            "cpu_ms_per_look": round(spent * 1000 / (size * lasted), 3),
            "of_a_core": round(spent / lasted, 4),
            "looks_per_second": round((made[0] - looks) / (METRICS * max(1, round(lasted / METRICS))), 1),
            "late": round((made[1] - late) / max(1, made[0] - looks), 5),
            "resident_mb": round(int(resident[1]) / 1024) if resident else None,
        }
    finally:
        agent.terminate()
        agent.wait(10)


def _looks(metrics: Path) -> tuple[int, int]:
    """How many looks there were, and how many of them began late."""
    text = metrics.read_text()
    found = [
        re.search(rf"^mysqlcheck_agent_{name}_total (\S+)$", text, re.MULTILINE) for name in ("looks", "late_looks")
    ]
    return tuple(int(float(one[1])) if one else 0 for one in found)  # type: ignore[return-value]


def _cpu(pid: int) -> float:
    """User and system time of a process, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
