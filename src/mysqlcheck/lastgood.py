"""The last good configuration: an operator's slip in a file must not take healthy servers out.

A copy of each TOML file that could be used is kept in the state directory, and used while the file itself cannot be.
A file that holds our own credentials is not copied: where one is broken, the check says so as if the server had
refused the login, and `credentials_grace` lets the last good verdict stay for a while.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from mysqlcheck import publish, statedir
from mysqlcheck.errors import OutOfTime, SettingsError
from mysqlcheck.layers import load, load_targets
from mysqlcheck.options import ConfigFile, Settings

SECONDS = 0.2
"""How long the state directory's disk may take for it."""


def load_settings(given: Mapping[str, str], environment: Mapping[str, str]) -> tuple[Settings, tuple[str, ...]]:
    """Load the settings as layers.load does, from what was good before where a file is broken now.

    Returns them with what must be said loudly. Raises SettingsError where the mistake is not in a file, or where
    nothing good is on record.
    """

    def read(instead: ConfigFile | None = None, login_files: bool = True) -> tuple[Settings, ...]:
        return (load(given, environment, instead=instead, login_files=login_files),)

    found, warnings = _load(given, environment, read)
    return found[0], warnings


def load_all_settings(
    given: Mapping[str, str], environment: Mapping[str, str]
) -> tuple[tuple[Settings, ...], tuple[str, ...]]:
    """Load the settings of all targets as layers.load_targets does; else the same."""

    def read(instead: ConfigFile | None = None, login_files: bool = True) -> tuple[Settings, ...]:
        return load_targets(given, environment, instead=instead, login_files=login_files)

    return _load(given, environment, read)


def _load(
    given: Mapping[str, str], environment: Mapping[str, str], read: Callable[..., tuple[Settings, ...]]
) -> tuple[tuple[Settings, ...], tuple[str, ...]]:
    try:
        found = read()
    except SettingsError as error:
        return _without_broken_files(error, given, environment, read)
    return found, tuple(filter(None, [keep(found[0])]))


def _without_broken_files(
    error: SettingsError,
    given: Mapping[str, str],
    environment: Mapping[str, str],
    read: Callable[..., tuple[Settings, ...]],
) -> tuple[tuple[Settings, ...], tuple[str, ...]]:
    broken = {problem.file for problem in error.problems}
    if None in broken:
        raise error
    warnings = list(map(str, error.problems))
    instead = None
    for path in sorted(filter(None, broken)):
        if (kept := _kept(given, environment, path)) is not None:
            instead = ConfigFile(path, kept)
            warnings.append(f"{path} is broken: its last good version is used; mend it")
    login_files = instead is not None and broken == {instead.path}
    try:
        found = read(instead, login_files)
    except SettingsError:
        raise error from None
    for settings in found:
        settings.config_broken = True
        settings.login_error = None if login_files else error
    return found, tuple(warnings)


def _path(directory: str, config: str) -> str:
    return os.path.join(directory, "config", statedir.file_name(os.path.abspath(config)))


def _state_dir(given: Mapping[str, str], environment: Mapping[str, str]) -> str:
    setting = Settings.state_dir
    return given.get(setting.name) or environment.get(setting.variable) or setting.default


def _kept(given: Mapping[str, str], environment: Mapping[str, str], config: str) -> bytes | None:
    directory = _state_dir(given, environment)
    try:
        return statedir.work_in(directory, SECONDS, lambda: _content(_path(directory, config)), make=False)
    except (OSError, OutOfTime):
        return None


def _content(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def keep(settings: Settings) -> str | None:
    """Keep a copy of the file that was read; return why not, or None."""
    config = settings.config_read
    if config is None:
        return None
    path = _path(settings.state_dir, config.path)

    def write() -> str | None:
        folder = os.path.dirname(path)
        os.makedirs(folder, exist_ok=True)
        os.chmod(folder, 0o755)  # noqa: S103 - earlier versions made it by keepalived's umask, and could not enter it
        return publish.replace(path, config.content)

    def is_kept() -> bool:
        try:
            return _content(path) == config.content
        except PermissionError:
            return False

    try:
        if statedir.work_in(settings.state_dir, SECONDS, is_kept):
            return None
        import tempfile  # noqa: F401 - here, as ourselves: the owner may not be allowed to read our library

        return statedir.work_in(settings.state_dir, SECONDS, write)
    except OutOfTime:
        return f"no copy of {config.path} is kept: {settings.state_dir} takes too long"
    except OSError as error:
        return f"no copy of {config.path} is kept: {statedir.explain(error, settings.state_dir)}"
