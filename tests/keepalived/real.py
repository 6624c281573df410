"""The real `keepalived -t`: what it says of a file."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

OUR_SCRIPT = "/opt/mysqlcheck/bin/keepalived-mysqlcheck"
SEARCH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"


def keepalived() -> str:
    """Return keepalived's path, or skip the test where it cannot run."""
    found = shutil.which("keepalived", path=SEARCH)
    if found is None or os.getuid() != 0:
        pytest.skip("needs root and keepalived: run tests/lab/install director")
    return found


def asked(text: str, directory: Path) -> tuple[int, str]:
    """Let keepalived read the text of a keepalived.conf; returns its exit code and what it says."""
    file = directory / "keepalived.conf"
    file.write_text(text)
    ended = subprocess.run([keepalived(), "-t", "-f", str(file)], capture_output=True, text=True, timeout=30)
    return ended.returncode, ended.stdout + ended.stderr


def objections(text: str, directory: Path) -> tuple[int, str]:
    """Ask about what we wrote for another machine; (0, "") is all well.

    keepalived asks whether the script exists and is safe, and whether its user and the interface exist: here none does.
    """
    text = text.replace(OUR_SCRIPT, "/usr/bin/true").replace("/run/mysqlcheck/weights", str(directory))
    here = "script_user root\n    dynamic_interfaces"
    return asked(text.replace("script_user keepalived_script", here), directory)
