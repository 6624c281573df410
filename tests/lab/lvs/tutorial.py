"""The tutorial's own commands, on director2 as a machine that has nothing of ours yet, and what it says they print."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.lab.lvs.lab import CONTRIB, FULL, Lab
from tests.lab.lvs.network import inside, run

PAGE = Path(__file__).parents[3] / "docs/tutorial.md"
ELSEWHERE = ("apt-get install", "systemctl ", "python3 -m venv")
"""Lines of step 4 that are done already: the lab has the packages, no systemd, and our program in /opt."""
NARROWER = {
    "sysctl --system": "sysctl -q -p /etc/sysctl.d/60-mysql-director.conf",
    "systemd-tmpfiles --create": "systemd-tmpfiles --create /etc/tmpfiles.d/mysqlcheck.conf",
    "…": "lab",
}
"""What would do more than the tutorial means, on a machine that has other things to do."""
FRESH = """
mount -t tmpfs tmpfs /mnt && cp -a /etc /mnt/etc && mount --bind /mnt/etc /etc
sed -i /keepalived_script/d /etc/passwd /etc/group
for place in /etc/mysqlcheck /run/mysqlcheck /var/lib/mysqlcheck; do mount -t tmpfs tmpfs $place; done
echo ready && exec sleep infinity
"""


class Page:
    """The tutorial, by its steps."""

    def __init__(self) -> None:
        self._steps = re.split(r"^## \d+\. .*\n", PAGE.read_text(), flags=re.MULTILINE)

    def blocks(self, step: int) -> list[list[str]]:
        """What stands indented there: commands, and what they say."""
        found = re.findall(r"(?:^    .*\n)+", self._steps[step], re.MULTILINE)
        return [[line[4:] for line in block.splitlines()] for block in found]

    def looks(self, step: int) -> Iterator[tuple[str, list[str]]]:
        """Each command after a `$`, and the lines that it should print."""
        for block in self.blocks(step):
            for line in block:
                if line.startswith("$ "):
                    command, expected = line[2:].partition("    #")[0].strip(), list[str]()
                    rest = block[block.index(line) + 1 :]
                    for after in rest:
                        if after.startswith("$ "):
                            break
                        expected.append(after)
                    yield command, expected


class Machine:
    """director2 without anything of ours but the program; what is done there is gone with it."""

    def __init__(self) -> None:
        words = inside("director2", ["unshare", "--mount", "--propagation", "private", "sh", "-ec", FRESH])
        self._keeper = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        assert self._keeper.stdout is not None
        assert self._keeper.stdout.readline() == "ready\n"

    def enter(self, *words: str) -> list[str]:
        """The command line that runs this there, with the files of contrib at hand."""
        place = ["nsenter", "-t", str(self._keeper.pid), "--mount", "--net", f"--wd={CONTRIB}"]
        return [*place, *words]

    def does(self, text: str) -> str:
        """Run what an operator would type as root; returns all that is printed."""
        return run(*self.enter("sh", "-c", f"exec 2>&1\n{text}"), check=False, limit=120)

    def starts_keepalived(self, log: Path) -> subprocess.Popen[bytes]:
        """Start it as systemd would, with its log in a file."""
        words = ["keepalived", "--dont-fork", "--log-console"]
        words += [f"--{kind}pid=/run/mysqlcheck/{kind}pid" for kind in ("", "vrrp_", "checkers_")]
        with log.open("wb") as output:
            return subprocess.Popen(self.enter(*words), stdin=subprocess.DEVNULL, stdout=output, stderr=output)

    def close(self) -> None:
        """End it."""
        self._keeper.kill()
        self._keeper.wait()


def the_tutorial(lab: Lab) -> None:
    """The tutorial's own commands, and what it says that one should see.

    director2 begins with nothing of ours but the program. The defaults hold: a server that was just started is held for
    a minute, and then ramps for another.
    """
    page, keepalived = Page(), None
    lab.two.stop()
    machine = Machine()
    try:
        servers(lab, page, machine)
        director(lab, page, machine)
        config = lab.pace.config((CONTRIB / "director-backup.conf").read_text(), backup=True)
        (lab.folder / "tutorial.conf").write_text(config)
        machine.does(f"mkdir -p /etc/keepalived && cp {lab.folder}/tutorial.conf /etc/keepalived/keepalived.conf")
        looks = dict(page.looks(5))
        (lint,) = (command for command in looks if command.endswith(" lint"))
        agrees(lab, f"step 5: {lint}", looks[lint], machine.does(lint))
        (test,) = (command.partition(" && ")[0] for command in looks if "keepalived -t" in command)
        said = machine.does(f"{test}; echo exit $?")
        lab.holds(f"step 5: {test} has nothing to say", said == "exit 0\n", said)
        keepalived = machine.starts_keepalived(lab.two.folder / "tutorial.log")
        lab.expect("step 5: both serve, after their hold and their ramp", lambda: lab.two.weights() == FULL, 240)
        running(lab, looks, machine)
    finally:
        if keepalived is not None:
            keepalived.terminate()
            keepalived.wait(30)
        machine.close()
        lab.two.start()
    lab.all_serve(lab.two)


def servers(lab: Lab, page: Page, machine: Machine) -> None:
    """Steps 1 to 3: the servers, the account, the virtual address."""
    words = ("mariadb", "--no-defaults", "-uroot", f"--socket={lab.r1.datadir}/socket", "-e", "SHOW SLAVE STATUS\\G")
    status = run(*words)
    wanted = ("Slave_IO_Running: Yes", "Slave_SQL_Running: Yes", "Seconds_Behind_Master: 0")
    lab.holds("step 1, r1: SHOW SLAVE STATUS", all(line in status for line in wanted), status)
    (grants,) = page.blocks(2)
    printed = machine.does("/opt/mysqlcheck/bin/mysqlcheck grants --flavor mariadb --from 192.168.1.%")
    lab.holds("step 2: grants prints what stands there", all(line in printed for line in grants), printed)
    for command, expected in page.looks(3):
        agrees(lab, f"step 3, r1: {command}", expected, run("sh", "-c", command, host="r1"))


def director(lab: Lab, page: Page, machine: Machine) -> None:
    """Step 4: mysqlcheck on a director."""
    (install,) = (block for block in page.blocks(4) if any("useradd" in line for line in block))
    text = "\n".join(line for line in install if not line.startswith(ELSEWHERE))
    for wide, narrow in NARROWER.items():
        text = text.replace(wide, narrow)
    said = machine.does(f"set -e\n{text}\necho done")
    lab.holds("step 4: the commands have nothing to say", said == "done\n", said)
    machine.does(f"echo '[defaults]\ntimeout = {lab.pace.timeout}' > /etc/mysqlcheck/mysqlcheck.toml")
    (check, serves), (doctor, _) = page.looks(4)
    said = machine.does(check)
    held = "held: no record of it, and its Uptime is below trust_uptime 10m; serves in" in said
    agrees(lab, f"step 4: {check}", [] if held else serves, said)
    lab.page.line(said.splitlines()[0])
    said = machine.does(doctor)
    lab.holds(f"step 4: {doctor}", "0 problems" in said, said)


def running(lab: Lab, looks: dict[str, list[str]], machine: Machine) -> None:
    """Step 5: what one sees when keepalived runs."""
    address = "ip -4 -br address show eth0"
    agrees(lab, f"step 5, director1: {address}", looks[address], run(*address.split(), host="director1"))
    for command in ("ipvsadm -Ln", "mysqlcheck status"):
        said = machine.does(command.replace("mysqlcheck", "/opt/mysqlcheck/bin/mysqlcheck"))
        agrees(lab, f"step 5: {command}", looks[command], said)
    lab.holds("step 5: director2 does not have the VIP", not lab.two.has_vip(), "it has")
    (doctor,) = (command for command in looks if "doctor" in command)
    said = machine.does(doctor)
    lab.holds(f"step 5: {doctor}", "0 problems" in said, said)


def agrees(lab: Lab, what: str, expected: list[str], said: str) -> None:
    """Whether a command prints the lines that stand in the tutorial, with other numbers and times perhaps."""
    text = " ".join(re.sub(r"@if\d+", "", said).split())
    missing = [line for line in expected if not re.search(_pattern(line), text)]
    lab.holds(what, not missing, f"{missing} is not in {said!r}")


def _pattern(line: str) -> str:
    words = (re.escape(word) for word in line.split())
    words = (re.sub(r"^\d+[dhms]+(?:\d+[dhms]+)*$", r"[0-9dhms]+", word) for word in words)
    return " ".join(re.sub(r"\d+(?![-9a-z]*\])", r"\\d+", word) for word in words)
