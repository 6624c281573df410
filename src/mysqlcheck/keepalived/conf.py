"""Reads keepalived.conf into a tree that knows file and line of every word.

The syntax is keepalived's own (lib/parser.c; man keepalived.conf): words are separated by blanks, `!` and `#` begin a
comment where a word could begin, quotes keep blanks together, a backslash at the end continues the line, a brace may
stand on a line of its own, `include` takes a pattern relative to the file that it stands in, `$NAME=value` defines what
`$NAME` and `${NAME}` stand for from there on, and `@host` before a line makes it conditional.

What is meant for keepalived alone (`~SEQ`, `${_RANDOM}`, conditions) is passed over. Whatever a file holds, reading it
ends with a tree and a list of what could not be read.
"""

import glob
import os
import re
from collections.abc import Iterator
from typing import NamedTuple

MOST_BYTES, MOST_DEPTH, MOST_WORDS = 8 << 20, 16, 500_000
INCLUDES = frozenset({"include", "includer", "includem", "includew", "includeb", "includea"})
DEFINITION = re.compile(r"\$(\w+)[ \t]*=(.*)", re.DOTALL)
USE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
CONDITION = re.compile(r"@\^?[\w.-]*[ \t]+")


class Word(NamedTuple):
    """One word, and whether it stood in quotes."""

    text: str
    quoted: bool = False


class Node(NamedTuple):
    """One statement: its words, the keyword first, and what stands in its block."""

    words: tuple[Word, ...]
    file: str
    line: int
    children: tuple["Node", ...] = ()

    @property
    def keyword(self) -> str:
        """The first word."""
        return self.words[0].text

    @property
    def arguments(self) -> tuple[str, ...]:
        """All words but the first."""
        return tuple(word.text for word in self.words[1:])

    def all(self, *keywords: str) -> tuple["Node", ...]:
        """Return the statements of this block with one of these keywords."""
        return tuple(child for child in self.children if child.keyword in keywords)

    def first(self, *keywords: str) -> "Node | None":
        """Return the last of them: what is said twice counts as said last."""
        found = self.all(*keywords)
        return found[-1] if found else None

    def value(self, *keywords: str) -> str | None:
        """Return the first argument of that statement; None where it is not there or has none."""
        found = self.first(*keywords)
        return found.arguments[0] if found and found.arguments else None


class Unreadable(NamedTuple):
    """What could not be read, and where."""

    file: str
    line: int
    text: str


class Config(NamedTuple):
    """All of it: the statements outside every block stand in `root`."""

    root: Node
    unreadable: tuple[Unreadable, ...]


class _Token(NamedTuple):
    word: Word | None
    """None: the end of a line."""
    brace: str
    file: str
    line: int


def read(path: str) -> Config:
    """Read a file and what it includes. Raises OSError where the file itself cannot be read."""
    with open(path, "rb") as file:
        content = file.read(MOST_BYTES)
    reader = _Reader()
    tokens = list(reader.tokens(content, path, 0))
    children = _blocks(tokens, reader.unreadable)
    return Config(Node((Word(""),), path, 0, children), tuple(reader.unreadable))


