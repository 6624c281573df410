"""Operators' holds of one made-up server, read and written as the commands do."""

from __future__ import annotations

from pathlib import Path

from mysqlcheck import holds
from mysqlcheck.model import OperatorHold
from tests.state.building import AMPLE, TARGET, WALL

HOLD = OperatorHold("new disk", "operator", WALL, WALL + 7200)
FOREVER = OperatorHold("new disk", "operator", WALL)


def read(directory: Path, wall: float = WALL, target: str = TARGET) -> OperatorHold | None:
    return holds.read(str(directory), target, wall, AMPLE)


def write(directory: Path, hold: OperatorHold = HOLD, target: str = TARGET) -> None:
    holds.write(str(directory), target, hold)


def path_of(directory: Path, target: str = TARGET) -> Path:
    return Path(holds.path_of(str(directory), target))


def put(directory: Path, content: bytes | str) -> Path:
    """Put whatever a person or a broken disk may have put in the place of a hold."""
    path = path_of(directory)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path
