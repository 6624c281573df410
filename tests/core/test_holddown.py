"""Hold-down, told as stories: a database that came back does not serve yet."""

from __future__ import annotations

from typing import Any

import pytest

from mysqlcheck.checks.channels import Channel
from mysqlcheck.errors import SettingsError
from mysqlcheck.holddown import released
from mysqlcheck.kinds import DAY
from mysqlcheck.layers import load
from mysqlcheck.model import Phase, Standing
from mysqlcheck.options import Settings
from tests.core.builders import LOST, NOW, REFUSED, channel
from tests.core.watching import Director, Server, serving

UP, DRAINING, DOWN, HELD, RAMPING = Phase.UP, Phase.DRAINING, Phase.DOWN, Phase.HELD, Phase.RAMPING
BROKEN = channel(sql_running=False, sql_errno=1062, sql_error="Duplicate entry", lag=None)


def standing(director: Director, role: str = "replica") -> Standing:
    return director.records[role].standing


# A restart.


def test_a_restarted_replica_is_held_until_it_has_been_healthy_for_the_hold_down_then_ramps_then_serves() -> None:
    director = serving()
    director.server.restart(0)
    assert director.phases(1, 61) == [HELD] * 60
    assert director.phases(61, 121) == [RAMPING] * 60
    assert director.phases(121, 125) == [UP] * 4


def test_a_replica_that_was_seen_to_die_is_held_from_its_first_answer() -> None:
    """A recovery of two minutes, which Uptime counts too, does not use the hold up."""
    director = serving()
    assert director.phase(1, trouble=REFUSED) is DOWN
    director.server.restart(2)
    assert [director.phase(at, trouble=REFUSED) for at in (2, 60, 121)] == [DOWN] * 3
    assert [director.phase(at) for at in (122, 181)] == [HELD, HELD]
    assert director.phase(182) is RAMPING


def test_the_hold_is_counted_in_time_and_not_in_checks() -> None:
    for every in (1, 7, 60):
        director = serving()
        director.server.restart(0)
        phases = {at: director.phase(at) for at in range(1, 200, every)}
        assert {at for at, phase in phases.items() if phase is HELD} == set(range(1, 61, every))


def test_a_restart_with_a_broken_sql_thread_is_held_from_the_last_failure_for_the_whole_hold_down() -> None:
    director = serving()
    director.server.restart(0)
    assert director.phases(1, 50, BROKEN) == [DOWN] * 49
    assert [director.phase(at) for at in (50, 108)] == [HELD, HELD]
    assert director.phase(109) is RAMPING


def test_a_failure_during_the_hold_begins_it_anew() -> None:
    director = serving(hold_down_max=0.0)
    director.server.restart(0)
    assert [director.phase(1), director.phase(30, BROKEN), director.phase(31)] == [HELD, DOWN, HELD]
    assert [director.phase(89), director.phase(90)] == [HELD, RAMPING]


def test_a_second_restart_during_the_hold_begins_it_anew() -> None:
    director = serving(hold_down_max=0.0)
    director.server.restart(0)
    assert director.phase(1) is HELD
    director.server.restart(30)
    assert [director.phase(at) for at in (31, 90)] == [HELD, HELD]
    assert director.phase(91) is RAMPING


def test_a_rebuilt_replica_is_another_server_and_held() -> None:
    director = serving()
    director.server.identity = "b3431414-e6c7-11f1-933a-02fc00000001"
    assert director.phase(1) is HELD


@pytest.mark.parametrize("seconds", [3600, -3600, 300_000, -300_000])
def test_a_step_of_the_server_s_clock_neither_holds_nor_releases(seconds: int) -> None:
    director = serving()
    director.server.step_clock(seconds)
    assert director.phase(1) is UP
    director.server.restart(1)
    assert director.phase(2) is HELD
    director.server.step_clock(-2 * seconds)
    assert [director.phase(61), director.phase(62)] == [HELD, RAMPING]


