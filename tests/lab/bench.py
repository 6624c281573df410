"""`make bench`: the CPU time of one check, beside what else could be asked to do it.

User and system time of each process and its children, as the kernel accounts it (wait4), on a real healthy replica.
The rows take turns, round after round, so that the machine's noise meets them all alike. The yardstick is a Python
that only imports what a check needs; our target is to cost at most 1.1 times that.

Whether a server offers TLS makes a difference, so there are two replicas: MariaDB 10.11 as it comes does not, MySQL
and newer MariaDB do.

    make bench ARGS="--rounds 11 --json"
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

from mysqlcheck import clock, verdict
from mysqlcheck.outcome import Style
from tests.command import COMMAND, environment
from tests.lab import bench_agent
from tests.lab.local import LocalMariaDB
from tests.lab.scene import play
from tests.lab.server import Server
from tests.lab.topology import Topology
from tests.lab.waiting import LabError

ROUNDS, WARM_UP = 41, 3
TARGET = 1.1
VERDICT_HOST = "127.0.0.77"
CLIENT = Path(__file__).parents[2] / "contrib/keepalived/mysqlcheck-verdict"
YARDSTICK, OURS = "imports", "mysqlcheck"
CHECK_MYSQL = "/usr/lib/nagios/plugins/check_mysql"
LIBRARIES = ("click", "pymysql", "prometheus-client")

USUAL_SCRIPT = """#!/bin/bash
# What many directors run today: the client, awk, and an exit code.
status=$(mariadb --defaults-file={option_file} -h {host} -P {port} -e 'SHOW SLAVE STATUS\\G') || exit 1
echo "$status" | awk '
    $1 == "Slave_IO_Running:"      {{ io = $2 }}
    $1 == "Slave_SQL_Running:"     {{ sql = $2 }}
    $1 == "Seconds_Behind_Master:" {{ lag = $2 }}
    END {{ exit !(io == "Yes" && sql == "Yes" && lag != "NULL" && lag < 60) }}'
"""
CONFIG = """[defaults]
max_lag = "90s"
lag_ok = "15s"

