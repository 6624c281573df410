"""Random histories of a server, its directors and their operators, and what must hold in each of them.

HISTORIES_SEED repeats a run (it is printed, and stands in the message of a failure); HISTORIES_STEPS says how many
steps all the tests here make together. A step is one rule: something happens, or somebody looks, once or several times.
"""

from __future__ import annotations

import math
import os
import random
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import Phase as Stage
from hypothesis.stateful import run_state_machine_as_test

from tests.core.histories_anything import Anything
from tests.core.histories_rhythm import MoreChecks, TwoDirectors
from tests.core.histories_twins import ClockSteps, Crowd, KeptConnection, LostPackets, OtherRole
from tests.core.histories_world import World
from tests.core.report import HISTORY

SEED = int(os.environ.get("HISTORIES_SEED") or random.SystemRandom().getrandbits(32))
STEPS = int(os.environ.get("HISTORIES_STEPS") or 100_000)
LENGTH = 50
"""Steps of one history."""


Recorder = Callable[[str, object], None]


def run(machine: type[World], share: float, record: Recorder, part: int = 0) -> None:
    """Make this share of all steps; a failure names the seed that repeats it, and the closing lines of the run do."""
    wanted, number = math.ceil(STEPS * share), SEED + part

    class Counted(machine):  # type: ignore[misc, valid-type]
        steps = looks = 0

    Counted.__name__ = Counted.__qualname__ = machine.__name__
    try:
        while Counted.steps < wanted:
            plan = settings(
                max_examples=math.ceil((wanted - Counted.steps) / LENGTH),
                stateful_step_count=LENGTH,
                derandomize=False,
                database=None,
                deadline=None,
                phases=(Stage.generate, Stage.shrink),
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
            )
            run_state_machine_as_test(seed(number)(Counted), settings=plan)
            number += 1000
    except BaseException as error:
        error.add_note(f"repeat it with HISTORIES_SEED={SEED} HISTORIES_STEPS={STEPS}")
        raise
    finally:
        told = f"{Counted.steps} steps, {Counted.looks} looks, HISTORIES_SEED={SEED} HISTORIES_STEPS={STEPS}"
        record(HISTORY, f"{machine.__name__}: {told}")


@pytest.mark.parametrize("part", range(4))
def test_no_history_leads_into_a_hold_or_out_of_service_for_ever(part: int, record_property: Recorder) -> None:
    run(Anything, 0.11, record_property, part)


def test_a_step_of_the_servers_or_the_directors_clock_changes_nothing(record_property: Recorder) -> None:
    run(ClockSteps, 0.08, record_property)


def test_a_lost_packet_changes_nothing(record_property: Recorder) -> None:
    run(LostPackets, 0.08, record_property)


def test_many_checks_at_the_same_moment_change_nothing(record_property: Recorder) -> None:
    run(Crowd, 0.08, record_property)


def test_checks_in_another_role_change_nothing(record_property: Recorder) -> None:
    run(OtherRole, 0.08, record_property)


def test_a_kept_connection_changes_nothing(record_property: Recorder) -> None:
    run(KeptConnection, 0.08, record_property)


def test_more_checks_per_second_change_nothing_for_longer_than_an_interval(record_property: Recorder) -> None:
    run(MoreChecks, 0.08, record_property)


def test_two_directors_of_the_same_rhythm_release_within_an_interval(record_property: Recorder) -> None:
    run(TwoDirectors, 0.08, record_property)
