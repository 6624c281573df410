"""The lines of keepalived.conf as keepalived comes to see them: files put together, definitions put in.

A Reader reads for one configuration id (`keepalived --config-id`), which decides the lines that begin with `@`. What
it meets that keepalived passes over or cannot read, it notes as a Trouble and goes on: nobody is helped by a linter
that ends at the first mistake.
"""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Iterator
from typing import NamedTuple

from mysqlcheck.keepalived import words

MOST_BYTES = 4 * 1024 * 1024
"""Of all files together: a keepalived.conf is text that people or their tools wrote."""
MOST_LINES = 100_000
"""Definitions of many lines that use each other can grow without end."""
MOST_OF_A_LINE = 1022
"""keepalived's buffer has 1,024 bytes, of which the line's end and a zero take two."""
MOST_REPLACED = 200
"""Definitions in one line; one that stands for itself would go on for ever."""

DEFINITION = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)=[ \t]*(.*)", re.DOTALL)
USE = re.compile(r"\$(?:\{([A-Za-z_]\w*)([ \t\w]*)\}|([A-Za-z_]\w*))", re.ASCII)
STANDARD = frozenset({"_PWD", "_INSTANCE", "_RANDOM", "_ENV", "_HASH", "_BANG"})
INCLUDE = re.compile(r"include([rmwba]?)\s[ \t]*(.*)", re.DOTALL)


class Trouble(NamedTuple):
    """Something that is wrong with the text itself, whatever it configures; `code` is the rule's."""

    code: str
    file: str
    line: int
    text: str


class Line(NamedTuple):
    """A line in the end: no comment, definitions replaced; and where it stands."""

    text: str
    file: str
    line: int


class Definition(NamedTuple):
    """What a name stands for; one that was written over several lines has them all."""

    lines: tuple[str, ...]
    several: bool


