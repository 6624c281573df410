"""The agent's part of `make bench`: what a look on a kept connection costs, with few servers and with many.

A server on loopback answers at every address of 127.0.0.0/8, so one real MariaDB stands for a thousand: each target has
an address, a connection, a thread and files of its own. All queries of the default rules, a verdict and a track file at
each look, metrics every 10 s; no TLS.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.command import COMMAND, environment
from tests.lab.topology import Topology
from tests.lab.waiting import wait_until

CASES = ((10, 1.0), (100, 0.1), (1000, 1.0))
"""How many servers, and seconds between two looks at each. The last two make as many looks a second."""
SECONDS = 30.0
TOGETHER, HUNG = 100, "0.0.0.0"  # every address of loopback; nobody is answered
METRICS = 10.0
"""Seconds between two metrics files."""


def measure(topology: Topology, folder: Path, seconds: float = SECONDS) -> list[dict[str, Any]]:
    """Run an agent for each case, and return what it cost; times in milliseconds."""
    topology.replica.sql("SET GLOBAL max_connections = 3000")
    return [_one(topology, folder / str(size), size, interval, seconds) for size, interval in CASES]


def beside_hung_servers(topology: Topology, folder: Path, seconds: float = SECONDS) -> list[dict[str, Any]]:
    """Let an agent look at servers, of which first none and then half accept connections and answer nobody.

    Returns how late looks at the others were, in milliseconds: behind the earliest of the same server.
    """
    with socket.create_server((HUNG, 0), backlog=1024) as deaf:
        healthy = [f"{address}:{topology.replica.port}" for address in _addresses(TOGETHER)]
        found = []
        for hung in (0, TOGETHER // 2):
            beside = [f"127.1.0.{number + 1}:{deaf.getsockname()[1]}" for number in range(hung)]
            place, watched = folder / f"hung-{hung}", healthy[hung:]
            with _agent(topology, place, [*watched, *beside]):
                files = [place / "verdicts" / target.replace(":", "_3a_") for target in watched]
                wait_until(lambda files=files: all(file.exists() for file in files), "verdicts", 60)  # type: ignore[misc]
                late = sorted(_lateness(files, seconds))
            found.append(
                {
                    "servers": TOGETHER,
                    "hung": hung,
                    **{f"late_{share}_ms": _at(late, share) for share in (50, 99)},
                    "late_most_ms": round(late[-1] * 1000, 1),
                }
            )
    return found


def _lateness(files: Sequence[Path], seconds: float) -> Iterator[float]:
    """Yield by how many seconds each look at each server was behind the earliest, from when its verdict was written."""
    times = [set[int]() for _ in files]
    end = time.monotonic() + seconds

    def sampled() -> bool:
        for seen, file in zip(times, files, strict=True):
            seen.add(file.stat().st_mtime_ns)
        return time.monotonic() > end

    wait_until(sampled, "the looks to be watched", 2 * seconds + 30, every=0.1)
    for seen in times:
        first = min(seen)
        phases = [(moment - first) / 1e9 - round((moment - first) / 1e9) for moment in sorted(seen)]
        yield from (phase - min(phases) for phase in phases)


def _at(sorted_seconds: Sequence[float], share: int) -> float:
    """The value in milliseconds below which so many percent are."""
    return round(sorted_seconds[len(sorted_seconds) * share // 100] * 1000, 1)


def _addresses(size: int) -> list[str]:
    return [f"127.0.{number // 250}.{number % 250 + 1}" for number in range(size)]


@contextmanager
def _agent(
    topology: Topology, folder: Path, targets: Sequence[str], interval: float = 1.0
) -> Iterator[subprocess.Popen[bytes]]:
    """Run an agent that looks at these."""
    (folder / "weights").mkdir(parents=True)
    config = folder / "mysqlcheck.toml"
    lines = [f'[defaults]\nuser = "{topology.monitor.user}"\ntls = "disabled"\ntrust_uptime = 0']
    lines.append(f'interval = {interval}\ntextfile = "{folder}/mysqlcheck.prom"')
    for target in targets:
        lines.append(f'[target."{target}"]\ntrack_file = "{folder}/weights/{target.partition(":")[0]}"')
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
        yield agent
    finally:
        agent.terminate()
        agent.wait(10)


def _one(topology: Topology, folder: Path, size: int, interval: float, seconds: float) -> dict[str, Any]:
    metrics = folder / "mysqlcheck.prom"
    targets = [f"{address}:{topology.replica.port}" for address in _addresses(size)]
    with _agent(topology, folder, targets, interval) as agent:
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
            "interval": interval,
            "cpu_ms_per_look": round(spent * 1000 * interval / (size * lasted), 3),
            "of_a_core": round(spent / lasted, 4),
            "looks_per_second": round((made[0] - looks) / (METRICS * max(1, round(lasted / METRICS))), 1),
            "late": round((made[1] - late) / max(1, made[0] - looks), 5),
            "resident_mb": round(int(resident[1]) / 1024) if resident else None,
        }


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
