"""source-failover.conf on two real keepalived in network namespaces of their own: where the address is, and when."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.keepalived.real import OUR_SCRIPT, keepalived
from tests.lab.waiting import wait_until

FILE = Path(__file__).parents[2] / "contrib/keepalived/source-failover.conf"
ADDRESS = "192.168.1.20"


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout


class Node(NamedTuple):
    """One of the two database servers; a file stands for "its check passes"."""

    namespace: str
    writable: Path

    @property
    def has_the_address(self) -> bool:
        return f" {ADDRESS}/" in run("ip", "-n", self.namespace, "-4", "addr", "show", "eth0")


def configuration(own: str, peer: str, priority: int, writable: Path) -> str:
    """The file with the marked lines changed, and a check that anybody can let pass."""
    text = re.sub(rf'"{OUR_SCRIPT}[^"]*"', f'"/usr/bin/test -e {writable}"', FILE.read_text())
    text = re.sub(r"unicast_src_ip \S+", f"unicast_src_ip {own}", text)
    text = re.sub(r"(unicast_peer \{\n +)\S+", rf"\g<1>{peer}", text)
    text = text.replace("priority 150", f"priority {priority}").replace("interval 2", "interval 1")
    return text.replace("script_user keepalived_script", "script_user root")


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Node, Node]]:
    """Two servers on one cable, keepalived on both."""
    keepalived()
    if shutil.which("ip") is None:
        pytest.skip("needs ip: run tests/lab/install director")
    first, second = (Node(f"mysqlcheck-{name}-{os.getpid()}", tmp_path / name) for name in ("a", "b"))
    addresses = {first: "192.168.1.200", second: "192.168.1.201"}
    with ExitStack() as stack:
        for node in addresses:
            run("ip", "netns", "add", node.namespace)
            stack.callback(run, "ip", "netns", "del", node.namespace)
            # so that hardly anything but adverts is on the cable, which a test counts
            run("ip", "netns", "exec", node.namespace, "sysctl", "-q", "net.ipv6.conf.all.disable_ipv6=1")
        cable = ("eth0", "netns", first.namespace, "type", "veth", "peer", "name", "eth0", "netns", second.namespace)
        run("ip", "link", "add", "name", *cable)
        for node, address in addresses.items():
            run("ip", "-n", node.namespace, "addr", "add", f"{address}/24", "dev", "eth0")
            for interface in ("lo", "eth0"):
                run("ip", "-n", node.namespace, "link", "set", interface, "up")
        for node, other, priority in ((first, second, 150), (second, first, 100)):
            stack.enter_context(Keepalived(node, addresses[node], addresses[other], priority))
        yield first, second


class Keepalived:
    """The daemon, VRRP alone, in the foreground; ended with the test."""

    def __init__(self, node: Node, own: str, peer: str, priority: int) -> None:
        file = node.writable.with_suffix(".conf")
        file.write_text(configuration(own, peer, priority, node.writable))
        options = ["--dont-fork", "--vrrp", "--log-console", "--use-file", str(file)]
        options += ["--pid", f"{file}.pid", "--vrrp_pid", f"{file}.vrrp"]
        self.command = ["ip", "netns", "exec", node.namespace, keepalived(), *options]
        self.log = file.with_suffix(".log")

    def __enter__(self) -> None:
        with self.log.open("w") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(30)


def test_the_address_follows_the_server_that_is_the_source(pair: tuple[Node, Node]) -> None:
    first, second = pair

    def only(node: Node) -> bool:
        other = second if node is first else first
        return node.has_the_address and not other.has_the_address

    first.writable.touch()
    wait_until(lambda: only(first), "the source to have the address")
    first.writable.unlink()
    wait_until(lambda: not first.has_the_address, "a source that fails to give it up")
    assert not second.has_the_address  # a replica, which nobody has promoted
    second.writable.touch()
    wait_until(lambda: only(second), "the promoted one to have it")


def test_a_source_that_comes_back_does_not_take_the_address_from_the_new_one(pair: tuple[Node, Node]) -> None:
    """Although its priority is higher: nopreempt."""
    first, second = pair
    log = first.writable.with_suffix(".log")
    second.writable.touch()
    wait_until(lambda: second.has_the_address, "the source to have the address")
    first.writable.touch()
    wait_until(lambda: "Entering BACKUP STATE" in log.read_text(), "the other to be ready for it")
    adverts = 6  # one of a lower priority is enough to be preempted
    before = received(first)
    wait_until(lambda: received(first) >= before + adverts, f"{adverts} adverts")
    assert second.has_the_address
    assert not first.has_the_address


def received(node: Node) -> int:
    """How many packets have come in; on this cable they are adverts."""
    return int(run("ip", "netns", "exec", node.namespace, "cat", "/sys/class/net/eth0/statistics/rx_packets"))