def test_a_server_that_stood_still_for_a_while_did_not_restart() -> None:
    """SIGSTOP and SIGCONT: it recovers as from any failure."""
    director = serving()
    assert [director.phase(1, trouble=LOST), director.phase(10, trouble=LOST)] == [UP, DOWN]
    assert director.phases(11, 20) == [HELD] * 9
    assert director.phase(20) is RAMPING


# A failure without a restart.


@pytest.mark.parametrize(
    "how",
    [{"trouble": LOST}, {"trouble": REFUSED}, {"found": BROKEN}, {"found": channel(io_state="No", lag=None)}],
    ids=["silence", "refused", "SQL thread", "IO thread"],
)
def test_a_server_that_recovers_is_held_for_recover_after_from_its_last_failure(how: dict[str, Any]) -> None:
    director = serving(fail_after=0.0)
    found = [how["found"]] if "found" in how else []
    for at in (1, 2, 3):
        assert director.phase(at, *found, trouble=how.get("trouble")) is DOWN
    assert director.phases(4, 13) == [HELD] * 9
    assert director.phase(13) is RAMPING


def test_after_a_long_time_between_two_checks_the_hold_is_over_when_the_second_is_good() -> None:
    director = serving()
    assert director.phase(1, BROKEN) is DOWN
    assert director.phase(30) is RAMPING


# Lag.


def test_lag_drains_above_max_lag_and_lets_back_in_at_resume_lag_straight_and_without_a_hold() -> None:
    director = serving(max_lag=60.0, resume_lag=30.0)
    lags = [0, 31, 59, 60, 61, 60, 45, 31, 30, 31, 60, 61]
    phases = [director.phase(at, channel(lag=lag)) for at, lag in enumerate(lags, 1)]
    assert phases == [UP, UP, UP, UP, DRAINING, DRAINING, DRAINING, DRAINING, UP, UP, UP, DRAINING]
    assert standing(director).flaps == ()


def test_a_held_server_waits_until_it_lags_no_more_than_resume_lag() -> None:
    director = serving()
    director.server.restart(0)
    phases = [director.phase(at, channel(lag=lag)) for at, lag in [(1, 0), (62, 100), (63, 31), (64, 30)]]
    assert phases == [HELD, HELD, HELD, RAMPING]


def test_lag_during_the_hold_does_not_begin_it_anew_and_is_no_flap() -> None:
    director = serving()
    director.server.restart(0)
    assert [director.phase(at, channel(lag=500)) for at in (1, 30, 59)] == [HELD] * 3
    assert director.phase(61) is RAMPING
    assert len(standing(director).flaps) == 1, "the restart, and nothing else"


def test_what_recovers_with_too_much_lag_is_held_and_not_drained() -> None:
    director = serving()
    director.phase(1, BROKEN)
    assert [director.phase(at, channel(lag=300)) for at in (2, 100)] == [HELD, HELD]
    assert director.phase(101, channel(lag=29)) is RAMPING


# The ramp.


def test_a_drain_during_the_ramp_leads_back_to_what_is_left_of_the_ramp() -> None:
    director = serving(weight=100)
    director.server.restart(0)
    assert [director.phase(1), director.phase(61), director.phase(70, channel(lag=61))] == [HELD, RAMPING, DRAINING]
    judged = director.look(91)
    assert (judged.record.standing.phase, judged.record.told.weight) == (RAMPING, 60)
    assert director.phase(121) is UP


def test_a_drain_that_outlasts_the_ramp_leads_straight_to_full_service() -> None:
    director = serving()
    director.server.restart(0)
    assert [director.phase(1), director.phase(61), director.phase(70, channel(lag=61))] == [HELD, RAMPING, DRAINING]
    assert director.phase(121) is UP


