"""Has the real keepalived read a configuration."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

OUR_SCRIPT = "/opt/mysqlcheck/bin/keepalived-mysqlcheck"
SEARCH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"


def nothing_against(text: str, folder: Path) -> None:
    """Assert that keepalived reads it without a word.

    It asks whether the script exists and is safe, and whether its user does; here neither is installed.
    """
    keepalived = shutil.which("keepalived", path=SEARCH)
    if keepalived is None or os.getuid() != 0:
        why = "needs root and keepalived: run tests/lab/install director"
        if os.environ.get("TEST_REQUIRE"):
            pytest.fail(why)
        pytest.skip(why)
    assert OUR_SCRIPT in text
    text = text.replace(OUR_SCRIPT, "/usr/bin/true").replace("script_user keepalived_script", "script_user root")
    text = re.sub(r"\beth0\b", _interface(), text).replace("/run/mysqlcheck/weights", str(folder))
    file = folder / "keepalived.conf"
    file.write_text(text)
    ended = subprocess.run([keepalived, "-t", "-f", str(file)], capture_output=True, text=True, timeout=30)
    said = ended.stdout + ended.stderr
    assert (ended.returncode, said) == (0, ""), said


def _interface() -> str:
    """An interface of this machine: VRRP takes none that is not there, and no loopback."""
    return next((name for name in sorted(os.listdir("/sys/class/net")) if name != "lo"), "eth0")
