"""What is loaded, and when: keepalived forks the check thousands of times an hour."""

from __future__ import annotations

import ast
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from mysqlcheck import cli, fast, funnel
from mysqlcheck.clock import Deadline
from mysqlcheck.options import DEFAULT_CONFIG, Settings
from mysqlcheck.wire import Wire, tls_context
from tests.certificate import make_certificate

# Each of these costs milliseconds, and a check that does not use it must not pay for it. (sqlite3 is used by every
# check. Not in our hands: click loads uuid, and PyMySQL loads cryptography where it is installed.)
UNUSED = {
    "argparse", "asyncio", "concurrent.futures", "difflib", "json", "logging", "multiprocessing", "prometheus_client",
    "tomllib", "unittest", "urllib.request", "email", "http", "xml", "ctypes", "syslog",
}  # fmt: skip


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MYSQLCHECK_", "PYTHON"))}
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=kept, stdin=subprocess.DEVNULL, timeout=60)


def module_of(command: str) -> str:
    return f"mysqlcheck.cli.{command.replace('-', '_')}"


def loaded_by_importing(module: str) -> set[str]:
    """The modules that an import adds to what the interpreter has loaded by itself."""
    code = f"import sys; before = set(sys.modules); import {module}; print(*(set(sys.modules) - before))"
    ended = python("-c", code)
    assert ended.returncode == 0, ended.stderr
    return set(ended.stdout.split())


def loaded_by_running(state: Path, *arguments: str) -> set[str]:
    """The modules that a whole check loads, to the end of the process."""
    ended = python("-X", "importtime", "-m", "mysqlcheck", "--state-dir", str(state), *arguments)
    lines = [line for line in ended.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines}


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state directory that is not the machine's own."""
    return tmp_path / "state"


@pytest.fixture
def nobody_listens() -> str:
    """A port of this machine that refuses at once."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def test_the_quick_way_loads_nothing_but_os_and_sys() -> None:
    assert loaded_by_importing("mysqlcheck.fast") == {"mysqlcheck", "mysqlcheck.fast"}
    tree = ast.parse(Path(fast.__file__).read_text(encoding="utf-8"))
    imported = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    assert sorted(imported) == ["os", "sys"]


def test_the_funnel_loads_nothing_of_the_package_and_little_else() -> None:
    loaded = loaded_by_importing("mysqlcheck.funnel")
    assert {name for name in loaded if name.partition(".")[0] == "mysqlcheck"} == {"mysqlcheck", "mysqlcheck.funnel"}
    assert not loaded & UNUSED
    heavy = {"click", "pymysql", "sqlite3", "signal", "threading", "traceback", "socket", "ssl", "typing", "re", "enum"}
    assert not loaded & heavy


def test_the_core_of_a_check_loads_nothing_that_it_does_not_use() -> None:
    loaded = loaded_by_importing("mysqlcheck.oneshot")
    assert {"mysqlcheck.mysql", "pymysql", "mysqlcheck.store", "sqlite3"} <= loaded
    assert not loaded & UNUSED
    assert {"click", "mysqlcheck.metrics", "mysqlcheck.cli"}.isdisjoint(loaded)


@pytest.mark.skipif(os.path.exists(DEFAULT_CONFIG), reason=f"{DEFAULT_CONFIG} exists here and is read")
def test_a_whole_check_loads_nothing_that_it_does_not_use(nobody_listens: str, state: Path) -> None:
    """Only where something has changed, as in the first of all checks, it is told to syslog, and captured as JSON."""
    first = loaded_by_running(state, "--host", "127.0.0.1", "--port", nobody_listens)
    assert first & UNUSED == {"json", "syslog"}
    loaded = loaded_by_running(state, "--host", "127.0.0.1", "--port", nobody_listens)
    assert {"mysqlcheck.oneshot", "mysqlcheck.cli.check", "mysqlcheck.cli.present"} <= loaded
    assert not loaded & UNUSED
    assert "mysqlcheck.captures" not in loaded
    assert not (first | loaded) & {"mysqlcheck.metrics", *map(module_of, funnel.COMMANDS)}


def test_only_who_exports_loads_prometheus_client(nobody_listens: str, state: Path, tmp_path: Path) -> None:
    folder = tmp_path / "textfiles"
    folder.mkdir()
    loaded = loaded_by_running(state, "--host", "127.0.0.1", "--port", nobody_listens, "--textfile", str(folder))
    assert {"prometheus_client", "mysqlcheck.metrics"} <= loaded
    assert len(list(folder.iterdir())) == 1


def test_only_who_has_a_configuration_loads_tomllib(nobody_listens: str, state: Path, tmp_path: Path) -> None:
    config = tmp_path / "mysqlcheck.toml"
    config.write_text("[defaults]\nmax_lag = 60\n")
    loaded = loaded_by_running(state, "--host", "127.0.0.1", "--port", nobody_listens, "--config", str(config))
    assert "tomllib" in loaded


def test_only_who_wants_json_loads_it(nobody_listens: str, state: Path) -> None:
    assert "json" in loaded_by_running(state, "--host", "127.0.0.1", "--port", nobody_listens, "--output", "json")


def test_the_funnel_and_the_help_know_the_same_commands() -> None:
    assert set(cli.COMMANDS) - {"check"} == funnel.COMMANDS


@pytest.mark.parametrize("command", sorted(funnel.COMMANDS))
def test_each_command_is_a_module_of_its_own(command: str) -> None:
    assert module_of(command) in loaded_by_importing(module_of(command))


def modules() -> list[Path]:
    return sorted(Path(fast.__file__).parent.rglob("*.py"))


@pytest.mark.parametrize("module", modules(), ids=lambda path: path.stem)
def test_a_module_fits_in_a_head(module: Path) -> None:
    assert len(module.read_text(encoding="utf-8").splitlines()) <= 400


def test_pymysql_prometheus_client_and_sqlite3_have_their_own_modules() -> None:
    importers: dict[str, set[str]] = {"pymysql": set(), "prometheus_client": set(), "sqlite3": set()}
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                if name.partition(".")[0] in importers:
                    importers[name.partition(".")[0]].add(path.stem)
    assert importers == {"pymysql": {"login"}, "prometheus_client": {"metrics"}, "sqlite3": {"store", "records"}}


# TLS: every CA certificate of the system costs 21 ms


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The certificate of an authority, made up."""
    return make_certificate(tmp_path_factory.mktemp("tls"))


def certificates_loaded(tls: str, **settings: str) -> int | None:
    context = tls_context(Settings.of(host="h", tls=tls, **settings), Wire(Deadline(1)))
    return None if context is None else context.cert_store_stats()["x509_ca"]


@pytest.mark.parametrize(
    ("tls", "count"), [("disabled", None), ("preferred", 0), ("required", 0), ("verify-ca", 1), ("verify-identity", 1)]
)
def test_the_system_s_certificates_are_loaded_only_to_verify(
    tls: str, count: int | None, authority: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    monkeypatch.setenv("SSL_CERT_DIR", str(authority.parent))
    assert certificates_loaded(tls) == count


@pytest.mark.parametrize("tls", ["verify-ca", "verify-identity"])
def test_with_an_authority_of_one_s_own_no_other_is_trusted(
    tls: str, authority: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent")
    assert certificates_loaded(tls, tls_ca=str(authority)) == 1
