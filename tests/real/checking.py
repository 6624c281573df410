"""Runs our command against a server of the lab, logged in as the monitor: a check, a director with a memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from tests.command import Ended, mysqlcheck
from tests.lab.accounts import Monitor
from tests.lab.server import Server
from tests.lab.topology import Topology
from tests.lab.waiting import LabError, wait_until

MOST_SECONDS = 60.0


class Watched(Protocol):
    """What a check is made against: a topology, a cluster, a group."""

    monitor: Monitor


class Checker:
    """Checks servers of one topology with the account that `mysqlcheck grants` would make; each check is the first."""

    state: Path | None = None
    options: tuple[str, ...] = ("--timeout", "5s")

    def __init__(self, topology: Watched) -> None:
        self.topology = topology

    def __call__(
        self, server: Server, *arguments: str, password: str | None = None, env: Mapping[str, str] | None = None
    ) -> Ended:
        """Options given here come after those of all checks, and win."""
        secret = self.topology.monitor.password if password is None else password
        ended = mysqlcheck(*where(server), *self.options, *arguments, env=env, password=secret, state=self.state)
        assert secret not in ended.out + ended.err
        assert "Traceback" not in ended.err, ended.err
        return ended

    def json(
        self, server: Server, *arguments: str, password: str | None = None, env: Mapping[str, str] | None = None
    ) -> Ended:
        """The same with --output json."""
        return self(server, "--output", "json", *arguments, password=password, env=env)


class Answer(NamedTuple):
    """What a director was told by one check, and when the check's process ran (time.monotonic)."""

    began: float
    ended: float
    code: int
    document: dict[str, Any]

    @property
    def phase(self) -> str:
        return str(self.document["phase"])

    @property
    def weight(self) -> int | None:
        weight: int | None = self.document["weight"]
        return weight

    @property
    def reentry(self) -> float | str | None:
        """Seconds until a held server serves again, `manual`, or None where it is not held."""
        reentry: float | str | None = self.document["reentry"]
        return reentry

    @property
    def first(self) -> dict[str, Any]:
        """The reason that matters most, or an empty one."""
        return next(iter(self.document["reasons"]), {"code": "", "severity": "ok", "text": "", "observed": None})


class Director(Checker):
    """A director with a memory of its own. Every server is known to it as an old one, unless options say otherwise."""

    options: tuple[str, ...] = ("--timeout", "10s", "--weight", "100", "--trust-uptime", "0")

    def __init__(self, topology: Topology, state: Path, *options: str) -> None:
        super().__init__(topology)
        self.state = state
        self.options = (*self.options, *options)

    def ask(
        self, server: Server, *arguments: str, password: str | None = None, env: Mapping[str, str] | None = None
    ) -> Answer:
        """One check."""
        began = time.monotonic()
        ended = self.json(server, *arguments, password=password, env=env)
        assert ended.out, ended.err
        assert not ended.json["warnings"], ended.err  # nothing is wrong with the director in these tests
        return Answer(began, time.monotonic(), ended.code, ended.json)

    def watch(
        self, server: Server, until: Callable[[Answer], bool], *arguments: str, password: str | None = None
    ) -> list[Answer]:
        """Check again and again, as keepalived does, until an answer is as wanted; returns all of them."""
        answers = [self.ask(server, *arguments, password=password)]
        while not until(answers[-1]):
            if time.monotonic() > answers[0].ended + MOST_SECONDS:
                raise LabError(f"{MOST_SECONDS:g} s of checks never led to it; the last said {answers[-1].document}")
            answers.append(self.ask(server, *arguments, password=password))
        return answers

    def history(self, server: Server) -> list[dict[str, Any]]:
        """What `mysqlcheck history` shows, the oldest first."""
        ended = mysqlcheck("history", *where(server), "--output", "json", state=self.state)
        assert ended.code == 0, ended.err
        events: list[dict[str, Any]] = ended.json  # type: ignore[assignment]
        return events

    def moves(self, server: Server) -> list[tuple[str, str]]:
        """Its changes of phase."""
        return [(event["before"], event["after"]) for event in self.history(server) if event["kind"] == "transition"]


def where(server: Server) -> tuple[str, str, str, str]:
    """The options that name a server."""
    return "--host", server.host, "--port", str(server.port)


def is_up(answer: Answer) -> bool:
    return answer.phase == "up"


def phases(answers: Iterable[Answer]) -> list[str]:
    """The phases one after the other."""
    return [phase for phase, _ in groupby(answer.phase for answer in answers)]


def uptime(server: Server) -> int:
    return int(server.sql("SHOW GLOBAL STATUS LIKE 'Uptime'")[0]["Value"])


def wait_for_another_second(server: Server) -> None:
    """Before a server is ended: two starts within one second look like one, and what is that young serves nobody."""
    wait_until(lambda: uptime(server) >= 1, f"{server.name} to be a second old")
