"""TCP_CHECK beside our check: the same servers and the same faults, a director each."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

from tests.lab.lvs.consequences import HOLD_DOWN
from tests.lab.lvs.director import Director
from tests.lab.lvs.faults import HUNG, KILLED, LAG, SQL_STOPPED, Fault
from tests.lab.lvs.lab import Lab
from tests.lab.lvs.setups import PLAIN
from tests.lab.lvs.stopwatch import Stopwatch, Times
from tests.lab.waiting import wait_until

TCP, OURS = "TCP_CHECK", "mysqlcheck"
LASTS = 20.0
"""Seconds that a fault lasts at the least: who has not noticed it by then does not."""
TCP_CHECK = "TCP_CHECK {\n            connect_timeout 3\n        }"


def tcp_check_beside_ours(lab: Lab) -> None:
    """TCP_CHECK on director2, ours on director1.

    Both look every delay_loop at the same replica, r2. Out: it gets no new clients; in again: from when the fault is
    over, which for a killed server is when it answers.
    """
    before = lab.two.config.read_text()
    lab.does("director2$", "keepalived with TCP_CHECK in the place of MISC_CHECK")
    lab.two.restart(with_tcp_check(PLAIN.config(lab)))
    lab.all_serve(lab.two)
    directors = {TCP: lab.two, OURS: lab.one}
    found = {fault.name: measured(lab, directors, fault) for fault in (SQL_STOPPED, LAG, HUNG, KILLED)}
    for fault in (SQL_STOPPED, LAG, HUNG):
        lab.holds(f"{fault.name}: TCP_CHECK never notices", found[fault.name][TCP].out is None, found)
    restarted = found[KILLED.name]
    lab.holds("killed: TCP_CHECK notices", restarted[TCP].out is not None, restarted)
    backs = [restarted[name].back for name in (TCP, OURS)]
    lab.holds("and lets it in within seconds", backs[0] is not None and backs[0] < HOLD_DOWN / 2, backs)
    lab.holds("ours holds it for hold_down", backs[1] is not None and backs[1] >= HOLD_DOWN - 2, backs)
    table(lab, directors, found)
    lab.two.restart(before)
    lab.all_serve(lab.one, lab.two)


def with_tcp_check(config: str) -> str:
    """The same configuration as many have it: TCP_CHECK, and no hooks."""
    config = re.sub(r"MISC_CHECK \{.*?\n        \}", TCP_CHECK, config, flags=re.S)
    return re.sub(r" +notify_.*\n", "", config)


def measured(lab: Lab, directors: Mapping[str, Director], fault: Fault) -> dict[str, Times]:
    """Let a fault befall r2 for LASTS, and until all but TCP_CHECK notice; then mend it, until all send clients."""
    replica = lab.r2
    with Stopwatch(directors, replica.host, lab.pace.poll) as watch:
        struck = time.monotonic()
        with fault.makes(lab, replica):
            for name in (name for name in directors if name != TCP):
                what = f"{name}: {replica.host} gets no new clients"
                lab.expect(what, lambda n=name: watch.first(n, False, struck) is not None)  # type: ignore[misc]
            wait_until(lambda: time.monotonic() - struck >= LASTS, "the fault to last", 2 * LASTS, every=lab.pace.poll)
            mending = time.monotonic()
        mended = time.monotonic()
        lab.expect("all send it clients again", lambda: all(watch.serves(name, mended) for name in directors))
    lab.all_serve(*directors.values())
    return {name: watch.times(name, struck, mending, mended) for name in directors}


def table(lab: Lab, directors: Mapping[str, Director], found: Mapping[str, Mapping[str, Times]]) -> None:
    """Print what was measured."""
    lab.page.line(f"{'':24}" + "".join(f"{name:<26}" for name in directors))
    lab.page.line(f"{'':24}" + f"{'out after':<13}{'in again':<13}" * len(directors))
    for fault, times in found.items():
        cells = [cell for name in directors for cell in _shown(times[name])]
        lab.page.line(f"{fault:<24}" + "".join(f"{cell:<13}" for cell in cells))


def _shown(times: Times) -> tuple[str, ...]:
    return tuple("never" if seconds is None else f"{seconds:.1f} s" for seconds in times)
