"""`mysqlcheck doctor` on real servers: what the account may do, the line, the verdict, and who answers at the VIP."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.command import mysqlcheck
from tests.lab.accounts import MONITOR_ACCOUNT
from tests.lab.local import LocalMariaDB
from tests.lab.server import Server
from tests.lab.topology import Topology
from tests.real.balancer import ADDRESS, Balancer
from tests.real.checking import where

Doctor = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def doctor(topology: Topology, tmp_path: Path) -> Doctor:
    """Returns what the doctor says of servers and of a virtual address, without this machine's keepalived.conf."""
    conf = tmp_path / "keepalived.conf"
    conf.touch()

    def run(*arguments: str, password: str | None = None) -> list[dict[str, Any]]:
        secret = topology.monitor.password if password is None else password
        options = ("--conf", str(conf), "--output", "json", "--timeout", "5s")
        ended = mysqlcheck("doctor", *options, *arguments, password=secret)
        assert secret not in ended.out + ended.err
        assert "Traceback" not in ended.err, ended.err
        found: list[dict[str, Any]] = ended.json["findings"]
        assert ended.code == int(any(one["level"] == "problem" for one in found))
        return [one for one in found if one["subject"] in ("The servers", "The virtual address")]

    return run


def codes(findings: list[dict[str, Any]]) -> list[str]:
    return [one["code"] for one in findings if one["code"]]


def test_nothing_is_wrong_with_the_account_that_grants_makes(topology: Topology, doctor: Doctor) -> None:
    findings = doctor(*where(topology.replica))
    assert codes(findings) == []
    text = findings[0]["text"]
    assert text.startswith(f"SERVE 127.0.0.1:{topology.replica.port} ")
    assert ".".join(map(str, topology.replica.version[:2])) in text
    assert "asked as mysqlcheck@%" in text


def test_a_missing_privilege_comes_with_the_statement_that_mends_it(topology: Topology, doctor: Doctor) -> None:
    topology.set_monitor_grants()
    topology.wait_until_caught_up(topology.replica)
    (finding,) = (one for one in doctor(*where(topology.replica)) if one["code"])
    assert (finding["code"], finding["level"]) == ("privilege_missing", "problem")
    grant = re.search(r"GRANT .* ON \*\.\* TO \S+(?=;)", finding["advice"])
    assert grant is not None
    topology.source.sql(grant[0])
    topology.wait_until_caught_up(topology.replica)
    assert codes(doctor(*where(topology.replica))) == []


@pytest.mark.parametrize(
    ("grant", "word"),
    [
        (f"GRANT ALL PRIVILEGES ON *.* TO {MONITOR_ACCOUNT}", " ON *.*"),  # MySQL lists them one by one
        (f"GRANT SUPER ON *.* TO {MONITOR_ACCOUNT}", "SUPER ON *.*"),
        (f"GRANT INSERT ON lab.* TO {MONITOR_ACCOUNT}", "INSERT ON lab.*"),
    ],
)
def test_more_than_is_needed_is_a_warning(topology: Topology, doctor: Doctor, grant: str, word: str) -> None:
    topology.set_monitor_grants(*topology.monitor.grants, grant)
    topology.wait_until_caught_up(topology.replica)
    (finding,) = (one for one in doctor(*where(topology.replica)) if one["code"])
    assert (finding["code"], finding["level"]) == ("privileges_beyond", "warning")
    assert word in finding["text"]


def test_a_password_that_will_expire_is_a_warning(topology: Topology, doctor: Doctor) -> None:
    topology.replica.sql_here_only(f"ALTER USER {MONITOR_ACCOUNT} PASSWORD EXPIRE INTERVAL 90 DAY")
    (finding,) = (one for one in doctor(*where(topology.replica)) if one["code"])
    assert finding["code"] == "password_expires"
    assert "90 days" in finding["text"]
    assert finding["advice"] == f"On the source: ALTER USER {MONITOR_ACCOUNT} PASSWORD EXPIRE NEVER;"


def test_a_wrong_password_is_a_problem(topology: Topology, doctor: Doctor) -> None:
    findings = doctor(*where(topology.replica), password="not the right one")
    assert codes(findings) == ["login_failed"]
    assert "1045" in findings[0]["text"]


def test_a_server_that_may_not_serve_is_a_warning_in_the_check_s_own_words(topology: Topology, doctor: Doctor) -> None:
    topology.stop_sql_thread(topology.replica)
    (finding,) = (one for one in doctor(*where(topology.replica)) if one["code"])
    assert (finding["code"], finding["level"]) == ("not_serving", "warning")
    assert finding["text"].startswith(f"FAIL 127.0.0.1:{topology.replica.port} sql_stopped: ")


