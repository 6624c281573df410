"""The real `keepalived -t`: what it says of a file that we wrote for another machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

OUR_SCRIPT = "/opt/mysqlcheck/bin/keepalived-mysqlcheck"
SEARCH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"


def objections(text: str, directory: Path) -> tuple[int, str]:
    """Return keepalived's exit code and words for the text of a keepalived.conf; (0, "") is all well.

    keepalived asks whether the script exists and is safe, and whether its user and the interface exist: here none does.
    """
    keepalived = shutil.which("keepalived", path=SEARCH)
    if keepalived is None or os.getuid() != 0:
        why = "needs root and keepalived: run tests/lab/install director"
        if os.environ.get("TEST_REQUIRE"):
            pytest.fail(why)
        pytest.skip(why)
    text = text.replace(OUR_SCRIPT, "/usr/bin/true").replace("/run/mysqlcheck/weights", str(directory))
    here = "script_user root\n    dynamic_interfaces"
    text = text.replace("script_user keepalived_script", here)
    file = directory / "keepalived.conf"
    file.write_text(text)
    ended = subprocess.run([keepalived, "-t", "-f", str(file)], capture_output=True, text=True, timeout=30)
    return ended.returncode, ended.stdout + ended.stderr
