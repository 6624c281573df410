"""`mysqlcheck doctor --vip` over a cable: a client, and a real server as direct routing has it, with the VIP on its lo.

The client sends packets for the VIP to the server as LVS would; whether they are taken is the server's own doing.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pymysql
import pytest
from pymysql.cursors import DictCursor

from tests.certificate import make_certificate
from tests.command import COMMAND, FORGETFUL, Ended, environment
from tests.lab.accounts import Monitor
from tests.lab.local import LocalMariaDB

CLIENT, SERVER, VIP = "10.99.0.1", "10.99.0.2", "10.99.1.10"
LIMIT = 60.0


class Routed(LocalMariaDB):
    """A server in a network namespace of its own, which the tests reach through its Unix socket alone."""

    def __init__(self, folder: Path, namespace: str, *options: str) -> None:
        self.before = ("ip", "netns", "exec", namespace)
        super().__init__("routed", folder, options)
        self.port = 3306

    def connect(self, **changes: Any) -> pymysql.connections.Connection[DictCursor]:
        connection = super().connect(**changes, defer_connect=True)
        with ExitStack() as stack:
            sock = stack.enter_context(socket.socket(socket.AF_UNIX))  # PyMySQL would leave it open where it fails
            try:
                sock.connect(str(self.datadir / "socket"))
            except OSError as error:
                raise pymysql.err.OperationalError(2002, str(error)) from error
            connection.connect(sock)
            stack.pop_all()
        return connection


class Network(NamedTuple):
    """The two ends of the cable, and what stands at the server's."""

    client: str
    server: str
    database: Routed
    monitor: Monitor
    certificate: Path

    def doctor(self, *arguments: str) -> dict[str, dict[str, Any]]:
        """What the doctor says from the client's end: what has a code, by its code."""
        with tempfile.TemporaryDirectory() as state:
            variables = {"MYSQLCHECK_STATE_DIR": state, "MYSQLCHECK_PASSWORD": self.monitor.password, **FORGETFUL}
            role = ("--role", "source", "--release", "auto", "--timeout", "2s")
            options = ("--conf", f"{state}/none", "--output", "json", "--host", SERVER, *role, *arguments)
            command = ["ip", "netns", "exec", self.client, *COMMAND, "doctor", *options]
            ran = subprocess.run(command, env=environment(variables), capture_output=True, text=True, timeout=LIMIT)
        ended = Ended(ran.returncode, ran.stdout, ran.stderr, 0.0)
        assert "Traceback" not in ended.err
        found = [one for one in ended.json["findings"] if one["subject"] in ("The servers", "The virtual address")]
        return {one["code"] or one["text"]: one for one in found}

    def ip(self, *words: str) -> None:
        """At the server's end."""
        run("ip", "-n", self.server, *words)


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=30)


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    if os.getuid() != 0:
        pytest.skip("only root makes network namespaces")
    if missing := LocalMariaDB.missing():
        pytest.skip(missing)
    if shutil.which("ip") is None:
        pytest.skip("needs ip: run tests/lab/install director")
    client, server = (f"mysqlcheck-{name}-{os.getpid()}" for name in ("client", "server"))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mysqlcheck-")))
        for namespace in (client, server):
            run("ip", "netns", "add", namespace)
            stack.callback(run, "ip", "netns", "del", namespace)
        cable = ("eth0", "netns", client, "type", "veth", "peer", "name", "eth0", "netns", server)
        run("ip", "link", "add", "name", *cable)
        for namespace, address in ((client, CLIENT), (server, SERVER)):
            run("ip", "-n", namespace, "addr", "add", f"{address}/24", "dev", "eth0")
            for interface in ("lo", "eth0"):
                run("ip", "-n", namespace, "link", "set", interface, "up")
        run("ip", "-n", client, "route", "add", VIP, "via", SERVER)
        certificate = make_certificate(folder)
        tls = (f"--ssl-cert={certificate}", f"--ssl-key={folder}/key.pem", "--server-id=7")
        database = stack.enter_context(Routed(folder, server, *tls, "--bind-address=*"))
        monitor = Monitor("mariadb")
        for statement in monitor.statements():
            database.sql(statement)
        yield Network(client, server, database, monitor, certificate)


@pytest.fixture
def on_lo(network: Network) -> Iterator[Network]:
    """With the VIP where it belongs."""
    network.ip("addr", "add", f"{VIP}/32", "dev", "lo")
    yield network
    network.ip("addr", "del", f"{VIP}/32", "dev", "lo")


def test_with_the_address_on_its_lo_the_server_answers_there(on_lo: Network) -> None:
    found = on_lo.doctor("--vip", VIP)
    assert f"{SERVER}:3306 answered at {VIP}:3306, 1 of 1 connections" in found
    assert not {one["level"] for one in found.values()} & {"problem"}


def test_without_it_clients_get_nothing_although_the_check_passes(network: Network) -> None:
    found = network.doctor("--vip", VIP)
    assert any(text.startswith(f"SERVE {SERVER}:3306 ") for text in found)
    assert f"{SERVER}:3306: bind_address takes in {VIP}" in found
    assert [code for code, one in found.items() if one["level"] == "problem"] == ["vip_dead"]
    assert "ip -4 address show lo" in found["vip_dead"]["advice"]


def test_a_certificate_that_nobody_verified_is_a_warning_with_what_to_set(network: Network) -> None:
    warning = network.doctor()["tls_unverified"]
    assert warning["level"] == "warning"
    assert "TLSv1." in warning["text"]
    assert 'tls = "verify-identity"' in warning["advice"]


def test_one_that_was_verified_is_well_and_one_that_cannot_be_is_a_problem(network: Network) -> None:
    verified = network.doctor("--tls", "verify-ca", "--tls-ca", str(network.certificate))
    assert any(text.endswith("certificate verified (--tls verify-ca)") for text in verified)
    assert not {"tls_unverified", "tls_none"} & set(verified)
    assert network.doctor("--tls", "verify-ca")["tls_failed"]["level"] == "problem"


def test_a_line_without_tls_is_a_warning(network: Network) -> None:
    assert network.doctor("--tls", "disabled")["tls_none"]["level"] == "warning"
