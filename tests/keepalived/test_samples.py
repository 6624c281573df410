"""keepalived's own examples are read without a crash and without a false alarm."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mysqlcheck.keepalived.conf import read

from .judging import judge

SAMPLES = Path("/usr/share/doc/keepalived/samples")
UNPACKED = Path(__file__).parents[2] / ".cache/keepalived"
"""Where tests/lab/install unpacks the package on a machine that leaves documentation out."""


def samples() -> list[Path]:
    """All of them, or one that says what is missing."""
    found = (UNPACKED / SAMPLES.relative_to("/"), SAMPLES)
    return [path for folder in found for path in sorted(folder.glob("keepalived.conf*"))] or [SAMPLES]


@pytest.mark.parametrize("path", samples(), ids=lambda path: path.name)
def test_no_false_alarm(path: Path) -> None:
    """They have no MySQL server, and on the machine of this test every script exists: there is nothing to find."""
    if not path.is_file():
        why = f"there is nothing in {SAMPLES}: run tests/lab/install director"
        if os.environ.get("TEST_REQUIRE"):
            pytest.fail(why)
        pytest.skip(why)
    assert read(str(path)).root.children
    assert judge(path) == []
