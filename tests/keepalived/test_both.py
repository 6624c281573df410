"""What keepalived-config writes, lint has nothing against."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from .asking import EXAMPLE, written
from .directors import codes, linted

MORE = {
    "as it comes": (),
    "with VRRP": ("--interface", "eth0", "--priority", "150"),
    "NAT": ("--lvs-method", "NAT"),
    "another weight": ("--weight", "50"),
    "a slow check": ("--check", "/opt/mysqlcheck/bin/keepalived-mysqlcheck --host %s --timeout 20s"),
    "a sorry server": ("--sorry-server", "192.168.1.200"),
}


@pytest.mark.parametrize(("style", "more"), list(product(("file", "plain", "dynamic"), MORE)))
def test_it_is_clean(style: str, more: str, tmp_path: Path) -> None:
    assert codes(linted(written(*EXAMPLE, "--style", style, *MORE[more]), tmp_path)) == []


@pytest.mark.parametrize("style", ["file", "plain", "dynamic"])
def test_to_keep_pooled_clients_is_worth_a_word(style: str, tmp_path: Path) -> None:
    text = written(*EXAMPLE, "--style", style, "--inhibit-on-failure")
    assert codes(linted(text, tmp_path)) == ["inhibit_on_failure"]
