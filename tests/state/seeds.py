"""Chance, as in tests of what happens at any moment: another run differs, and each can be had again."""

from __future__ import annotations

import os
import random

VARIABLE = "TEST_SEED"


def chance() -> random.Random:
    """Return a generator whose seed is printed; set TEST_SEED to that to have the same again."""
    seed = os.environ.get(VARIABLE) or str(random.SystemRandom().randrange(1 << 32))
    print(f"{VARIABLE}={seed}")
    return random.Random(seed)  # noqa: S311 - nothing is secret here
