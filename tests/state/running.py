"""Runs the check on scripted replicas with one state directory, in whatever surroundings a test asks for."""

from __future__ import annotations

import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.command import COMMAND, Ended, environment
from tests.hostile.personas import MYSQL, PASSWORD, STATUS_QUERY, Persona
from tests.hostile.server import HostileServer
from tests.hostile.session import Session
from tests.lab.waiting import wait_until

OLD, YOUNG = 30 * 86400.0, 90.0
"""Uptimes in seconds, above and below the default of --trust-uptime: what decides where there is no memory."""
LIMIT = 10.0
"""--timeout here: a machine busy with other tests must not matter; an answer that took longer was not in time."""
BACKSTOP = 60.0


def up_for(seconds: float, persona: Persona = MYSQL, identity: str = "0c9d1cf4-5f7c") -> Persona:
    """The same server, started so long ago."""
    return persona.but_started(int(time.time() - seconds)).but_words(identity=identity)


class Replica:
    """A server on one port whose behaviour a test changes between checks."""

    def __init__(self) -> None:
        self.persona = up_for(OLD)
        self.server = HostileServer(lambda session: self.persona.script()(session))

    def broken(self) -> None:
        """Its SQL thread has stopped; the process is the same."""
        stopped = {"Replica_SQL_Running": "No", "Last_SQL_Errno": "1032", "Last_SQL_Error": "Can't find record"}
        self.persona = self.persona.but_status(**stopped, Seconds_Behind_Source=None)

    @property
    def target(self) -> str:
        """Its name on record."""
        return f"{self.server.host}:{self.server.port}"


class Surroundings(NamedTuple):
    """What a check runs in: a command before it (another user, another namespace), and its state directory."""

    state: Path
    before: tuple[str, ...] = ()


def command(server: HostileServer, before: Sequence[str], *arguments: str) -> list[str]:
    where = ("--host", server.host, "--port", str(server.port), "--timeout", f"{LIMIT:g}", "--output", "json")
    return [*before, *COMMAND, *where, *arguments]


def variables(state: Path | str, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    return environment({"MYSQLCHECK_STATE_DIR": str(state), "MYSQLCHECK_PASSWORD": PASSWORD, **(extra or {})})


def check(
    server: HostileServer,
    state: Path | str | Surroundings,
    *arguments: str,
    before: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
) -> Ended:
    """Check once, with memory."""
    where = state if isinstance(state, Surroundings) else Surroundings(Path(state), tuple(before))
    began = time.monotonic()
    ended = subprocess.run(
        command(server, where.before, *arguments),
        env=variables(where.state, env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=BACKSTOP,
        cwd="/",
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr, time.monotonic() - began)


def explain(server: HostileServer, state: Path, *arguments: str, before: Sequence[str] = ()) -> Ended:
    """The same for a person."""
    began = time.monotonic()
    ended = subprocess.run(
        [*before, *COMMAND, "explain", *command(server, (), *arguments)[len(COMMAND) :]],
        env=variables(state),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=BACKSTOP,
        cwd="/",
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr, time.monotonic() - began)


class Meeting:
    """Lets checks wait for each other at their last question, so that all come to the store at the same moment.

    So many interpreters are not started at once: where there are few processors most would run out of time before
    their first line, which is another matter.
    """

    STARTING = 6

    def __init__(self, replicas: Sequence[Replica], count: int) -> None:
        self._servers = [replica.server for replica in replicas]
        self._barrier = threading.Barrier(count)
        for replica in replicas:
            replica.persona = self._awaited(replica.persona)

    def _awaited(self, persona: Persona) -> Persona:
        def answer(session: Session, query: str) -> None:
            self._barrier.wait(BACKSTOP)
            persona.answer(session, query)

        return persona.but(STATUS_QUERY, answer)

    def run(self, commands: Sequence[Sequence[str]], env: Mapping[str, str]) -> list[Ended]:
        """Run the commands; each `seconds` is counted from when the last of them was started."""
        arrived = sum(len(server.sessions) for server in self._servers)
        with tempfile.TemporaryDirectory(prefix="mysqlcheck-output-") as folder:
            running = []
            for number, words in enumerate(commands):
                with open(f"{folder}/{number}.out", "wb") as out, open(f"{folder}/{number}.err", "wb") as err:
                    running.append(subprocess.Popen(words, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=err))
                wait_until(
                    lambda: len(running) - sum(len(s.sessions) for s in self._servers) + arrived < self.STARTING,
                    "checks to reach the server",
                )
            began = time.monotonic()
            result = []
            for number, process in enumerate(running):
                try:
                    code = process.wait(BACKSTOP)
                finally:
                    process.kill()
                seconds = time.monotonic() - began
                out_text, err_text = (Path(f"{folder}/{number}.{what}").read_text() for what in ("out", "err"))
                result.append(Ended(code, out_text, err_text, seconds))
            return result


def metric(text: str, name: str) -> float:
    """The value of a metric that has no labels but target and role."""
    found = re.search(rf"^mysqlcheck_{name}{{[^}}]*}} (\S+)$", text, re.MULTILINE)
    assert found is not None, f"no metric {name}"
    return float(found[1])


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that every user of the machine can reach; pytest's own are root's alone."""
    with tempfile.TemporaryDirectory(prefix="mysqlcheck-open-", dir="/tmp") as folder:
        place = Path(folder)
        place.chmod(0o755)
        yield place


def as_user(uid: int) -> tuple[str, ...]:
    """What to put before a command that an ordinary user runs; only root can."""
    return ("setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--no-new-privs")
