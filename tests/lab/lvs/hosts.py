"""Prepares this process's own view of the machine: users, files and directories that are gone when it ends."""

from __future__ import annotations

import os
from pathlib import Path

from tests.lab.lvs.network import run
from tests.lab.lvs.pace import Pace

NUMBER = 29999
"""uid and gid of keepalived_script."""
PROGRAMS = "programs.tar"
PYTHON, PACKAGES = "/usr/lib/python3.11", "/usr/lib/python3/dist-packages"
"""Debian's own, and what it needs of its packages: from memory a check starts twice as fast as from another's disk."""
SETTINGS = """[defaults]
timeout = "{timeout}s"
hold_down = "16s"
hold_down_max = "16s"
recover_after = "2s"
ramp = "4s"
trust_uptime = "1s"
max_lag = "8s"
resume_lag = "4s"
lag_ok = "4s"
max_staleness = "15s"
"""


def prepare(folder: Path) -> None:
    """Lay private directories over those of the machine, and put the user, the program and its files there."""
    run("mount", "--make-rprivate", "/")
    over = folder / "over"
    over.mkdir()
    run("mount", "-t", "tmpfs", "tmpfs", str(over))
    for path in ("/etc", "/opt", "/var/lib", "/run"):
        upper, work = over / path.strip("/") / "upper", over / path.strip("/") / "work"
        upper.mkdir(parents=True)
        work.mkdir(parents=True)
        run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={path},upperdir={upper},workdir={work}", path)
    for path in ("/run/netns", "/run/mysqlcheck", "/var/lib/mysqlcheck", "/opt/mysqlcheck", "/etc/mysqlcheck"):
        Path(path).mkdir(parents=True, exist_ok=True)
    run("tar", "-xf", str(folder / PROGRAMS), "-C", str(over))
    for place in (PYTHON, PACKAGES, "/opt/mysqlcheck"):
        run("mount", "--bind", f"{over}{place}", place)
    for file, line in (
        ("passwd", f"keepalived_script:x:{NUMBER}:{NUMBER}::/nonexistent:/usr/sbin/nologin"),
        ("group", f"keepalived_script:x:{NUMBER}:"),
    ):
        with open(f"/etc/{file}", "a", encoding="utf-8") as out:
            out.write(line + "\n")
    secret = Path("/etc/mysqlcheck/my.cnf")
    secret.write_text("[client]\npassword = lab\n")
    os.chown(secret, NUMBER, NUMBER)
    secret.chmod(0o600)


def settle(pace: Pace) -> None:
    """Write the settings of the check, for a machine of this pace."""
    Path("/etc/mysqlcheck/mysqlcheck.toml").write_text(SETTINGS.format(timeout=pace.timeout))
