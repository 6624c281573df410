"""The files that go beside keepalived.conf: they name the same addresses, and what the system knows."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import pytest

from mysqlcheck.keepalived.generate import Plan, render
from mysqlcheck.model import Target

CONTRIB = Path(__file__).parents[2] / "contrib/keepalived"
VIP, REPLICAS = Target("192.168.1.10"), (Target("192.168.1.201"), Target("192.168.1.202"))
PLAN = Plan(VIP, REPLICAS, "/opt/mysqlcheck/bin/keepalived-mysqlcheck --host %s")
FILES = sorted(path for path in CONTRIB.rglob("*") if path.is_file())


def statements(name: str) -> list[str]:
    """The lines of a file without its comments."""
    lines = (CONTRIB / name).read_text().splitlines()
    return [bare for line in lines if (bare := re.sub(r"(^| +)#.*", "", line))]


@pytest.mark.parametrize("name", ["director.conf", "director-backup.conf"])
def test_a_director_has_what_keepalived_config_writes(name: str) -> None:
    assert render(PLAN) in (CONTRIB / name).read_text()


def test_the_second_director_differs_in_its_priority_alone() -> None:
    first, second = statements("director.conf"), statements("director-backup.conf")
    different = [pair for pair in zip(first, second, strict=True) if pair[0] != pair[1]]
    assert [(one.split()[0], other.split()[0]) for one, other in different] == [("priority", "priority")]


@pytest.mark.parametrize("name", ["10-lo-vip.network", "lo-vip.yaml", "interfaces-lo-vip", "ifcfg-lo:0"])
def test_the_vip_stands_on_lo_alone_in_every_style(name: str) -> None:
    text = "\n".join(statements(f"real-server/{name}"))
    assert re.search(r"192\.168\.1\.10(/32|\nNETMASK=255\.255\.255\.255)", text)
    assert re.search(r"\blo\b", text)


def test_networkd_can_read_its_file() -> None:
    parser = configparser.ConfigParser()
    parser.read(CONTRIB / "real-server/10-lo-vip.network")
    assert {name: dict(parser[name]) for name in parser.sections()} == {
        "Match": {"name": "lo"},
        "Address": {"address": "192.168.1.10/32"},
    }


@pytest.mark.parametrize("path", sorted(CONTRIB.glob("*/90-*.conf")), ids=lambda path: path.name)
def test_the_kernel_knows_every_sysctl(path: Path) -> None:
    """Those of ip_vs are there once the module is loaded; which this machine may not have."""
    keys = re.findall(r"^#?(net[\w.]+) = [012]$", path.read_text(), re.MULTILINE)
    assert len(keys) >= 3
    for key in keys:
        there = Path("/proc/sys", *key.split("."))
        assert there.exists() or key.startswith("net.ipv4.vs."), key


def test_the_directories_are_those_that_the_director_s_file_names() -> None:
    made = [line.split()[1] for line in statements("tmpfiles.d/mysqlcheck.conf")]
    assert PLAN.track_dir in made
    assert "/var/lib/mysqlcheck" in made


def test_every_file_is_in_the_readme() -> None:
    page = (CONTRIB / "README.md").read_text()
    assert [path.name for path in FILES if path.name != "README.md" and path.name not in page] == []
