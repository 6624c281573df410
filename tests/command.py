"""Runs the command under test as keepalived would: a process of its own, its exit code, what it printed.

TEST_COMMAND chooses another installation (the built wheel, the director's own Python and packages);
without it the one beside this interpreter is meant.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

COMMAND = shlex.split(os.environ.get("TEST_COMMAND", str(Path(sys.executable).with_name("mysqlcheck"))))
MOST_SECONDS = 60.0


class Ended(NamedTuple):
    """How a run ended; `seconds` is the whole process, start of the interpreter included."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def json(self) -> dict[str, Any]:
        result: dict[str, Any] = json.loads(self.out)
        return result

    @property
    def codes(self) -> list[str]:
        """The codes of the reasons of a `--output json` check, in order."""
        return [reason["code"] for reason in self.json["reasons"]]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Our environment without any MYSQLCHECK_ variable, plus the given ones."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MYSQLCHECK_")}
    return {**kept, **(extra or {})}


FORGETFUL = {
    f"MYSQLCHECK_{name}": "0"
    for name in ("HOLD_DOWN", "RECOVER_AFTER", "RAMP", "TRUST_UPTIME", "FAIL_AFTER", "CREDENTIALS_GRACE")
}
"""Every hold and grace turned off: the rules alone."""


def mysqlcheck(
    *arguments: str,
    env: Mapping[str, str] | None = None,
    password: str | None = None,
    state: Path | None = None,
) -> Ended:
    """Run the command to its end; a negative code is death by a signal.

    Without a state directory each run is the first of its life, and all holds are off.
    """
    if state is None:
        with tempfile.TemporaryDirectory(prefix="mysqlcheck-state-") as empty:
            return mysqlcheck(*arguments, env={**FORGETFUL, **(env or {})}, password=password, state=Path(empty))
    variables = environment({"MYSQLCHECK_STATE_DIR": str(state), **(env or {})})
    if password is not None:
        variables["MYSQLCHECK_PASSWORD"] = password
    began = time.monotonic()
    ended = subprocess.run(
        [*COMMAND, *arguments],
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr, time.monotonic() - began)
