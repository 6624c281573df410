"""What keepalived does where the check itself cannot be run, on director2."""

from __future__ import annotations

from tests.lab.lvs.consequences import out
from tests.lab.lvs.director import PROGRAM
from tests.lab.lvs.lab import Lab


def a_script_that_goes(lab: Lab) -> None:
    """The script goes while keepalived runs, on director2.

    keepalived takes a program that it cannot run for one that succeeded: a dead server is let in. Nothing but a look
    from outside can see it: lint, and mysqlcheck_last_check_timestamp_seconds.
    """
    before = lab.two.config.read_text()
    own = lab.two.own_program()
    lab.two.restart(before.replace(f'misc_path "{PROGRAM}', f'misc_path "{own}'))
    lab.all_serve(lab.two)
    lab.r1.sql("STOP SLAVE SQL_THREAD")
    out(lab, lab.r1, lab.two)
    lab.does("director2$", f"rm {own}")
    own.unlink()
    lab.expect("director2: r1 is let in, dead as it is", lambda: "r1" in lab.two.weights())
    said = lab.two.command("lint", str(lab.two.config))
    lab.holds("lint finds it", "script_missing" in said, said)
    lab.does("director2$", "the same with an interpreter that is not there")
    own.write_text("#!/nowhere/python3\n")
    own.chmod(0o755)
    said = lab.two.command("lint", str(lab.two.config))
    lab.holds("lint finds it", "interpreter_missing" in said, said)
    lab.r1.sql("START SLAVE SQL_THREAD")
    lab.two.restart(before)
    lab.all_serve(lab.two)
