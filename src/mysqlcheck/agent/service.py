"""Starts the watches and ends them, and does what is due for all of them, in the main thread."""

from __future__ import annotations

import contextlib
import gc
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from importlib import import_module

from mysqlcheck import clock, console, holds, metrics, publish, statedir
from mysqlcheck.agent.book import Book
from mysqlcheck.agent.pools import Pools
from mysqlcheck.agent.sources import Sources
from mysqlcheck.agent.systemd import Systemd
from mysqlcheck.agent.watch import Watch
from mysqlcheck.clock import Deadline, within
from mysqlcheck.errors import OutOfTime, SettingsError, StoreError
from mysqlcheck.lastgood import keep, load_all_settings
from mysqlcheck.layers import load_targets
from mysqlcheck.model import OperatorHold
from mysqlcheck.options import Settings
from mysqlcheck.settings import Setting
from mysqlcheck.store import Store

SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
TICK = 0.1
"""Seconds between two looks at what is due."""
HOLDS_EVERY, OTHERS_EVERY, STORE_EVERY, METRICS_EVERY = 0.5, 1.0, 5.0, 10.0
DISK_SECONDS = 0.4
"""What the state directory may take at a time; SIGTERM waits no longer."""
MOST_APART, TOGETHER, APART = 1.0, 10, 0.002
"""Seconds over which the first looks are spread, and with them all that follow: in groups of ten, 2 ms from look to
look. So near each other they find the processor's caches warm, and cost half of what they cost alone."""
GARBAGE = 20_000, 20, 20
"""When to look for objects that refer to each other and to which nothing else does (gc.set_threshold)."""
NEEDED = ("encodings.ascii", "encodings.idna", "encodings.latin_1", "mysqlcheck.captures", "tempfile", "tomllib")
"""Modules that are only imported where they are used."""
STACK_BYTES = 512 * 1024
"""Of a thread; there is one for each server."""


