"""The mechanism by which a setting is declared once: name, kind, bounds, default and help in one place.

A subject declares its settings as a Group::

    class LagSettings(Group):
        max_lag = Setting[float](Seconds(minimum=1), default=60.0, help="drain above this lag")

and reads them as `settings.max_lag`. Command line, environment, TOML and the reference page derive from
the declaration; whoever gives a value gives it as text (or as TOML's types) and one converter judges it,
so the same mistake gets the same message everywhere. Nothing here reads a file: layers come in as values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, NamedTuple, Self, TypeVar, overload

from mysqlcheck.errors import Problem, SettingsError
from mysqlcheck.kinds import Kind, Text

T = TypeVar("T")


class Setting(Generic[T]):
    """One declared setting. `derive` computes the default from other settings where none is given."""

    name: str

    def __init__(
        self,
        kind: Kind[Any],
        *,
        default: T,
        help: str,
        derive: Callable[[Any], T] | None = None,
        sources: frozenset[str] = frozenset({"cli", "env", "defaults", "target"}),
        default_text: str | None = None,
    ) -> None:
        self.kind, self.default, self.help, self.derive = kind, default, help, derive
        self.sources, self._default_text = sources, default_text

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, group: None, owner: type) -> Setting[T]: ...
    @overload
    def __get__(self, group: Group, owner: type) -> T: ...
    def __get__(self, group: Group | None, owner: type) -> Setting[T] | T:
        if group is None:
            return self
        value: T = group.values[self.name]
        return value

    @property
    def option(self) -> str:
        """The command line's name for it."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """The environment's name for it."""
        return "MYSQLCHECK_" + self.name.upper()

    @property
    def default_text(self) -> str:
        """The default as the help and the reference page show it."""
        if self._default_text is not None:
            return self._default_text
        return "none" if self.default is None else self.kind.show(self.default)


class Group:
    """Settings that belong to one subject; groups join by inheritance into what a whole check needs."""

    def __init__(self, values: Mapping[str, Any], origins: Mapping[str, int] | None = None) -> None:
        self.values = values
        self.origins = origins or {}
        """Per setting the index of the layer that gave it; absent where it is the default."""

    @classmethod
    def declared(cls) -> dict[str, Setting[Any]]:
        """Every setting of the groups that this one joins, in their order, then its own."""
        return {
            name: value
            for base in (*cls.__mro__[1:], cls)
            for name, value in vars(base).items()
            if isinstance(value, Setting)
        }

    @classmethod
    def of(cls, **values: Any) -> Self:
        """Build a group from values of the right types, defaults for the rest: for tests and for code."""
        return cls(_with_defaults(cls, values))

    def conflicts(self) -> Iterator[tuple[str, str]]:
        """Yield (setting, what is wrong) for values that are each allowed and together make no sense."""
        yield from ()


class Layer(NamedTuple):
    """One source of values; `source` is its kind: cli, env, defaults, target or file (an option file)."""

    source: str
    values: Mapping[str, object]
    place: Callable[[Setting[Any]], str]
    file: str | None = None
    """The file that all of it stands in, if it does."""


G = TypeVar("G", bound=Group)


def resolve(group: type[G], layers: Sequence[Layer], problems: Sequence[Problem] = ()) -> G:
    """Read all layers, the later ones over the earlier.

    Raises SettingsError with every problem at once: those handed in and those found here.
    """
    found = list(problems)
    declared = group.declared()
    values: dict[str, Any] = {}
    origins: dict[str, int] = {}
    for index, layer in enumerate(layers):
        for name, (value, problem) in read(declared, layer).items():
            if problem:
                found.append(problem)
            else:
                values[name], origins[name] = value, index
    if found:
        raise SettingsError(found)
    settings = group(_with_defaults(group, values), origins)
    for name, text in settings.conflicts():
        giver = layers[origins[name]] if name in origins else None
        place = giver.place(declared[name]) if giver else declared[name].option
        found.append(Problem(place, text, giver.file if giver else None))
    if found:
        raise SettingsError(found)
    return settings


def read(declared: Mapping[str, Setting[Any]], layer: Layer) -> dict[str, tuple[Any, Problem | None]]:
    """Convert what one layer gives: per name the value, or the problem with it."""
    result: dict[str, tuple[Any, Problem | None]] = {}
    for name, raw in layer.values.items():
        setting = declared.get(name)
        if setting is None or (layer.source != "file" and layer.source not in setting.sources):
            result[name] = (
                None,
                Problem(layer.place(_nameless(name)), _unknown(name, declared, layer.source), layer.file),
            )
            continue
        try:
            result[name] = (setting.kind.from_toml(raw), None)
        except ValueError as error:
            why = str(error) or f"{shown(raw)} is not allowed; allowed is {setting.kind.allowed}"
            result[name] = (None, Problem(layer.place(setting), why, layer.file))
    return result


def shown(raw: object) -> str:
    """Repeat a value in a message, but not all of it where it is endless."""
    try:
        text = repr(raw)
    except ValueError:  # an integer of more than 4300 digits
        return "this number"
    return text if len(text) <= 80 else text[:79] + "…"


def nearest(name: str, names: Sequence[str]) -> str:
    """Return `; did you mean X?` for the nearest of the names, or nothing when none is near."""
    import difflib

    near = difflib.get_close_matches(name.lower().replace("-", "_"), names, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def _unknown(name: str, declared: Mapping[str, Setting[Any]], source: str) -> str:
    known = [name for name, setting in declared.items() if source in setting.sources]
    if name in declared:
        return f"{name} cannot be set here, only by: {', '.join(sorted(declared[name].sources))}"
    return f"there is no setting {name!r}" + nearest(name, known)


def _nameless(name: str) -> Setting[Any]:
    setting: Setting[Any] = Setting(Text(), default=None, help="")
    setting.name = name
    return setting


def _with_defaults(group: type[Group], values: dict[str, Any]) -> dict[str, Any]:
    declared = group.declared()
    unknown = set(values) - set(declared)
    if unknown:
        raise TypeError(f"{group.__name__} has no setting {', '.join(sorted(unknown))}")
    complete = {name: values.get(name, setting.default) for name, setting in declared.items()}
    filled = group(complete)
    for name, setting in declared.items():
        if setting.derive is not None and name not in values:
            complete[name] = setting.derive(filled)
    return complete
