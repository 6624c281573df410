"""How fast the machine is: a virtual machine without a real processor runs Python six times slower."""

from __future__ import annotations

from typing import NamedTuple


class Pace(NamedTuple):
    """Seconds, for what depends on it. keepalived's configuration is the one of contrib but for these two numbers."""

    name: str
    delay_loop: int
    backup_delay_loop: int
    """Of the director that is the backup: most of the time nobody waits for it."""
    timeout: int
    """Of the check; misc_timeout is 4 more."""
    poll: float
    clients: float

    def config(self, text: str, backup: bool = False) -> str:
        """Write a configuration of contrib for this machine."""
        seconds = self.backup_delay_loop if backup else self.delay_loop
        text = text.replace("delay_loop 2 ", f"delay_loop {seconds} ")
        return text.replace("misc_timeout 7", f"misc_timeout {self.timeout + 4}")


REAL = Pace("this kernel", 2, 2, 3, 0.05, 0.2)
EMULATED = Pace("a virtual machine, six times slower", 3, 6, 8, 0.3, 0.8)
PATIENT = EMULATED._replace(delay_loop=4, backup_delay_loop=8, timeout=10)
"""The same for scenarios on demand, where nobody waits for the end of the story: it forgives a busy machine more."""
