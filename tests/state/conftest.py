"""Servers, disks and folders that most of these tests ask for."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.command import COMMAND
from tests.state.disk import Disk, NoDisk
from tests.state.running import Replica, as_user, open_folder

SOMEBODY = 54321
"""A user id that is nobody's."""


@pytest.fixture
def replica() -> Iterator[Replica]:
    """A healthy replica that has been up for long."""
    found = Replica()
    with found.server:
        yield found


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user of the machine can reach."""
    with open_folder() as place:
        yield place


@pytest.fixture
def disks() -> Iterator[Callable[[], Disk]]:
    """Makes small file systems where every user can reach them, and takes them away again."""
    if os.getuid() != 0:
        pytest.skip("only root may mount a small file system")
    with ExitStack() as stack:

        def make() -> Disk:
            try:
                return stack.enter_context(Disk(stack.enter_context(open_folder())))
            except NoDisk as error:
                pytest.skip(str(error))

        yield make


@pytest.fixture(scope="session")
def ordinary() -> tuple[str, ...]:
    """What to put before a command that an ordinary user runs."""
    if os.getuid() != 0:
        pytest.skip("only root may become another user")
    before = as_user(SOMEBODY)
    tried = subprocess.run([*before, *COMMAND, "--version"], capture_output=True, text=True, cwd="/")
    if tried.returncode != 0:
        pytest.skip(f"an ordinary user cannot run {COMMAND}: {tried.stderr.strip()}")
    return before
