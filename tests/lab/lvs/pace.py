"""How fast the machine is: a virtual machine without a real processor runs Python six times slower."""

from __future__ import annotations

import math
import subprocess
import time
from typing import NamedTuple

CHECK = ("/opt/mysqlcheck/bin/keepalived-mysqlcheck", "--version")
"""An interpreter and most of what a check imports."""
NO_SLOWER = 1.25
"""What is slower by less than this is as fast as it should be: times vary."""
MOST = 4.0


class Pace(NamedTuple):
    """Seconds, for what depends on it. keepalived's configuration is the one of contrib but for these two numbers."""

    name: str
    usual: float
    """What CHECK takes there."""
    delay_loop: int
    backup_delay_loop: int
    """Of the director that is the backup: most of the time nobody waits for it."""
    timeout: int
    """Of the check; misc_timeout is 4 more."""
    poll: float
    clients: float
    slowness: float = 1.0
    """How much slower than usual this machine is: limits of what is waited for are as much longer."""

    def config(self, text: str, backup: bool = False) -> str:
        """Write a configuration of contrib for this machine."""
        seconds = self.backup_delay_loop if backup else self.delay_loop
        text = text.replace("delay_loop 2 ", f"delay_loop {seconds} ")
        return text.replace("misc_timeout 7", f"misc_timeout {self.timeout + 4}")

    def here(self) -> Pace:
        """Return this pace for the machine as it is now: on one that is slower, as all are at times, all takes longer.

        Four checks that keepalived starts at one moment would else take longer than its delay_loop, and starve.
        """
        slowness = min(MOST, min(_seconds(), _seconds(), _seconds()) / self.usual)
        return self if slowness < NO_SLOWER else self.slower(slowness)

    def slower(self, slowness: float) -> Pace:
        """Return this pace for a machine so many times slower."""
        return self._replace(
            delay_loop=math.ceil(self.delay_loop * slowness),
            backup_delay_loop=math.ceil(self.backup_delay_loop * slowness),
            timeout=math.ceil(self.timeout * slowness),
            poll=self.poll * slowness,
            clients=self.clients * slowness,
            slowness=slowness,
        )

    def __str__(self) -> str:
        slower = f", {self.slowness:.1f} times slower than usual" if self.slowness > 1 else ""
        return f"{self.name}{slower}; delay_loop {self.delay_loop} s"


def _seconds() -> float:
    began = time.monotonic()
    subprocess.run(CHECK, stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - began


REAL = Pace("this kernel", 0.15, 2, 2, 3, 0.05, 0.2)
EMULATED = Pace("a virtual machine, six times slower", 0.45, 3, 6, 8, 0.3, 0.8)
PATIENT = EMULATED._replace(delay_loop=4, backup_delay_loop=8, timeout=10)
"""The same for scenarios on demand, where nobody waits for the end of the story: it forgives a busy machine more."""
