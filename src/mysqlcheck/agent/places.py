"""The files of one server that others read: its verdict for checks, its weight for keepalived's FILE_CHECK."""

from __future__ import annotations

import contextlib
import errno
import os

from mysqlcheck import outcome, statedir, verdict
from mysqlcheck.judgement import Look
from mysqlcheck.line import line
from mysqlcheck.options import Settings
from mysqlcheck.outcome import ExitCode

SPARE = 1.0
"""Seconds that a verdict lives longer than the look after it may take."""


class Place:
    """A file that is replaced in one step. Only we write it: so it is written again only where it would change."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._temporary = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.{os.getpid()}.tmp")
        self._content: bytes | None = None
        self._signature: tuple[int, ...] = ()

    def write(self, content: bytes) -> str | None:
        """Let it hold this, and return why that could not be, or None."""
        try:
            handle = os.open(self._temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o644)
            try:
                if os.write(handle, content) != len(content):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            finally:
                os.close(handle)
            os.replace(self._temporary, self.path)
        except OSError as error:
            return f"cannot write {self.path}: {error.strerror}"
        return None

    def keep(self, content: bytes) -> str | None:
        """The same, unless it holds this already and nobody has touched it: keepalived reads it at each change."""
        if content == self._content and self._file() == self._signature:
            return None
        if (why := self.write(content)) is not None:
            return why
        self._content, self._signature = content, self._file()
        return None

    def remove(self) -> None:
        """Take it away, if it is there."""
        for path in (self.path, self._temporary):
            with contextlib.suppress(OSError):
                os.unlink(path)

    def _file(self) -> tuple[int, ...]:
        try:
            found = os.stat(self.path)
        except OSError:
            return ()
        return found.st_ino, found.st_size, found.st_mtime_ns


class Places:
    """Where one server's answers go."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        target = settings.target
        folder = settings.verdict_dir
        name = statedir.file_name(str(target))
        self._verdict = Place(os.path.join(folder, name))
        self._short = (
            os.path.join(folder, statedir.file_name(target.host)) if target.port == settings.default_port else None
        )
        self._track = Place(settings.track_file) if settings.track_file is not None else None
        self._life = settings.interval + settings.timeout + SPARE
        """How long a verdict is good for: until the look after it is over, however long that takes."""

    def publish(self, seen: Look) -> tuple[ExitCode, tuple[str, ...]]:
        """Write what follows from a look; returns the exit code, and what could not be written."""
        settings = self._settings
        decision = outcome.always_serve(seen.judged) if settings.shadow else seen.judged
        no_track = no_verdict = None
        if self._track is not None:
            no_track = self._track.keep(b"%d\n" % outcome.track_value(decision, seen.answer))
        exit_code = outcome.exit_code(decision, seen.answer, published=no_track is None)
        if settings.target.socket is None:  # no check of a socket is plain
            expires = seen.observation.ended.plus(self._life)
            text = verdict.content(expires, seen.answer.style, exit_code, line(seen, settings.shadow))
            no_verdict = self._verdict.write(text) or self._link()
        return exit_code, tuple(filter(None, (no_track, no_verdict)))

    def withdraw(self) -> None:
        """Take the verdict away, so that checks look for themselves at once; a weight stays what it is."""
        self._verdict.remove()
        if self._short is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._short)

    def _link(self) -> str | None:
        """A server at the default port is asked for without it."""
        if self._short is None or os.path.lexists(self._short):
            return None
        try:
            os.symlink(os.path.basename(self._verdict.path), self._short)
        except OSError as error:
            return f"cannot write {self._short}: {error.strerror}"
        return None
