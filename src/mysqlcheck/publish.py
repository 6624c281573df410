"""Files that others read while we write: track files for keepalived, metrics for node_exporter."""

from __future__ import annotations

import contextlib
import os


def replace(path: str, content: bytes) -> str | None:
    """Put a new file in the place of `path` in one step; return why it could not be done, or None.

    Readers see the old content or the new, never a part (keepalived reads an empty track file as 0,
    node_exporter drops a file that it cannot parse). Readable by all, whoever writes it; no fsync, because
    a file that is lost in a crash is written again at the next check.
    """
    import tempfile  # 3 ms of CPU (shutil, bz2, lzma): only who publishes pays for it

    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path) or ".", prefix=".", suffix=".tmp")
        with open(handle, "wb") as file:
            file.write(content)
            os.fchmod(handle, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        return f"cannot write {path}: {error.strerror}"
    return None
