"""Whatever the generator is asked for, the real keepalived reads what it writes without a word."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from .asking import CHECK, EXAMPLE, REPLICAS, VIP, written
from .real import objections

FAMILIES = {
    "IPv4": ("192.168.1.10", "192.168.1.201", "192.168.1.202", "192.168.1.200"),
    "IPv6": ("2001:db8::10", "2001:db8::201", "[2001:db8::202]", "2001:db8::200"),
}
EVERYTHING = (
    *("--inhibit-on-failure", "--persistence-timeout", "300", "--delay-loop", "1.5", "--misc-timeout", "9"),
    *("--interface", "eth0", "--priority", "150", "--virtual-router-id", "7", "--weight", "50"),
)


@pytest.mark.parametrize("style", ["file", "plain", "dynamic"])
@pytest.mark.parametrize(("family", "method"), list(product(FAMILIES, ("DR", "NAT", "TUN"))))
def test_every_style_method_and_family(style: str, family: str, method: str, tmp_path: Path) -> None:
    vip, first, second, sorry = FAMILIES[family]
    least = ("--vip", vip, "--real-server", first, "--real-server", second, "--style", style, "--lvs-method", method)
    for more in ((), (*EVERYTHING, "--sorry-server", sorry)):
        assert objections(written(*least, *more, *CHECK), tmp_path) == (0, "")


@pytest.mark.parametrize(
    ("style", "scheduler"),
    [*product(("file", "plain", "dynamic"), ("wlc", "wrr", "sed", "nq")), ("plain", "rr"), ("plain", "lc")],
)
def test_every_scheduler(style: str, scheduler: str, tmp_path: Path) -> None:
    text = written(*EXAMPLE, "--style", style, "--scheduler", scheduler)
    assert f"\n    lvs_sched {scheduler}" in text
    assert objections(text, tmp_path) == (0, "")


def test_nat_may_lead_to_another_port(tmp_path: Path) -> None:
    servers = ("--real-server", "192.168.1.201:3307", "--sorry-server", "192.168.1.200:3308")
    text = written("--vip", "192.168.1.10:3309", *servers, "--lvs-method", "NAT", *CHECK)
    assert "virtual_server 192.168.1.10 3309 {" in text
    assert "real_server 192.168.1.201 3307 {" in text
    assert "sorry_server 192.168.1.200 3308" in text
    assert objections(text, tmp_path) == (0, "")


def test_a_tunnel_may_lead_from_ipv6_to_ipv4(tmp_path: Path) -> None:
    text = written("--vip", "2001:db8::10", *REPLICAS, "--lvs-method", "TUN", *CHECK)
    assert objections(text, tmp_path) == (0, "")


def test_two_virtual_servers_with_one_real_server_stand_in_one_file(tmp_path: Path) -> None:
    """Their track files differ, and one of the two leaves global_defs to the other."""
    readers = written(*EXAMPLE)
    reports = written("--vip", "192.168.1.11", *REPLICAS, *CHECK, "--no-global")
    assert "global_defs" not in reports
    assert objections(readers + reports, tmp_path) == (0, "")


def test_a_long_list_of_servers(tmp_path: Path) -> None:
    servers = [word for number in range(100, 180) for word in ("--real-server", f"192.168.1.{number}")]
    text = written(*VIP, *servers, *CHECK)
    assert text.count("MISC_CHECK") == 80
    assert objections(text, tmp_path) == (0, "")


@pytest.mark.parametrize(
    ("server", "method"), [("192.168.1.201:3307", "DR"), ("192.168.1.201:3307", "TUN"), ("2001:db8::1", "NAT")]
)
def test_what_the_generator_refuses_is_what_keepalived_warns_of(server: str, method: str, tmp_path: Path) -> None:
    """So the refusal is not stricter than it must be: the same block by hand gets exit code 5."""
    good = written(*VIP, "--real-server", "192.168.1.201", "--lvs-method", method, *CHECK)
    address, port = server.split(":") if "." in server else (server, "3306")
    bad = good.replace("real_server 192.168.1.201 3306", f"real_server {address} {port}")
    assert bad != good
    code, words = objections(bad, tmp_path)
    assert code == 5
    assert "match" in words
