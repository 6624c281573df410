"""Looks at one server at its interval, in a thread of its own: what hangs there delays nobody else."""

from __future__ import annotations

import os
import select
import threading
import time
import traceback
from typing import NamedTuple, Protocol

from mysqlcheck import clock, mysql, outcome
from mysqlcheck.agent.book import Book
from mysqlcheck.agent.places import Places
from mysqlcheck.agent.pools import Pools
from mysqlcheck.agent.sources import Sources
from mysqlcheck.checks import probes
from mysqlcheck.checks.connection import unusable
from mysqlcheck.clock import Deadline
from mysqlcheck.errors import SettingsError
from mysqlcheck.judgement import Judgement, Look, OnRecord, may_enter, take_in
from mysqlcheck.line import log_line
from mysqlcheck.model import Observation, OperatorHold, Sighting
from mysqlcheck.options import Settings
from mysqlcheck.record import Record

LEAST_PAUSE = 0.1
"""Seconds at least after a look before its time until another one, however often a connection is closed on us."""
ONCE_MORE = 0.03
"""Seconds after which a look is made once more where a connection ended and the new one told nothing: a server that is
killed may lose its connections an instant before it stops to listen."""
LATE = 0.1
"""Seconds after which a look that begins is counted as late: this machine cannot keep up."""
FAREWELL = 0.2
"""Seconds that saying goodbye to a server may take."""


class Seen(NamedTuple):
    """The last look, and the exit code that it led to."""

    look: Look
    exit_code: int


class Director(Protocol):
    """What a watch asks of, and tells to, the machine that it runs on."""

    def hold_of(self, name: str) -> OperatorHold | None:
        """The operator's hold on a server."""

    def trouble(self) -> str | None:
        """What is wrong with our memory; None where all is well."""

    def say(self, text: str) -> None:
        """Tell people."""


