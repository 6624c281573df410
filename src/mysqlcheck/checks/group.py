"""Whether a member of a MySQL replication group may serve in its role: `group_member`.

ONLINE        as it should be, if most of the group is reachable and it has the role's part in it   ok
RECOVERING    it fetches what it has missed                                                          fail
ERROR, OFFLINE, UNREACHABLE                                                                          fail

A member shows no channel in SHOW REPLICA STATUS (seen on MySQL 9.7), and a group that has lost its majority goes on
answering reads, from the past. So the group's own table is asked, where there is one: where the plugin is loaded, which
its status variables tell, and has the name of a group. Only that table needs a privilege
(https://dev.mysql.com/doc/refman/8.4/en/performance-schema-replication-group-members-table.html).
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from mysqlcheck.checks.probe import Probe, Rule, column, one_line
from mysqlcheck.checks.role import RoleSettings
from mysqlcheck.checks.words import Words
from mysqlcheck.errors import UnexpectedAnswer
from mysqlcheck.model import Instant, Memory, Observation, Reason, ServerVersion, Severity, Table

MEMBERS = "performance_schema.replication_group_members"
PRIVILEGE = f"SELECT ON {MEMBERS}"
STATUS = ("group_replication_primary_member", "Gr_control_messages_sent_count")
"""MySQL 5.7 and 8.0 have the first, 8.1 and later the second
(https://dev.mysql.com/doc/refman/8.0/en/group-replication-status-variables.html and the same page of 8.4)."""
STATES = ("ONLINE", "RECOVERING", "OFFLINE", "ERROR", "UNREACHABLE")


class GroupPlugin(NamedTuple):
    """That Group Replication's plugin is loaded."""

    loaded: bool


class Group(NamedTuple):
    """The group that the server is configured for; empty where it is for none."""

    name: str


class GroupMember(NamedTuple):
    """What the server says of itself as a member, and how much of its group it reaches."""

    state: str
    role: str
    """PRIMARY or SECONDARY; empty before MySQL 8.0.2, and where it is not in the group."""
    reachable: int
    members: int


def parse(table: Table) -> GroupPlugin | None:
    """Read whether the server has any status variable of the plugin's."""
    return GroupPlugin(True) if any(table.rows[0][name.lower()] is not None for name in STATUS) else None


def is_loaded(facts: Sequence[Any]) -> bool:
    """Whether the plugin is loaded: only then does the server know the name's variable."""
    return any(isinstance(fact, GroupPlugin) for fact in facts)


def parse_name(table: Table) -> Iterator[Group]:
    """Read the one row."""
    name = column(table, "group_name")
    if len(table.rows) != 1:
        raise UnexpectedAnswer(f"the query for group_replication_group_name returned {len(table.rows)} rows")
    yield Group(one_line(table.rows[0][name] or "", 64))


def has_group(facts: Sequence[Any]) -> bool:
    """Whether the server is configured for a group."""
    return any(isinstance(fact, Group) and fact.name for fact in facts)


def query(server: ServerVersion) -> str:
    """MEMBER_ROLE is there since 8.0.2."""
    role = "MEMBER_ROLE" if server.number >= (8, 0, 2) else "''"
    return (
        f"SELECT MEMBER_ID = @@global.server_uuid AS own, MEMBER_STATE AS member_state, {role} AS member_role "  # noqa: S608
        f"FROM {MEMBERS}"
    )


def parse_members(table: Table) -> Iterator[GroupMember]:
    """Read one row a member. The own one shows OFFLINE as long as the server is in no group."""
    own, state, role = (column(table, name) for name in ("own", "member_state", "member_role"))
    for row in table.rows:
        if row[state] not in STATES:
            raise UnexpectedAnswer(f"MEMBER_STATE is {one_line(str(row[state]), 40)!r}, not one of {', '.join(STATES)}")
    ours = [row for row in table.rows if row[own] == "1"]
    if len(ours) > 1:
        raise UnexpectedAnswer(f"the server is in its group {len(ours)} times")
    reachable = sum(row[state] != "UNREACHABLE" for row in table.rows)
    found = (ours[0][state] or "", one_line(ours[0][role] or "", 20)) if ours else ("OFFLINE", "")
    yield GroupMember(*found, reachable, len(table.rows))


def rule(observation: Observation, memory: Memory, settings: RoleSettings, now: Instant) -> Iterator[Reason]:
    """Judge a member; of a server without a group nothing is said."""
    member = observation.fact(GroupMember)
    if member is not None:
        yield _group_member(member, settings.role)


def _group_member(member: GroupMember, role: str) -> Reason:
    wanted = {"replica": "SECONDARY", "source": "PRIMARY"}.get(role, "")
    limit = f"ONLINE {wanted}".strip()
    observed = f"{member.state} {member.role}".strip()
    if member.state == "RECOVERING":
        text = "the group member is RECOVERING: it fetches what it has missed"
    elif member.state != "ONLINE":
        text = f"the group member is {member.state}: it takes no part in its replication group"
    elif member.reachable * 2 <= member.members:
        observed = "no majority"
        text = f"the group has lost its majority: it reaches {member.reachable} of {member.members} members"
    elif wanted and member.role not in ("", wanted):
        text = f"the group member is {member.role}, and the role is {role}"
    else:
        return Reason("group_member", Severity.OK, "a member of its replication group", observed, limit)
    return Reason("group_member", Severity.FAIL, text, observed, limit, bars_entry=True)


WORDS = Words(lambda server: {}, parse, status=STATUS)
NAME_PROBE = Probe(
    lambda server: "SELECT @@global.group_replication_group_name AS group_name",
    parse_name,
    lambda server: "",
    is_loaded,
)
PROBE = Probe(query, parse_members, lambda server: PRIVILEGE, has_group)
RULE = Rule(("group_member",), rule)
