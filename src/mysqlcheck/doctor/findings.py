"""What the doctor says of one thing: that it is well, or what is wrong with it and what to do."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class Level(IntEnum):
    """How bad it is."""

    OK = 0
    NOTE = 1
    """Good to know; nothing to mend."""
    WARNING = 2
    """It works, and not as it should, or not for ever."""
    PROBLEM = 3
    """The check, or what it is there for, does not work."""

    def __str__(self) -> str:
        return self.name.lower()


class Finding(NamedTuple):
    """One thing that was looked at. `code` is empty where it is well."""

    code: str
    level: Level
    text: str
    advice: str = ""


class Code(NamedTuple):
    """One thing that can be wrong: how bad, what it means in general, and what to do where a rule says no more."""

    code: str
    level: Level
    means: str
    do: str

    def found(self, text: str, advice: str = "") -> Finding:
        """Say that it is so here."""
        return Finding(self.code, self.level, text, advice or self.do)


def well(text: str) -> Finding:
    """Say that something is as it should be."""
    return Finding("", Level.OK, text)


def table(*codes: Code) -> dict[str, Code]:
    """Return codes by their names."""
    return {code.code: code for code in codes}
