"""The files for the network of directors and real servers, as far as they can be tried without changing a machine."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parents[2] / "contrib/keepalived"
VIP = "192.168.1.10"
SYSCTLS = ("director/sysctl.conf", "real-server/sysctl.conf")
ADDRESSES = ("10-lo-vip.network", "netplan-lo-vip.yaml", "interfaces-lo-vip", "ifcfg-lo:0", "networkmanager.sh")


def content(name: str) -> list[str]:
    """The lines of a file that are no comment."""
    lines = (HERE / name).read_text().splitlines()
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


def sysctls(name: str) -> dict[str, int]:
    """The settings of a sysctl file."""
    pairs = [re.fullmatch(r"([\w.]+) = (\d+)", line) for line in content(name)]
    assert all(pairs)
    return {pair[1]: int(pair[2]) for pair in pairs if pair}


@pytest.mark.parametrize("name", SYSCTLS)
def test_every_sysctl_is_one_that_the_kernel_has(name: str) -> None:
    """net.ipv4.vs is only there with the module ip_vs; everything else is everywhere."""
    for key in sysctls(name):
        path = Path("/proc/sys") / key.replace(".", "/")
        if key.startswith("net.ipv4.vs.") and not path.parent.exists():
            continue
        assert path.exists(), key


def test_a_real_server_is_silent_about_the_address_on_its_lo() -> None:
    found = sysctls("real-server/sysctl.conf")
    assert found == {
        f"net.ipv4.conf.{interface}.{key}": value
        for interface in ("all", "lo")
        for key, value in (("arp_ignore", 1), ("arp_announce", 2))
    }


def test_a_director_tells_the_clients_of_a_server_that_left() -> None:
    assert sysctls("director/sysctl.conf") == {
        "net.ipv4.vs.expire_nodest_conn": 1,
        "net.ipv4.vs.expire_quiescent_template": 1,
    }
    assert content("director/modules-load.conf") == ["ip_vs"]


@pytest.mark.parametrize("name", ADDRESSES)
def test_the_address_is_on_lo_and_is_no_network(name: str) -> None:
    """With a wider mask than /32 lo would take the whole network for its own."""
    text = "\n".join(content(f"real-server/{name}"))
    assert re.search(r"\blo\b", text)
    assert re.search(rf"{VIP}/32\b|{VIP}\nNETMASK=255\.255\.255\.255$", text, re.MULTILINE)


@pytest.mark.parametrize("name", ADDRESSES)
def test_it_says_where_it_goes_how_to_look_and_what_mysql_needs(name: str) -> None:
    text = (HERE / "real-server" / name).read_text()
    assert re.search(r"into /etc/\S+|run this once", text)
    for words in ("sysctl.conf beside this file", "ip -4 addr show lo", "bind_address"):
        assert words in text


def test_the_networkd_file_has_the_sections_of_one() -> None:
    parser = configparser.ConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's keys have capitals
    parser.read_string((HERE / "real-server/10-lo-vip.network").read_text())
    assert {name: dict(parser[name]) for name in parser.sections()} == {
        "Match": {"Name": "lo"},
        "Network": {"Address": f"{VIP}/32"},
    }


@pytest.mark.parametrize("name", ["networkmanager.sh", "ifcfg-lo:0"])
def test_a_shell_file_is_one(name: str) -> None:
    ended = subprocess.run(["sh", "-n", str(HERE / "real-server" / name)], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_the_directories_of_tmpfiles_d_are_those_of_the_commands() -> None:
    rows = [line.split() for line in content("tmpfiles.d/mysqlcheck.conf")]
    assert [(kind, path, user) for kind, path, _, user, *_ in rows] == [
        ("d", "/run/mysqlcheck", "root"),
        ("d", "/run/mysqlcheck/weights", "keepalived_script"),
        ("d", "/var/lib/mysqlcheck", "keepalived_script"),
    ]
    assert all(age == "-" for *_, age in rows)  # keepalived stops to watch a directory that is removed


def test_systemd_makes_the_directories(tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root makes directories for others")
    if shutil.which("systemd-tmpfiles") is None:
        pytest.skip("needs systemd-tmpfiles: run tests/lab/install director")
    etc = tmp_path / "etc"
    etc.mkdir()
    (etc / "passwd").write_text("root:x:0:0::/:/bin/sh\nkeepalived_script:x:4711:4711::/:/bin/false\n")
    (etc / "group").write_text("root:x:0:\nkeepalived_script:x:4711:\n")
    command = ["systemd-tmpfiles", "--create", f"--root={tmp_path}", str(HERE / "tmpfiles.d/mysqlcheck.conf")]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
    for path, owner in (("run/mysqlcheck", 0), ("run/mysqlcheck/weights", 4711), ("var/lib/mysqlcheck", 4711)):
        found = (tmp_path / path).stat()
        assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (owner, 0o755)


def test_the_readme_names_every_file() -> None:
    links = set(re.findall(r"\]\(([^)]+)\)", (HERE / "README.md").read_text()))
    files = {str(path.relative_to(HERE)) for path in HERE.rglob("*") if path.is_file() and path.name != "README.md"}
    assert links == files
