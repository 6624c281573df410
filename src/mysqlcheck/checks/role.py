"""The role that a server should have, which several rules ask for."""

from __future__ import annotations

from mysqlcheck.kinds import OneOf
from mysqlcheck.settings import Group, Setting


class RoleSettings(Group):
    """What the server should be."""

    role = Setting[str](
        OneOf("replica", "source", "any"),
        default="replica",
        help="What the server must be: a replica (replicates, read_only ON), the source (read_only OFF), "
        "or any (whatever it replicates is judged, read_only is not).",
    )