def test_lag_below_max_lag_does_not_end_a_ramp() -> None:
    director = serving()
    director.server.restart(0)
    assert [director.phase(1), director.phase(61)] == [HELD, RAMPING]
    assert [director.phase(70, channel(lag=60)), director.phase(121, channel(lag=60))] == [RAMPING, UP]


# By hand.


def test_a_manual_release_is_waited_for_without_end() -> None:
    director = serving(release="manual")
    director.server.restart(0)
    assert [director.phase(at) for at in (1, 61, 30 * DAY)] == [HELD] * 3
    director.release(30 * DAY + 1)
    assert director.phase(30 * DAY + 2) is RAMPING


def test_a_failure_without_a_restart_needs_no_release() -> None:
    director = serving(release="manual")
    assert [director.phase(1, BROKEN), director.phase(2), director.phase(11)] == [DOWN, HELD, RAMPING]


def test_a_server_that_failed_before_it_was_released_still_needs_it() -> None:
    director = serving(release="manual")
    director.server.restart(0)
    assert [director.phase(1), director.phase(2, BROKEN), director.phase(100)] == [HELD, DOWN, HELD]


def test_a_released_server_comes_in_only_when_nothing_bars_it() -> None:
    director = serving()
    director.server.restart(0)
    assert director.phase(1) is HELD
    director.release(2)
    assert [director.phase(3, channel(lag=31)), director.phase(4, channel(lag=30))] == [HELD, RAMPING]


@pytest.mark.parametrize("phase", [UP, DRAINING, DOWN, RAMPING])
def test_only_what_is_held_can_be_released(phase: Phase) -> None:
    before = Standing(phase, NOW, NOW.plus(60))
    assert released(before, NOW) == before


def test_a_source_is_released_by_hand_unless_it_is_said_otherwise() -> None:
    assert {role: Settings.of(role=role).release for role in ("replica", "source", "any")} == {
        "replica": "auto",
        "source": "manual",
        "any": "auto",
    }
    assert Settings.of(role="source", release="auto").release == "auto"


def test_a_restarted_source_is_held_until_it_is_released() -> None:
    director = Director()
    assert director.phase(0, role="source") is UP
    director.server.restart(0)
    assert [director.phase(at, role="source") for at in (1, 3600)] == [HELD, HELD]
    director.release(3601, role="source")
    assert director.phase(3602, role="source") is RAMPING


def test_a_change_to_automatic_release_ends_the_waiting() -> None:
    director = serving(release="manual")
    director.server.restart(0)
    assert [director.phase(1), director.phase(30)] == [HELD, HELD]
    director.given["release"] = "auto"
    assert [director.phase(60), director.phase(61)] == [HELD, RAMPING]


# Each setting at 0.


def test_without_a_hold_down_a_restart_is_no_reason_to_hold() -> None:
    director = serving(hold_down=0.0)
    director.server.restart(0)
    assert director.phase(1) is UP
    assert Director(Server(uptime=1), hold_down=0.0).phase(0) is UP


def test_without_a_hold_down_but_with_a_manual_release_a_restart_waits_for_it() -> None:
    director = serving(hold_down=0.0, release="manual")
    director.server.restart(0)
    assert [director.phase(1), director.phase(3600)] == [HELD, HELD]


def test_without_recover_after_a_recovered_server_ramps_at_once() -> None:
    director = serving(recover_after=0.0)
    assert [director.phase(1, BROKEN), director.phase(2)] == [DOWN, RAMPING]


def test_without_a_ramp_a_server_goes_from_its_hold_to_full_service() -> None:
    director = serving(ramp=0.0, weight=100)
    director.server.restart(0)
    assert [director.phase(1), director.phase(60)] == [HELD, HELD]
    judged = director.look(61)
    assert (judged.record.standing.phase, judged.record.told.weight) == (UP, 100)


def test_without_trust_in_uptime_a_server_that_is_first_met_serves() -> None:
    director = Director(Server(uptime=0), trust_uptime=0.0)
    assert director.phase(0) is UP
    director.server.restart(1)
    assert director.phase(2) is HELD, "with a record a restart is one"


