"""All settings of a check put together, and the places they are read from.

Later layers win: the built-in defaults, the MySQL option file, [defaults] and [target."host:port"] of the
TOML file, the environment, the command line.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from mysqlcheck import optionfile
from mysqlcheck.checks import Policy
from mysqlcheck.errors import Problem, SettingsError
from mysqlcheck.model import Target
from mysqlcheck.outcome import OutcomeSettings
from mysqlcheck.settings import Layer, OneOf, Setting, Text, nearest, read, resolve

DEFAULT_CONFIG = "/etc/mysqlcheck/mysqlcheck.toml"
DEFAULT_OPTION_FILE = "/etc/mysqlcheck/my.cnf"
ONCE = frozenset({"cli", "env"})
"""Sources of settings that say where other settings are."""


class Settings(Policy, OutcomeSettings):
    """Everything that one check is told."""

    defaults_file = Setting[str | None](
        Text("FILE", "the path of a file"),
        default=None,
        help="A MySQL option file, read as MySQL's clients do; groups [client], then [mysqlcheck].",
        sources=ONCE | {"defaults"},
        default_text=f"{DEFAULT_OPTION_FILE} where it exists",
    )
    config = Setting[str | None](
        Text("FILE", "the path of a file"),
        default=None,
        help='Our own settings as TOML: [defaults] and [target."host:port"] tables.',
        sources=ONCE,
        default_text=f"{DEFAULT_CONFIG} where it exists",
    )
    state_dir = Setting[str](
        Text("DIRECTORY", "the path of a directory"),
        default="/var/lib/mysqlcheck",
        help="Where memory between checks is kept. Reserved: this version judges each check by itself and "
        "writes nothing there.",
    )
    textfile = Setting[str | None](
        Text("FILE|DIRECTORY", "the path of a file or an existing directory"),
        default=None,
        help="Write metrics for node_exporter's textfile collector: into this .prom file, or into this directory, "
        "there in a file of its own for each target and role.",
    )
    output = Setting[str](
        OneOf("text", "json"), default="text", help="One line for people, or one JSON object.", sources=ONCE
    )

    @property
    def target(self) -> Target:
        """The server to check."""
        if self.socket is not None:
            return Target("localhost", self.port, self.socket)
        return Target.parse(bracketed(self.host or ""), self.port)


def bracketed(host: str) -> str:
    """Write an IPv6 address so that its colons are no port."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def load(given: Mapping[str, str], environment: Mapping[str, str]) -> Settings:
    """Read every layer; `given` holds the command line's raw texts by setting name.

    Raises SettingsError with all problems of all layers at once.
    """
    declared = Settings.declared()
    problems: list[Problem] = []

    def valid(*layers: Layer) -> dict[str, Any]:
        """What these layers give, mistakes left out: they are reported by resolve()."""
        return {
            name: value
            for layer in layers
            for name, (value, problem) in read(declared, layer).items()
            if problem is None
        }

    cli = Layer("cli", given, lambda setting: setting.option)
    env = Layer("env", _environment(environment), lambda setting: setting.variable)
    # Where the files are, and which target it is, must be known before the rest can be read.
    config, tables = _config(valid(env, cli).get("config"), problems)
    defaults = Layer("defaults", tables.get("defaults", {}), lambda s: f"{config} [defaults] {s.name}")
    option_file = _option_file(valid(defaults, env, cli).get("defaults_file"), problems)
    early = valid(option_file, defaults, env, cli)
    targets = _target_layers(tables.get("target", {}), config, early, declared, problems)
    layers = [option_file, defaults, *targets, env, cli]
    settings = resolve(Settings, layers, problems)
    return _with_password_file(settings)


def _environment(environment: Mapping[str, str]) -> dict[str, object]:
    prefix = "MYSQLCHECK_"
    return {key[len(prefix) :].lower(): value for key, value in environment.items() if key.startswith(prefix)}


def _config(path: str | None, problems: list[Problem]) -> tuple[str, dict[str, dict[str, Any]]]:
    """Read the TOML file into its tables; a default file that is not there is no problem."""
    if path is None and not os.path.exists(DEFAULT_CONFIG):
        return DEFAULT_CONFIG, {}
    path = path or DEFAULT_CONFIG
    import tomllib

    try:
        with open(path, "rb") as file:
            tables = tomllib.load(file)
    except (OSError, ValueError, RecursionError) as error:
        problems.append(Problem(path, f"cannot be read as TOML: {getattr(error, 'strerror', None) or error}"))
        return path, {}
    known: dict[str, dict[str, Any]] = {}
    for name, table in tables.items():
        if name not in ("defaults", "target"):
            what = "table" if isinstance(table, dict) else "key"
            allowed = '; allowed are [defaults] and [target."host:port"]'
            problems.append(Problem(path, f"there is no {what} {name!r} here{_moved(name)}{allowed}"))
        elif not isinstance(table, dict):
            problems.append(Problem(path, f"{name} must be a table: [{name}]"))
        else:
            known[name] = table
    return path, known


def _option_file(path: str | None, problems: list[Problem]) -> Layer:
    """Read the MySQL option file; a default file that is not there is no problem."""
    path = path or (DEFAULT_OPTION_FILE if os.path.exists(DEFAULT_OPTION_FILE) else None)
    values: dict[str, object] = {}
    if path is not None:
        try:
            values = optionfile.read(path)
        except SettingsError as error:
            problems.extend(error.problems)
    return Layer("file", values, lambda s: f"{path} {s.name}")


def _moved(name: str) -> str:
    if name in Settings.declared():
        return f"; {name} belongs under [defaults]"
    return nearest(name, ["defaults", "target"])


def _target_layers(
    tables: Mapping[str, Any],
    config: str,
    early: Mapping[str, Any],
    declared: Mapping[str, Setting[Any]],
    problems: list[Problem],
) -> list[Layer]:
    """Return the layer of the table for our target; every other table is examined too, for its mistakes."""
    port, host, socket = early.get("port", 3306), early.get("host"), early.get("socket")
    ours: Target | None = None
    if socket is not None:
        ours = Target("localhost", port, socket)
    elif host is not None:
        try:
            ours = Target.parse(bracketed(host), port)
        except ValueError as error:
            problems.append(Problem("--host", str(error)))
    found: list[Layer] = []
    for key, values in tables.items():
        where = f'{config} [target."{key}"]'
        if not isinstance(values, dict):
            problems.append(Problem(where, "must be a table"))
            continue
        layer = Layer("target", values, lambda s, where=where: f"{where} {s.name}")  # type: ignore[misc]
        try:
            target = Target.parse(key, port)
        except ValueError as error:
            problems.append(Problem(where, f"is no target: {error}"))
            continue
        if target == ours or (ours is not None and ours.socket and target.socket == ours.socket):
            if found:
                problems.append(Problem(where, f"is a second table for {ours}"))
            found.append(layer)
        else:
            problems.extend(problem for _, problem in read(declared, layer).values() if problem)
    return found


def _with_password_file(settings: Settings) -> Settings:
    """Put the password of --password-file in, unless a later layer gave the password itself."""
    path = settings.password_file
    if path is None or settings.origins["password_file"] < settings.origins.get("password", -1):
        return settings
    try:
        with open(path, encoding="utf-8") as file:
            password = file.readline(4096).rstrip("\r\n")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise SettingsError([Problem(f"--password-file {path}", f"cannot be read: {why}")]) from error
    return Settings({**settings.values, "password": password}, settings.origins)