class Service:
    """The agent."""

    def __init__(self, given: Mapping[str, str], environment: Mapping[str, str]) -> None:
        self._given, self._environment = given, environment
        self._state_dir = self._told(Settings.state_dir)
        self._systemd = Systemd(environment)
        self._watches: dict[tuple[str, str], Watch] = {}
        self._pools = Pools(self.say, self._look_soon)
        self._sources = Sources(self.say, self._look_soon)
        self._holds: dict[str, OperatorHold] = {}
        self._no_holds: str | None = None
        self._config_broken = False
        self._said: dict[str, str | None] = {}
        self._signals = queue.SimpleQueue[signal.Signals]()

    def run(self) -> int:
        """Run until SIGTERM, and return the exit code. Raises SettingsError where it cannot begin."""
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        threading.stack_size(STACK_BYTES)
        threading.Thread(target=self._wait_for_signals, daemon=True).start()
        try:
            became = _prepare(self._state_dir, self._told(Settings.verdict_dir))
        except OSError as error:
            self.say(f"{error.filename}: {error.strerror}: make it writable for the user that the agent runs as")
            return 1
        targets, warnings = load_all_settings(self._given, self._environment)
        self._config_broken = targets[0].config_broken
        self._book = Book(Store(self._state_dir))
        self._read_holds()
        self._book.refresh(DISK_SECONDS)
        gc.freeze()  # what is here stays, and looks leave little that goes in circles: a sixth of their cost
        gc.set_threshold(*GARBAGE)
        self._begin(targets)
        for warning in warnings:
            self.say(warning)
        self.say(f"looks at {_servers(len(self._watches))}" + (f"; {became}" if became else ""))
        ready = False
        due = {name: time.monotonic() + every for name, every, _ in self._duties()}
        while True:
            number = self._signal()
            if number is signal.SIGHUP:
                self._reload()
            elif number is not None:
                return self._end()
            if not ready and all(watch.looks for watch in self._watches.values()):
                ready = True
                self._systemd.tell("READY=1", f"STATUS=looks at {_servers(len(self._watches))}")
            now = time.monotonic()
            for name, every, duty in self._duties():
                if now >= due[name] or (name == "store" and self._book.urgent):
                    duty()
                    due[name] = time.monotonic() + every

    def _signal(self) -> signal.Signals | None:
        """Return the next signal, or None where there is none within a tick."""
        try:
            return self._signals.get(timeout=TICK)
        except queue.Empty:
            return None

    def _wait_for_signals(self) -> None:
        """Not signal.sigtimedwait: CPython 3.11 makes one up when SIGCONT ends the wait after its time."""
        while True:
            self._signals.put(signal.Signals(signal.sigwait(SIGNALS)))

    def _duties(self) -> list[tuple[str, float, Callable[[], None]]]:
        """What is to be done, and how often in seconds."""
        duties = [
            ("holds", HOLDS_EVERY, self._read_holds),
            ("others", OTHERS_EVERY, lambda: self._book.refresh(DISK_SECONDS)),
            ("store", STORE_EVERY, self._keep),
            ("metrics", METRICS_EVERY, self._export),
        ]
        if self._systemd.watchdog is not None:
            duties.append(("watchdog", self._systemd.watchdog / 3, lambda: self._systemd.tell("WATCHDOG=1")))
        return duties

    # Beginning and end.

    def _begin(self, targets: Sequence[Settings]) -> None:
        """Begin to look at every server that nobody looks at, a little apart."""
        self._pools.arrange(targets)
        self._sources.arrange(targets, self._book.recall, clock.now())
        new = [settings for settings in targets if (str(settings.target), settings.role) not in self._watches]
        now = time.monotonic()
        for number, settings in enumerate(new):
            watch = Watch(settings, self._book, self._pools, self._sources, self)
            self._watches[str(settings.target), settings.role] = watch
            watch.begin(now + _begins_after(number, len(new), settings.interval))

    def _look_soon(self, name: str) -> None:
        """Have a server looked at before it is due; called by any thread."""
        for watch in list(self._watches.values()):
            if watch.name == name:
                watch.look_soon()

    def _reload(self) -> None:
        """Read the configuration anew; one with a mistake is refused, and the old one stays."""
        self._systemd.tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
        try:
            targets = load_targets(self._given, self._environment)
        except SettingsError as error:
            self._config_broken = True
            self.say("the configuration stays what it was: " + "; ".join(map(str, error.problems)))
        else:
            self._config_broken = False
            self._complain("copy", keep(targets[0]))
            wanted = {(str(settings.target), settings.role): settings for settings in targets}
            gone = [pair for pair, watch in self._watches.items() if not _same(wanted.get(pair), watch.settings)]
            _stop([self._watches.pop(pair) for pair in gone])
            for pair in gone:
                if pair not in wanted:
                    self._book.forget(*pair)
            self._begin(targets)
            self.say(f"reloaded: looks at {_servers(len(self._watches))}, {len(gone)} ended or changed")
        self._systemd.tell("READY=1", f"STATUS=looks at {_servers(len(self._watches))}")

    def _end(self) -> int:
        """Write what is to be kept, and take the verdicts away, so that checks look for themselves at once."""
        self._systemd.tell("STOPPING=1")
        _stop(self._watches.values())
        self._keep()
        return 0

    def _told(self, setting: Setting[str]) -> str:
        """A setting that no file gives."""
        return self._given.get(setting.name) or self._environment.get(setting.variable) or setting.default

    # What is due.

    def _read_holds(self) -> None:
        """Read operators' holds; where they cannot be read the last known stay."""
        try:
            found = within(DISK_SECONDS, self._all_holds)
        except OutOfTime:
            self._no_holds = f"operators' holds cannot be read: {self._state_dir} does not answer"
        except StoreError as error:
            self._no_holds = f"operators' holds cannot be read: {error}"
        else:
            self._holds, self._no_holds = found, None
        self._complain("holds", self._no_holds)

    def _all_holds(self) -> dict[str, OperatorHold]:
        wall = time.time()
        names = holds.targets(self._state_dir)
        read = {name: holds.read(self._state_dir, name, wall, DISK_SECONDS) for name in names}
        return {name: hold for name, hold in read.items() if hold is not None}

    def _keep(self) -> None:
        self._book.flush(DISK_SECONDS)
        self._complain("book", self._book.trouble)

    def _export(self) -> None:
        """Write metrics: servers that name the same file share it."""
        files: dict[str, list[metrics.Row]] = {}
        own: metrics.Own | None = metrics.Own(
            sum(watch.looks for watch in self._watches.values()),
            sum(watch.late for watch in self._watches.values()),
            self._pools.counts(),
            self._sources.counts(),
        )
        for watch in self._watches.values():
            path, seen = watch.settings.textfile, watch.last
            if path is None or seen is None:
                continue
            if os.path.isdir(path):
                path = os.path.join(path, metrics.file_name(watch.name, watch.settings.role))
            row = metrics.Row(seen.look, watch.settings, seen.exit_code, self._config_broken)
            files.setdefault(path, []).append(row)
        for path, rows in files.items():
            with contextlib.suppress(OutOfTime):  # half a second for 1,000 servers: it goes on, and so do we
                self._complain(path, within(DISK_SECONDS, partial(_write_metrics, path, rows, own)))
            own = None  # once for all files: node_exporter takes no series twice

    def _complain(self, what: str, trouble: str | None) -> None:
        """Say a trouble once, until it is another."""
        if trouble is not None and self._said.get(what) != trouble:
            self.say(trouble)
        self._said[what] = trouble

    # What watches ask.

    def hold_of(self, name: str) -> OperatorHold | None:
        """The operator's hold on a server, as far as holds could be read."""
        return self._holds.get(name)

    def trouble(self) -> str | None:
        """What is wrong with our memory; None where all is well."""
        return "; ".join(filter(None, (self._no_holds, self._book.trouble))) or None

    def say(self, text: str) -> None:
        """Tell people, on standard error."""
        console.say(text, Deadline(0.1), 2)


