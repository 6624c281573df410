"""One way of running properties: the same examples everywhere, and no failure because a machine is slow."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("core", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("core")
