"""Checks that keepalived cannot or will not run, on director2: what becomes of servers, what lint and doctor say."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.lab.lvs.consequences import director2_with, out
from tests.lab.lvs.director import PROGRAM
from tests.lab.lvs.faults import stopped
from tests.lab.lvs.lab import FULL, Lab
from tests.lab.lvs.network import run
from tests.lab.lvs.setups import PLAIN, RECOMMENDED, Setup, Weights
from tests.lab.waiting import wait_until

SUCCEEDED = "succeeded."
DROPPED = "Disabling misc script"


class Breakage(NamedTuple):
    """Something that is done to the script while keepalived runs."""

    what: str
    do: Callable[[Path], object]
    code: str
    """What lint calls it."""


BREAKAGES = (
    Breakage("rm SCRIPT", lambda script: script.unlink(), "script_missing"),
    Breakage("chmod 000 SCRIPT", lambda script: script.chmod(0), "script_not_executable"),
    Breakage(
        "its interpreter goes: #!/nowhere/python3",
        lambda script: script.write_text("#!/nowhere/python3\n"),
        "interpreter_missing",
    ),
)


def a_script_that_goes(lab: Lab) -> None:
    """The script goes while keepalived runs, or its permissions, or its interpreter.

    keepalived's child exits 0 where it cannot become the script, and 0 is "up": a server that dies from then on
    serves on. Only a look from outside can see it: lint, doctor, and mysqlcheck_last_check_timestamp_seconds.
    """
    own = lab.two.own_program()
    with director2_with(lab, own_config(lab, RECOMMENDED, own)):
        for breakage in BREAKAGES:
            lab.does("director2$", breakage.what.replace("SCRIPT", own.name))
            breakage.do(own)
            lab.expect("the last check has ended", lambda: not run("pgrep", "-f", str(own), check=False))
            lab.all_serve(lab.two)
            with stopped(lab, lab.r1):
                remains(lab, "r1 serves on at full weight, dead as it is", FULL)
                lint_and_doctor_find(lab, breakage.code)
                lab.does("director2$", "the script is there again")
                lab.two.own_program()
                out(lab, lab.r1, lab.two)
            lab.all_serve(lab.two)


def a_script_that_goes_while_a_server_is_out(lab: Lab) -> None:
    """The script goes while r1 is out.

    It is let in, dead as it is. Where a track file gives the weight, the last check wrote 0 into it, and r1 gets no
    clients; where the check is all that there is, it gets its full share.
    """
    own = lab.two.own_program()
    for setup, weight in ((RECOMMENDED, 0), (PLAIN, 100)):
        lab.does("director2$", f"keepalived with {setup.file}")
        with director2_with(lab, own_config(lab, setup, own)):
            with stopped(lab, lab.r1):
                out(lab, lab.r1, lab.two)
                lab.does("director2$", f"rm {own.name}")
                succeeded = lab.two.logged(SUCCEEDED)
                own.unlink()
                lab.expect(f"r1 is in, with weight {weight}", lambda: lab.two.weights().get("r1") == weight)  # noqa: B023
                lab.holds("keepalived logs a success", lab.two.logged(SUCCEEDED) > succeeded, lab.two.log())
                lab.two.own_program()
            lab.all_serve(lab.two)


def a_script_that_others_may_change(lab: Lab) -> None:
    """The script becomes writable for everybody, and root runs it.

    enable_script_security is looked at when keepalived loads its configuration, and only then. At a reload the checks
    are dropped and the servers stay as they are, whatever befalls them; at a start nobody is let in, because of alpha.
    When mended, restart keepalived: after a mere reload the sorry server may stay beside the replicas (2.2.7).
    """
    own = lab.two.own_program()
    config = own_config(lab, RECOMMENDED, own).replace("script_user keepalived_script", "script_user root")
    with director2_with(lab, config):
        lab.does("director2$", f"chmod o+w {own.name}")
        own.chmod(0o757)
        lint_and_doctor_find(lab, "script_insecure")
        with stopped(lab, lab.r1):
            out(lab, lab.r1, lab.two)
        lab.all_serve(lab.two)
        dropped, reloads = lab.two.logged(DROPPED), lab.two.reloads()
        lab.does("director2$", "kill -HUP keepalived")
        lab.two.reload()
        lab.expect("director2 has reloaded", lambda: lab.two.reloads() > reloads)
        lab.holds("it says so in its log alone", lab.two.logged(DROPPED) == dropped + 2, lab.two.log())
        with stopped(lab, lab.r1):
            remains(lab, "r1 serves on at full weight, dead as it is", FULL)
        lab.does("director2$", "keepalived is started anew")
        lab.two.restart(config)
        lab.expect("the sorry server serves", lambda: lab.two.weights() == {"source": 1})
        remains(lab, "and nobody else", {"source": 1})
        lab.does("director2$", f"chmod 755 {own.name}; kill -HUP keepalived")
        own.chmod(0o755)
        lab.two.reload()
        lab.expect("both replicas are in again", lambda: lab.two.weights().items() >= FULL.items())
        lab.show(lab.two)


def own_config(lab: Lab, setup: Setup, program: Path) -> str:
    """A setup with a program that only director2 uses."""
    return setup.config(lab).replace(f'misc_path "{PROGRAM}', f'misc_path "{program}')


def remains(lab: Lab, what: str, weights: Weights) -> None:
    """Expect the same weights at every look for as long as three checks would take."""
    end, looks = time.monotonic() + 3 * lab.pace.delay_loop, list[Weights]()

    def over() -> bool:
        looks.append(lab.two.weights())
        return time.monotonic() > end

    wait_until(over, what, every=lab.pace.poll)
    lab.holds(what, all(look == weights for look in looks), looks)


def lint_and_doctor_find(lab: Lab, code: str) -> None:
    """Expect that both tell it."""
    for name, words in (("lint", ["lint"]), ("the doctor", ["doctor", "--conf"])):
        said = lab.two.command(*words, str(lab.two.config))
        lab.holds(f"{name} finds it: {code}", code in said, said)
