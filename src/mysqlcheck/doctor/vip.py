"""The virtual address: that each server listens to it, and that clients who connect to it reach every one.

The check asks a server at its own address. With direct routing clients' packets come for the VIP, which must stand
on the server's lo and be listened to; where it is not, the check passes and clients get nothing.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from mysqlcheck.doctor.findings import Code, Finding, Level, table, well

EVERY = ("*", "::", "")
LITTLE = 0.5
"""The share of full weight below which a server gets so few connections that ours may all go elsewhere."""


class Behind(NamedTuple):
    """A server that clients should reach through the VIP."""

    name: str
    identity: str
    """How it calls itself; empty where it could not be asked."""
    bind_address: str
    action: str
    """serve, drain or fail: only one that serves is given new connections."""
    share: float
    why: str
    """Why it does not serve."""


class Vip(NamedTuple):
    """What was seen of a virtual address from here."""

    address: str
    port: int
    here: bool
    """It is an address of this machine."""
    routed: bool
    """Servers must have it too: not with lvs_method NAT."""
    sticky: str | None
    """What keeps a client at one server (persistence_timeout, a scheduler by source), where keepalived.conf says so."""
    servers: tuple[Behind, ...]
    answered: Mapping[str, int] = Counter()
    """How often each identity answered."""
    failed: Mapping[str, int] = Counter()
    """What connections met that reached no answer."""

    @property
    def name(self) -> str:
        """As people write it."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


LOOK = (
    "ip -4 address show lo (the VIP/32 must be there), sysctl net.ipv4.conf.all.arp_ignore "
    "(1) net.ipv4.conf.all.arp_announce (2), and SELECT @@bind_address (* or the VIP). Then: a firewall there."
)
CODES = table(
    Code(
        "vip_not_bound",
        Level.PROBLEM,
        "The server does not listen to the virtual address: clients whom LVS sends there are refused, while the check, "
        "which asks at the server's own address, passes.",
        "bind_address = * in the server's configuration, and restart it.",
    ),
    Code(
        "vip_not_tried",
        Level.NOTE,
        "Whether clients reach every server through the virtual address cannot be tried from here: a machine that has "
        "the address connects to itself, and never through LVS.",
        "Run it on a client's machine, or on the other director: mysqlcheck doctor --host … --vip ….",
    ),
    Code(
        "vip_unanswered",
        Level.PROBLEM,
        "Connections to the virtual address reach nobody, or never one of the servers that should take them. With "
        "direct routing that is a server without the VIP on its lo, or one that does not listen there.",
        f"On that server look at: {LOOK}",
    ),
    Code(
        "vip_dead",
        Level.PROBLEM,
        "No connection to the virtual address was answered.",
        "On the directors look at: ip -4 address show (which one has the VIP?), ipvsadm -Ln (are there real servers "
        "with a weight?), systemctl status keepalived. Then on every server: " + LOOK,
    ),
    Code(
        "vip_not_seen",
        Level.NOTE,
        "A server did not answer through the virtual address, and that proves nothing: LVS gives this client few "
        "connections to it, or none.",
        "Try again when it has its full weight, or from other clients.",
    ),
    Code(
        "vip_not_serving",
        Level.NOTE,
        "A server that is drained, held or down gets no new connection through the virtual address, so nothing can be "
        "told of it now.",
        "Run it again when it serves.",
    ),
    Code(
        "vip_stranger",
        Level.WARNING,
        "Somebody answers at the virtual address who is none of the servers that were asked: a sorry server, another "
        "machine with the same address, or a server that is missing in keepalived.conf or on the command line.",
        "Name every server (--host takes one; keepalived.conf all); else: arping -D the address on its network.",
    ),
    Code(
        "vip_alike",
        Level.WARNING,
        "Two servers call themselves the same, so that nobody can tell which one answered. Two replicas with one "
        "server_id do not replicate right either.",
        "Give each its own server_id.",
    ),
)


def vip(found: Vip) -> Iterator[Finding]:
    """Judge what was seen."""
    if found.routed:
        yield from _bound(found)
    if found.here:
        text = f"{found.name} is an address of this machine: connections from here never go through LVS"
        yield CODES["vip_not_tried"].found(text)
        return
    serving = [one for one in found.servers if one.identity and one.action == "serve"]
    for one in found.servers:
        if one not in serving:
            text = f"{one.name} cannot answer at {found.name} now: {one.why or 'it could not be asked'}"
            yield CODES["vip_not_serving"].found(text)
    yield from _strangers(found)
    if not found.answered and serving:
        yield CODES["vip_dead"].found(f"{found.name}: nobody answered {_failed(found.failed)}")
        return
    for one in serving:
        yield _answered(found, one)


def _answered(found: Vip, one: Behind) -> Finding:
    times, tried = found.answered.get(one.identity, 0), sum(found.answered.values()) + sum(found.failed.values())
    if times:
        return well(f"{one.name} answered at {found.name}, {times} of {tried} connections")
    text = f"{one.name} never answered at {found.name} {_failed(found.failed, tried)}"
    if found.sticky or (one.share < LITTLE and not found.failed):
        why = found.sticky or "it has little weight now"
        return CODES["vip_not_seen"].found(f"{text}: {why}")
    return CODES["vip_unanswered"].found(text)


def _bound(found: Vip) -> Iterator[Finding]:
    asked = [one for one in found.servers if one.identity]
    bad = [one for one in asked if not listens(one.bind_address, found.address)]
    for one in bad:
        text = f"{one.name} listens to {one.bind_address!r}, and not to {found.address}"
        yield CODES["vip_not_bound"].found(text)
    if asked and not bad:
        yield well(f"{', '.join(one.name for one in asked)}: bind_address takes in {found.address}")


def _strangers(found: Vip) -> Iterator[Finding]:
    names: dict[str, list[str]] = {}
    for one in found.servers:
        names.setdefault(one.identity, []).append(one.name)
    for identity, alike in names.items():
        if identity and len(alike) > 1:
            yield CODES["vip_alike"].found(f"{' and '.join(alike)} both are {identity}")
    for identity, times in found.answered.items():
        if identity not in names:
            yield CODES["vip_stranger"].found(f"{identity} answered at {found.name} {times} times")


def _failed(failed: Mapping[str, int], tried: int | None = None) -> str:
    tried = sum(failed.values()) if tried is None else tried
    what = "; ".join(f"{times}x {text}" for text, times in failed.items())
    return f"({tried} connections{f': {what}' if what else ''})"


def listens(bind_address: str, address: str) -> bool:
    """Whether a server with this bind_address takes connections to an address.

    A list with commas since MySQL 8.0.13 and MariaDB 10.11, each perhaps with `/` and a network namespace
    (https://dev.mysql.com/doc/refman/8.4/en/server-system-variables.html#sysvar_bind_address). `::` is IPv4 too.
    """
    wanted = ipaddress.ip_address(address)
    for part in bind_address.split(","):
        one = part.strip().partition("/")[0]
        if one in EVERY or (one == "0.0.0.0" and wanted.version == 4):  # noqa: S104 - compared, not bound
            return True
        try:
            if ipaddress.ip_address(one) == wanted:
                return True
        except ValueError:
            continue
    return False


def enough(found: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether everybody who should answer has."""
    return bool(wanted) and set(wanted) <= set(found)
