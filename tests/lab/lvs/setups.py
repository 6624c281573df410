"""Each way to write the virtual server, on director2: every phase of a server, with a reload of keepalived in each."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.lab.lvs.consequences import Entry, director2_with
from tests.lab.lvs.director import PROGRAM, Director
from tests.lab.lvs.faults import killed, lagging, stopped
from tests.lab.lvs.lab import FULL, Lab

HOLD_DOWN, RAMP = 24.0, 15.0
"""Seconds: a reload, and the checks after it, must have the time to fall into either."""
Weights = dict[str, int]


class Setup(NamedTuple):
    """A file of contrib, and what becomes of r1 with it."""

    file: str
    drained: Weights
    """In IPVS while r1 is drained; who is not in the table is not here."""
    has_weights: bool
    """Whether a server that enters has a part of its weight first."""

    def config(self, lab: Lab) -> str:
        """Return its text for director2."""
        return lab.config(self.file).replace("priority 150", "priority 100")

    def unhurried(self, lab: Lab) -> str:
        """Return the same with enough time in each phase for a reload."""
        longer = f"--hold-down {HOLD_DOWN:g}s --hold-down-max {HOLD_DOWN:g}s --ramp {RAMP:g}s"
        return self.config(lab).replace(f'misc_path "{PROGRAM} ', f'misc_path "{PROGRAM} {longer} ')


OUT = {"r2": 100}
RECOMMENDED = Setup("director-backup.conf", {"r1": 0, "r2": 100}, True)
PLAIN = Setup("director-plain.conf", OUT, False)
DYNAMIC = Setup("director-dynamic.conf", {"r1": 0, "r2": 100}, True)


def the_recommended_setup(lab: Lab) -> None:
    """FILE_CHECK beside MISC_CHECK, the recommended setup, in every phase.

    A reload of keepalived changes no weight, whatever it is and why.
    """
    through_every_phase(lab, [RECOMMENDED])


def the_other_setups(lab: Lab) -> None:
    """The other two setups, in every phase.

    Plain is up or down, so a drain is down. misc_dynamic carries the weight in the exit code: one of 0 would become
    weight 0 at the reload, and the check never exits 0.
    """
    through_every_phase(lab, [PLAIN, DYNAMIC])


def through_every_phase(lab: Lab, setups: Sequence[Setup], root: Path | None = None) -> None:
    """Take r1 on director2 through every phase in one setup after the other, perhaps with another system's programs."""
    first, *others = setups
    with director2_with(lab, first.unhurried(lab), root):
        every_phase(lab, lab.two, first)
        for setup in others:
            lab.does("director2$", f"keepalived with {setup.file}")
            lab.two.restart(setup.unhurried(lab), root)
            lab.all_serve(lab.two)
            every_phase(lab, lab.two, setup)


def every_phase(lab: Lab, director: Director, setup: Setup) -> None:
    """Take r1 through every phase, and reload the director in each."""
    reload(lab, director, "up")

    director.command("hold", "--host", lab.r1.address, "--reason", "new index")
    becomes(lab, director, "drained by hand", setup.drained)
    reload(lab, director, "drained by hand")
    director.command("release", "--host", lab.r1.address)
    lab.all_serve(director)

    with lagging(lab, lab.r1):
        becomes(lab, director, "drained for its lag", setup.drained)
        reload(lab, director, "drained for its lag")
    lab.all_serve(director)

    with stopped(lab, lab.r1):
        becomes(lab, director, "down", OUT)
        reload(lab, director, "down")
    lab.expect(f"{director.host}: r1 enters again", lambda: "r1" in director.weights())

    with killed(lab, lab.r1):
        becomes(lab, director, "killed", OUT)
    back = time.monotonic()
    lab.expect(f"{director.host} holds r1", lambda: director.phase(lab.r1) == "held")
    reload(lab, director, "held")
    entry = Entry(director, "r1")
    held = lab.expect(f"{director.host}: r1 enters again", entry.seen) - back
    lab.holds("it was held for hold_down", held >= HOLD_DOWN - 2, f"{held:.1f} s")
    if setup.has_weights:
        lab.holds("it enters with a part of its weight", 0 < entry.weights[-1]["r1"] < 100, entry.weights[-1])
        reload(lab, director, "ramping", climb)
    lab.all_serve(director)


def becomes(lab: Lab, director: Director, phase: str, weights: Weights) -> None:
    """Expect weights."""
    lab.expect(f"{director.host}: r1 is {phase}: {weights}", lambda: director.weights() == weights)


def stay(looks: list[Weights]) -> bool:
    """Whether the weights were the same at each look."""
    return all(look == looks[0] for look in looks)


def climb(looks: list[Weights]) -> bool:
    """Whether r1 never lost any of its weight, and r2 had its own all the time."""
    found = [look.get("r1", 0) for look in looks]
    return 0 < found[0] < 100 and found == sorted(found) and all(look.get("r2") == FULL["r2"] for look in looks)


def reload(lab: Lab, director: Director, phase: str, as_promised: Callable[[list[Weights]], bool] = stay) -> None:
    """Reload, and look at the weights again and again until both servers have been checked anew."""
    began, looks, moments = director.reloads(), [director.weights()], list[float]()

    def checked_anew() -> bool:
        looks.append(director.weights())
        if not moments and director.reloads() > began:
            moments.append(time.time())
        checks = director.checked()
        return bool(moments) and all(checks.get(host, 0.0) > moments[0] for host in FULL)

    director.reload()
    lab.expect(f"{director.host} reloads while r1 is {phase}, and checks both", checked_anew)
    looks.append(director.weights())
    what = "no weight changes" if as_promised is stay else "its weight climbs on"
    lab.holds(f"{what}: {looks[0]}", as_promised(looks), looks)
