"""The agent's unit under a real systemd, on director2: in a PID namespace, as the only init there is for it."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from pathlib import Path

from tests.lab.lvs.agents import Agent
from tests.lab.lvs.hosts import NUMBER
from tests.lab.lvs.lab import Lab
from tests.lab.lvs.network import run
from tests.lab.waiting import wait_until

UNIT = Path(__file__).parents[3] / "contrib/systemd/mysqlcheck-agent.service"
NAME = UNIT.name
MASKED = (
    "network-online.target", "systemd-binfmt.service", "systemd-hwdb-update.service", "systemd-modules-load.service",
    "systemd-pcrphase-sysinit.service", "systemd-sysctl.service", "systemd-sysusers.service",
    "systemd-timesyncd.service", "systemd-tmpfiles-setup-dev.service", "systemd-tmpfiles-setup.service",
    "systemd-udev-trigger.service", "systemd-udevd.service",
)  # fmt: skip
"""What a machine does when it begins and the agent does not need."""
BEGIN = "mount -t cgroup2 none /sys/fs/cgroup && exec env container=lab /lib/systemd/systemd --system --unit=lab.target"


class Systemd:
    """systemd on director2; units and their settings are written before it begins."""

    def __init__(self, lab: Lab) -> None:
        self._director = lab.two
        units = Path("/etc/systemd/system")
        for name in MASKED:
            (units / name).unlink(missing_ok=True)
            (units / name).symlink_to("/dev/null")
        (units / "lab.target").write_text("[Unit]\nDescription=the lab\n")
        (units / NAME).write_text(UNIT.read_text())
        words = [
            "unshare",
            "--fork",
            "--pid",
            "--mount",
            "--mount-proc",
            "--uts",
            "--ipc",
            "--cgroup",
            "sh",
            "-c",
            BEGIN,
        ]
        with (lab.two.folder / "systemd.log").open("ab") as log:
            self._process = subprocess.Popen(
                lab.two.enter(*words), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        wait_until(lambda: self._first() != "", "systemd", 60)
        wait_until(lambda: "running" in self.systemctl("is-system-running"), "systemd to be ready", 180, every=0.5)

    def systemctl(self, *words: str) -> str:
        """Run systemctl there; returns what it says."""
        command = ["nsenter", "-t", self._first(), "-a", "systemctl", "--no-pager", *words]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
        return ended.stdout + ended.stderr

    def show(self, key: str) -> str:
        """A property of the agent's unit."""
        return self.systemctl("show", "--property", key, "--value", NAME).strip()

    def journal(self) -> str:
        """What the unit has said, and systemd of it."""
        command = ["nsenter", "-t", self._first(), "-a", "journalctl", "--no-pager", "-o", "cat", "-u", NAME]
        return run(*command)

    def kill(self, number: signal.Signals) -> None:
        """Send the agent a signal."""
        self.systemctl("kill", f"--signal={number.name}", "--kill-whom=main", NAME)

    def close(self) -> None:
        """End it, and with it all that it has started."""
        if (first := self._first()) != "":
            run("kill", "-KILL", first, check=False)
        self._process.wait(30)

    def _first(self) -> str:
        """The process that is number 1 there."""
        found = run("pgrep", "--parent", str(self._process.pid), check=False).split()
        return found[0] if found else ""


def the_agent_as_a_service(lab: Lab) -> None:
    """The agent as a service of a real systemd, with the unit of contrib.

    It is ready when it has looked at every server; killed or hung it is started again; a configuration with a mistake
    is refused; and what keepalived watches outlives it.
    """
    lab.two.stop()
    agent = Agent(lab)
    config = lab.two.folder / "etc/mysqlcheck.toml"
    config.write_text(
        config.read_text().replace("[defaults]", '[defaults]\ntextfile = "/var/lib/mysqlcheck/agent.prom"')
    )
    good = config.read_text()
    systemd = Systemd(lab)
    try:
        lab.does("director2$", f"systemctl start {NAME}")
        said = systemd.systemctl("start", NAME)
        lab.holds("it is ready, and systemd has nothing to say", said == "", said)
        lab.page.line(f"{systemd.show('StatusText')}; {systemd.show('ActiveState')} ({systemd.show('SubState')})")
        verdicts = [agent.verdict(server.address) for server in (lab.r1, lab.r2)]
        owners = [file.stat().st_uid if file.exists() else None for file in verdicts]
        lab.holds("when it is ready there is a verdict on each server", owners == [NUMBER, NUMBER], owners)
        metrics = lab.two.folder / "state/agent.prom"
        lab.expect("it writes its metrics", metrics.exists)
        for number, what, limit in (
            (signal.SIGKILL, "kill -9: it is started again", 60.0),
            (signal.SIGSTOP, "kill -STOP: the watchdog ends it, and it is started again", 120.0),
        ):
            before = int(systemd.show("NRestarts"))
            systemd.kill(number)
            lab.expect(what, lambda n=before: int(systemd.show("NRestarts")) > n, limit)  # type: ignore[misc]
            lab.expect("it is ready again", lambda: systemd.show("ActiveState") == "active")
        process = systemd.show("MainPID")
        lab.does("director2$", f"a mistake in mysqlcheck.toml, and systemctl reload {NAME}")
        config.write_text(good.replace("max_lag", "max_lagg"))
        systemd.systemctl("reload", NAME)
        refused = "the configuration stays what it was"
        lab.expect("it says that the old one stays", lambda: refused in systemd.journal())
        lab.holds("and goes on", systemd.show("MainPID") == process, systemd.show("MainPID"))
        config.write_text(good)
        systemd.systemctl("reload", NAME)
        lab.expect("mended, it is taken", lambda: "reloaded: looks at 2 servers" in systemd.journal())
        began = lab.does("director2$", f"systemctl stop {NAME}")
        systemd.systemctl("stop", NAME)
        lab.page.line(f"it took {time.monotonic() - began:.1f} s")
        ended = systemd.show("Result"), systemd.show("ExecMainStatus")
        lab.holds("it ended by itself", ended == ("success", "0"), ended)
        lab.holds("its verdicts are gone", not any(file.exists() for file in verdicts), verdicts)
        weights = sorted(file.read_text() for file in (lab.two.folder / "run/weights").iterdir())
        lab.holds("the weights stay", weights == ["99\n", "99\n"], weights)
        denied = re.findall(
            r".*(?:Operation not permitted|Permission denied|internal error|Traceback).*", systemd.journal()
        )
        lab.holds("nothing that it needs was denied", not denied, denied)
    finally:
        for line in systemd.journal().splitlines():
            lab.page.line(f"journal: {line}")
        systemd.close()
        agent.close()
        lab.two.start()
    lab.all_serve(lab.two)
