"""Where settings are read from.

Later layers win: the built-in defaults, the MySQL option file, [defaults] and [target."host:port"] of the
TOML file, the environment, the command line. [pool.NAME] tables are of one layer: nothing else says anything of a pool.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from mysqlcheck import optionfile
from mysqlcheck.checks.connection import bracketed
from mysqlcheck.errors import Problem, SettingsError
from mysqlcheck.model import Target
from mysqlcheck.options import DEFAULT_CONFIG, DEFAULT_OPTION_FILE, ConfigFile, Settings
from mysqlcheck.settings import Layer, nearest, read, resolve

if TYPE_CHECKING:
    from mysqlcheck.pool import PoolSettings

TABLES = ("defaults", "target", "pool")


class _Files(NamedTuple):
    """What was read before it is known which target it is for."""

    config: ConfigFile | None
    targets: Mapping[str, Any]
    """The [target] tables by their keys."""
    pools: Mapping[str, "PoolSettings | None"]
    """The [pool] tables by their names; None for one with a mistake."""
    option_file: Layer
    defaults: Layer
    env: Layer
    problems: tuple[Problem, ...]

    def before(self, cli: Layer) -> list[Layer]:
        """All layers but that of the target."""
        return [self.option_file, self.defaults, self.env, cli]


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
    cli = _command_line(given)
    files = _read_files(cli, environment, instead, login_files)
    early, problems = files.before(cli), list(files.problems)
    port = _valid(*early).get("port", Settings.port.default)
    target = _early_target([(layer, _valid(layer)) for layer in early], port, problems)
    tables = _target_tables(files, port, problems)
    for other, table in tables.items():  # mistakes in our own are found with the rest
        problems += _mistakes(table) if other != target else []
    return _settle(files, tables.get(target) if target else None, cli, login_files, problems)


def load_targets(
    given: Mapping[str, str],
    environment: Mapping[str, str],
    *,
    instead: ConfigFile | None = None,
    login_files: bool = True,
) -> tuple[Settings, ...]:
    """Read the settings of every server that the TOML file has a [target] table for, as `load` would of each.

    Raises SettingsError with all problems of all of them at once, also where there is no table.
    """
    cli = _command_line(given)
    files = _read_files(cli, environment, instead, login_files)
    port = _valid(*files.before(cli)).get("port", Settings.port.default)
    problems = list(files.problems)
    tables = _target_tables(files, port, problems)
    if not tables and not problems:
        path = files.config.path if files.config else DEFAULT_CONFIG
        what = "has no table of a server" if files.config else "is not there, and so there is no server"
        problems.append(Problem(path, f'{what} to check: write one for each, [target."192.168.1.201:3306"]', path))
    found, all_problems = [], dict.fromkeys(problems)
    for target, table in tables.items():
        where = {"host": target.host, "port": str(target.port)}
        where = where if target.socket is None else {"socket": target.socket}
        try:
            settings = _settle(files, table, _command_line({**given, **where}), login_files, [])
            settings.default_port = port
            found.append(settings)
        except SettingsError as error:
            all_problems.update(dict.fromkeys(error.problems))
    if not all_problems:
        all_problems = dict.fromkeys(_misfits(files, found))
    if all_problems:
        raise SettingsError(list(all_problems))
    return tuple(found)


def targets(config: str | None) -> tuple[Target, ...]:
    """Return the servers that the TOML file has a table for (the default file for None). Raises SettingsError."""
    files = _read_files(_command_line({} if config is None else {"config": config}), {}, None, login_files=False)
    problems = list(files.problems)
    found = _target_tables(files, _valid(files.defaults).get("port", Settings.port.default), problems)
    problems += [problem for table in (files.defaults, *found.values()) for problem in _mistakes(table)]
    if problems:
        raise SettingsError(problems)
    return tuple(found)


def _command_line(given: Mapping[str, str]) -> Layer:
    return Layer("cli", given, lambda setting: setting.option)


def _read_files(cli: Layer, environment: Mapping[str, str], instead: ConfigFile | None, login_files: bool) -> _Files:
    problems: list[Problem] = []
    env = Layer("env", _environment(environment), lambda setting: setting.variable)
    found = instead or _read_config(_valid(env, cli).get("config"), problems)
    config = found.path if found else DEFAULT_CONFIG
    tables = _tables(found, problems) if found else {}
    pools = _pools(config, tables["pool"], problems) if "pool" in tables else {}
    defaults = Layer("defaults", tables.get("defaults", {}), lambda s: f"{config} [defaults] {s.name}", config)
    option_file = Layer("file", {}, str)
    if login_files:
        option_file = _option_file(_valid(defaults, env, cli).get("defaults_file"), problems)
    return _Files(found, tables.get("target", {}), pools, option_file, defaults, env, tuple(problems))


def _settle(files: _Files, table: Layer | None, cli: Layer, login_files: bool, problems: list[Problem]) -> Settings:
    """Put the layers over each other."""
    layers = [files.option_file, files.defaults, *([table] if table else []), files.env, cli]
    if login_files:
        _password_file([(layer, _valid(layer)) for layer in layers], layers, problems)
    settings = resolve(Settings, layers, problems)
    if settings.pool is not None:
        if settings.pool not in files.pools:
            layer = layers[settings.origins["pool"]]
            raise SettingsError([Problem(layer.place(Settings.pool), _no_pool(settings.pool, files), layer.file)])
        settings.pool_settings = files.pools[settings.pool]
    settings.config_read = files.config
    return settings


def _valid(*layers: Layer) -> dict[str, Any]:
    """What these layers give, mistakes left out: they are reported by resolve()."""
    return {
        name: value
        for layer in layers
        for name, (value, problem) in read(Settings.declared(), layer).items()
        if problem is None
    }


def _mistakes(table: Layer) -> list[Problem]:
    return [problem for _, problem in read(Settings.declared(), table).values() if problem]


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
        if name not in TABLES:
            what = "table" if isinstance(table, dict) else "key"
            allowed = '; allowed are [defaults], [target."host:port"] and [pool.NAME]'
            problems.append(Problem(path, f"there is no {what} {name!r} here{_moved(name)}{allowed}", path))
        elif not isinstance(table, dict):
            problems.append(Problem(path, f"{name} must be a table: [{name}]", path))
        else:
            known[name] = table
    return known


def _pools(config: str, tables: Mapping[str, Any], problems: list[Problem]) -> dict[str, "PoolSettings | None"]:
    """Read the [pool] tables."""
    from mysqlcheck.pool import PoolSettings  # only who has pools pays for it

    found: dict[str, PoolSettings | None] = {}
    for name, values in tables.items():
        where = f"{config} [pool.{name}]"
        if not isinstance(values, dict):
            problems.append(Problem(where, "must be a table", config))
            continue
        place = lambda s, where=where: f"{where} {s.name}"  # noqa: E731
        try:
            found[name] = resolve(PoolSettings, [Layer("pool", values, place, config)])
        except SettingsError as error:
            found[name] = None
            problems.extend(error.problems)
    return found


def _no_pool(name: str, files: _Files) -> str:
    there_are = f"; there are {', '.join(files.pools)}" if files.pools else ""
    return f"there is no table [pool.{name}]{nearest(name, list(files.pools)) or there_are}"


def _misfits(files: _Files, targets: Sequence[Settings]) -> Iterator[Problem]:
    """Find what does not fit between pools and their servers."""
    config = files.config.path if files.config else None
    for name, settings in files.pools.items():
        from mysqlcheck.pool import conflicts

        where, of = f"{config} [pool.{name}]", [one for one in targets if one.pool == name and one.role != "source"]
        if not any(one.pool == name for one in targets):
            yield Problem(where, f'no server is in it: write pool = "{name}" under [defaults] or its table', config)
        elif settings is not None and of:
            max_lags = {str(one.target): one.max_lag for one in of}
            yield from (Problem(f"{where} {key}", why, config) for key, why in conflicts(settings, max_lags))


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
    return nearest(name, TABLES)


def _target_tables(files: _Files, port: int, problems: list[Problem]) -> dict[Target, Layer]:
    """Return the layer of each [target] table."""
    found: dict[Target, Layer] = {}
    config = files.config.path if files.config else DEFAULT_CONFIG
    for key, values in files.targets.items():
        where = f'{config} [target."{key}"]'
        try:
            target = Target.parse(key, port)
        except ValueError as error:
            problems.append(Problem(where, f"is no target: {error}", config))
            continue
        if not isinstance(values, dict):
            problems.append(Problem(where, "must be a table", config))
            continue
        if target in found:
            problems.append(Problem(where, f"is a second table for {target}", config))
            continue
        place = lambda s, where=where: f"{where} {s.name}"  # noqa: E731
        found[target] = Layer("target", values, place, config)
    return found
