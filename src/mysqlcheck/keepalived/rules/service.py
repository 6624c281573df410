"""What a virtual server needs so that a check of ours counts: alpha, protocol, method, and no other check beside it."""

from __future__ import annotations

from collections.abc import Iterator

from mysqlcheck.keepalived.conf import Node
from mysqlcheck.keepalived.findings import Context, Found, Rule, Severity
from mysqlcheck.keepalived.servers import CONNECT_CHECKS, MYSQL_PORT, RealServer, VirtualServer

NO = ("false", "off", "no")


def _ours(context: Context) -> Iterator[VirtualServer]:
    return (virtual for virtual in context.virtual_servers if virtual.ours)


def _set(virtual: VirtualServer, real: RealServer, keyword: str) -> bool:
    """Whether a switch is on for a real server: its own word, else the virtual server's."""
    own = real.node.last(keyword)
    if own is None:
        return bool(virtual.node.all(keyword))
    return not (own.words and own.words[0] in NO)


def alpha_missing(context: Context) -> Iterator[Found]:
    """Servers that serve before they have been checked."""
    for virtual in _ours(context):
        servers = [real.address for real in virtual.servers if real.ours and not _set(virtual, real, "alpha")]
        if servers:
            yield Found(virtual.node, f"without alpha a restart of keepalived lets in {', '.join(servers)} unchecked")


def protocol_missing(context: Context) -> Iterator[Found]:
    """UDP."""
    for virtual in _ours(context):
        if virtual.node.words[:1] == ("fwmark",):
            continue
        protocol = virtual.node.value("protocol")
        if protocol is None or protocol.upper() == "UDP":
            what = "no protocol is written, and keepalived takes UDP" if protocol is None else "the protocol is UDP"
            yield Found(virtual.node, f"{what}: no connection to MySQL gets through")


def method_missing(context: Context) -> Iterator[Found]:
    """NAT."""
    for virtual in _ours(context):
        if virtual.node.all("lvs_method", "lb_kind"):
            continue
        if not all(real.node.all("lvs_method", "lb_kind") for real in virtual.servers):
            yield Found(virtual.node, "no lvs_method is written, and keepalived takes NAT")


def inhibit(context: Context) -> Iterator[Found]:
    """What a FAIL means for connections that are open."""
    for virtual in _ours(context):
        if any(real.ours and _set(virtual, real, "inhibit_on_failure") for real in virtual.servers):
            text = "with inhibit_on_failure a FAIL stops new connections only: pooled clients stay where they are"
            yield Found(virtual.node, text)


def connect_check_beside(context: Context) -> Iterator[Found]:
    """A check that opens the port, left beside ours."""
    for virtual in _ours(context):
        for real in virtual.servers:
            for check in real.node.all(*CONNECT_CHECKS) if real.ours else ():
                yield Found(check, f"{check.keyword} goes on beside the check of {real.address}")


def connect_check_only(context: Context) -> Iterator[Found]:
    """MySQL, and nobody asks it anything."""
    for virtual in context.virtual_servers:
        for real in virtual.servers:
            checks = real.node.all("TCP_CHECK")
            if real.port == MYSQL_PORT and checks and not real.misc and _only(real.node):
                yield Found(checks[0], f"{real.address} is a MySQL server, and only its port is looked at")


def _only(real: Node) -> bool:
    return all(node.keyword == "TCP_CHECK" for node in real.children if node.keyword.endswith(("_CHECK", "_GET")))


RULES = (
    Rule(
        "alpha_missing",
        Severity.WARNING,
        alpha_missing,
        "Without `alpha` a real server is in rotation from keepalived's start until its first check has run: a restart "
        "of keepalived lets in servers that are held, or broken.",
        "Write `alpha` in the virtual server.",
    ),
    Rule(
        "protocol_missing",
        Severity.ERROR,
        protocol_missing,
        "Without `protocol` keepalived sets up a UDP service (it says so when it starts), and no connection to "
        "MySQL gets "
        "through.",
        "Write `protocol TCP`.",
    ),
    Rule(
        "method_missing",
        Severity.WARNING,
        method_missing,
        "Without `lvs_method` keepalived takes NAT: answers must come back through the director.",
        "Write `lvs_method DR`, `NAT` or `TUN`, whichever the real servers are set up for.",
    ),
    Rule(
        "inhibit_on_failure",
        Severity.INFORMATION,
        inhibit,
        "With inhibit_on_failure a server that fails stays in IPVS with weight 0: it gets no new connections, "
        "and pooled "
        "clients go on reading from the broken replica. Without it the server leaves IPVS.",
        "Leave it where sessions must finish. Without it set net.ipv4.vs.expire_nodest_conn=1, and clients are "
        "told at once.",
    ),
    Rule(
        "connect_check_beside",
        Severity.WARNING,
        connect_check_beside,
        "A check that only opens the port adds nothing beside this one, and every connection that it breaks off "
        "counts as "
        "an interrupted handshake, until MySQL blocks the director (error 1129).",
        "Take it out.",
    ),
    Rule(
        "connect_check_only",
        Severity.INFORMATION,
        connect_check_only,
        "A real server on port 3306 whose only check is whether the port opens: replication that has stopped and a "
        "replica that lags are not seen.",
        "Put a MISC_CHECK of keepalived-mysqlcheck in its place; with --shadow at first, to see what it would do.",
    ),
)
