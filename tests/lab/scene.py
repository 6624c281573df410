"""Where the demo and the bench happen: a temporary folder, and nothing of it left, however they end.

Ctrl-C, SIGTERM and SIGHUP are answered everywhere, also halfway through the start of a server, where nobody has
noted down yet what has been started. So whatever runs on behalf of the scene is recognised by its environment: the
folder is its TMPDIR, which also keeps the servers' temporary files in it.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from tests.lab.waiting import LabError, wait_until
from tests.lab.watcher import WATCHER

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """A signal asked for the end. No Exception, so that nothing takes it for a server's trouble."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = signal.Signals(number)


def play(story: Callable[[Path], int], prefix: str) -> int:
    """Run the story in a folder of its own, clean up, and return the exit code, 128 + N after signal N."""
    try:
        with _folder(prefix) as folder:
            code = story(folder)
    except Interrupted as interrupted:
        _last_words(f"{interrupted.number.name}: ended early; every server is ended and {_removed} removed")
        return 128 + interrupted.number
    except LabError as error:
        _last_words(f"this did not work: {error}\n(every server is ended and {_removed} removed)")
        return 1
    except BrokenPipeError:  # who read us has left, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code


_removed = Path()


@contextmanager
def _folder(prefix: str) -> Iterator[Path]:
    global _removed
    folder = _removed = Path(tempfile.gettempdir()) / f"{prefix}{secrets.token_hex(4)}"
    for number in ENDING:
        signal.signal(number, _interrupt)
    try:
        folder.mkdir(mode=0o700)
        WATCHER.watch("folder", str(folder))  # for our own SIGKILL; begins before TMPDIR is set, so it is not swept
        os.environ["TMPDIR"] = str(folder)
        yield folder
    finally:
        for number in ENDING:
            signal.signal(number, signal.SIG_IGN)
        wait_until(lambda: not _end_all(folder), f"all that works in {folder} to end", 20)
        shutil.rmtree(folder, ignore_errors=True)
        WATCHER.forget("folder", str(folder))


def _interrupt(number: int, _frame: FrameType | None) -> None:
    for each in ENDING:  # one is enough: the second must not end the cleaning up
        signal.signal(each, signal.SIG_IGN)
    raise Interrupted(number)


def _end_all(folder: Path) -> list[int]:
    """Kill what works for the scene and still runs; returns it. A zombie has no environment any more."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdecimal() and int(entry) != os.getpid() and _works_in(folder, entry):
            found.append(int(entry))
            with suppress(ProcessLookupError):
                os.kill(int(entry), signal.SIGKILL)
    return found


def _works_in(folder: Path, pid: str) -> bool:
    try:
        return f"TMPDIR={folder}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # another user's, or gone
        return False


def _last_words(text: str) -> None:
    """The terminal may be gone as well."""
    with suppress(OSError):
        sys.stdout.flush()
        print(f"\n{text}", file=sys.stderr, flush=True)