class Watch:
    """One server in one role; `begin` starts its thread, `stop` asks it to end."""

    def __init__(
        self,
        settings: Settings,
        book: Book,
        pools: Pools,
        sources: Sources,
        director: Director,
    ) -> None:
        self.settings, self.name = settings, str(settings.target)
        self.last: Seen | None = None
        self.looks = self.late = 0
        """How many looks there were, and how many of them began LATE after their time."""
        self._book, self._pools, self._sources = book, pools, sources
        self._director, self._say = director, director.say
        self._places = Places(settings)
        self._session = mysql.Session(settings.target, settings, probes(settings))
        self._lock = threading.Lock()
        self._bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        """Rings for a look at once, or for the end."""
        self._ending = self._gone = False
        self._thread = threading.Thread(target=self._run, daemon=True, name=self.name)
        self._troubles: tuple[str, ...] = ()
        self._hurried = 0.0
        """When the last look ended that was made before its time."""
        self._early = self._closed = False
        """Whether the next look is before its time, and whether the server closed the connection since the last."""

    def begin(self, due: float) -> None:
        """Look for the first time at this monotonic time, and then at the interval."""
        self._due = due
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end: after the look that goes on, if one does, and without publishing what that finds."""
        self._ending = True
        self._ring()

    def look_soon(self) -> None:
        """Ask for a look before it is due."""
        self._ring()

    def withdraw(self, seconds: float) -> None:
        """Wait so long for its end, and take its verdict away."""
        self._thread.join(seconds)
        self._places.withdraw()

    def _run(self) -> None:
        interval = self.settings.interval
        while self._wait():
            had_one = self._closed or self._session.opened is not None  # a connection
            try:
                self._look()
            except Exception as error:  # noqa: BLE001 - a bug: no verdict, so that checks look for themselves
                self._complain((f"internal error, no verdict is published: {error!r}\n{traceback.format_exc()}",))
                self._session.close(Deadline(0.0))
                self._pools.lose(self.name, clock.now())
                self._sources.lose(self.name, clock.now())
            self.looks += 1
            ended = time.monotonic()
            self._hurried = ended if self._early else self._hurried
            late = ended - self._due
            self._due += interval * max(1.0, -(-late // interval))
            if had_one and self._told_nothing():
                self._due = min(self._due, ended + ONCE_MORE)
            self._early = self._closed = False
        self._session.close(Deadline(FAREWELL))
        with self._lock:
            self._gone = True
            os.close(self._bell)

    def _ring(self) -> None:
        with self._lock:
            if not self._gone:
                os.eventfd_write(self._bell, 1)

    def _told_nothing(self) -> bool:
        """Whether the last look failed, and says nothing for or against the server."""
        return self._session.opened is None and self.last is not None and self.last.look.judgement.verdict.blind

    def _wait(self) -> bool:
        """Wait until a look is due, or the server closes the connection: a look then tells why. False: it is to end."""
        while True:
            line = self._session.line()
            poll = select.poll()
            poll.register(self._bell, select.POLLIN)
            if line is not None:
                poll.register(line, select.POLLRDHUP)
            left = self._due - time.monotonic()
            happened = poll.poll(max(0.0, left) * 1000)
            if any(handle == self._bell for handle, _ in happened):
                os.eventfd_read(self._bell)
                if self._ending:
                    return False
                self._hurry()
                left = self._due - time.monotonic()
            if left <= 0:
                self.late += left < -LATE
                return True
            if any(handle != self._bell for handle, _ in happened):
                self._session.close(Deadline(0.0))
                self._closed = True
                self._hurry()

    def _hurry(self) -> None:
        """Look at once, or as soon as that may be."""
        soonest = max(time.monotonic(), self._hurried + LEAST_PAUSE)
        self._early, self._due = self._early or soonest < self._due, min(self._due, soonest)

    def _look(self) -> None:
        settings = self.settings
        opened = self._session.opened
        if opened is not None and time.monotonic() - opened >= settings.login_every:
            self._session.close(Deadline(FAREWELL))
        observation = self._observe()
        wall, hold = time.time(), self._director.hold_of(self.name)

        def judge(record: Record | None, sighting: Sighting | None) -> Judgement:
            found = take_in(record, sighting, observation, hold, settings, wall)
            by_hand = hold or found.shared
            let_in = self._pools.take(self.name, found, by_hand, observation.ended)
            refused = self._sources.take(self.name, found, by_hand, observation.ended)
            aside = self._pools.aside(self.name, observation)
            if let_in is None and refused is None and aside is None:
                return found
            return take_in(record, sighting, observation, hold, settings, wall, let_in, refused, aside)

        found = self._book.take(self.name, settings.role, judge)
        if self._ending:
            return
        look = Look(observation, found, outcome.answer_style(settings), hold, self._director.trouble())
        exit_code, troubles = self._places.publish(look)
        self.last = Seen(look, exit_code)
        for event in found.events:
            self._say(log_line(event, settings.shadow))
        self._complain(troubles)

    def _recall(self) -> OnRecord:
        """Return what the last look led to."""
        record = self.last.look.judgement.record if self.last else None
        return record, record.memory.sighting if record else None

    def _complain(self, troubles: tuple[str, ...]) -> None:
        """Say each once, until it is over."""
        for trouble in troubles:
            if trouble not in self._troubles:
                self._say(f"{self.name}: {trouble}")
        self._troubles = troubles

    def _observe(self) -> Observation:
        try:
            if self.settings.login_error is not None:
                raise self.settings.login_error
            deadline = Deadline(self.settings.timeout)
            seen = self._session.observe(deadline)
            return mysql.ask_more(seen, self.settings, lambda: may_enter(*self._recall(), seen), deadline)
        except SettingsError as error:  # a file that is gone or broken: told as the server's refusal is
            now = clock.now()
            return Observation(self.settings.target, now, now, unusable("; ".join(map(str, error.problems))))
