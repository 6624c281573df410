"""Whether a Galera node may be read from: `wsrep`.

Joining, Joined    it does not have everything yet (while Joining it also says that it is not Primary)      fail
not Primary        it has lost the majority, or the cluster: it refuses queries, or answers from the past   fail
not ready          it refuses queries (error 1047); a donor may, with wsrep_sst_donor_rejects_queries       fail
rejects queries    wsrep_reject_queries, by hand                                                            fail
Donor/Desynced     it copies itself to another node, or wsrep_desync is ON: it may fall behind              drain
Synced             as it should be                                                                          ok

The states: https://mariadb.com/kb/en/galera-cluster-status-variables/. They answer an account without privileges, and
also where the node refuses all else (seen on MariaDB 10.11 with Galera 26.4).
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from mysqlcheck.checks.probe import Probe, Rule, column, on_or_off, one_line, whole
from mysqlcheck.checks.words import Words
from mysqlcheck.errors import UnexpectedAnswer
from mysqlcheck.model import Instant, Memory, Observation, Reason, Severity, Table

DONOR, SYNCED = 2, 4
COMING = (1, 3)
STATES = {0: "Initialized", 1: "Joining", DONOR: "Donor/Desynced", 3: "Joined", SYNCED: "Synced"}


class Wsrep(NamedTuple):
    """What a Galera node says of its cluster and itself."""

    cluster: str
    """Primary, non-Primary, Disconnected."""
    state: int
    ready: bool


class RejectsQueries(NamedTuple):
    """A Galera node's wsrep_reject_queries: NONE, ALL or ALL_KILL."""

    which: str


def parse(table: Table) -> Wsrep | None:
    """Read it from a server that has loaded the library. Others have no such variables, or all but this one empty."""
    row = table.rows[0]
    if not row["wsrep_provider_name"]:
        return None
    return Wsrep(
        one_line(row["wsrep_cluster_status"] or "", 40),
        whole(row["wsrep_local_state"], "wsrep_local_state"),
        on_or_off(row["wsrep_ready"], "wsrep_ready"),
    )


def is_node(facts: Sequence[Any]) -> bool:
    """Whether the server is a Galera node: only then does it surely know wsrep_reject_queries."""
    return any(isinstance(fact, Wsrep) for fact in facts)


def parse_rejects(table: Table) -> Iterator[RejectsQueries]:
    """Read the one row."""
    name = column(table, "wsrep_reject_queries")
    if len(table.rows) != 1:
        raise UnexpectedAnswer(f"the query for {name} returned {len(table.rows)} rows")
    yield RejectsQueries(one_line(table.rows[0][name] or "", 40).upper())


def rule(observation: Observation, memory: Memory, settings: Any, now: Instant) -> Iterator[Reason]:
    """Judge a Galera node, whatever its role; of others nothing is said."""
    node = observation.fact(Wsrep)
    if node is not None:
        yield _wsrep(node, observation.fact(RejectsQueries))


def _wsrep(node: Wsrep, rejects: RejectsQueries | None) -> Reason:
    state = STATES.get(node.state, f"state {node.state}")
    severity, observed = Severity.FAIL, state
    if node.state in COMING or (node.cluster == "Primary" and node.state not in (DONOR, SYNCED)):
        text = f"the Galera node does not have everything yet: it is {state}"
    elif node.cluster != "Primary":
        observed = node.cluster
        text = f"the Galera node has no majority, or no cluster: wsrep_cluster_status is {node.cluster} ({state})"
    elif not node.ready:
        observed = "not ready"
        text = f"the Galera node refuses queries: wsrep_ready is OFF ({state})"
    elif rejects is not None and rejects.which != "NONE":
        observed = "rejects queries"
        text = f"the Galera node refuses queries: wsrep_reject_queries is {rejects.which}"
    elif node.state == DONOR:
        severity = Severity.DRAIN
        text = "the Galera node is a donor, or wsrep_desync is ON: it may fall behind its cluster"
    else:
        return Reason("wsrep", Severity.OK, "a Galera node, in step with its cluster", observed, "Synced")
    return Reason("wsrep", severity, text, observed, "Synced", bars_entry=True)


WORDS = Words(
    lambda server: {},
    parse,
    status=("wsrep_provider_name", "wsrep_cluster_status", "wsrep_local_state", "wsrep_ready"),
)
PROBE = Probe(
    lambda server: "SELECT @@global.wsrep_reject_queries AS wsrep_reject_queries",
    parse_rejects,
    lambda server: "",
    is_node,
)
RULE = Rule(("wsrep",), rule)
