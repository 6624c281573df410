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
from mysqlcheck.kinds import OneOf, Text
from mysqlcheck.model import Target
from mysqlcheck.outcome import OutcomeSettings
from mysqlcheck.settings import Layer, Setting, nearest, read, resolve

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
        """The server to check: what the highest layer says, host or socket."""
        if self.host is None or self.origins.get("socket", -1) > self.origins.get("host", -1):
            return Target("localhost", self.port, self.socket)
        return Target.parse(bracketed(self.host), self.port)


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
    early = [option_file, defaults, env, cli]
    port = valid(*early).get("port", Settings.port.default)
    target = _early_target([(layer, valid(layer)) for layer in early], port, problems)
    tables_for_target = _target_layers(tables.get("target", {}), config, target, port, declared, problems)
    layers = [option_file, defaults, *tables_for_target, env, cli]
    _password_file([(layer, valid(layer)) for layer in layers], layers, problems)
    return resolve(Settings, layers, problems)


def _early_target(layers: list[tuple[Layer, dict[str, Any]]], port: int, problems: list[Problem]) -> Target | None:
    """Return the target that the highest layer with a host or a socket names."""
    for layer, values in reversed(layers):
        if "host" in values:
            try:
                return Target.parse(bracketed(values["host"]), port)
            except ValueError as error:
                problems.append(Problem(layer.place(Settings.host), str(error)))
                return None
        if "socket" in values:
            return Target("localhost", port, values["socket"])
    return None


def _password_file(layers: list[tuple[Layer, dict[str, Any]]], result: list[Layer], problems: list[Problem]) -> None:
    """Put the password of a password file over the layers, unless a layer at or above it gave the password itself."""
    for layer, values in reversed(layers):
        if "password" in values:
            return
        if path := values.get("password_file"):
            try:
                with open(path, encoding="utf-8") as file:
                    password = file.readline(4096).rstrip("\r\n")
            except (OSError, ValueError) as error:
                why = getattr(error, "strerror", None) or "it is no UTF-8 text"
                problems.append(Problem(f"{layer.place(Settings.password_file)} {path}", f"cannot be read: {why}"))
                return
            result.append(Layer("file", {"password": password}, lambda _: path))
            return


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
            # an option that is empty says nothing, as in MySQL's own files; but a password may be empty
            values = {name: value for name, value in optionfile.read(path).items() if value != "" or name == "password"}
        except SettingsError as error:
            problems.extend(error.problems)
    return Layer("file", values, lambda s: f"{path} {optionfile.name_of(s.name)}")


def _moved(name: str) -> str:
    if name in Settings.declared():
        return f"; {name} belongs under [defaults]"
    return nearest(name, ["defaults", "target"])


def _target_layers(
    tables: Mapping[str, Any],
    config: str,
    ours: Target | None,
    port: int,
    declared: Mapping[str, Setting[Any]],
    problems: list[Problem],
) -> list[Layer]:
    """Return the layer of the table for our target; every other table is examined too, for its mistakes."""
    found: dict[Target, Layer] = {}
    for key, values in tables.items():
        where = f'{config} [target."{key}"]'
        try:
            target = Target.parse(key, port)
        except ValueError as error:
            problems.append(Problem(where, f"is no target: {error}"))
            continue
        if not isinstance(values, dict):
            problems.append(Problem(where, "must be a table"))
            continue
        layer = Layer("target", values, lambda s, where=where: f"{where} {s.name}")  # type: ignore[misc]
        if target in found:
            problems.append(Problem(where, f"is a second table for {target}"))
        found[target] = layer
        if target != ours:
            problems.extend(problem for _, problem in read(declared, layer).values() if problem)
    return [found[ours]] if ours in found else []
