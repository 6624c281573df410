"""Hosts: network namespaces on one bridge, each with an address of 192.168.1.0/24 on eth0."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

VIP = "192.168.1.10"
HOSTS = {
    "client": "192.168.1.5",
    "director1": "192.168.1.100",
    "director2": "192.168.1.101",
    "source": "192.168.1.200",
    "r1": "192.168.1.201",
    "r2": "192.168.1.202",
}
REAL_SERVERS, DIRECTORS = ("r1", "r2", "source"), ("director1", "director2")
"""By direct routing the sorry server, which is the source here, is set up as the real servers are."""


def run(*command: str, host: str | None = None, check: bool = True, limit: float = 60.0) -> str:
    """Run a program, on a host if one is named, and return what it printed."""
    words = inside(host, command) if host else list(command)
    ended = subprocess.run(words, capture_output=True, text=True, timeout=limit)
    if check and ended.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: exit {ended.returncode}: {ended.stdout}{ended.stderr}")
    return ended.stdout


def inside(host: str, command: Sequence[str]) -> list[str]:
    """The command line that runs this on a host."""
    return ["ip", "netns", "exec", host, *command]


def build(contrib: Path) -> None:
    """Make the bridge and the hosts, and set them up with the files that operators get."""
    run("modprobe", "-a", "ip_vs", "ip_vs_wlc", check=False)  # they may be built in
    run("dmesg", "--console-level", "1", check=False)  # IPVS tells the console of each client that finds nobody
    run("ip", "link", "add", "lab", "type", "bridge")
    run("ip", "link", "set", "lab", "up")
    for host, address in HOSTS.items():
        run("ip", "netns", "add", host)
        run("ip", "link", "add", f"to-{host}", "type", "veth", "peer", "name", "eth0", "netns", host)
        run("ip", "link", "set", f"to-{host}", "master", "lab", "up")
        run("ip", "address", "add", f"{address}/24", "dev", "eth0", host=host)
        for device in ("lo", "eth0"):
            run("ip", "link", "set", device, "up", host=host)
    for host in REAL_SERVERS:
        run("sysctl", "-q", "-p", str(contrib / "real-server/sysctl.conf"), host=host)
        run("ip", "address", "add", f"{VIP}/32", "dev", "lo", host=host)
    for host in DIRECTORS:
        run("sysctl", "-q", "-p", str(contrib / "director/sysctl.conf"), host=host)