class Reader:
    """Reads a file and what it includes, as keepalived does with this configuration id."""

    def __init__(self, config_id: str | None = None) -> None:
        self.config_id = config_id
        self.troubles: list[Trouble] = []
        self.ids: set[str] = set()
        """The ids that lines were written for."""
        self.files: list[str] = []
        self._definitions: dict[str, Definition] = {}
        self._defining: tuple[str, list[str]] | None = None
        self._open: list[str] = []
        self._bytes = self._lines = 0

    def read(self, path: str) -> Iterator[Line]:
        """Yield the lines of a file and of the files that it includes, at the places where they are included.

        Raises OSError where the file itself cannot be read; for an included file that is a Trouble.
        """
        for number, raw in enumerate(self._raw_lines(path), 1):
            place = Line(raw, path, number)
            if len(raw) > MOST_OF_A_LINE:
                self._note("line_too_long", place, f"this line has {len(raw):,} characters")
                raw = raw[:MOST_OF_A_LINE]
            text, open_quote = words.decomment(raw)
            if open_quote:
                self._note("unterminated_quote", place, "a double quote is opened here and not closed in this line")
            if self._continues_a_definition(text, empty=not raw):
                continue
            yield from self._lines_of(place._replace(text=text))

    def _raw_lines(self, path: str) -> list[str]:
        content = _content(path, MOST_BYTES - self._bytes)
        self._bytes += len(content)
        self.files.append(path)
        if b"\0" in content or self._bytes >= MOST_BYTES:
            what = "it holds zero bytes" if b"\0" in content else f"it has more than {MOST_BYTES >> 20} MiB"
            self._note("not_text", Line("", path, 1), f"this is no configuration file: {what}")
            return []
        return [line.rstrip("\r") for line in content.decode("utf-8", "surrogateescape").split("\n")]

    def _note(self, code: str, place: Line, text: str) -> None:
        found = Trouble(code, place.file, place.line, text)
        if found not in self.troubles[-50:]:  # a definition's mistake is met at each of its uses
            self.troubles.append(found)

    # definitions

    def _continues_a_definition(self, text: str, *, empty: bool) -> bool:
        """Take a line into the definition that the last one left open."""
        if self._defining is None or not (text or empty):
            return False
        name, lines = self._defining
        more = text.endswith("\\")
        lines.append(text.removesuffix("\\").rstrip(words.BLANKS))
        if not more:
            self._definitions[name] = Definition(tuple(line for line in lines if line), True)
            self._defining = None
        return True

    def _defines(self, text: str) -> bool:
        found = DEFINITION.fullmatch(text)
        if found is None:
            return False
        name, value = found.groups()
        if value.endswith("\\"):
            self._defining = (name, [value.removesuffix("\\").rstrip(words.BLANKS)])
        else:
            self._definitions[name] = Definition((value,), False)
        return True

    def _replace(self, place: Line, waiting: list[Line]) -> str:
        """Put in what the names in a line stand for; the further lines of a definition are put to `waiting`.

        Without braces a name is replaced only before a blank, a comma, a closing parenthesis or the line's end, so
        the last word before a quote is not; a definition of several lines only at the end of a line.
        """
        text, at, count = place.text, 0, 0
        while found := USE.search(text, at):
            braced, parameters, bare = found.groups()
            name, end = braced or bare, found.end()
            definition = self._definitions.get(name)
            if definition is None and name in STANDARD:
                unknown = f"$_{name.strip('_')}{'_'.join(parameters.split()) if parameters else ''}"
                text, at = text[: found.start()] + unknown + text[end:], found.start() + len(unknown)
            elif definition is None or parameters:
                at = found.start() + 1
            elif bare and text[end : end + 1] not in ("", " ", "\t", ",", ")"):
                self._note("definition_kept", place, f"${name} is not replaced here, because {text[end]!r} follows it")
                at = found.start() + 1
            elif definition.several and end != len(text):
                at = found.start() + 1
            else:
                first, *others = definition.lines or ("",)
                waiting[:0] = [place._replace(text=line) for line in others]
                text, at, count = text[: found.start()] + first + text[end:], found.start(), count + 1
                if count > MOST_REPLACED or len(text) > 2 * MOST_OF_A_LINE:
                    self._note("line_too_long", place, "with its definitions put in this line grows too long")
                    return text[:MOST_OF_A_LINE]
        return text

    # one line, and what comes of it

    def _lines_of(self, place: Line) -> Iterator[Line]:
        """Yield what a line comes to: nothing, itself, an included file, or the lines of a definition."""
        waiting = [place]
        while waiting:
            now = waiting.pop(0)
            self._lines += 1
            if self._lines > MOST_LINES:
                if self._lines == MOST_LINES + 1:
                    self._note("not_text", place, f"with its definitions put in it has more than {MOST_LINES:,} lines")
                return
            text = self._resolved(now, waiting)
            if text is None:
                continue
            if include := INCLUDE.fullmatch(text):
                yield from self._include(now, include[1], include[2])
            elif text:
                yield now._replace(text=text)

    def _resolved(self, now: Line, waiting: list[Line]) -> str | None:
        """Apply condition, definition and replacement until nothing changes; None where nothing is left."""
        text = now.text
        for _ in range(MOST_REPLACED):
            if text.startswith("@"):
                condition, _, text = text.replace("\t", " ").partition(" ")
                text = text.strip(words.BLANKS)
                if not text or not self._applies(condition):
                    return None
            if self._defines(text):
                return None
            if text.startswith(("~SEQ", "~LST")):
                self._note("not_expanded", now, f"{text[:4]} makes several lines of this one; they are not looked at")
                return None
            replaced = self._replace(now._replace(text=text), waiting) if "$" in text else text
            if replaced == text:
                return text
            text, _ = words.decomment(replaced)
            if not text.startswith(("@", "$", "~")):
                return text
        return text

    def _applies(self, condition: str) -> bool:
        reverse = condition.startswith("@^")
        name = condition[2 if reverse else 1 :]
        self.ids.add(name)
        return (name == self.config_id) != reverse

    # includes

    def _include(self, place: Line, kind: str, pattern: str) -> Iterator[Line]:
        folder = os.path.dirname(place.file)
        paths = [path for one in _braces(pattern) for path in sorted(glob.glob(os.path.join(folder, one)))]
        if not paths and ((kind in "wa" and kind) or not glob.has_magic(pattern)):
            self._note("include_missing", place, f"no file matches {pattern!r}")
        for path in paths:
            real = os.path.realpath(path)
            if real in self._open or real == os.path.realpath(place.file):
                self._note("include_loop", place, f"{path} includes itself, by this line in the end")
                continue
            self._open.append(real)
            try:
                yield from self.read(path)
            except OSError as error:
                self._note("file_skipped", place, f"{path} {error.strerror or error}")
            finally:
                self._open.pop()


def _content(path: str, most: int) -> bytes:
    """Read a file that keepalived would read: a regular file that nobody may execute."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise OSError(0, "is no regular file")
        if mode & 0o111:
            raise OSError(0, "may be executed (chmod a-x)")
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(max(0, most))
    finally:
        os.close(descriptor)


def _braces(pattern: str) -> list[str]:
    """Write out the first `{a,b}` of a pattern, and so on, as the C library's glob does."""
    found: list[str] = []
    waiting = [pattern]
    while waiting and len(found) < 100:
        now = waiting.pop(0)
        group = re.search(r"\{([^{}]*)\}", now)
        if group is None:
            found.append(now)
        else:
            waiting += [now[: group.start()] + part + now[group.end() :] for part in group[1].split(",")][:100]
    return found
