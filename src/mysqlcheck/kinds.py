"""How each kind of value is written: on a command line, in the environment, in TOML, and in a message.

One converter for all places, so the same mistake gets the same message everywhere. All of them raise ValueError on
what is not allowed, without words where `allowed` says enough.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Generic, TypeVar

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


def show_span(seconds: float) -> str:
    """Write a span of time to the second, in its two largest units: `48s`, `9m58s`, `2h`, `1d4h`."""
    rest = max(0, math.ceil(seconds - 1e-6)) if seconds != math.inf else 0
    parts = []
    for unit in ("d", "h", "m", "s"):
        count, rest = divmod(rest, int(UNITS[unit]))
        if count:
            parts.append(f"{count}{unit}")
        elif parts:
            break
    return "".join(parts[:2]) or "0s"


class Seconds(Kind[float]):
    """A duration in seconds: `30`, `30s`, `1.5s`, `250ms`, `10m`, `1h30m`, `2d`."""

    metavar = "DURATION"

    def __init__(self, minimum: float = 0.0, maximum: float = 365 * DAY) -> None:
        self.minimum, self.maximum = minimum, maximum
        bounds = f"{show_seconds(minimum)} to {show_seconds(maximum)}"
        self.allowed = f"a duration from {bounds}, like 30s, 10m or 1h"

    def from_text(self, text: str) -> float:
        """Read numbers with their units, largest first; a number alone is seconds."""
        rest, total, smallest = text.strip(), 0.0, math.inf
        while rest or smallest == math.inf:
            number = rest[: len(rest) - len(rest.lstrip("0123456789."))]
            letters = rest[len(number) :]
            unit = letters[: len(letters) - len(letters.lstrip("mshd"))]
            if not letters and smallest == math.inf:  # a number alone
                letters = unit = "s"
            # refuses nan, inf, signs, exponents, and units out of order too
            if not number.replace(".", "", 1).isdecimal() or UNITS.get(unit, math.inf) >= smallest:
                raise ValueError
            total, smallest, rest = total + float(number) * UNITS[unit], UNITS[unit], letters[len(unit) :]
        return self._bounded(total)

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


class Names(Kind[tuple[str, ...]]):
    """A few names, separated by commas; in TOML a list of them too. `nameless` is the word for what has no name.

    Servers tell names apart without regard to case, and so none may be there twice in another case.
    """

    metavar = "NAME,…"

    def __init__(self, what: str, nameless: str, longest: int, most: int) -> None:
        self.nameless, self.longest, self.most = nameless, longest, most
        self.allowed = (
            f"{what} separated by commas, at most {longest} characters each and {most} in all; "
            f"{nameless} is the one without a name"
        )

    def from_text(self, text: str) -> tuple[str, ...]:
        """Split it at its commas."""
        names = [name.strip() for name in text.split(",")]
        if len(names) > self.most or not all(0 < len(name) <= self.longest for name in names):
            raise ValueError
        if not text.isprintable():
            raise ValueError
        for place, name in enumerate(names):
            if name.lower() in (before.lower() for before in names[:place]):
                raise ValueError(f"{text!r} has {name!r} twice")
        return tuple("" if name.lower() == self.nameless else name for name in names)

    def from_toml(self, value: object) -> tuple[str, ...]:
        """Accept a list of texts too; an empty one takes back what a lower layer has named."""
        if isinstance(value, list) and all(isinstance(name, str) and "," not in name for name in value):
            return self.from_text(",".join(value)) if value else ()
        return super().from_toml(value)

    def show(self, value: tuple[str, ...]) -> str:
        """Write them in one line."""
        return ",".join(name or self.nameless for name in value)


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


class TableName(Kind[str]):
    """A table with its database: `percona.checksums`."""

    metavar = "DB.TABLE"
    allowed = "database.table"

    def from_text(self, text: str) -> str:
        """Take it as it is; a name may hold anything but what would end it."""
        parts = text.split(".")
        if len(parts) != 2 or not all(part and part.isprintable() and "`" not in part for part in parts):
            raise ValueError
        return text

    @staticmethod
    def quoted(name: str) -> str:
        """Write it as SQL does."""
        database, _, table = name.partition(".")
        return f"`{database}`.`{table}`"
