"""What a server may be a member of and so replicate without any channel of its own."""

from mysqlcheck.checks.group import GroupMember
from mysqlcheck.checks.wsrep import Wsrep
from mysqlcheck.model import Observation


def member_of(observation: Observation) -> str:
    """Return what it is a member of, for people; empty where it is none."""
    if observation.fact(Wsrep):
        return "a Galera cluster"
    return "a replication group" if observation.fact(GroupMember) else ""
