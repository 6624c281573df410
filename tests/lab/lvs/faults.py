"""What can befall a replica: each fault lasts as long as its block, and is mended at its end."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

from tests.lab.lvs.database import Database
from tests.lab.lvs.lab import Lab
from tests.lab.lvs.network import run


class Fault(NamedTuple):
    """A fault, and how it is made."""

    name: str
    makes: Callable[[Lab, Database], AbstractContextManager[None]]


@contextmanager
def stopped(lab: Lab, replica: Database) -> Iterator[None]:
    """Its SQL thread does not run: it applies nothing any more."""
    lab.does(f"{replica.host}>", "STOP SLAVE SQL_THREAD")
    replica.sql("STOP SLAVE SQL_THREAD")
    yield
    lab.does(f"{replica.host}>", "START SLAVE SQL_THREAD")
    replica.sql("START SLAVE SQL_THREAD")


@contextmanager
def lagging(lab: Lab, replica: Database) -> Iterator[None]:
    """A replica applies nothing, while the source goes on writing."""
    lab.does(f"{replica.host}>", "FLUSH TABLES WITH READ LOCK; the source goes on writing")
    lock = replica.hold_lock()
    try:
        for number in range(3):
            lab.source.sql("INSERT INTO lab.beat VALUES ()")
            run("sleep", "1" if number else "0")
        yield
    finally:
        lock.kill()
        lock.wait()
    lab.does(f"{replica.host}>", "the lock is gone; it catches up")


@contextmanager
def hung(lab: Lab, replica: Database) -> Iterator[None]:
    """It does not go on; the kernel accepts connections for it all the same."""
    lab.does(f"{replica.host}$", "kill -STOP mariadbd")
    replica.send(signal.SIGSTOP)
    yield
    lab.does(f"{replica.host}$", "kill -CONT mariadbd")
    replica.send(signal.SIGCONT)


@contextmanager
def killed(lab: Lab, replica: Database) -> Iterator[None]:
    """It is killed, and started again at the end: mended is when it answers."""
    lab.does(f"{replica.host}$", "kill -9 mariadbd")
    replica.kill()
    yield
    lab.does(f"{replica.host}$", "mariadbd is started again")
    replica.start()


SQL_STOPPED = Fault("SQL thread stopped", stopped)
LAG = Fault("lag", lagging)
HUNG = Fault("hung", hung)
KILLED = Fault("killed, started again", killed)