[target."{host}:{port}"]
max_lag = "2m"
"""


class Replica2WithTls(LocalMariaDB):
    """The second replica has a certificate, if this machine can make one."""

    def __init__(self, name: str, folder: Path, options: Sequence[str] = ()) -> None:
        files = folder / "cert.pem", folder / "key.pem"
        if name == "replica2" and files[0].exists():
            options = [*options, f"--ssl-cert={files[0]}", f"--ssl-key={files[1]}"]
        super().__init__(name, folder, options)


def make_certificate(folder: Path) -> bool:
    if not shutil.which("openssl"):
        return False
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=bench"]
    command += ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    return subprocess.run(command, capture_output=True, cwd=folder).returncode == 0


class Row(NamedTuple):
    """One competitor: its command line, and the exit code that says it has done its work."""

    name: str
    command: tuple[str, ...]
    note: str = ""
    expected: int = 0
    plain: bool = False
    """Whether its environment has no settings of ours: then a verdict is the answer."""


def rows(replica: Server, with_tls: Server | None, folder: Path, option_file: Path) -> list[Row]:
    where = {"host": replica.host, "port": replica.port, "option_file": option_file}
    script, config, no_state = folder / "usual.sh", folder / "mysqlcheck.toml", folder / "nothing"
    no_state.touch()
    script.write_text(USUAL_SCRIPT.format(**where))
    script.chmod(0o700)
    config.write_text(CONFIG.format(**where))
    isolated = (sys.executable, "-I", "-c")
    ours = check_of(replica, option_file)
    tls = []
    if with_tls is not None:
        command = (*check_of(with_tls, option_file), "--tls", "required")
        tls = [Row("  tls on", command, "… --tls required, on a replica that offers it")]
    client = ("mariadb", f"--defaults-file={option_file}", "-h", replica.host, "-P", str(replica.port))
    return [
        Row("python", (*isolated, "pass"), "bare: python -I -c pass"),
        Row(YARDSTICK, (*isolated, "import click, pymysql, sqlite3"), "import click, pymysql, sqlite3: the yardstick"),
        Row(OURS, ours, "our check: --host … --port … --defaults-file …"),
        Row("  tls off", (*ours, "--tls", "disabled"), "… --tls disabled"),
        *tls,
        Row("  weighted", (*ours, "--weight", "100"), "… --weight 100", 102),
        Row("  config", (*ours, "--config", str(config)), "… --config FILE, TOML with a table for the target"),
        Row("  no memory", (*ours, "--state-dir", str(no_state)), "… with a state directory that cannot be used"),
        Row("  textfile", (*ours, "--textfile", str(folder / "bench.prom")), "… --textfile FILE, for Prometheus"),
        Row("  --version", (*COMMAND, "--version"), "… --version: no check at all, what starting it costs"),
        Row(
            "  verdict", (*COMMAND, "--host", VERDICT_HOST), "… --host …, answered from the agent's verdict", plain=True
        ),
        Row(
            "verdict, sh",
            (str(CLIENT), "--host", VERDICT_HOST),
            "contrib's mysqlcheck-verdict: the same in sh",
            plain=True,
        ),
        Row(
            "check_mysql",
            (CHECK_MYSQL, "-S", "-H", replica.host, "-P", str(replica.port), "-f", str(option_file), "-g", "client"),
            "C, monitoring-plugins: check_mysql -S",
        ),
        Row("bash script", ("/bin/bash", str(script)), "bash, mariadb client, awk: the usual script"),
        Row("mariadb", (*client, "-e", "select 1"), "mariadb -e 'select 1': no check of anything"),
    ]


def check_of(server: Server, option_file: Path) -> tuple[str, ...]:
    return (*COMMAND, "--host", server.host, "--port", str(server.port), "--defaults-file", str(option_file))


def cpu_seconds(row: Row, variables: dict[str, str]) -> float:
    """Run it once; user and system time of it and of its children."""
    program = shutil.which(row.command[0])
    if program is None:
        raise LabError(f"there is no {row.command[0]}; `make bench` installs what it needs")
    null = [(os.POSIX_SPAWN_OPEN, descriptor, os.devnull, os.O_RDWR, 0) for descriptor in (0, 1, 2)]
    pid = os.posix_spawn(program, row.command, variables, file_actions=null)
    _, status, used = os.wait4(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code != row.expected:
        raise LabError(f"{row.name.strip()} exited {code}, not {row.expected}: {' '.join(row.command)}")
    return used.ru_utime + used.ru_stime


def measure(competitors: Sequence[Row], rounds: int, folder: Path) -> dict[str, list[float]]:
    """The seconds of every run by the row's name; the first rounds only warm the caches, compiled modules among them.

    So no PYTHON variable of whoever runs us may forbid to keep those (PYTHONDONTWRITEBYTECODE): pip compiles what it
    installs, and keepalived's environment has none.
    """
    settings = {"MYSQLCHECK_STATE_DIR": str(folder / "state"), "MYSQLCHECK_TRUST_UPTIME": "0"}
    variables = {name: value for name, value in environment(settings).items() if not name.startswith("PYTHON")}
    (folder / "verdicts").mkdir()
    text = verdict.content(clock.now().plus(3600), Style.PLAIN, 0, "SERVE")
    (folder / "verdicts" / VERDICT_HOST).write_bytes(text)
    plain = {name: value for name, value in variables.items() if name not in settings}
    plain["MYSQLCHECK_VERDICT_DIR"] = str(folder / "verdicts")
    seconds: dict[str, list[float]] = {row.name: [] for row in competitors}
    for number in range(-WARM_UP, rounds):
        if sys.stderr.isatty():
            print(f"\rround {max(number + 1, 0)}/{rounds}", end="", file=sys.stderr, flush=True)
        for row in competitors:
            used = cpu_seconds(row, plain if row.plain else variables)
            if number >= 0:
                seconds[row.name].append(used)
    if sys.stderr.isatty():
        print("\r               \r", end="", file=sys.stderr, flush=True)
    return seconds


def machine(replica: Server) -> dict[str, Any]:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return {
        "cpu": model or platform.machine(),
        "cores": os.cpu_count(),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        **{name: installed(name) for name in LIBRARIES},
        "server": f"MariaDB {'.'.join(map(str, replica.version))}",
    }


def installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def document(
    competitors: Sequence[Row],
    seconds: dict[str, list[float]],
    agent: list[dict[str, Any]],
    hung: list[dict[str, Any]],
    host: dict[str, Any],
) -> dict[str, Any]:
    """All that was measured; times in milliseconds."""
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    ratio = medians[OURS] / medians[YARDSTICK]
    for one in agent:
        for name, row in (("check_mysql", "check_mysql"), ("script", "bash script")):
            one[f"times_{name}"] = round(one["cpu_ms_per_look"] / medians[row] / 1000, 3)
    return {
        "machine": host,
        "rounds": len(seconds[OURS]),
        "rows": [
            {
                "name": row.name.strip(),
                "note": row.note,
                "median_ms": round(medians[row.name] * 1000, 2),
                "min_ms": round(min(seconds[row.name]) * 1000, 2),
                "max_ms": round(max(seconds[row.name]) * 1000, 2),
                "times_imports": round(medians[row.name] / medians[YARDSTICK], 3),
            }
            for row in competitors
        ],
        "agent": agent,
        "beside_hung_servers": hung,
        "target": {"at_most": TARGET, "is": round(ratio, 3), "met": ratio <= TARGET},
    }


def show(result: dict[str, Any]) -> None:
    host = result["machine"]
    print(f"{host['cpu']}, {host['cores']} cores, {host['kernel']}; {host['server']} on loopback")
    print(f"Python {host['python']}, " + ", ".join(f"{name} {host[name]}" for name in LIBRARIES if host[name]))
    print(f"CPU time (user + system) of one run, {result['rounds']} interleaved rounds\n")
    print(f"{'':12} {'median':>8} {'min':>8} {'max':>8}   × imports")
    for row in result["rows"]:
        indent = "  " if row["note"].startswith("…") else ""
        times = f"{row['median_ms']:8.1f} {row['min_ms']:8.1f} {row['max_ms']:8.1f}"
        print(f"{indent + row['name']:12} {times} ms {row['times_imports']:8.2f}   {row['note']}")
    print("\nThe agent: CPU of one look on a kept connection\n")
    columns = f"{'servers':>12} {'each':>7} {'metrics':>8} {'a look':>11} {'of a core':>10} {'late':>7} {'resident':>9}"
    print(f"{columns}   × check_mysql   × script")
    for one in result["agent"]:
        late = "" if one["late"] is None else f"{one['late']:.2%}"
        case = f"{one['servers']:12} {one['interval']:5.1f} s {'yes' if one['metrics'] else 'no':>8}"
        print(
            f"{case} {one['cpu_ms_per_look']:8.2f} ms {one['of_a_core']:10.1%} {late:>7} {one['resident_mb']:6} MB "
            f"{one['times_check_mysql']:15.3f} {one['times_script']:10.3f}"
        )
    print(
        "\nEach server once a second, beside others that accept and answer nobody: how late looks at the others were\n"
    )
    print(f"{'servers':>12} {'hung':>6} {'median':>9} {'99 %':>9} {'most':>9}")
    for one in result["beside_hung_servers"]:
        times = f"{one['late_50_ms']:6.1f} ms {one['late_99_ms']:6.1f} ms {one['late_most_ms']:6.1f} ms"
        print(f"{one['servers']:12} {one['hung']:6} {times}")
    target = result["target"]
    met = "met" if target["met"] else "NOT met"
    print(f"\nTarget: our check at most {target['at_most']} × imports; it is {target['is']:.2f}: {met}.", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"how often each runs (default {ROUNDS})")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--check", action="store_true", help="exit 1 if our check costs more than the target")
    wanted = parser.parse_args()
    if wanted.rounds < 1:
        parser.error("--rounds must be at least 1")
    if missing := LocalMariaDB.missing():
        print(f"bench: {missing}", file=sys.stderr)
        return 1

    def story(folder: Path) -> int:
        began = time.monotonic()
        print("bench: starting a source and two replicas, then measuring …", file=sys.stderr, flush=True)
        secure = make_certificate(folder)
        with Topology.start(Replica2WithTls, folder, replicas=2) as topology:
            option_file = folder / "my.cnf"
            option_file.touch(mode=0o600)
            option_file.write_text(f"[client]\nuser={topology.monitor.user}\npassword={topology.monitor.password}\n")
            competitors = rows(topology.replicas[0], topology.replicas[1] if secure else None, folder, option_file)
            seconds = measure(competitors, wanted.rounds, folder)
            lasts = min(bench_agent.SECONDS, 2.0 * wanted.rounds)
            agent = bench_agent.measure(topology, folder / "agent", lasts)
            hung = bench_agent.beside_hung_servers(topology, folder / "agent", lasts)
            result = document(competitors, seconds, agent, hung, machine(topology.replica))
        if wanted.json:
            print(json.dumps(result, indent=2), flush=True)
        else:
            show(result)
        print(f"bench: took {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
        return 1 if wanted.check and not result["target"]["met"] else 0

    return play(story, "mysqlcheck-bench-")


if __name__ == "__main__":
    sys.exit(main())
