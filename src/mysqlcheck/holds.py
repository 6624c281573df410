"""Operators' holds: one small file a target, written to the disk for good, and not in the store.

So a hold survives a lost store and a reboot; every check reads it. The file is JSON: reason, who, since, until.
A file that is there and cannot be read is a hold all the same: somebody put it there.
"""

from __future__ import annotations

import contextlib
import math
import os

from mysqlcheck import statedir
from mysqlcheck.errors import NoAnswer, OutOfTime, StoreError
from mysqlcheck.model import OperatorHold

FOLDER = "holds"
MOST_BYTES = 65536


def path_of(directory: str, target: str) -> str:
    """Return where a target's hold is kept."""
    return os.path.join(directory, FOLDER, statedir.file_name(target) + ".json")


def read(directory: str, target: str, wall: float, seconds: float) -> OperatorHold | None:
    """Return the hold that stands at this Unix time, or None. Raises StoreError where nobody can tell."""
    path = path_of(directory, target)
    try:
        content = statedir.work_in(directory, seconds, lambda: _content(path), make=False)
    except OutOfTime:
        raise NoAnswer(f"{path}: no answer within {seconds:.1f} s (a disk that hangs?)") from None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if os.path.lexists(path):
            return OperatorHold(f"{path} cannot be read: {error.strerror}", "an operator", wall)
        raise StoreError(statedir.explain(error, directory)) from error
    return _parsed(path, content, wall).standing(wall)


def write(directory: str, target: str, hold: OperatorHold) -> None:
    """Put a hold on a target, and on the disk. Raises StoreError: then there is none."""
    import json
    import tempfile  # noqa: F401 - here, as ourselves: the owner may not be allowed to read our library

    path = path_of(directory, target)
    document = {"target": target, "reason": hold.reason, "who": hold.who, "since": hold.since, "until": hold.until}
    content = json.dumps(document, indent=1).encode() + b"\n"
    try:
        with statedir.as_owner(directory):
            folder = os.path.dirname(path)
            with contextlib.suppress(FileExistsError):
                os.mkdir(folder, 0o755)
                statedir.sync(directory)
            _write_for_good(folder, path, content)
    except OSError as error:
        raise StoreError(statedir.explain(error, directory)) from error


def remove(directory: str, target: str) -> bool:
    """End a hold; returns whether there was one. Raises StoreError: then it still stands."""
    path = path_of(directory, target)
    try:
        with statedir.as_owner(directory, make=False):
            os.unlink(path)
            statedir.sync(os.path.dirname(path))
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error
    return True


def targets(directory: str) -> list[str]:
    """Return the targets for which there is a file. Raises StoreError where nobody can tell."""
    folder = os.path.join(directory, FOLDER)
    try:
        names = sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise StoreError(f"{folder}: {error.strerror}") from error
    found = [name.removesuffix(".json") for name in names if name.endswith(".json")]
    # another's file whose name is none of ours is no hold
    return [target for name in found if statedir.file_name(target := statedir.target_of(name)) == name]


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(MOST_BYTES)


def _parsed(path: str, content: bytes, wall: float) -> OperatorHold:
    import json

    try:
        document = json.loads(content)
        since, until = document["since"], document["until"]
        times = [since] if until is None else [since, until]
        if not all(type(moment) in (int, float) and math.isfinite(moment) for moment in times):
            raise ValueError
        return OperatorHold(str(document["reason"]), str(document["who"]), since, until)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return OperatorHold(f"{path} is damaged", "an operator", wall)


def _write_for_good(folder: str, path: str, content: bytes) -> None:
    import tempfile

    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".", suffix=".tmp")
    try:
        with open(handle, "wb") as file:
            file.write(content)
            os.fchmod(handle, 0o644)
            file.flush()
            os.fsync(handle)
        os.replace(temporary, path)
        statedir.sync(folder)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
