"""What happens on the hosts, and what must follow.

    unshare --mount --net python -m tests.lab.lvs.story FOLDER real|emulated [SCENARIO…]

Everything is in namespaces of its own: hosts, users and directories end with this process.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tests.lab.lvs.__main__ import BEGINS, ENDS
from tests.lab.lvs.lab import Lab
from tests.lab.lvs.pace import EMULATED, REAL
from tests.lab.lvs.scenarios import SCENARIOS
from tests.lab.page import RED


def main() -> int:
    """Tell it, and end what was started; returns the exit code."""
    folder, kind, *only = sys.argv[1:]
    pace = REAL if kind == "real" else EMULATED
    print(BEGINS, flush=True)
    lab = Lab(Path(folder), pace)
    try:
        lab.page.chapter("Hosts", "A source, two replicas, two directors, a client: a network namespace each.")
        lab.page.line(f"IPVS of {pace.name}; delay_loop {pace.delay_loop} s")
        lab.start()
        lab.page.line(f"up after {lab.page.seconds:.0f} s")
        with lab.clients:
            for scenario in SCENARIOS:
                if only and scenario.__name__ not in (*only, "it_begins"):
                    continue
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
