"""director2 as a Debian 13: its keepalived, its Python, its pymysql, click and prometheus_client."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

from tests.lab.lvs.lab import Lab
from tests.lab.lvs.network import inside, run
from tests.lab.lvs.setups import DYNAMIC, PLAIN, RECOMMENDED, Setup, through_every_phase

PACKED = Path(__file__).parents[3] / ".cache/trixie.tar"
"""Made by tests/lab/install lvs."""
VERSIONS = """
import platform
from importlib.metadata import version
names = ("pymysql", "click", "prometheus_client")
print("Python", platform.python_version(), *(f"{name} {version(name)}" for name in names))
"""


def debian_13(lab: Lab) -> None:
    """Debian 13 on director2, with the recommended setup in every phase.

    A newer keepalived and a newer Python, with the packages of that system; the files of contrib are the same.
    """
    in_every_phase(lab, RECOMMENDED)


def debian_13_in_the_other_setups(lab: Lab) -> None:
    """Debian 13 on director2, with the other two setups in every phase."""
    in_every_phase(lab, PLAIN, DYNAMIC)


def in_every_phase(lab: Lab, *setups: Setup) -> None:
    """Say what runs there, and that keepalived has nothing to say of our files; then take r1 through every phase."""
    root = unpack(lab)
    there = partial(chrooted, root)
    version = run(*there("sh", "-c", "keepalived --version 2>&1")).partition("\n")[0]
    lab.page.line(f"{version}; {run(*there('python3', '-c', VERSIONS)).strip()}")
    for setup in setups:
        file = lab.two.folder / setup.file
        file.write_text(setup.config(lab))
        said = run(*there("sh", "-c", f"keepalived -t -f {file} 2>&1; echo exit $?")).strip()
        lab.holds(f"keepalived -t has nothing to say of {setup.file}", said == "exit 0", said)
    through_every_phase(lab, setups, root)


def chrooted(root: Path, *words: str) -> list[str]:
    """The command line that runs this with that system's programs, on director2."""
    return inside("director2", ["chroot", str(root), *words])


def unpack(lab: Lab) -> Path:
    """Lay that system into memory, with our program, its settings and its user; returns its root."""
    root = lab.folder / "over/trixie"
    if root.exists():
        return root
    root.mkdir()
    run("tar", "-xf", str(PACKED), "-C", str(root), limit=300)
    for place in ("/proc", "/dev", "/sys", "/etc/mysqlcheck", str(lab.two.folder)):
        Path(f"{root}{place}").mkdir(parents=True, exist_ok=True)
        run("mount", "--rbind", place, f"{root}{place}")
    for place in ("/run/mysqlcheck/weights", "/var/lib/mysqlcheck"):
        Path(f"{root}{place}").mkdir(parents=True)
    for name in ("passwd", "group"):
        shutil.copy(f"/etc/{name}", f"{root}/etc/{name}")
    shutil.copytree("/opt/mysqlcheck", root / "opt/mysqlcheck")
    run("chroot", str(root), "python3", "-m", "compileall", "-q", "/opt/mysqlcheck/lib", limit=300)
    return root