FAREWELL = 0.3
"""Seconds that watches have to end."""


def _stop(watches: Collection[Watch]) -> None:
    """End them, and take their verdicts away; who hangs in a look publishes nothing any more."""
    end = time.monotonic() + FAREWELL
    for watch in watches:
        watch.stop()
    for watch in watches:
        watch.withdraw(max(0.0, end - time.monotonic()))


def _begins_after(number: int, of: int, interval: float) -> float:
    """Seconds after which to look first at one of so many servers."""
    groups = -(-of // TOGETHER)
    apart = min(interval, MOST_APART) / groups
    group, place = divmod(number, TOGETHER)
    return group * apart + place * min(APART, apart / TOGETHER)


def _write_metrics(path: str, rows: Sequence[metrics.Row], own: metrics.Own | None) -> str | None:
    return publish.replace(path, metrics.render(rows, own))


def _servers(number: int) -> str:
    return f"{number} server{'s' if number != 1 else ''}"


def _same(wanted: Settings | None, settings: Settings) -> bool:
    return wanted is not None and wanted.values == settings.values


def _prepare(state_dir: str, verdict_dir: str) -> str | None:
    """Make the directories; as root become for good the owner of the state directory, so that nothing belongs to root.

    Returns a word about that where it was done. Raises OSError where there is a directory that cannot be had.
    """
    os.makedirs(verdict_dir, mode=0o755, exist_ok=True)
    if os.geteuid() != 0:
        return None
    with statedir.as_owner(state_dir):
        pass
    owner = os.stat(state_dir)
    if owner.st_uid == 0:
        return None
    for needed in NEEDED:  # as ourselves: the owner may not be allowed to read our library
        import_module(needed)
    if os.stat(verdict_dir).st_uid == 0:
        os.chown(verdict_dir, owner.st_uid, owner.st_gid)
    os.setgroups([])
    os.setgid(owner.st_gid)
    os.setuid(owner.st_uid)
    return f"runs as the owner of {state_dir}, user {owner.st_uid}"
