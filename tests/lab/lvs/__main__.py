"""`make lab`: tell the story on a kernel with IPVS: this machine's where it has it, else a small virtual machine's.

What is quicker outside a virtual machine, whose processor is emulated, is prepared here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.lab.local import LocalMariaDB
from tests.lab.lvs.hosts import PACKAGES, PROGRAMS, PYTHON

TOP = Path(__file__).parents[3]
KERNEL = TOP / ".cache" / "kernel"
BEGINS, ENDS = "LAB BEGINS", "LAB ENDS: all as promised"
"""What the story prints first and last; around it a virtual machine prints things of its own."""
CONSOLE = re.compile(r"^\s*$|^\[ *\d+\.\d+\] |^Keepalived(_\w+)?\[\d+\]: ")
"""What the kernel and, where there is no syslog, keepalived write to the console."""
LIMIT = "5400"
"""Seconds, for all that there is on demand: it takes half an hour in a virtual machine, longer on a slow one."""


def has_ipvs() -> bool:
    """Whether this kernel has IPVS, or can load it."""
    loaded = subprocess.run(["modprobe", "ip_vs"], capture_output=True).returncode == 0
    return loaded or Path("/proc/net/ip_vs").exists()


def command(folder: Path, only: list[str]) -> list[str]:
    """The command line that tells the story."""
    plain = [] if sys.stdout.isatty() and "NO_COLOR" not in os.environ else ["env", "NO_COLOR=1"]
    story = [*plain, "unshare", "--mount", "--net", sys.executable, "-u", "-m", "tests.lab.lvs.story", str(folder)]
    if os.getuid() == 0 and has_ipvs():
        return ["timeout", LIMIT, *story, "real", *only]
    kernel = next(iter(sorted(KERNEL.glob("boot/vmlinuz-*"))), None)
    vng = Path(sys.executable).with_name("vng")
    if kernel is None or not vng.exists():
        sys.exit("lab: this kernel has no IPVS (or you are not root): run tests/lab/install lvs")
    machine = [str(vng), "--run", str(kernel), "--disable-kvm", "--force-9p", "--verbose", "--append", "quiet"]
    machine += ["--cpus", "2", "--memory", "3G", "--user", "root", "--cwd", str(TOP), "--"]
    return ["timeout", LIMIT, *machine, *story, "emulated", *only]


def install(folder: Path) -> None:
    """Pack our program, where any user may run it, with Debian's own Python and packages."""
    opt = folder / "programs/opt/mysqlcheck"
    shutil.copytree(TOP / "src" / "mysqlcheck", opt / "lib" / "mysqlcheck")
    program = opt / "bin" / "keepalived-mysqlcheck"
    program.parent.mkdir()
    lines = ["#!/usr/bin/python3 -I", "import sys", 'sys.path.insert(0, "/opt/mysqlcheck/lib")']
    program.write_text("\n".join([*lines, "from mysqlcheck.fast import main", "", "main()", ""]))
    program.chmod(0o755)
    program.with_name("mysqlcheck").symlink_to(program.name)
    subprocess.run(["/usr/bin/python3", "-m", "compileall", "-q", str(opt / "lib")], check=True)
    skipped = [f"--exclude={PYTHON[1:]}/{name}" for name in ("test", "idlelib", "lib2to3", "ensurepip", "config-*")]
    patterns = ("pymysql", "click", "prometheus_client", "decorator.py", "PyMySQL-*", "click-*", "prometheus_client-*")
    packages = [str(path)[1:] for pattern in patterns for path in Path(PACKAGES).glob(pattern)]
    pack = ["tar", "-cf", str(folder / PROGRAMS), *skipped, "-C", "/", PYTHON[1:], *packages]
    subprocess.run(pack, check=True)
    subprocess.run(["tar", "-rf", str(folder / PROGRAMS), "-C", str(folder / "programs"), "opt"], check=True)


def tell(words: list[str]) -> bool:
    """Run the story and pass on what it prints; whether all was as promised."""
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin:/sbin"}
    begun = promised = False
    with subprocess.Popen(
        words, cwd=TOP, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace",
    ) as process:  # fmt: skip
        for line in process.stdout or ():
            begun = begun or BEGINS in line or "Traceback" in line
            promised = promised or line.startswith(ENDS)
            if begun and BEGINS not in line and not CONSOLE.match(line):
                print(line, end="", flush=True)
    return promised


def main() -> int:
    """Prepare what is quicker outside, and tell the story; returns the exit code."""
    with tempfile.TemporaryDirectory(prefix="mysqlcheck-lab-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        LocalMariaDB.make_empty_datadir(folder / "empty")
        install(folder)
        return 0 if tell(command(folder, sys.argv[1:])) else 1


if __name__ == "__main__":
    sys.exit(main())
