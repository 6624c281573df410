"""Which server a command for operators is about: named as the check names it, with less that can stand in the way.

No login is made, so a mistake in what has nothing to do with the server's name must not keep an operator from
draining it, nor a file with a password that the operator may not read.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, TypeVar

from mysqlcheck import clock, holddown
from mysqlcheck.errors import NothingRecorded, SettingsError
from mysqlcheck.lastgood import load_settings
from mysqlcheck.layers import load
from mysqlcheck.model import Phase, Target
from mysqlcheck.options import DEFAULT_CONFIG, Settings
from mysqlcheck.record import Record
from mysqlcheck.settings import Layer, read
from mysqlcheck.store import Kept, Store

Found = TypeVar("Found")

NAMES = ("host", "port", "socket", "config", "defaults_file", "state_dir")
"""The settings that say which server, and where its state is."""
SECONDS = 2.0
"""How long a command waits for the store to be read."""


class Asked(NamedTuple):
    """What was asked about."""

    target: Target
    state_dir: str
    notes: tuple[str, ...] = ()
    """What is wrong with the files that might have said more."""
    unread: tuple[str, ...] = ()
    """The same of files that hardly ever say more: MySQL's option file. Only worth a word where all looks odd."""

    @property
    def name(self) -> str:
        """The target as everything that is kept is named after."""
        return str(self.target)


def named(given: Mapping[str, str], environment: Mapping[str, str]) -> Asked:
    """Find the server that the command line, the environment and the files name, as the check does.

    A file that cannot be used is passed over. Raises SettingsError where the mistake is not in a file, or where
    nothing else names a server.
    """
    given, environment = _relevant(given, environment)
    try:
        settings = load(given, environment, login_files=False)
        if settings.target.socket is not None or "port" in settings.origins:
            return Asked(settings.target, settings.state_dir)
    except SettingsError:
        pass  # the option file may still name the server; if not, it is said below
    try:
        settings = load(given, environment)
        return Asked(settings.target, settings.state_dir)
    except SettingsError as error:
        return _without_files(error, given, environment)


def _relevant(given: Mapping[str, str], environment: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Leave out what a check would need beyond the server's name; an empty password keeps any from being read."""
    variables = [Settings.declared()[name].variable for name in NAMES]
    kept = {name: environment[name] for name in variables if name in environment}
    return {name: given[name] for name in NAMES if name in given}, {**kept, Settings.password.variable: ""}


def _without_files(error: SettingsError, given: dict[str, str], environment: dict[str, str]) -> Asked:
    if any(problem.file is None for problem in error.problems):
        raise error
    config = given.get("config") or environment.get(Settings.config.variable) or DEFAULT_CONFIG
    broken = [str(problem) for problem in error.problems if problem.file == config]
    unread = tuple(str(problem) for problem in error.problems if problem.file != config)
    try:
        settings, _ = load_settings(given, environment)
    except SettingsError:
        try:
            settings = load({**given, "config": os.devnull}, environment, login_files=False)
        except SettingsError:
            raise error from None
        broken += ["going on with the command line and the environment alone"] if broken else []
    else:
        broken += [f"the last good version of {config} is used"] if broken else []
    return Asked(settings.target, settings.state_dir, tuple(broken), unread)


def names_a_server(environment: Mapping[str, str]) -> bool:
    """Whether the environment does."""
    return any(setting.variable in environment for setting in (Settings.host, Settings.socket))


def of_all(given: Mapping[str, str], environment: Mapping[str, str], *names: str) -> Settings:
    """Read only these settings, and no file, for what is about no server in particular. Raises SettingsError."""
    declared = {name: Settings.declared()[name] for name in names}
    variables = {name: environment[s.variable] for name, s in declared.items() if s.variable in environment}
    layers = (
        Layer("env", variables, lambda setting: setting.variable),
        Layer("cli", {name: given[name] for name in names if name in given}, lambda setting: setting.option),
    )
    found = [item for layer in layers for item in read(declared, layer).items()]
    problems = [problem for _, (_, problem) in found if problem]
    if problems:
        raise SettingsError(problems)
    return Settings.of(**{name: value for name, (value, _) in found})


def recorded(store: Store, seconds: float = SECONDS) -> list[Kept]:
    """Return every record; none where nothing has been recorded yet. Raises StoreError."""
    return or_nothing(lambda: store.records(seconds))


def or_nothing(look: Callable[[], list[Found]]) -> list[Found]:
    """Return what a look at the store finds; nothing where nothing has been recorded yet. Raises StoreError."""
    try:
        return look()
    except NothingRecorded:
        return []


def ended_since(record: Record) -> bool:
    """Whether the hold timer has ended since the last check, which knew nothing of that yet."""
    standing = record.standing
    held = standing.phase is Phase.HELD
    return held and holddown.over(standing, clock.now()) and not holddown.over(standing, record.seen)


def stranger(asked: Asked, targets: Iterable[str]) -> str | None:
    """Return a note where the target is none of these, which are on record: perhaps it was mistyped."""
    known = set(targets)
    if asked.name in known:
        return None
    text = f"nothing is recorded of {asked.name} in {asked.state_dir}: a slip, or is it checked with another state_dir?"
    if near := _near(asked.target, known):
        text += f" On record: {', '.join(near)}."
    if asked.unread:
        text += f" Not read, a port may stand there: {'; '.join(asked.unread)}."
    return text


def _near(target: Target, known: set[str]) -> list[str]:
    """Return what was perhaps meant: the same host with another port first, then what is written alike."""
    import difflib

    host = str(target._replace(port=1)).removesuffix(":1") + ":"
    same = sorted(name for name in known if target.socket is None and name.startswith(host))
    alike = difflib.get_close_matches(str(target), sorted(known), n=3, cutoff=0.8)
    return list(dict.fromkeys([*same, *alike]))[:3]
