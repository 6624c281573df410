"""What is said of a virtual address, from what was seen of it."""

from __future__ import annotations

from collections import Counter

import pytest

from mysqlcheck.doctor.findings import Finding
from mysqlcheck.doctor.vip import Behind, Vip, listens, vip

R1 = Behind("192.168.1.201:3306", "server_id 201 on r1", "*", "serve", 1.0, "SERVE …")
R2 = Behind("192.168.1.202:3306", "server_id 202 on r2", "0.0.0.0", "serve", 1.0, "SERVE …")
REFUSED = "unreachable: connection refused while connecting"
SEEN = Vip("192.168.1.10", 3306, False, True, None, (R1, R2), Counter({R1.identity: 2, R2.identity: 1}))
ONE = SEEN._replace(answered=Counter({R1.identity: 8}), failed=Counter({"timeout: no answer within 2 s": 8}))
NOBODY = SEEN._replace(answered=Counter(), failed=Counter({REFUSED: 16}))


def with_r2(found: Vip, **changes: object) -> Vip:
    return found._replace(servers=(R1, R2._replace(**changes)))  # type: ignore[arg-type]


def codes(findings: list[Finding]) -> list[str]:
    return [finding.code for finding in findings if finding.code]


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (SEEN, []),
        # it never answers, and others do
        (ONE, ["vip_unanswered"]),
        (ONE._replace(failed=Counter()), ["vip_unanswered"]),
        # nobody answers
        (NOBODY, ["vip_dead"]),
        # clients never reach what does not listen, and that is told before anybody connects
        (with_r2(ONE, bind_address="192.168.1.202"), ["vip_not_bound", "vip_unanswered"]),
        (with_r2(SEEN, bind_address="192.168.1.202")._replace(routed=False), []),  # NAT: the VIP is none of theirs
        # this machine has the address
        (NOBODY._replace(here=True), ["vip_not_tried"]),
        (with_r2(NOBODY, bind_address="127.0.0.1")._replace(here=True), ["vip_not_bound", "vip_not_tried"]),
        # what gets no connections proves nothing
        (with_r2(ONE, action="drain"), ["vip_not_serving"]),
        (with_r2(ONE, action="fail", identity=""), ["vip_not_serving"]),
        (with_r2(ONE, share=0.1)._replace(failed=Counter()), ["vip_not_seen"]),
        (ONE._replace(sticky="persistence_timeout keeps this client at one server"), ["vip_not_seen"]),
        # connections that end nowhere are nobody's little weight
        (with_r2(ONE, share=0.1), ["vip_unanswered"]),
        # somebody else
        (SEEN._replace(answered=SEEN.answered | Counter({"server_id 9 on x": 1})), ["vip_stranger"]),  # type: ignore[operator]
        (with_r2(SEEN, identity=R1.identity)._replace(answered=Counter({R1.identity: 1})), ["vip_alike"]),
    ],
)
def test_each_fault_has_its_code(found: Vip, code: list[str]) -> None:
    assert codes(list(vip(found))) == code


def test_where_nobody_may_serve_an_address_that_is_dead_proves_nothing() -> None:
    drained = NOBODY._replace(servers=(R1._replace(action="fail"), R2._replace(action="drain")))
    assert codes(list(vip(drained))) == ["vip_not_serving", "vip_not_serving"]


def test_the_one_that_never_answers_is_named_with_what_the_connections_met() -> None:
    (finding,) = [finding for finding in vip(ONE) if finding.code]
    assert finding.text == (
        "192.168.1.202:3306 never answered at 192.168.1.10:3306 (16 connections: 8x timeout: no answer within 2 s)"
    )
    for word in ("ip -4 address show lo", "arp_ignore", "bind_address"):
        assert word in finding.advice


@pytest.mark.parametrize(
    ("bind_address", "address", "takes"),
    [
        ("*", "192.168.1.10", True),
        ("", "192.168.1.10", True),
        ("0.0.0.0", "192.168.1.10", True),
        ("::", "192.168.1.10", True),
        ("192.168.1.10", "192.168.1.10", True),
        ("192.168.1.201,192.168.1.10", "192.168.1.10", True),
        ("192.168.1.201, 192.168.1.10/red", "192.168.1.10", True),
        ("192.168.1.201", "192.168.1.10", False),
        ("127.0.0.1", "192.168.1.10", False),
        ("db1.example.com", "192.168.1.10", False),
        ("::", "2001:db8::10", True),
        ("2001:DB8:0::10", "2001:db8::10", True),
        ("0.0.0.0", "2001:db8::10", False),
    ],
)
def test_what_a_bind_address_takes_in(bind_address: str, address: str, takes: bool) -> None:
    assert listens(bind_address, address) is takes
