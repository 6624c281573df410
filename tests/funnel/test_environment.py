"""What Python, click and the C library read from the environment brings no server up."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.hostile.server import HostileServer

from .injection import GOOD, WEIGHT, Injection, address

COMPLETIONS = ("bash_source", "bash_complete", "zsh_complete", "nonsense", "")


@pytest.mark.parametrize("value", COMPLETIONS)
def test_shell_completion_does_not_answer_in_the_checks_place(
    value: str, healthy: HostileServer, dead: HostileServer, tmp_path: Path
) -> None:
    """click would print completions and exit 0 where this variable is set."""
    injection = Injection.of(tmp_path, "")
    env = {"_MYSQLCHECK_COMPLETE": value, "COMP_WORDS": "mysqlcheck --", "COMP_CWORD": "1"}
    for server, code in ((healthy, GOOD), (dead, 1)):
        ran = injection.run(*address(server), *WEIGHT, env=env)
        assert ran.code in (1, code)
        assert "Traceback" not in ran.err


SOUND: tuple[Mapping[str, str], ...] = (
    {"PYTHONOPTIMIZE": "1"},
    {"PYTHONOPTIMIZE": "2"},
    {"PYTHONDEVMODE": "1"},
    {"PYTHONUTF8": "0", "LC_ALL": "C"},
    {"LANG": "C", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"},
    {"LC_ALL": "POSIX"},
    {"LC_ALL": "nonsense"},
    {"PYTHONIOENCODING": "ascii:strict"},
    {"PYTHONUNBUFFERED": "1"},
    {"PYTHONINSPECT": "1"},
    {"PYTHONFAULTHANDLER": "1"},
    {"PYTHONHASHSEED": "0"},
    {"PYTHONMALLOC": "debug"},
    {"PYTHONDONTWRITEBYTECODE": "1"},
    {"PYTHONNODEBUGRANGES": "1", "PYTHONTRACEMALLOC": "1"},
    {"PYTHONWARNINGS": "ignore"},
    {"HOME": "/nowhere", "TMPDIR": "/nowhere", "PATH": ""},
    {"COLUMNS": "x", "TERM": "nonsense", "NO_COLOR": "1"},
    {"SSLKEYLOGFILE": "/nowhere/keys", "SSL_CERT_FILE": "/nowhere", "OPENSSL_CONF": "/nowhere"},
    {"ODD": os.fsdecode(b"\xff\xfe"), os.fsdecode(b"\xff"): "x"},
    {"LONG": "x" * 100_000},
)
BROKEN: tuple[Mapping[str, str], ...] = (
    {"PYTHONWARNINGS": "error"},
    {"PYTHONIOENCODING": "nonsense"},
    {"PYTHONHASHSEED": "nonsense"},
    {"PYTHONHOME": "/nowhere"},
    {"PYTHONMALLOC": "nonsense"},
    {"PYTHONUTF8": "nonsense"},
)


@pytest.mark.parametrize("env", SOUND, ids=lambda env: ascii(" ".join(f"{k}={v}"[:30] for k, v in env.items())))
def test_what_others_need_changes_no_answer(env: Mapping[str, str], healthy: HostileServer, tmp_path: Path) -> None:
    assert Injection.of(tmp_path, "").run(*address(healthy), *WEIGHT, env=env).code == GOOD


@pytest.mark.parametrize("env", BROKEN, ids=lambda env: " ".join(f"{k}={v}" for k, v in env.items()))
def test_what_keeps_python_itself_from_running_brings_no_server_up(
    env: Mapping[str, str], healthy: HostileServer, dead: HostileServer, tmp_path: Path
) -> None:
    injection = Injection.of(tmp_path, "")
    assert injection.run(*address(healthy), *WEIGHT, env=env).code in (1, GOOD)
    assert injection.run(*address(dead), *WEIGHT, env=env).code == 1
