"""director2 as a Debian 13: its keepalived, its Python, its pymysql, click and prometheus_client."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.lab.lvs.consequences import director2_with
from tests.lab.lvs.lab import Lab
from tests.lab.lvs.network import run
from tests.lab.lvs.setups import DYNAMIC, PLAIN, RECOMMENDED, every_phase

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
    root = unpack(lab)
    with director2_with(lab, RECOMMENDED.unhurried(lab), root):
        version = run(*lab.two.enter("sh", "-c", "keepalived --version 2>&1")).partition("\n")[0]
        lab.page.line(f"{version}; {run(*lab.two.enter('python3', '-c', VERSIONS)).strip()}")
        for setup in (PLAIN, DYNAMIC):
            file = lab.two.folder / setup.file
            file.write_text(setup.config(lab))
            said = run(*lab.two.enter("sh", "-c", f"keepalived -t -f {file} 2>&1; echo exit $?")).strip()
            lab.holds(f"keepalived -t has nothing to say of {setup.file}", said == "exit 0", said)
        every_phase(lab, lab.two, RECOMMENDED)


def unpack(lab: Lab) -> Path:
    """Lay that system into memory, with our program, its settings and its user; returns its root."""
    root = lab.folder / "over/trixie"
    root.mkdir()
    run("tar", "-xf", str(PACKED), "-C", str(root), limit=300)
    for place in ("/proc", "/dev", "/sys", "/etc/mysqlcheck", str(lab.two.folder)):
        Path(f"{root}{place}").mkdir(parents=True, exist_ok=True)
        run("mount", "--rbind", place, f"{root}{place}")
    for place in ("/run/mysqlcheck", "/var/lib/mysqlcheck"):
        Path(f"{root}{place}").mkdir(parents=True)
    for name in ("passwd", "group"):
        shutil.copy(f"/etc/{name}", f"{root}/etc/{name}")
    shutil.copytree("/opt/mysqlcheck", root / "opt/mysqlcheck")
    run("chroot", str(root), "python3", "-m", "compileall", "-q", "/opt/mysqlcheck/lib", limit=300)
    return root
