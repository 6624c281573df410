"""What is handed out, ours and keepalived's own samples: read without a false alarm."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from mysqlcheck.cli.lint import judge
from mysqlcheck.keepalived import conf, lint

from .directors import EveryScript, codes, director, linted

TOP = Path(__file__).parents[2]
SAMPLES = (Path("/usr/share/doc/keepalived/samples"), TOP / ".cache/keepalived/usr/share/doc/keepalived/samples")
"""Where Debian's package puts them, and where tests/lab/install unpacks them if dpkg leaves out documentation."""
TRUE = {
    # `script "killall -0 …"`: keepalived itself asks for the full path
    "keepalived.conf.vrrp.localcheck": ["script_relative"],
}


def samples() -> list[Path]:
    """Keepalived's sample configurations; empty where they are not installed."""
    return next(filter(None, (sorted(folder.glob("keepalived.conf*")) for folder in SAMPLES)), [])


def test_the_samples_are_here() -> None:
    if not samples():
        pytest.skip("needs keepalived's samples: run tests/lab/install director")
    assert len(samples()) > 20


@pytest.mark.parametrize("sample", samples(), ids=lambda path: path.name)
def test_keepalived_s_own_samples_give_no_false_alarm(sample: Path, tmp_path: Path) -> None:
    content = sample.read_bytes()
    file = tmp_path / "keepalived.conf"
    file.write_bytes(gzip.decompress(content) if sample.suffix == ".gz" else content)
    config = conf.read(str(file))
    assert all(view.root.children for view in config.views)
    found = lint.findings(config, judge, EveryScript({}), (2, 2, 7))
    assert codes(found) == TRUE.get(sample.name.removesuffix(".gz"), [])


@pytest.mark.parametrize("example", sorted((TOP / "contrib/keepalived").glob("*.conf")), ids=lambda path: path.name)
def test_our_own_examples_are_clean(example: Path, tmp_path: Path) -> None:
    assert linted(example.read_text(), tmp_path, director()) == []
