"""The entry point: the agent's verdict where there is a fresh one, else the whole check.

keepalived forks this each time, and an interpreter is all that it must cost: nothing but os and sys is imported for a
verdict. Only the plain `--host H`, with or without `--port P`, is answered from one; whatever else is asked, or stands
in a MYSQLCHECK_ variable, goes the long way, and so does every doubt.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

DIRECTORY = "/run/mysqlcheck/verdicts"
VARIABLE = "MYSQLCHECK_VERDICT_DIR"
VERSION = b"1"
MOST_BYTES = 4096
"""Of a verdict; a pipe takes as much in one piece."""


def main() -> "NoReturn":
    """Answer and end the process; never returns."""
    code = quick_answer(sys.argv[1:])
    if code is not None:
        os._exit(code)
    from mysqlcheck.funnel import main as whole_check

    whole_check()


def quick_answer(arguments: list[str]) -> int | None:
    """Return what the agent's fresh verdict says of the server, and print its line; None where there is none."""
    try:
        name = _name(arguments)
        if name is None or any(key.startswith("MYSQLCHECK_") and key != VARIABLE for key in os.environ):
            return None
        verdict = _read(os.path.join(os.environ.get(VARIABLE) or DIRECTORY, name))
        version, expires, boot, _, code, line = verdict.split(b" ", 5)
        answer = int(code)
        if version != VERSION or not line.endswith(b"\n") or not 0 <= answer <= 255:
            return None
        if boot != (_read("/proc/sys/kernel/random/boot_id").strip() or b"-") or _uptime() >= int(expires):
            return None
    except (OSError, ValueError):
        return None
    _say(line)
    return answer


def _name(arguments: list[str]) -> str | None:
    """Return the verdict's file for `--host H` or `--host H --port P`, as verdict.file_name writes it."""
    words = [part for word in arguments for part in (word.split("=", 1) if word.startswith("--") else [word])]
    if words[:1] != ["--host"] or len(words) not in (2, 4):
        return None
    host = words[1].lower()
    if not host.isascii() or not host.replace(".", "").replace("-", "").replace(":", "").isalnum():
        return None
    if len(words) == 2:
        return host.replace(":", "_3a_")
    if words[2] != "--port" or not words[3].isdecimal():
        return None
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{words[3]}".replace(":", "_3a_").replace("[", "_5b_").replace("]", "_5d_")


def _read(path: str) -> bytes:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(handle, MOST_BYTES)
    finally:
        os.close(handle)


def _uptime() -> int:
    """Hundredths of a second since boot, suspended or not (proc_uptime(5)): the clock of model.Instant."""
    return int(_read("/proc/uptime").split()[0].replace(b".", b""))


def _say(line: bytes) -> None:
    """Print it, if that is possible at once."""
    try:
        blocking = os.get_blocking(1)
        os.set_blocking(1, False)
        try:
            os.write(1, line)
        finally:
            os.set_blocking(1, blocking)
    except OSError:
        pass
