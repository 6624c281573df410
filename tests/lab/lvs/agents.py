"""The agent on director2: FILE_CHECK for the weight beside a plain MISC_CHECK; how fast, and what its death costs."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab.lvs.beside import OURS, measured, table
from tests.lab.lvs.consequences import out
from tests.lab.lvs.director import PROGRAM
from tests.lab.lvs.faults import HUNG, KILLED, LAG, SQL_STOPPED, stopped
from tests.lab.lvs.hosts import NUMBER
from tests.lab.lvs.lab import FULL, Lab
from tests.lab.lvs.setups import RECOMMENDED

AGENT = "agent"
ETC = "/etc/mysqlcheck"
TARGETS = """
[target."192.168.1.201:3306"]
track_file = "/run/mysqlcheck/weights/192.168.1.10-192.168.1.201"
[target."192.168.1.202:3306"]
track_file = "/run/mysqlcheck/weights/192.168.1.10-192.168.1.202"
"""


class Agent:
    """`mysqlcheck agent` on director2, with a configuration of its own there; started by root it becomes another."""

    def __init__(self, lab: Lab) -> None:
        self._lab, self._director = lab, lab.two
        etc = lab.two.folder / "etc"
        shutil.copytree(ETC, etc)
        os.chown(etc / "my.cnf", NUMBER, NUMBER)
        with (etc / "mysqlcheck.toml").open("a") as file:
            file.write(TARGETS)
        lab.two.places["etc"] = ETC
        self._process: subprocess.Popen[bytes] | None = None

    def verdict(self, server: str) -> Path:
        """The verdict on a server, by its address."""
        return self._director.folder / "run/verdicts" / f"{server}_3a_3306"

    def start(self) -> None:
        """Start it, and wait until it has looked at both."""
        began = time.time()
        with (self._director.folder / "agent.log").open("ab") as log:
            words = self._director.enter(PROGRAM, "agent")
            self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        verdicts = [self.verdict(server.address) for server in (self._lab.r1, self._lab.r2)]
        self._lab.expect(
            "it has looked at both",
            lambda: all(file.exists() and file.stat().st_mtime > began for file in verdicts),
        )

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)
        if number in (signal.SIGKILL, signal.SIGTERM):
            self._process.wait(30)

    def close(self) -> None:
        """End it."""
        if self._process is not None and self._process.poll() is None:
            self.send(signal.SIGKILL)
        if (log := self._director.folder / "agent.log").exists():
            for line in log.read_text().splitlines():
                self._lab.page.line(f"agent: {line}")
        del self._director.places["etc"]
        shutil.rmtree(self._director.folder / "etc")


@contextmanager
def with_agent(lab: Lab) -> Iterator[Agent]:
    """director2 with the agent, and checks that answer from its verdicts."""
    before = lab.two.config.read_text()
    lab.two.stop()
    agent = Agent(lab)
    try:
        lab.does("director2$", "mysqlcheck agent; keepalived with FILE_CHECK, and a MISC_CHECK of --host alone")
        agent.start()
        lab.two.config.write_text(plain_checks(lab))
        lab.two.start()
        lab.all_serve(lab.two)
        yield agent
    finally:
        lab.two.stop()
        agent.close()
        lab.two.config.write_text(before)
        lab.two.start()
    lab.all_serve(lab.two)


def plain_checks(lab: Lab) -> str:
    """The recommended setup, with all options of the checks but the server in the TOML file."""
    return re.sub(
        rf'misc_path "{PROGRAM} [^"]*--host (\S+)[^"]*"', rf'misc_path "{PROGRAM} --host \1"', RECOMMENDED.config(lab)
    )


def the_agent_beside_ours(lab: Lab) -> None:
    """The agent on director2, checks that are forked on director1.

    keepalived follows the track files that the agent writes, by inotify. It looks each second, and at once where a
    connection ends.
    """
    with with_agent(lab):
        directors = {AGENT: lab.two, OURS: lab.one}
        found = {fault.name: measured(lab, directors, fault) for fault in (SQL_STOPPED, LAG, HUNG, KILLED)}
        times = [found[KILLED.name][name].out for name in (AGENT, OURS)]
        lab.holds("killed: the agent is quicker", None not in times and times[0] < times[1], times)  # type: ignore[operator]
        restarted = found[KILLED.name][AGENT].back
        lab.holds("it holds a server that restarted", restarted is not None and restarted >= 14, restarted)
        table(lab, directors, found)


def an_agent_that_dies(lab: Lab) -> None:
    """The agent dies, or stops, or its files are damaged: that costs speed, and never safety.

    Its last weights stay, its verdicts grow old, and the MISC_CHECK beside them checks by itself: it takes a server
    that fails out, and no healthy one.
    """
    with with_agent(lab) as agent:
        most = 1.0 + lab.pace.timeout + 1.0 + lab.pace.delay_loop  # the verdict's life, and the turn of the check
        lab.page.line(f"a verdict lives for {2.0 + lab.pace.timeout:g} s; the next check takes its time")
        for number, what in ((signal.SIGKILL, "kill -9"), (signal.SIGSTOP, "kill -STOP")):
            lab.does("director2$", f"{what} the agent")
            agent.send(number)
            with stopped(lab, lab.r1):
                began = time.monotonic()
                gone = out(lab, lab.r1, lab.two) - began
                lab.page.line(f"from fault to weight: {gone:.1f} s")
                lab.holds(f"within {most:g} s and a check", gone <= most + lab.pace.timeout, f"{gone:.1f} s")
                lab.holds("r2 serves on", lab.two.weights().get("r2") == FULL["r2"], lab.two.weights())
            lab.all_serve(lab.two)
            if number == signal.SIGKILL:
                agent.start()
            else:
                agent.send(signal.SIGCONT)
            lab.all_serve(lab.two)
        lab.does("director2$", "kill -STOP the agent, and its verdicts are filled with rubbish")
        agent.send(signal.SIGSTOP)
        for server in (lab.r1, lab.r2):
            agent.verdict(server.address).write_bytes(bytes(range(256)))
        with stopped(lab, lab.r1):
            out(lab, lab.r1, lab.two)
            lab.holds("r2 serves on", lab.two.weights().get("r2") == FULL["r2"], lab.two.weights())
        agent.send(signal.SIGCONT)
        lab.all_serve(lab.two)