def test_with_everything_at_0_only_the_rules_are_left() -> None:
    off = dict.fromkeys(("hold_down", "recover_after", "ramp", "trust_uptime", "fail_after", "credentials_grace"), 0.0)
    director = Director(Server(uptime=0), **off)
    looks: list[tuple[Channel, Phase]] = [(channel(), UP), (BROKEN, DOWN), (channel(lag=30), UP), (BROKEN, DOWN)]
    assert [director.phase(at, found) for at, (found, _) in enumerate(looks)] == [phase for _, phase in looks]
    assert director.phase(10, trouble=LOST) is DOWN
    director.server.restart(10)
    assert director.phase(11) is UP


def test_a_hold_above_its_maximum_is_a_mistake() -> None:
    with pytest.raises(SettingsError) as raised:
        load({"host": "h", "hold_down": "1h", "recover_after": "20m", "hold_down_max": "10m"}, {})
    assert [str(problem) for problem in raised.value.problems] == [
        "--hold-down: hold_down 1h is above hold_down_max 10m",
        "--recover-after: recover_after 20m is above hold_down_max 10m",
    ]
    assert load({"host": "h", "hold_down": "1h", "hold_down_max": "0"}, {}).hold_down == 3600


def test_the_maximum_is_at_least_the_hold_where_nobody_has_set_it() -> None:
    assert load({"host": "h", "hold_down": "1h"}, {}).hold_down_max == 3600
    assert load({"host": "h"}, {}).hold_down_max == 600


# The director restarts.


def test_after_a_reboot_of_the_director_every_hold_begins_anew() -> None:
    director = serving()
    director.server.restart(0)
    assert [director.phase(1), director.phase(50)] == [HELD, HELD]
    director.reboot()
    assert [director.phase(at - 9000) for at in (55, 114, 115)] == [HELD, HELD, RAMPING]


def test_after_a_reboot_a_recovery_is_held_for_recover_after() -> None:
    director = serving()
    assert director.phase(1, BROKEN) is DOWN
    director.reboot()
    assert [director.phase(at) for at in (2, 11, 12)] == [HELD, HELD, RAMPING]


def test_after_a_reboot_a_ramp_begins_anew() -> None:
    director = serving()
    director.server.restart(0)
    assert [director.phase(1), director.phase(61), director.phase(110)] == [HELD, RAMPING, RAMPING]
    director.reboot()
    assert [director.phase(at) for at in (111, 170, 171)] == [RAMPING, RAMPING, UP]


@pytest.mark.parametrize(("found", "phase"), [(channel(), UP), (channel(lag=40), DRAINING)])
def test_after_a_reboot_what_served_serves_and_what_was_drained_is_drained(found: Channel, phase: Phase) -> None:
    director = serving()
    if phase is DRAINING:
        director.phase(1, channel(lag=61))
    director.reboot()
    assert director.phase(2, found) is phase
    assert director.phase(3) is UP


def test_a_restart_while_the_director_was_off_is_seen() -> None:
    director = serving()
    director.reboot()
    director.server.restart(1000)
    assert [director.phase(1001), director.phase(1060), director.phase(1061)] == [HELD, HELD, RAMPING]


def test_after_a_reboot_a_manual_release_is_still_waited_for() -> None:
    director = serving(release="manual")
    director.server.restart(0)
    assert director.phase(1) is HELD
    director.reboot()
    assert director.phase(3600) is HELD


def test_a_reboot_whose_boot_id_is_hidden_is_seen_by_the_clock_that_went_back() -> None:
    director = serving()
    director.server.restart(0)
    assert [director.phase(1), director.phase(50)] == [HELD, HELD]
    assert [director.phase(at - 9000) for at in (55, 114, 115)] == [HELD, HELD, RAMPING]