class _Reader:
    """Turns files into tokens; what is defined in one file holds in the next."""

    def __init__(self) -> None:
        self.unreadable: list[Unreadable] = []
        self.defined: dict[str, str] = {}
        self.words = 0

    def tokens(self, content: bytes, path: str, depth: int) -> Iterator[_Token]:
        for number, line in _logical_lines(content.decode("utf-8", "surrogateescape")):
            yield from self._line(line, path, number, depth)

    def _line(self, line: str, path: str, number: int, depth: int) -> Iterator[_Token]:
        line = CONDITION.sub("", line.lstrip(" \t"), count=1) if line.lstrip(" \t").startswith("@") else line.lstrip()
        definition = DEFINITION.match(line)
        if definition:
            self.defined[definition[1]] = self._replaced(definition[2].split("#")[0].split("!")[0].strip())
            return
        found = self._split(line, path, number)
        words = [token.word.text for token in found if token.word]
        if words and words[0] in INCLUDES and len(words) > 1:
            yield from self._include(words[1], path, number, depth)
            return
        self.words += len(found)
        if self.words <= MOST_WORDS:
            yield from found
            yield _Token(None, "", path, number)

    def _include(self, pattern: str, path: str, number: int, depth: int) -> Iterator[_Token]:
        if depth >= MOST_DEPTH:
            self.unreadable.append(Unreadable(path, number, f"include {pattern}: includes are nested too deeply"))
            return
        found = sorted(glob.glob(os.path.join(os.path.dirname(path) or ".", pattern)))
        found = [name for name in found if os.path.isfile(name)]
        if not found:
            self.unreadable.append(Unreadable(path, number, f"include {pattern}: there is no such file"))
        for name in found:
            try:
                with open(name, "rb") as file:
                    content = file.read(MOST_BYTES)
            except OSError as error:
                self.unreadable.append(Unreadable(path, number, f"include {name}: {error.strerror}"))
                continue
            yield from self.tokens(content, name, depth + 1)

    def _replaced(self, text: str) -> str:
        return USE.sub(lambda use: self.defined.get(use[1] or use[2], use[0]), text) if "$" in text else text

    def _split(self, line: str, path: str, number: int) -> list[_Token]:
        """Split a line into words and braces; a comment ends it."""
        found: list[_Token] = []
        line, at = self._replaced(line), 0
        while at < len(line):
            letter = line[at]
            if letter.isspace():
                at += 1
            elif letter in "!#":
                break
            elif letter in "{}":
                found.append(_Token(None, letter, path, number))
                at += 1
            else:
                text, quoted, at, closed = _word(line, at)
                if not closed:
                    self.unreadable.append(Unreadable(path, number, "a quote is not closed"))
                found.append(_Token(Word(text, quoted), "", path, number))
        return found


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Join what a backslash continues; the number is that of the first line."""
    begun, parts = 0, list[str]()
    for number, line in enumerate(text.split("\n"), 1):
        begun = begun if parts else number
        line = line.rstrip("\r")
        if line.endswith("\\") and not line.endswith("\\\\"):
            parts.append(line[:-1])
            continue
        yield begun, "".join([*parts, line])
        parts = []
    if parts:
        yield begun, "".join(parts)


def _word(line: str, at: int) -> tuple[str, bool, int, bool]:
    """Read one word: its text, whether any of it stood in quotes, where it ended, whether every quote was closed."""
    text, quote, quoted = list[str](), "", False
    while at < len(line):
        letter = line[at]
        if letter == "\\" and at + 1 < len(line):
            text.append(line[at + 1])
            at += 2
            continue
        if quote:
            quote = "" if letter == quote else quote
            if quote:
                text.append(letter)
        elif letter in "\"'":
            quote, quoted = letter, True
        elif letter.isspace() or (letter in "{}" and "$" not in text[-1:] and not _in_variable(text)):
            break
        else:
            text.append(letter)
        at += 1
    return "".join(text), quoted, at, not quote


def _in_variable(text: list[str]) -> bool:
    """Whether a `${` in this word is still open."""
    word = "".join(text)
    return word.rfind("${") > word.rfind("}")


def _blocks(tokens: list[_Token], unreadable: list[Unreadable]) -> tuple[Node, ...]:
    """Build the tree. A brace belongs to the statement before it, on the same line or above."""
    stack: list[tuple[tuple[Word, ...], str, int, list[Node]]] = [((), "", 0, [])]
    words: list[Word] = []
    where = ("", 0)

    def ended() -> None:
        if words:
            stack[-1][3].append(Node(tuple(words), *where))
            words.clear()

    for token in tokens:
        if token.word:
            where = where if words else (token.file, token.line)
            words.append(token.word)
        elif token.brace == "{":
            if words:
                stack.append((tuple(words), *where, []))
                words.clear()
            elif stack[-1][3] and not stack[-1][3][-1].children:
                before = stack[-1][3].pop()
                stack.append((before.words, before.file, before.line, []))
            else:
                unreadable.append(Unreadable(token.file, token.line, "a block begins without a keyword"))
                stack.append(((Word(""),), token.file, token.line, []))
        elif token.brace == "}":
            ended()
            if len(stack) == 1:
                unreadable.append(Unreadable(token.file, token.line, "a } without its {"))
            else:
                head, file, line, children = stack.pop()
                stack[-1][3].append(Node(head, file, line, tuple(children)))
        else:
            ended()
    ended()
    while len(stack) > 1:
        head, file, line, children = stack.pop()
        unreadable.append(Unreadable(file, line, f"the block of {head[0].text or '{'} is not closed"))
        stack[-1][3].append(Node(head, file, line, tuple(children)))
    return tuple(stack[0][3])
