"""One way of running properties: the same examples everywhere, and no failure because a machine is slow."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

anything = settings(
    derandomize=True,
    deadline=None,
    max_examples=200,
    # a folder for all examples of a test is meant: each writes over what the last one left
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
