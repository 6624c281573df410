"""Many checks at once: of one server, and of several in several roles. One change is one change."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from mysqlcheck import holds
from mysqlcheck.model import OperatorHold, Phase
from mysqlcheck.store import FILE, Kept, Store
from tests.command import Ended
from tests.state.building import AMPLE, names, sound
from tests.state.running import OLD, Meeting, Replica, command, up_for, variables

MANY = 64
PATIENT = ("--timeout", "100s")
"""They wait for each other."""
HELD_FOR_LONG = {"MYSQLCHECK_RECOVER_AFTER": "600s", "MYSQLCHECK_HOLD_DOWN": "600s"}


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state directory that is not there yet: the first of many makes it."""
    return tmp_path / "state"


def check_at_once(replica: Replica, state: Path, *arguments: str, say: str) -> list[Ended]:
    """Run many checks of one server so that they meet at the store; prints how long that took."""
    alone, meeting = replica.persona, Meeting([replica], MANY)
    ended = meeting.run([command(replica.server, (), *PATIENT, *arguments)] * MANY, variables(state, HELD_FOR_LONG))
    replica.persona = alone
    print(f"{MANY} at once, {say}: {max(run.seconds for run in ended):.2f} s")
    return ended


def assert_all(ended: list[Ended], code: int, phase: str) -> None:
    """Every one of them gave the same answer."""
    assert {run.code for run in ended} == {code}
    assert {run.json["phase"] for run in ended} == {phase}
    assert_most_kept_it(ended)


def assert_most_kept_it(ended: list[Ended]) -> None:
    """Who cannot write within a second, on a machine that is too busy, answers from what is on record, and says so."""
    said = [warning for run in ended for warning in run.json["warnings"]]
    assert [warning for warning in said if not warning.startswith("no memory is kept: ")] == []
    assert len(said) < len(ended) / 2


def the_record(state: Path) -> Kept:
    (kept,) = Store(str(state)).records(AMPLE)
    return kept


def history(state: Path, replica: Replica) -> list[tuple[str, str]]:
    return [(found.before, found.after) for found in Store(str(state)).history(replica.target, 1000, AMPLE)]


def test_sixty_four_checks_at_once_are_one(replica: Replica, state: Path) -> None:
    """First they meet it; then it fails, and comes back restarted: each change is told and counted once."""
    assert_all(check_at_once(replica, state, say="the first ones"), 0, "up")
    healthy = replica.persona
    replica.broken()
    assert_all(check_at_once(replica, state, say="of a broken one"), 1, "down")
    standing = the_record(state).record.standing
    assert (len(standing.flaps), standing.incarnation) == (1, 1)
    replica.persona = up_for(OLD - 1000, healthy)
    assert_all(check_at_once(replica, state, say="of one that restarted"), 1, "held")
    kept = the_record(state)
    assert (kept.target, kept.role) == (replica.target, "replica")
    assert kept.record.standing.incarnation == 2
    assert history(state, replica) == [("unknown", "up"), ("up", "down"), ("down", "held")]
    assert kept.record.transitions == (("up", "down", 1), ("down", "held", 1))
    assert sound(state)
    assert names(state) == [FILE]


def test_sixty_four_checks_at_once_all_heed_an_operator(replica: Replica, state: Path) -> None:
    """However busy the machine is: none may take the file for missing because it was slow to read."""
    holds.write(str(state), replica.target, OperatorHold("new disk", "operator", time.time()))
    ended = check_at_once(replica, state, "--weight", "100", say="of one that is held by hand")
    assert_all(ended, 2, "up")
    assert {run.json["decision"] for run in ended} == {"drain"}


@pytest.fixture
def replicas() -> Iterator[Callable[[int], list[Replica]]]:
    with ExitStack() as stack:

        def make(count: int) -> list[Replica]:
            found = [Replica() for _ in range(count)]
            for replica in found:
                stack.enter_context(replica.server)
            return found

        yield make


def test_several_servers_in_several_roles_do_not_disturb_each_other(
    replicas: Callable[[int], list[Replica]], state: Path
) -> None:
    """Eight servers in two roles, four checks each, at once; half of the servers are broken as replicas."""
    made = replicas(8)
    for replica in made[4:]:
        replica.broken()
    pairs = [(replica, role) for replica in made for role in ("replica", "any")]
    commands = [command(replica.server, (), *PATIENT, "--role", role) for replica, role in pairs]
    ended = Meeting(made, MANY).run(commands * 4, variables(state))
    print(f"{MANY} at once, of 8 servers in 2 roles: {max(run.seconds for run in ended):.2f} s")
    assert_most_kept_it(ended)
    found = {(kept.target, kept.role): kept.record for kept in Store(str(state)).records(AMPLE)}
    assert set(found) == {(replica.target, role) for replica, role in pairs}
    for replica in made:
        phases = [found[replica.target, role].standing.phase for role in ("replica", "any")]
        assert phases[0] is (Phase.DOWN if replica in made[4:] else Phase.UP)
        assert sorted(history(state, replica)) == sorted(("unknown", phase.value) for phase in phases)
    assert sound(state)
