"""`make demo`: a replica fails in five ways, is held and comes back; what mysqlcheck says, and what keepalived does.

Everything is real: three MariaDB servers, their replication, the lag, the kill -9. Each chapter waits for the answer
that it promises; where another one comes, the demo says what it saw and exits 1.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import sys
import time
from collections.abc import Collection
from pathlib import Path

from tests.command import COMMAND, Ended, mysqlcheck
from tests.lab.local import LocalMariaDB
from tests.lab.page import Page
from tests.lab.scene import play
from tests.lab.server import Server
from tests.lab.topology import Topology
from tests.lab.waiting import LabError

LIMIT = 20.0  # seconds for a promised answer
WEIGHT = 100
HELD = "FAIL .* held: "
UP, DRAINED, DOWN = (0, WEIGHT + 2), (1, 2), (1, 1)  # exit codes, plain and weighted
LAG_OPTIONS = ("--max-lag", "6s", "--lag-ok", "2s")
METRICS = r"decision|phase|weight|hold_remaining|flaps|operator_hold|lag_seconds|read_only|server_info"
HOLD_DOWN, RAMP = 6, 4
CONFIG = f"""\
[defaults]
defaults_file = "{{folder}}/my.cnf"
hold_down = {HOLD_DOWN}        # 60 s
hold_down_max = {HOLD_DOWN}    # 10 minutes: each earlier failure doubles the hold up to this
recover_after = 3    # 10 s
ramp = {RAMP}             # 60 s
trust_uptime = 0     # 10 minutes: a younger server of which nothing is on record is held
"""


class Demo:
    """The story of replica 1."""

    def __init__(self, topology: Topology, folder: Path, page: Page) -> None:
        self.page = page
        self.source, self.replica, self.other = topology.source, topology.replicas[0], topology.replicas[1]
        self.names = {self.source: "source", self.replica: "replica 1", self.other: "replica 2"}
        self.metrics_file = folder / "mysqlcheck.prom"
        self.state = folder / "state"
        option_file = folder / "my.cnf"
        option_file.touch(mode=0o600)
        option_file.write_text(f"[client]\nuser={topology.monitor.user}\npassword={topology.monitor.password}\n")
        self.config = folder / "mysqlcheck.toml"
        self.config.write_text(CONFIG.format(folder=folder))

    def tell(self) -> None:
        self.page.line(
            "Holds of seconds instead of minutes, so that this does not take all day (in brackets: the default):"
        )
        for line in self.config.read_text().splitlines():
            self.page.line(f"    {line}")
        self.page.command(f"export MYSQLCHECK_CONFIG={self.config} MYSQLCHECK_STATE_DIR={self.state}")
        self.healthy()
        self.sql_thread_stopped()
        self.lagging()
        self.writable()
        self.killed()
        self.back_again()
        self.by_hand()
        self.history()
        self.metrics()

    def healthy(self) -> None:
        self.page.chapter("A healthy replica", "Plain: the exit code says up or down. Weighted: it says how much.")
        self.show(UP, "SERVE .* lag 0 s")

    def sql_thread_stopped(self) -> None:
        note = "It accepts connections and answers every query, with data that grows older and older."
        self.page.chapter("Its SQL thread stops", note)
        self.sql(self.replica, "STOP REPLICA SQL_THREAD")
        self.show(DOWN, "FAIL .* sql_stopped")
        self.page.line("Every rule that was judged, and what each style would tell keepalived:")
        self.say("explain", *self.arguments(self.replica))
        self.sql(self.replica, "START REPLICA SQL_THREAD")
        self.page.line("It recovered, and did not restart: it is held for a moment only, then its weight climbs.")
        self.watch_it_return(HELD)

    def lagging(self) -> None:
        note = "Full weight up to --lag-ok, less and less of it up to --max-lag, and above that no new connections."
        self.page.chapter("It lags", note)
        with self.replica.connect() as session, session.cursor() as cursor:
            self.page.done("replica 1>", "LOCK TABLES lab.lagging READ;   -- replication must wait for this session")
            cursor.execute("LOCK TABLES lab.lagging READ")
            self.sql(self.source, "INSERT INTO lab.lagging VALUES ()")
            self.watch_the_weight_fall()
            self.show(DRAINED, "DRAIN .* lag: ", LAG_OPTIONS)
            self.page.line("Replica 2 meanwhile:")
            self.show_briefly(UP, "SERVE .* lag 0 s", LAG_OPTIONS, self.other)
            self.page.done("replica 1>", "UNLOCK TABLES;")
            cursor.execute("UNLOCK TABLES")
        self.show_briefly(UP, "SERVE .* lag 0 s", LAG_OPTIONS)

    def writable(self) -> None:
        note = "A client that writes here makes the replica differ from its source for good."
        self.page.chapter("It can be written to", note)
        self.sql(self.replica, "SET GLOBAL read_only=OFF")
        self.show(DOWN, "FAIL .* writable")
        self.sql(self.replica, "SET GLOBAL read_only=ON")
        self.wait(self.replica, UP, "SERVE .* read_only ON", ())
        self.page.line("Back to read-only, held for a moment, climbed: it serves again.")

    def killed(self) -> None:
        self.page.chapter("It dies", "No warning, no shutdown.")
        self.page.done("$", f"kill -9 {self.replica.pid()}   # mariadbd of replica 1")
        self.replica.kill()
        self.show(DOWN, "FAIL .* unreachable")

    def back_again(self) -> None:
        note = (
            "Its data may be inconsistent, or somebody started it to repair it. So it is held, and then let in slowly."
        )
        self.page.chapter("It is started again", note)
        self.page.done("$", f"mariadbd --no-defaults --datadir={self.replica.datadir} --port={self.replica.port} … &")
        self.replica.start()
        accepts = time.monotonic()
        served = self.watch_it_return(HELD)
        self.page.line(
            f"It served again {served - accepts:.1f} s after it first accepted connections (hold_down {HOLD_DOWN} s). "
            "A TCP_CHECK would have let clients in at once."
        )
        if served - accepts < HOLD_DOWN:
            raise LabError(f"it served {served - accepts:.1f} s after it first accepted connections")

    def by_hand(self) -> None:
        self.page.chapter("An operator takes it out", "By hand, for a while, and whatever happens to the director.")
        where = ["--host", self.replica.host, "--port", str(self.replica.port)]
        self.say("hold", *where, "--for", "2h", "--reason", "new index")
        self.show(DRAINED, "DRAIN .* operator_hold: .* new index")
        self.say("status")
        self.say("release", *where)
        self.show_briefly(UP, "SERVE .* lag 0 s")

    def history(self) -> None:
        self.page.chapter("What happened?", "Every change, with its reason.")
        self.say("history", "--host", self.replica.host, "--port", str(self.replica.port))

    def metrics(self) -> None:
        self.page.chapter("For Prometheus", "The same check, with a file for node_exporter's textfile collector.")
        ended = self.say(*self.arguments(self.replica, weighted=True), "--textfile", str(self.metrics_file))
        if ended.code != UP[1]:
            raise LabError(f"with --textfile it exited {ended.code}, not {UP[1]}: {ended.out}{ended.err}")
        self.page.done("$", f"cat {self.metrics_file}   # in part")
        series = [line for line in self.metrics_file.read_text().splitlines() if not line.startswith("#")]
        shown = [line for line in series if re.match(rf"mysqlcheck_({METRICS})", line)]
        if len(shown) < 8:
            raise LabError(f"{self.metrics_file} holds only {series}")
        for line in shown:
            self.page.line(line)
        self.page.line(f"… {len(series) - len(shown)} more; all {len(series)} are always there, whatever happens.")

    # The means.

    def arguments(self, server: Server, extra: Collection[str] = (), weighted: bool = False) -> list[str]:
        where = ["--host", server.host, "--port", str(server.port)]
        return [*where, *extra, *(["--weight", str(WEIGHT)] if weighted else [])]

    def sql(self, server: Server, statement: str) -> None:
        self.page.done(f"{self.names[server]}>", f"{statement};")
        server.sql(statement)

    def say(self, *arguments: str) -> Ended:
        """Run a command line, with all that it prints."""
        self.page.command(shlex.join(["mysqlcheck", *arguments]))
        ended = self.run(*arguments)
        if not arguments[0].startswith("-"):
            if ended.code:
                raise LabError(f"{arguments[0]} exited {ended.code}: {ended.out}{ended.err}")
            for line in ended.out.splitlines():
                self.page.line(line)
        else:
            self.page.answer(ended.out + ended.err, ended.code, "--weight" in arguments)
        return ended

    def run(self, *arguments: str) -> Ended:
        return mysqlcheck(*arguments, env={"MYSQLCHECK_CONFIG": str(self.config)}, state=self.state)

    def show(self, codes: tuple[int, int], says: str, extra: Collection[str] = ()) -> None:
        """Both styles with their command lines, and beside them what a TCP_CHECK would see."""
        for weighted, ended in zip((False, True), self.wait(self.replica, codes, says, extra), strict=True):
            self.page.command(shlex.join(["mysqlcheck", *self.arguments(self.replica, extra, weighted)]))
            self.page.answer(ended.out + ended.err, ended.code, weighted)
        accepts = accepts_connections(self.replica)
        self.page.line(f"A plain TCP_CHECK would see that it {'accepts' if accepts else 'refuses'} connections: "
                       f"{'up' if accepts else 'down'}.")  # fmt: skip

    def show_briefly(
        self, codes: tuple[int, int], says: str, extra: Collection[str] = (), server: Server | None = None
    ) -> None:
        plain, weighted = self.wait(server or self.replica, codes, says, extra)
        self.page.line(plain.out.rstrip())
        self.page.answer("", plain.code, False)
        self.page.answer("", weighted.code, True)

    def wait(self, server: Server, codes: tuple[int, int], says: str, extra: Collection[str]) -> tuple[Ended, Ended]:
        """Check in both styles until both give the promised exit code and line."""
        end = time.monotonic() + LIMIT
        while True:
            plain = self.run(*self.arguments(server, extra))
            weighted = self.run(*self.arguments(server, extra, weighted=True))
            if (plain.code, weighted.code) == codes and re.match(says, plain.out):
                return plain, weighted
            if time.monotonic() > end:
                raise LabError(
                    f"{self.names[server]} should have given exit {codes[0]}, weighted {codes[1]}, and {says!r} within "
                    f"{LIMIT:g} s.\nIt gave exit {plain.code}: {plain.out}{plain.err}"
                    f"and weighted exit {weighted.code}: {weighted.out}{weighted.err}"
                )

    def watch_the_weight_fall(self) -> None:
        """One line for each change of the weight, second by second, until there is none left."""
        arguments = self.arguments(self.replica, LAG_OPTIONS, weighted=True)
        self.page.command(f"{shlex.join(['mysqlcheck', *arguments])}   # again and again")
        codes: list[int] = []
        end = time.monotonic() + LIMIT
        while codes[-1:] != [DRAINED[1]]:
            ended = self.run(*arguments)
            if codes[-1:] != [ended.code]:
                codes.append(ended.code)
                self.page.answer(ended.out + ended.err, ended.code, True)
            if ended.code == 1 or codes != sorted(codes, reverse=True) or time.monotonic() > end:
                raise LabError(f"the exit code should have fallen from {UP[1]} to {DRAINED[1]}; it went {codes}")
        if len(codes) < 3:
            raise LabError(f"the weight should have fallen in steps; the exit code went {codes}")

    def watch_it_return(self, says: str) -> float:
        """One line for each second of the hold and each step of the weight; returns when it first served."""
        arguments = self.arguments(self.replica, weighted=True)
        self.page.command(f"{shlex.join(['mysqlcheck', *arguments])}   # again and again")
        codes, lines = list[int](), list[str]()
        served = 0.0
        end = time.monotonic() + LIMIT
        while codes[-1:] != [UP[1]]:
            ended = self.run(*arguments)
            if ended.code > 1 and not served:
                served = time.monotonic()
            if lines[-1:] != [ended.out] and not (ended.code > 1 and codes[-1:] == [ended.code]):
                self.page.answer(ended.out + ended.err, ended.code, True)
            codes.append(ended.code)
            lines.append(ended.out)
            if codes != sorted(codes) or time.monotonic() > end:
                raise LabError(f"it should have been held and then climbed to {UP[1]}; the exit code went {codes}")
        if not re.match(says, lines[0]) or len(set(codes)) < 4:
            raise LabError(f"it should have been held, and then climbed; it said {lines[0]!r} and exited {codes}")
        return served


def accepts_connections(server: Server) -> bool:
    try:
        socket.create_connection((server.host, server.port), timeout=2).close()
    except OSError:
        return False
    return True


def where_the_command_is() -> str:
    path = shlex.join([os.path.relpath(COMMAND[0]) if os.path.isabs(COMMAND[0]) else COMMAND[0], *COMMAND[1:]])
    other = shutil.which("mysqlcheck")
    taken = other is not None and not os.path.samefile(other, shutil.which(COMMAND[0]) or COMMAND[0])
    return f"{path}{f' (not {other}, which comes with the database client and checks tables)' if taken else ''}"


def story(folder: Path) -> int:
    page = Page()
    print("mysqlcheck: is this replica fit to serve? A source, two replicas, and what can happen to them.\n")
    page.line(f"starting three MariaDB servers on 127.0.0.1, with their data in {folder} …")
    with Topology.start(LocalMariaDB, folder, replicas=2) as topology:
        version = ".".join(map(str, topology.source.version))
        ports = f"source :{topology.source.port}, replica 1 :{topology.replicas[0].port}, "
        ports += f"replica 2 :{topology.replicas[1].port}"
        page.line(f"MariaDB {version}, {ports}: both replicate after {topology.came_up_in:.1f} s")
        page.line(f"`mysqlcheck` below is {where_the_command_is()}")
        page.line(f"The account and its password are in {folder}/my.cnf, mode 0600.")
        Demo(topology, folder, page).tell()
    return 0


def main() -> int:
    missing = LocalMariaDB.missing()
    if missing or not shutil.which(COMMAND[0]):
        print(f"demo: {missing or f'there is no {COMMAND[0]}'}; `make demo` installs what it needs", file=sys.stderr)
        return 1
    began = time.monotonic()
    code = play(story, "mysqlcheck-demo-")
    if code == 0:
        print(
            f"\nAll as promised, in {time.monotonic() - began:.0f} s. The servers are ended, their folder is removed."
        )
        print("Next:  README.md                     a block for your keepalived.conf")
        print(f"       {os.path.relpath(COMMAND[0])} --help   every option, and what the exit codes mean")
        print("       make test                     all tests, on more servers and in worse trouble", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
