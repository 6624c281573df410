"""How the demo is told: on a terminal with colours, in a file without, readable in both."""

from __future__ import annotations

import os
import sys
import time

BOLD, DIM, RED, GREEN, YELLOW, CYAN = 1, 2, 31, 32, 33, 36
INDENT = "   "


def meaning(code: int, weighted: bool) -> str:
    """What keepalived makes of an exit code; with misc_dynamic everything from 2 on is a weight."""
    if code == 1:
        return "keepalived: down"
    if not weighted:
        return "keepalived: up" if code == 0 else "keepalived: up (any code but 1!)"
    if code == 0:
        return "keepalived: up, weight as configured"
    drained = "; old connections may finish, no new ones come" if code == 2 else ""
    return f"keepalived: up, weight {code - 2} ({code} − 2){drained}"


def colour(code: int, weighted: bool) -> int:
    if code == 1:
        return RED
    if code == 0 or code >= 102 or not weighted:
        return GREEN
    return YELLOW


class Page:
    """Writes to standard output, a line at a time."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._coloured = (
            sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"
        )
        self._chapters = 0

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def line(self, text: str = "", paint: int | None = None) -> None:
        if paint is not None and self._coloured:
            text = f"\x1b[{paint}m{text}\x1b[0m"
        print(INDENT + text if text else "", flush=True)

    def chapter(self, title: str, note: str) -> None:
        self._chapters += 1
        heading = f"{self._chapters}. {title}"
        if self._coloured:
            heading = f"\x1b[{BOLD}m{heading}\x1b[0m"
        print(f"\n{heading}  [{self.seconds:.0f} s]", flush=True)
        self.line(note, DIM)

    def done(self, where: str, statement: str) -> None:
        """What was done to the servers: SQL at a server's prompt, or a shell line at `$`."""
        self.line(f"{where} {statement}", CYAN)

    def command(self, command: str) -> None:
        self.line(f"$ {command}", BOLD)

    def answer(self, text: str, code: int, weighted: bool) -> None:
        for each in text.splitlines():
            self.line(each)
        self.line(f"exit {code:<3} → {meaning(code, weighted)}", colour(code, weighted))
