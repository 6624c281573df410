"""What `explain --from FILE` is about: looks that were captured, and the settings to judge them by today."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import NamedTuple

from mysqlcheck import outcome
from mysqlcheck.captures import from_document
from mysqlcheck.cli import people
from mysqlcheck.errors import BadCapture, Problem, SettingsError
from mysqlcheck.judgement import Look, judge_again
from mysqlcheck.layers import load
from mysqlcheck.line import detail
from mysqlcheck.model import Action, Phase
from mysqlcheck.options import Settings
from mysqlcheck.record import Capture

OPTION = "--from"
STDIN = "-"


class Replayed(NamedTuple):
    """A look as it was captured, and as it is judged now."""

    capture: Capture
    settings: Settings
    look: Look

    @property
    def before(self) -> str:
        """What was decided then."""
        return said(self.capture.action, self.capture.share, self.capture.phase)

    @property
    def now(self) -> str:
        """What is decided now."""
        return said(*self.look.judged[:3])


def said(action: Action, share: float, phase: Phase) -> str:
    """Write a decision in few words."""
    part = f" {share:.0%}" if action is Action.SERVE and share < 1 else ""
    return f"{action.value.upper()}{part} ({phase.value})"


def replay(path: str, given: Mapping[str, str], environment: Mapping[str, str]) -> list[Replayed]:
    """Judge what a file holds under the settings of today. Connects to nobody, writes nothing.

    Raises SettingsError with what is wrong in the file, or in the settings.
    """
    replayed = []
    for where, capture in _read(path):
        settings = _settings(where, capture, given, environment)
        judgement = judge_again(capture, settings)
        look = Look(capture.observation, judgement, outcome.answer_style(settings), capture.hold, None)
        replayed.append(Replayed(capture, settings, look))
    return replayed


def replay_lines(replayed: list[Replayed]) -> list[str]:
    """Return a line for each, and how many are decided otherwise."""
    rows = [
        (people.moment(one.capture.at), str(one.look.observation.target), one.settings.role, one.before, one.now)
        for one in replayed
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    found = []
    for one, row in zip(replayed, rows, strict=True):
        at, target, role, before, now = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        found.append(f"{at}  {target}  {role}  {before} → {now}  {_why(one.look)}".rstrip())
    changed = sum(one.before != one.now for one in replayed)
    return [*found, "", f"{changed} of {len(replayed)} are decided otherwise"]


def _why(look: Look) -> str:
    first = next(iter(look.judged.reasons), None)
    return people.plain(
        f"{first.code}: {first.text}" if first else detail(look.observation, look.judgement.verdict.lag)
    )


def _settings(where: str, capture: Capture, given: Mapping[str, str], environment: Mapping[str, str]) -> Settings:
    """Read the settings as a check of this server would today; who logs in, and how, is no matter."""
    target = capture.observation.target
    named = {"host": target.host, "port": str(target.port)} if target.socket is None else {"socket": target.socket}
    named["role"] = capture.role
    problems = [
        Problem(Settings.declared()[name].option, _contradicts(given[name], named.get(name), f"{target}, {where}"))
        for name in ("host", "port", "socket", "role")
        if name in given and given[name].lower().strip("[]") != named.get(name, "").lower()
    ]
    if problems:
        raise SettingsError(problems)
    return load({**given, **named}, environment, login_files=False)


def _contradicts(value: str, captured: str | None, where: str) -> str:
    what = f"it is {captured!r}" if captured else "there is none"
    return f"{value!r} is not what was captured ({where}), where {what}; leave it out"


def _read(path: str) -> list[tuple[str, Capture]]:
    """Read the captures of a file, each with where it stands: one document, or one a line."""
    name = "standard input" if path == STDIN else path
    problems: list[Problem] = []
    found = []
    for where, text in _texts(name, _content(path, name)):
        try:
            found.append((where, from_document(json.loads(text))))
        except BadCapture as error:
            problems.append(Problem(f"{where}: {error.key}" if error.key else where, error.text, name))
        except (ValueError, RecursionError) as error:
            problems.append(Problem(where, f"is no JSON: {error}; {_ALLOWED}", name))
    if not found and not problems:
        problems.append(Problem(name, f"is empty; {_ALLOWED}", name))
    if problems:
        raise SettingsError(problems)
    return found


_ALLOWED = "allowed is what `--output json` or `history --captures` prints"


def _content(path: str, name: str) -> str:
    try:
        if path == STDIN:
            return sys.stdin.buffer.read().decode()
        with open(path, "rb") as file:
            return file.read().decode()
    except OSError as error:
        raise SettingsError([Problem(f"{OPTION} {name}", f"cannot be read: {error.strerror}", name)]) from None
    except UnicodeDecodeError:
        raise SettingsError([Problem(f"{OPTION} {name}", "is no UTF-8 text", name)]) from None


def _texts(name: str, content: str) -> list[tuple[str, str]]:
    """Split what has an object on a line of its own into lines; else it is one document over many."""
    given = [(number, line) for number, line in enumerate(content.split("\n"), 1) if line.strip()]
    if len(given) < 2 or given[0][1].strip() in ("{", "["):
        return [(name, content)] if given else []
    return [(f"{name} line {number}", line) for number, line in given]
