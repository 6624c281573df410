"""The mechanism by which a setting is declared once: name, kind, bounds, default and help in one place.

A subject declares its settings as a Group::

    class LagSettings(Group):
        max_lag = Setting(Seconds(minimum=1), default=60.0, help="drain above this lag")

and reads them as `settings.max_lag`. Command line, environment, TOML and the reference page derive from
the declaration; whoever gives a value gives it as text (or as TOML's types) and one converter judges it,
so the same mistake gets the same message everywhere. Nothing here reads a file: layers come in as values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, NamedTuple, Self, TypeVar, overload

from mysqlcheck.errors import Problem, SettingsError

T = TypeVar("T")
DAY = 86400.0
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": DAY}


class Kind(Generic[T]):
    """How one kind of value is written, in text and in TOML. Both raise ValueError on what is not allowed."""

    metavar = "TEXT"
    allowed = "text"

    def from_text(self, text: str) -> T:
        """Read the value as people write it on a command line or in the environment."""
        raise NotImplementedError

    def from_toml(self, value: object) -> T:
        """Read TOML's own types; text is always welcome."""
        if isinstance(value, str):
            return self.from_text(value)
        raise ValueError

    def show(self, value: T) -> str:
        """Write the value so that from_text reads it back."""
        return str(value)


def show_seconds(seconds: float) -> str:
    """Write a duration as people do: `90s`, `10m`, `2h`."""
    for unit in ("d", "h", "m"):
        if seconds and seconds % UNITS[unit] == 0:
            return f"{seconds / UNITS[unit]:.0f}{unit}"
    text = repr(float(seconds))
    if "e" in text:  # no exponents for people: 0.000000001
        text = f"{seconds:.30f}".rstrip("0")
    return text.removesuffix(".0").removesuffix(".") + "s"


class Seconds(Kind[float]):
    """A duration in seconds: `30`, `30s`, `1.5s`, `250ms`, `10m`, `1h`, `2d`."""

    metavar = "DURATION"

    def __init__(self, minimum: float = 0.0, maximum: float = 365 * DAY) -> None:
        self.minimum, self.maximum = minimum, maximum
        bounds = f"{show_seconds(minimum)} to {show_seconds(maximum)}"
        self.allowed = f"a duration from {bounds}, like 30s, 10m or 1h"

    def from_text(self, text: str) -> float:
        """Read a number with an optional unit; without one it is seconds."""
        text = text.strip()
        number = text.rstrip("mshd")
        if not (
            number.isascii() and number.replace(".", "", 1).isdecimal()
        ):  # refuses nan, inf, signs and exponents too
            raise ValueError
        unit = text[len(number) :] or "s"
        if unit not in UNITS:
            raise ValueError
        return self._bounded(float(number) * UNITS[unit])

    def from_toml(self, value: object) -> float:
        """Accept a bare number of seconds too."""
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(self._bounded(value))
        return super().from_toml(value)

    def show(self, value: float) -> str:
        """Write it as people do."""
        return show_seconds(value)

    def _bounded(self, value: float) -> float:
        if not self.minimum <= value <= self.maximum:
            raise ValueError
        return value


class Whole(Kind[int]):
    """A whole number within bounds."""

    metavar = "N"

    def __init__(self, minimum: int, maximum: int) -> None:
        self.minimum, self.maximum = minimum, maximum
        self.allowed = f"a whole number from {minimum} to {maximum}"

    def from_text(self, text: str) -> int:
        """Read decimal digits and nothing else."""
        if not (text.isascii() and text.isdecimal() and len(text) < 20):
            raise ValueError
        return self._bounded(int(text))

    def from_toml(self, value: object) -> int:
        """Accept an integer; `true` is no number, although Python thinks so."""
        if isinstance(value, int) and not isinstance(value, bool):
            return self._bounded(value)
        return super().from_toml(value)

    def _bounded(self, value: int) -> int:
        if not self.minimum <= value <= self.maximum:
            raise ValueError
        return value


class Text(Kind[str]):
    """Any text that is not empty and fits one line; `refuse` returns why a text is not welcome, or None."""

    def __init__(
        self,
        metavar: str = "TEXT",
        allowed: str = "text on one line",
        refuse: Callable[[str], str | None] | None = None,
    ) -> None:
        self.metavar, self.allowed, self.refuse = metavar, allowed, refuse

    def from_text(self, text: str) -> str:
        """Take it as it is."""
        if not text or not text.isprintable():
            raise ValueError
        if self.refuse and (why := self.refuse(text)):
            raise ValueError(why)
        return text


class Secret(Kind[str]):
    """A password: any text, and no message ever repeats it."""

    metavar = "PASSWORD"
    allowed = "any text"

    def from_text(self, text: str) -> str:
        """Take it as it is."""
        return text

    def from_toml(self, value: object) -> str:
        """Refuse what is no text without showing it."""
        if isinstance(value, str):
            return value
        raise ValueError("the password must be a text in quotes")

    def show(self, value: str) -> str:
        """Show that there is one, and no more."""
        return "…" if value else "empty"


class OneOf(Kind[str]):
    """One of a few words."""

    def __init__(self, *words: str) -> None:
        self.words = words
        self.metavar = "|".join(words)
        self.allowed = " or ".join((", ".join(words[:-1]), words[-1]))

    def from_text(self, text: str) -> str:
        """Accept exactly these words."""
        if text not in self.words:
            raise ValueError
        return text


class Flag(Kind[bool]):
    """Yes or no; on the command line an option without a value."""

    metavar = ""
    allowed = "true or false"

    def from_text(self, text: str) -> bool:
        """Read the words that environments use."""
        words = {"true": True, "yes": True, "on": True, "1": True}
        words |= {"false": False, "no": False, "off": False, "0": False}
        if text.lower() not in words:
            raise ValueError
        return words[text.lower()]

    def from_toml(self, value: object) -> bool:
        """Accept TOML's own booleans."""
        return value if isinstance(value, bool) else super().from_toml(value)

    def show(self, value: bool) -> str:
        """Write TOML's words."""
        return "true" if value else "false"


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
        place = layers[origins[name]].place(declared[name]) if name in origins else declared[name].option
        found.append(Problem(place, text))
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
                Problem(layer.place(_nameless(name)), _unknown(name, declared, layer.source)),
            )
            continue
        try:
            result[name] = (setting.kind.from_toml(raw), None)
        except ValueError as error:
            why = str(error) or f"{shown(raw)} is not allowed; allowed is {setting.kind.allowed}"
            result[name] = (None, Problem(layer.place(setting), why))
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
