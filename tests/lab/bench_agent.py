"""The agent's part of `make bench`: what a look on a kept connection costs, with few servers and with many.

A server on loopback answers at every address of 127.0.0.0/8, so one real MariaDB stands for a thousand: each target has
an address, a connection, a thread and files of its own. All queries of the default rules, a verdict and a track file at
each look, metrics every 10 s; no TLS. Verdicts and track files are on a tmpfs, as /run is.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.command import COMMAND, environment
from tests.lab.topology import Topology
from tests.lab.waiting import wait_until
from tests.lab.watcher import WATCHER

CASES = ((10, 1.0, True), (1000, 1.0, True), (10, 0.1, False), (100, 0.1, False), (1000, 1.0, False))
"""How many servers, seconds between two looks at each, and whether metrics are written: that is done every 10 s for all
servers, and is no part of a look. Where there are none, the last two make as many looks a second."""
SECONDS = 30.0
TOGETHER, HUNG = 100, "0.0.0.0"  # every address of loopback; nobody is answered
TMPFS = Path("/dev/shm")


def measure(topology: Topology, folder: Path, seconds: float = SECONDS) -> list[dict[str, Any]]:
    """Run an agent for each case, and return what it cost; times in milliseconds."""
    topology.replica.sql("SET GLOBAL max_connections = 3000")
    return [
        _one(topology, folder / f"{size}-{interval}-{metrics}", size, interval, metrics, seconds)
        for size, interval, metrics in CASES
    ]


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
    topology: Topology, folder: Path, targets: Sequence[str], interval: float = 1.0, metrics: bool = True
) -> Iterator[subprocess.Popen[bytes]]:
    """Run an agent that looks at these."""
    folder.mkdir(parents=True)
    run = Path(tempfile.mkdtemp(prefix="mysqlcheck-bench-", dir=TMPFS if TMPFS.is_dir() else None))
    WATCHER.watch("folder", str(run))
    for name in ("weights", "verdicts"):
        (run / name).mkdir()
        (folder / name).symlink_to(run / name)
    config = folder / "mysqlcheck.toml"
    lines = [f'[defaults]\nuser = "{topology.monitor.user}"\ntls = "disabled"\ntrust_uptime = 0']
    lines.append(f"interval = {interval}")
    lines += [f'textfile = "{folder}/mysqlcheck.prom"'] if metrics else []
    for target in targets:
        lines.append(f'[target."{target}"]\ntrack_file = "{run}/weights/{target.partition(":")[0]}"')
    config.write_text("\n".join(lines) + "\n")
    variables = environment(
        {
            "MYSQLCHECK_PASSWORD": topology.monitor.password,
            "MYSQLCHECK_STATE_DIR": str(folder / "state"),
            "MYSQLCHECK_VERDICT_DIR": str(run / "verdicts"),
        }
    )
    with (folder / "log").open("wb") as log:
        agent = subprocess.Popen([*COMMAND, "agent", "--config", str(config)], env=variables, stdout=log, stderr=log)
    try:
        yield agent
    finally:
        agent.terminate()
        try:
            agent.wait(10)
        finally:
            shutil.rmtree(run)
            WATCHER.forget("folder", str(run))


def _one(topology: Topology, folder: Path, size: int, interval: float, metrics: bool, seconds: float) -> dict[str, Any]:
    targets = [f"{address}:{topology.replica.port}" for address in _addresses(size)]
    file, verdicts = folder / "mysqlcheck.prom", folder / "verdicts"
    with _agent(topology, folder, targets, interval, metrics) as agent:
        wait_until(
            lambda: len(os.listdir(verdicts)) >= size and file.exists() is metrics, "the agent's first files", 60
        )
        (looks, late), used, began = _looks(file), _cpu(agent.pid), time.monotonic()
        wait_until(
            lambda: time.monotonic() - began > seconds and (not metrics or _looks(file)[0] > looks), "its metrics", 120
        )
        spent, made = _cpu(agent.pid) - used, _looks(file)
        lasted = time.monotonic() - began
        resident = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{agent.pid}/status").read_text())
        return {
            "servers": size,
            "interval": interval,
            "metrics": metrics,
            "cpu_ms_per_look": round(spent * 1000 * interval / (size * lasted), 3),
            "of_a_core": round(spent / lasted, 4),
            "late": round((made[1] - late) / max(1, made[0] - looks), 5) if metrics else None,
            "resident_mb": round(int(resident[1]) / 1024) if resident else None,
        }


def _looks(metrics: Path) -> tuple[int, int]:
    """How many looks there were, and how many of them began late, as far as it is told."""
    text = metrics.read_text() if metrics.exists() else ""
    found = [
        re.search(rf"^mysqlcheck_agent_{name}_total (\S+)$", text, re.MULTILINE) for name in ("looks", "late_looks")
    ]
    return tuple(int(float(one[1])) if one else 0 for one in found)  # type: ignore[return-value]


def _cpu(pid: int) -> float:
    """User and system time of a process, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
