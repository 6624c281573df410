"""All settings of a check put together, and the places they are read from.

Later layers win: the built-in defaults, the MySQL option file, [defaults] and [target."host:port"] of the
TOML file, the environment, the command line.
"""

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from mysqlcheck import optionfile
from mysqlcheck.errors import Problem, SettingsError
from mysqlcheck.judgement import JudgementSettings
from mysqlcheck.kinds import OneOf, Text
from mysqlcheck.model import Target
from mysqlcheck.settings import Layer, Setting, nearest, read, resolve

DEFAULT_CONFIG = "/etc/mysqlcheck/mysqlcheck.toml"
DEFAULT_OPTION_FILE = "/etc/mysqlcheck/my.cnf"
ONCE = frozenset({"cli", "env"})
"""Sources of settings that say where other settings are."""


class ConfigFile(NamedTuple):
    """A TOML file and what stood in it."""

    path: str
    content: bytes


class Settings(JudgementSettings):
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
        help="Where memory between checks and operators' holds are kept. It must be writable for the user that "
        "keepalived runs the check as.",
        sources=ONCE,
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

    config_read: ConfigFile | None = None
    """The TOML file that was read, for the state directory to keep a copy of."""
    config_broken: bool = False
    """Whether its last good version was read instead."""
    login_error: SettingsError | None = None
    """What is wrong with the files that hold our credentials; with it there is no use in connecting."""

    @property
    def target(self) -> Target:
        """The server to check: what the highest layer says, host or socket."""
        if self.host is None or self.origins.get("socket", -1) > self.origins.get("host", -1):
            return Target("localhost", self.port, self.socket)
        return Target.parse(bracketed(self.host), self.port)


def bracketed(host: str) -> str:
    """Write an IPv6 address so that its colons are no port."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def load(
    given: Mapping[str, str],
    environment: Mapping[str, str],
    *,
    instead: ConfigFile | None = None,
    login_files: bool = True,
) -> Settings:
    """Read every layer; `given` holds the command line's raw texts by setting name.

    `instead` is read in place of the TOML file; without `login_files` neither option file nor password file is read.
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
    found = instead or _read_config(valid(env, cli).get("config"), problems)
    config = found.path if found else DEFAULT_CONFIG
    tables = _tables(found, problems) if found else {}
    defaults = Layer("defaults", tables.get("defaults", {}), lambda s: f"{config} [defaults] {s.name}", config)
    option_file = Layer("file", {}, str)
    if login_files:
        option_file = _option_file(valid(defaults, env, cli).get("defaults_file"), problems)
    early = [option_file, defaults, env, cli]
    port = valid(*early).get("port", Settings.port.default)
    target = _early_target([(layer, valid(layer)) for layer in early], port, problems)
    tables_for_target = _target_layers(tables.get("target", {}), config, target, port, declared, problems)
    layers = [option_file, defaults, *tables_for_target, env, cli]
    if login_files:
        _password_file([(layer, valid(layer)) for layer in layers], layers, problems)
    settings = resolve(Settings, layers, problems)
    settings.config_read = found
    return settings


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
                place = f"{layer.place(Settings.password_file)} {path}"
                problems.append(Problem(place, f"cannot be read: {why}", path))
                return
            result.append(Layer("file", {"password": password}, lambda _: path, path))
            return


def _environment(environment: Mapping[str, str]) -> dict[str, object]:
    prefix = "MYSQLCHECK_"
    return {key[len(prefix) :].lower(): value for key, value in environment.items() if key.startswith(prefix)}


def _read_config(path: str | None, problems: list[Problem]) -> ConfigFile | None:
    """Read the TOML file; a default file that is not there is no problem."""
    if path is None and not os.path.exists(DEFAULT_CONFIG):
        return None
    path = path or DEFAULT_CONFIG
    try:
        with open(path, "rb") as file:
            return ConfigFile(path, file.read())
    except OSError as error:
        problems.append(Problem(path, f"cannot be read as TOML: {error.strerror or error}", path))
        return None


def _tables(config: ConfigFile, problems: list[Problem]) -> dict[str, dict[str, Any]]:
    """Parse the TOML file into its tables."""
    import tomllib

    path = config.path
    try:
        tables = tomllib.loads(config.content.decode())
    except (ValueError, RecursionError) as error:
        problems.append(Problem(path, f"cannot be read as TOML: {error}", path))
        return {}
    known: dict[str, dict[str, Any]] = {}
    for name, table in tables.items():
        if name not in ("defaults", "target"):
            what = "table" if isinstance(table, dict) else "key"
            allowed = '; allowed are [defaults] and [target."host:port"]'
            problems.append(Problem(path, f"there is no {what} {name!r} here{_moved(name)}{allowed}", path))
        elif not isinstance(table, dict):
            problems.append(Problem(path, f"{name} must be a table: [{name}]", path))
        else:
            known[name] = table
    return known


def _option_file(path: str | None, problems: list[Problem]) -> Layer:
    """Read the MySQL option file; a default file that is not there is no problem."""
    path = path or (DEFAULT_OPTION_FILE if os.path.exists(DEFAULT_OPTION_FILE) else None)
    values: dict[str, object] = {}
    if path is not None:
        try:
            # an option that is empty says nothing, as in MySQL's own files; but a password may be empty
            values = {name: value for name, value in optionfile.read(path).items() if value != "" or name == "password"}
        except SettingsError as error:
            problems.extend(problem._replace(file=path) for problem in error.problems)
    return Layer("file", values, lambda s: f"{path} {optionfile.name_of(s.name)}", path)


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
            problems.append(Problem(where, f"is no target: {error}", config))
            continue
        if not isinstance(values, dict):
            problems.append(Problem(where, "must be a table", config))
            continue
        layer = Layer("target", values, lambda s, where=where: f"{where} {s.name}", config)  # type: ignore[misc]
        if target in found:
            problems.append(Problem(where, f"is a second table for {target}", config))
        found[target] = layer
        if target != ours:
            problems.extend(problem for _, problem in read(declared, layer).values() if problem)
    return [found[ours]] if ours in found else []
