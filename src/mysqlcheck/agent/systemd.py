"""What systemd wants to be told of a service, by a datagram (sd_notify(3)): nothing where nobody asks for it."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping


class Systemd:
    """NOTIFY_SOCKET and WATCHDOG_USEC of our environment, which are then taken out of it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        usec = environment.get("WATCHDOG_USEC", "")
        ours = environment.get("WATCHDOG_PID", "") in ("", str(os.getpid()))
        self.watchdog = int(usec) / 1e6 if usec.isdecimal() and ours else None
        """Seconds within which systemd wants to hear of us; None where it does not."""

    def tell(self, *lines: str) -> None:
        """Send lines like READY=1. Whoever does not listen misses it."""
        if self._address[:1] not in ("/", "@"):
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line,
        ):
            line.setblocking(False)
            line.sendto("\n".join(lines).encode(), address)
