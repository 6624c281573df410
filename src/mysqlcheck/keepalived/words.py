"""How keepalived takes a line apart: comments, quotes, escapes and braces (lib/parser.c).

A line is read up to three times, each time by other rules. The first pass knows only double quotes; scripts are taken
from the raw line again, by a pass that knows single quotes and backslashes; and the script's own text once more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

BLANKS = " \t"
WHITE_SPACE = " \t\f\n\r\v"
MARKS = frozenset('"#!\\')
ESCAPES = {"a": "\a", "b": "\b", "E": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class Script(NamedTuple):
    """What a script keyword holds: the program with its arguments, and the words after it (a user and a group)."""

    words: tuple[str, ...]
    after: tuple[str, ...] = ()


def decomment(line: str) -> tuple[str, bool]:
    """Return the line without comment and outer blanks, and whether a quote was left open.

    A comment begins at `#` or `!` outside double quotes. A backslash at the end stays there: it goes on in the next
    line where a definition is written, and nowhere else.
    """
    text = line.strip(BLANKS)
    if not MARKS.intersection(text):
        return text, False
    kept: list[str] = []
    quoted = False
    at = 0
    while at < len(text):
        letter = text[at]
        if letter == "\\":
            following = text[at + 1 : at + 2]
            if not following:
                return "".join(kept).rstrip(BLANKS) + "\\", quoted
            kept.append(following if not quoted and following in "#!" else letter + following)
            at += 2
            continue
        if letter == '"':
            quoted = not quoted
        elif not quoted and letter in "#!":
            break
        kept.append(letter)
        at += 1
    return "".join(kept).rstrip(BLANKS), quoted


def pieces(line: str) -> Iterator[str]:
    """Split a line at its braces outside double quotes; each brace is a piece of its own."""
    rest = line.strip(BLANKS)
    while rest:
        if rest[0] in "{}":
            yield rest[0]
            rest = rest[1:].lstrip(BLANKS)
            continue
        end, quoted = 0, False
        while end < len(rest) and (quoted or rest[end] not in "{}"):
            quoted ^= rest[end] == '"'
            end += 1
        yield rest[:end].rstrip(BLANKS)
        rest = rest[end:]


def split(line: str) -> tuple[str, ...]:
    """Return the words of a line as most keywords see them: only double quotes hold words together."""
    words: list[str] = []
    at = 0
    while True:
        while at < len(line) and line[at] in WHITE_SPACE:
            at += 1
        if at == len(line):
            return tuple(words)
        if line[at] == '"':
            end = line.find('"', at + 1)
            if end < 0:
                return tuple(words)
            words.append(line[at + 1 : end])
            at = end + 1
        else:
            end = at
            while end < len(line) and line[end] not in WHITE_SPACE + '"':
                end += 1
            words.append(line[at:end])
            at = end


def script(line: str) -> Script | None:
    """Return the script that a line such as misc_path names, or None where keepalived finds none in it.

    Only the first word (or quoted text) after the keyword is the script; what follows is something else.
    """
    words = _quoted(line, escapes=False)
    if words is None or len(words) < 2:
        return None
    command = _quoted(words[1], escapes=True)
    return Script(tuple(command), tuple(words[2:])) if command else None


def _quoted(line: str, *, escapes: bool) -> list[str] | None:
    """Split with single quotes, double quotes and backslashes; None where a quote or an escape is left open."""
    words: list[str] = []
    word: list[str] | None = None
    quote = ""
    at = 0
    while at < len(line):
        letter = line[at]
        if letter == "\\":
            if at + 1 == len(line):
                return None
            word = [] if word is None else word
            text, at = _escape(line, at + 1) if escapes else (line[at : at + 2], at + 2)
            word.append(text)
            continue
        at += 1
        if letter == quote:
            quote = ""
        elif quote:
            word = _with(word, letter)
        elif letter in "\"'":
            quote, word = letter, [] if word is None else word
        elif letter in WHITE_SPACE:
            if word is not None:
                words.append("".join(word))
            word = None
        else:
            word = _with(word, letter)
    if quote:
        return None
    return words if word is None else [*words, "".join(word)]


def _with(word: list[str] | None, letter: str) -> list[str]:
    word = [] if word is None else word
    word.append(letter)
    return word


def _escape(line: str, at: int) -> tuple[str, int]:
    """Return what an escape stands for, and where the text goes on; `at` is behind the backslash."""
    letter, following = line[at], line[at + 1 : at + 2]
    if letter == "x" and following and following in "0123456789abcdefABCDEF":
        digits = _digits(line, at + 1, "0123456789abcdefABCDEF", 2)
        return chr(int(digits, 16)), at + 1 + len(digits)
    if letter == "c" and following:
        return chr(ord(following) & 0x1F), at + 2
    if letter in "01234567":
        digits = _digits(line, at, "01234567", 3)
        return chr(int(digits, 8) & 0xFF), at + len(digits)
    return ESCAPES.get(letter, letter), at + 1


def _digits(line: str, at: int, allowed: str, most: int) -> str:
    end = at
    while end < min(len(line), at + most) and line[end] in allowed:
        end += 1
    return line[at:end]
