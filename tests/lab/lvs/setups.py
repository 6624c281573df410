"""The other ways to write the virtual server, on director2."""

from __future__ import annotations

from tests.lab.lvs.consequences import out
from tests.lab.lvs.lab import Lab


def the_other_setups(lab: Lab) -> None:
    """The other two setups, on director2.

    Plain is up or down; misc_dynamic carries the weight in the exit code. A reload changes nothing in either, in
    whatever state: with misc_dynamic an exit code of 0 would become weight 0 there, and the check never exits 0.
    """
    before = lab.two.config.read_text()
    for style, drained in (("plain", None), ("dynamic", 0)):
        lab.does("director2$", f"keepalived with director-{style}.conf")
        lab.two.restart(lab.config(f"director-{style}.conf").replace("priority 150", "priority 100"))
        lab.all_serve(lab.two)
        stays(lab, {"r1": 100, "r2": 100})
        lab.r1.sql("STOP SLAVE SQL_THREAD")
        out(lab, lab.r1, lab.two)
        stays(lab, {"r2": 100})
        lab.r1.sql("START SLAVE SQL_THREAD")
        lab.expect("director2: r1 enters again", lambda: "r1" in lab.two.weights())
        if style == "dynamic":
            lab.holds("with a part of its weight", lab.two.weights()["r1"] < 100, lab.two.weights())
        lab.all_serve(lab.two)
        lab.two.command("hold", "--host", lab.r1.address, "--reason", "new index")
        what = f"director2: a drain by hand is {'down' if drained is None else 'weight 0'}"
        lab.expect(what, lambda weight=drained: lab.two.weights().get("r1") == weight)  # type: ignore[misc]
        if drained is not None:
            stays(lab, {"r1": drained, "r2": 100})
        lab.two.command("release", "--host", lab.r1.address)
        lab.all_serve(lab.two)
    lab.two.restart(before)
    lab.all_serve(lab.two)


def stays(lab: Lab, weights: dict[str, int]) -> None:
    """Reload director2, and expect the weights that it had."""
    reloads = lab.two.reloads()
    lab.two.reload()
    lab.expect("director2 has reloaded", lambda: lab.two.reloads() > reloads)
    lab.expect(f"with the same weights: {weights}", lambda: lab.two.weights() == weights, 2 * lab.pace.delay_loop)
