"""What happens on the hosts, and what must follow.

    unshare --mount --net python -m tests.lab.lvs.story FOLDER real|emulated [SCENARIO…]

Everything is in namespaces of its own: hosts, users and directories end with this process.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.lab.lvs.__main__ import BEGINS, ENDS
from tests.lab.lvs.agents import an_agent_that_dies, the_agent_beside_ours
from tests.lab.lvs.beside import tcp_check_beside_ours
from tests.lab.lvs.debian13 import debian_13, debian_13_in_the_other_setups
from tests.lab.lvs.lab import Lab
from tests.lab.lvs.pace import EMULATED, PATIENT, REAL
from tests.lab.lvs.scenarios import SCENARIOS
from tests.lab.lvs.scripts import (
    a_script_that_goes,
    a_script_that_goes_while_a_server_is_out,
    a_script_that_others_may_change,
)
from tests.lab.lvs.service import the_agent_as_a_service
from tests.lab.lvs.setups import the_other_setups, the_recommended_setup
from tests.lab.lvs.tutorial import the_tutorial
from tests.lab.page import RED

MORE: tuple[Callable[[Lab], None], ...] = (
    the_recommended_setup,
    the_other_setups,
    a_script_that_goes,
    a_script_that_goes_while_a_server_is_out,
    a_script_that_others_may_change,
    tcp_check_beside_ours,
    the_agent_beside_ours,
    an_agent_that_dies,
    the_agent_as_a_service,
    debian_13,
    debian_13_in_the_other_setups,
    the_tutorial,
)
"""Only on demand: `make lab ARGS=more`, or by their names."""


def chosen(only: list[str]) -> list[Callable[[Lab], None]]:
    """The scenarios that are asked for, by their names; each begins as `it_begins` leaves it. Unknown names end it."""
    named = {scenario.__name__: scenario for scenario in (*SCENARIOS, *MORE)}
    names = [name for word in only for name in ([more.__name__ for more in MORE] if word == "more" else [word])]
    if unknown := [name for name in names if name not in named]:
        sys.exit(f"lab: no scenario {', '.join(unknown)}; there are {', '.join(named)}, and more")
    return (
        [SCENARIOS[0], *(named[name] for name in names if named[name] is not SCENARIOS[0])] if names else [*SCENARIOS]
    )


def main() -> int:
    """Tell it, and end what was started; returns the exit code."""
    folder, kind, *only = sys.argv[1:]
    scenarios = chosen(only)
    pace = REAL if kind == "real" else PATIENT if only else EMULATED
    print(BEGINS, flush=True)
    lab = Lab(Path(folder), pace)
    try:
        lab.page.chapter("Hosts", "A source, two replicas, two directors, a client: a network namespace each.")
        lab.page.line(f"IPVS of {lab.pace}")
        lab.start()
        lab.page.line(f"up after {lab.page.seconds:.0f} s")
        with lab.clients:
            for scenario in scenarios:
                title, _, note = (scenario.__doc__ or "").strip().partition("\n\n")
                lab.page.chapter(title.rstrip("."), " ".join(note.split()))
                began = time.monotonic()
                scenario(lab)
                lab.page.line(f"({scenario.__name__}: {time.monotonic() - began:.0f} s)")
    finally:
        lab.close()
    for what in lab.failed:
        lab.page.line(f"FAILED  {what}", RED)
    print(f"LAB ENDS: {len(lab.failed)} failed" if lab.failed else ENDS, f"in {lab.page.seconds:.0f} s", flush=True)
    return 1 if lab.failed else 0


if __name__ == "__main__":
    sys.exit(main())