def test_the_line_is_told_as_it_was_negotiated(topology: Topology, doctor: Doctor) -> None:
    variables = topology.replica.sql("SHOW GLOBAL VARIABLES WHERE Variable_name IN ('have_ssl', 'ssl_cert')")
    with_tls = topology.replica.flavor == "mysql" or {"YES"} & {row["Value"] for row in variables}
    lines = [one for one in doctor(*where(topology.replica)) if "TLSv1" in one["text"]]
    assert bool(lines) is bool(with_tls)


# The virtual address


def virtual_server(vip: str, servers: list[Server], method: str) -> str:
    address, _, port = vip.partition(":")
    reals = "".join(f" real_server {server.host} {server.port} {{\n }}\n" for server in servers)
    return f"virtual_server {address} {port} {{\n protocol TCP\n lvs_method {method}\n alpha\n{reals}}}\n"


def targets(servers: list[Server]) -> str:
    return "".join(f'[target."{server.host}:{server.port}"]\n' for server in servers)


@pytest.fixture
def both(topology: Topology, doctor: Doctor, tmp_path: Path) -> Doctor:
    """The doctor, who knows both replicas and the virtual server behind which they are; not by direct routing."""
    (tmp_path / "mysqlcheck.toml").write_text(targets(topology.replicas))

    def run(vip: str) -> list[dict[str, Any]]:
        (tmp_path / "keepalived.conf").write_text(virtual_server(vip, topology.replicas, "NAT"))
        findings = doctor("--config", str(tmp_path / "mysqlcheck.toml"), "--vip", vip)
        return [one for one in findings if one["subject"] == "The virtual address"]

    return run


def test_every_server_answers_at_the_virtual_address(topology: Topology, both: Doctor) -> None:
    with Balancer(topology.replicas) as balancer:
        findings = both(balancer.vip)
    assert codes(findings) == []
    for server, one in zip(topology.replicas, findings, strict=True):
        assert one["text"] == f"127.0.0.1:{server.port} answered at {balancer.vip}, 1 of 2 connections"


def test_one_that_never_answers_there_is_named(topology: Topology, both: Doctor) -> None:
    with Balancer([topology.replicas[0], None]) as balancer:
        findings = both(balancer.vip)
    assert codes(findings) == ["vip_unanswered"]
    (finding,) = (one for one in findings if one["code"])
    assert finding["text"].startswith(f"127.0.0.1:{topology.replicas[1].port} never answered at {balancer.vip} (")
    assert "ip -4 address show lo" in finding["advice"]


def test_one_that_is_drained_is_not_blamed(topology: Topology, both: Doctor) -> None:
    topology.stop_sql_thread(topology.replicas[1])
    with Balancer([topology.replicas[0]]) as balancer:
        assert codes(both(balancer.vip)) == ["vip_not_serving"]


def test_somebody_who_was_not_asked_is_noticed(topology: Topology, both: Doctor) -> None:
    with Balancer([topology.source, *topology.replicas]) as balancer:
        assert codes(both(balancer.vip)) == ["vip_stranger"]


def test_a_server_that_does_not_listen_there_is_a_problem(topology: Topology, doctor: Doctor) -> None:
    """The lab's servers listen to 127.0.0.1 alone; what no keepalived.conf knows is direct routing."""
    findings = doctor(*where(topology.replica), "--vip", f"{ADDRESS}:{topology.replica.port}")
    assert codes(findings) == ["vip_not_bound", "vip_dead"]
    assert "listens to '127.0.0.1'" in findings[-2]["text"]


def test_a_machine_that_has_the_address_itself_says_that_it_cannot_try(topology: Topology, doctor: Doctor) -> None:
    findings = doctor(*where(topology.replica), "--vip", f"127.0.0.1:{topology.replica.port}")
    assert codes(findings) == ["vip_not_tried"]


def test_a_server_that_listens_to_the_virtual_address_alone_answers_there(tmp_path: Path) -> None:
    if missing := LocalMariaDB.missing():
        pytest.skip(missing)
    server = LocalMariaDB("alone", tmp_path, ["--bind-address=127.0.0.9"])
    server.host = ADDRESS
    with server:
        options = ("--role", "source", "--user", "root", "--tls", "disabled", "--release", "auto")
        asked = ("--host", ADDRESS, "--port", str(server.port), *options, "--vip", f"{ADDRESS}:{server.port}")
        ended = mysqlcheck("doctor", "--conf", str(tmp_path / "none"), *asked, "--output", "json", password="")
    found = [one for one in ended.json["findings"] if one["subject"] == "The virtual address"]
    assert codes(found) == []
    assert len(found) == 2
