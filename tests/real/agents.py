"""Runs `mysqlcheck agent` for the replicas of a topology, as a service would."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from tests.command import COMMAND, Ended, environment
from tests.lab.server import Server
from tests.lab.topology import Topology
from tests.lab.waiting import LabError, wait_until
from tests.state.disk import Disk

QUICK = {"trust_uptime": 0, "hold_down": 3, "hold_down_max": 3, "recover_after": 1, "ramp": 1}


class Agent:
    """An agent with files of its own; a context manager that ends it, if the test did not."""

    def __init__(self, topology: Topology, folder: Path, disk: Disk | None = None, **settings: object) -> None:
        """What it publishes is on the disk, if there is one."""
        self.folder, self.config, self.state = folder, folder / "mysqlcheck.toml", folder / "state"
        self._before = disk.before if disk else ()
        self._run, self._seen = (disk.place, disk.outside) if disk else (folder, folder)
        """Where it publishes, and where the same is for us."""
        self.log, self.servers = folder / "log", list(topology.replicas)
        self.settings: dict[str, object] = {"user": topology.monitor.user, "timeout": 5, **QUICK, **settings}
        self._env = environment(
            {
                "MYSQLCHECK_PASSWORD": topology.monitor.password,
                "MYSQLCHECK_VERDICT_DIR": str(self._run / "verdicts"),
                "MYSQLCHECK_STATE_DIR": str(self.state),
            }
        )
        self.systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.systemd.bind(str(folder / "notify"))
        (folder / "notify").chmod(0o777)  # as systemd's own
        self.systemd.settimeout(20)

    def write(self, text: str = "") -> None:
        """Write the configuration."""
        lines = ["[defaults]", *(f"{name} = {_toml(value)}" for name, value in self.settings.items()), text]
        for server in self.servers:
            lines += [f'[target."{server.host}:{server.port}"]', f'track_file = "{self._run / _weight(server)}"']
        self.config.write_text("\n".join(lines) + "\n")

    def __enter__(self) -> Agent:
        self.write()
        self.start()
        return self

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        env = {**self._env, "NOTIFY_SOCKET": str(self.folder / "notify"), "WATCHDOG_USEC": "1000000"}
        with self.log.open("ab") as log:
            command = [*self._before, *COMMAND, "agent", "--config", str(self.config)]
            self.process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.wait_for("READY=1")

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait(10)
        self.systemd.close()

    def wait_for(self, word: str) -> None:
        """Wait until it tells systemd this."""
        try:
            while word not in self.systemd.recv(4096).decode().split("\n"):
                pass
        except TimeoutError:
            raise LabError(f"the agent has not said {word}: {self.log.read_text()}") from None

    def end(self) -> float:
        """SIGTERM; returns how long it took to end, in seconds."""
        began = time.monotonic()
        self.process.terminate()
        assert self.process.wait(10) == 0
        return time.monotonic() - began

    def track(self, server: Server) -> Path:
        """Its track file."""
        return self._seen / _weight(server)

    def weight(self, server: Server) -> int:
        """The weight that keepalived would set, with `weight 1` in its configuration."""
        return int(self.track(server).read_text()) + 1

    def verdict(self, server: Server) -> Path:
        """Its verdict."""
        return self._seen / "verdicts" / f"{server.host}_3a_{server.port}"

    def expires(self, server: Server) -> int:
        """When its verdict expires, in hundredths of a second since boot."""
        return int(self.verdict(server).read_text().split()[1])

    def check(self, server: Server) -> Ended:
        """What keepalived runs."""
        began = time.monotonic()
        env = {
            name: value
            for name, value in self._env.items()
            if name not in ("MYSQLCHECK_PASSWORD", "MYSQLCHECK_STATE_DIR")
        }
        words = [*self._before, *COMMAND, "--host", server.host, "--port", str(server.port)]
        ended = subprocess.run(words, env=env, capture_output=True, text=True, timeout=30)
        return Ended(ended.returncode, ended.stdout, ended.stderr, time.monotonic() - began)

    def whole_check(self, server: Server) -> Ended:
        """What that does where there is no fresh verdict: the same with a state directory that is not the machine's."""
        began = time.monotonic()
        words = [*self._before, *COMMAND, "--host", server.host, "--port", str(server.port)]
        words += ["--config", str(self.config)]
        ended = subprocess.run(words, env=self._env, capture_output=True, text=True, timeout=30)
        return Ended(ended.returncode, ended.stdout, ended.stderr, time.monotonic() - began)

    def fails(self) -> Ended:
        """Run it to its end."""
        began = time.monotonic()
        words = [*COMMAND, "agent", "--config", str(self.config)]
        ended = subprocess.run(words, env=self._env, capture_output=True, text=True, timeout=30)
        self.systemd.close()
        return Ended(ended.returncode, ended.stdout, ended.stderr, time.monotonic() - began)

    def command(self, *words: str) -> str:
        """What an operator runs."""
        ended = subprocess.run([*COMMAND, *words], env=self._env, capture_output=True, text=True, timeout=30)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def sees(self, server: Server, weight: int, limit: float = 30.0) -> float:
        """Wait until it asks for this weight; returns how long that took. The verdict of the same look is there too."""
        began = time.monotonic()
        wait_until(lambda: self.weight(server) == weight, f"the weight {weight} of {server.name}", limit, every=0.002)
        took = time.monotonic() - began
        track = self.track(server).stat().st_mtime_ns  # which is written before the verdict
        verdict = self.verdict(server)
        wait_until(lambda: verdict.exists() and verdict.stat().st_mtime_ns >= track, "the verdict of that look", limit)
        return took

    def waits_for(self, server: Server, words: str) -> None:
        """Wait until its verdict says this."""
        wait_until(lambda: words in self.check(server).out, f"{words} of {server.name}", 30)

    def descriptors(self) -> int:
        """How many files it has open."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


def _weight(server: Server) -> str:
    return f"weight-{server.port}"


def _toml(value: object) -> str:
    return f'"{value}"' if isinstance(value, (str, Path)) else str(value)
