"""The verdict that the agent publishes of a server, for whoever answers keepalived without a look of its own.

    VERSION EXPIRES BOOT_ID STYLE EXIT_CODE LINE

EXPIRES is in hundredths of a second since boot, as /proc/uptime counts them; BOOT_ID is `-` where the machine hides it;
LINE is for people. Readers: fast.py, and contrib/keepalived/mysqlcheck-verdict, which forks nothing.
"""

from __future__ import annotations

from mysqlcheck.model import Instant
from mysqlcheck.outcome import Style

VERSION = 1
MOST_BYTES = 4000


def content(expires: Instant, style: Style, exit_code: int, line: str) -> bytes:
    """Return what the file holds: one line, whatever is in `line`."""
    when = int(expires.seconds * 100)
    text = f"{VERSION} {when} {expires.boot_id or '-'} {style.value} {exit_code} {' '.join(line.split())}"
    return text.encode("utf-8", "backslashreplace")[:MOST_BYTES] + b"\n"
