"""What the network or the director may be to blame for does not count at once, for a server that answered before."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysqlcheck.checks import connection
from mysqlcheck.checks.channels import Channel
from mysqlcheck.model import Instant, Memory, Reason, ServerVersion, Severity
from tests.core.builders import (
    CROWDED,
    DENIED,
    LOST,
    NOW,
    OUT_OF_TIME,
    REFUSED,
    channel,
    lost,
    met,
    observation,
    of_code,
    remember,
    verdict,
)
from tests.core.watching import serving

NOTE, DRAIN, FAIL = Severity.NOTE, Severity.DRAIN, Severity.FAIL
MARIADB = ServerVersion("mariadb", (10, 11, 19), "")
NO_PRIVILEGE = connection.lacks_privilege(1227, "Access denied", "REPLICA MONITOR", "'m'@'%'", MARIADB)

# Which grace each trouble has.


class Trouble(NamedTuple):
    name: str
    reason: Reason
    grace: str | None


TROUBLES = [
    Trouble("nobody listens", REFUSED, None),
    Trouble("it is shutting down", connection.said_no(1053, "Server shutdown in progress", "m"), None),
    Trouble("no route", LOST, "fail_after"),
    Trouble("the connection was reset", connection.said_no(2013, "Lost connection", "m"), "fail_after"),
    Trouble("no answer", OUT_OF_TIME, "fail_after"),
    Trouble("no MySQL", connection.not_mysql("an SSH server"), None),
    Trouble("too many connections", CROWDED, "fail_after"),
    Trouble("max_user_connections", connection.said_no(1203, "its words", "m"), "fail_after"),
    Trouble("wrong password", DENIED, "credentials_grace"),
    Trouble("account locked", connection.said_no(4151, "its words", "m"), "credentials_grace"),
    Trouble("password expired", connection.said_no(1862, "its words", "m"), "credentials_grace"),
    Trouble("a privilege is missing", NO_PRIVILEGE, "credentials_grace"),
    Trouble("password withheld", connection.withheld("in clear text"), "credentials_grace"),
    Trouble("password file unusable", connection.unusable("no such file"), "credentials_grace"),
    Trouble("no TLS", connection.tls_failed("offers no TLS"), "credentials_grace"),
    Trouble("host blocked", connection.said_no(1129, "Host is blocked", "m"), "credentials_grace"),
]
troubles = pytest.mark.parametrize("trouble", TROUBLES, ids=[trouble.name for trouble in TROUBLES])


@troubles
def test_the_trouble_names_the_setting_of_its_grace(trouble: Trouble) -> None:
    assert trouble.reason.grace == trouble.grace


def test_every_code_of_the_connection_has_a_trouble_here() -> None:
    assert {trouble.reason.code for trouble in TROUBLES} == set(connection.CODES)


@troubles
def test_only_with_a_recorded_answer_there_is_a_grace(trouble: Trouble) -> None:
    """Nobody has ever said that this server is well, so nothing good can stay."""
    seen = met(trouble.reason)
    judged = verdict(seen, remember(Memory(), seen), fail_after=60.0)
    assert of_code(judged, trouble.reason.code) == trouble.reason
    assert judged.severity is trouble.reason.severity
    assert not judged.blind


# How long it lasts: `answered` and `silent` are so many seconds ago.


class Row(NamedTuple):
    name: str
    trouble: Reason
    memory: Memory
    severity: Severity
    settings: dict[str, Any] = {}  # noqa: RUF012 - never changed


def ago(seconds: float, boot: str = NOW.boot_id) -> Instant:
    return Instant(boot, NOW.seconds - seconds)


def memory(answered: float, silent: float | None = None, boot: str = NOW.boot_id) -> Memory:
    return Memory(
        answered_at=ago(answered, boot), silent_since=None if silent is None else ago(silent, boot)
    )  # fmt: skip


ROWS = [
    # fail_after: 3 s from the beginning of the first look without an answer
    Row("the first packet lost", LOST, memory(1, silent=0.1), NOTE),
    Row("the first look after an hour", LOST, memory(3600, silent=0.1), NOTE),
    Row("lost for not quite so long", LOST, memory(10, silent=2.9), NOTE),
    Row("lost for fail_after", LOST, memory(10, silent=3.0), FAIL),
    Row("lost for longer", LOST, memory(10, silent=9.0), FAIL),
    Row("lost, with patience", LOST, memory(60, silent=50.0), NOTE, {"fail_after": 60.0}),
    Row("lost, with none", LOST, memory(1, silent=0.0), FAIL, {"fail_after": 0.0}),
    # a look that timed out has lasted for --timeout at least, whatever the clock says
    Row("out of time", OUT_OF_TIME, memory(10, silent=1.0), NOTE, {"timeout": 1.0}),
    Row("out of time twice", OUT_OF_TIME, memory(10, silent=2.1), NOTE, {"timeout": 1.0}),
    Row("out of time three times", OUT_OF_TIME, memory(10, silent=3.1), FAIL, {"timeout": 1.0}),
    Row("out of time, and no sooner than fail_after", OUT_OF_TIME, memory(10, silent=2.99), FAIL, {"timeout": 3.0}),
    Row("out of time, and sooner", OUT_OF_TIME, memory(10, silent=2.0), NOTE, {"timeout": 2.9}),
    Row("out of time, and later", OUT_OF_TIME, memory(10, silent=0.5), FAIL, {"timeout": 5.0}),
    Row("no route is no timeout", LOST, memory(10, silent=0.5), NOTE, {"timeout": 5.0}),
    # too many connections: drains, later
    Row("full for a moment", CROWDED, memory(10, silent=0.1), NOTE),
    Row("full for fail_after", CROWDED, memory(10, silent=3.0), DRAIN),
    Row("full, with no patience", CROWDED, memory(10, silent=0.1), DRAIN, {"fail_after": 0.0}),
    # credentials_grace: 10 min from the last answer
    Row("denied at once", DENIED, memory(1), NOTE),
    Row("denied for not quite so long", DENIED, memory(599), NOTE),
    Row("denied for credentials_grace", DENIED, memory(600), FAIL),
    Row("denied, with patience", DENIED, memory(3600), NOTE, {"credentials_grace": 7200.0}),
    Row("denied, with none", DENIED, memory(0.5), FAIL, {"credentials_grace": 0.0}),
    Row("denied, whatever fail_after is", DENIED, memory(30), NOTE, {"fail_after": 0.0}),
    # another boot of this director: nobody knows how long ago that was
    Row("lost, and answered in another boot", LOST, memory(1, silent=0.1, boot="the last boot"), FAIL),
    Row("denied, and answered in another boot", DENIED, memory(1, boot="the last boot"), FAIL),
    Row(
        "lost in this boot, and answered in another", LOST,
        Memory(answered_at=ago(1, "the last boot"), silent_since=ago(0.1)), FAIL,
    ),
    Row("denied, and the clock went back", DENIED, memory(-30), FAIL),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_while_the_grace_lasts_the_trouble_is_a_note(row: Row) -> None:
    judged = verdict(met(row.trouble), row.memory, **row.settings)
    reason = of_code(judged, row.trouble.code)
    assert reason.severity is row.severity
    assert judged.blind is (row.severity is NOTE)
    assert reason.bars_entry, "whoever does not serve does not begin on this"
    if row.severity is not NOTE:
        assert reason == row.trouble


def test_the_text_says_how_long_the_last_verdict_stays_and_by_which_setting() -> None:
    text = of_code(verdict(met(DENIED), memory(30)), "credentials").text
    assert text == (
        "the server refuses 'mysqlcheck' (error 1045: Access denied); see `mysqlcheck grants`; "
        "its last verdict stays for 9m30s (credentials_grace)"
    )


def test_what_was_seen_before_the_trouble_counts_in_spite_of_its_grace() -> None:
    """read_only had been asked when the privilege turned out to be missing."""
    seen = observation(read_only=False, trouble=NO_PRIVILEGE, replicates=False)
    judged = verdict(seen, memory(1))
    assert not judged.blind
    assert of_code(judged, "writable").severity is FAIL
    assert of_code(judged, "credentials").severity is NOTE


@given(st.floats(0, 700), st.floats(0, 10), st.sampled_from([LOST, OUT_OF_TIME, DENIED, CROWDED]))
def test_a_grace_never_comes_back_by_waiting(answered: float, silent: float, trouble: Reason) -> None:
    """More checks in a second, or fewer, change nothing: only how long it has lasted counts."""
    kept = memory(answered + silent, silent)
    now, later = (verdict(met(trouble, at), kept, at, timeout=1.0) for at in (NOW, NOW.plus(1)))
    assert now.severity <= later.severity


# What the weight is meanwhile.


def test_the_share_stays_what_the_last_lag_leaves() -> None:
    before = remember(Memory(), observation(channel(lag=35)))
    for trouble in (LOST, DENIED):
        assert verdict(met(trouble), before).share == pytest.approx(0.55)


def test_a_server_with_too_many_connections_keeps_the_least_share() -> None:
    """A connection storm must not drain one replica after the other; what it can bear it still gets."""
    before = remember(Memory(), observation(channel(lag=0)))
    assert verdict(met(CROWDED), before).share == 0.1


# The story of a memory.


def test_silence_counts_from_the_beginning_of_the_first_look_that_met_it() -> None:
    found = remember(memory(5), met(OUT_OF_TIME, NOW, took=3.0))
    assert found.silent_since == ago(3)
    assert remember(found, met(OUT_OF_TIME, NOW.plus(5), took=3.0)).silent_since == ago(3)


def test_an_answer_ends_the_silence() -> None:
    found = remember(memory(5, silent=2), observation(channel()))
    assert (found.silent_since, found.answered_at) == (None, NOW)


def test_being_refused_ends_the_silence_too_but_is_no_answer() -> None:
    found = remember(memory(5, silent=2), met(DENIED))
    assert (found.silent_since, found.answered_at) == (None, ago(5))


def test_an_answer_with_bad_news_is_an_answer_as_well() -> None:
    assert remember(Memory(), observation(lost())).answered_at == NOW


# The story of a server.


def test_one_lost_packet_changes_nothing() -> None:
    director = serving(weight=100)
    before = director.records["replica"].standing
    judged = director.look(1, trouble=LOST)
    assert judged.record.standing == before
    assert judged.events == ()
    assert judged.decision.share == 1.0
    assert director.look(2).record.standing == before


def test_a_server_that_stays_silent_for_fail_after_is_down() -> None:
    director = serving()
    phases = [director.phase(at, trouble=LOST).value for at in (1.0, 2.0, 3.0, 3.9, 4.0)]
    assert phases == ["up", "up", "up", "up", "down"]


def test_a_refused_connection_is_down_at_once() -> None:
    assert serving().phase(1, trouble=REFUSED).value == "down"


def test_after_a_refused_connection_no_grace_stands_on_what_was_before() -> None:
    director = serving()
    director.look(1, trouble=REFUSED)
    assert not director.look(1.5, trouble=LOST).verdict.blind


def test_a_changed_password_takes_nobody_out_until_the_grace_is_over() -> None:
    director = serving()
    assert [director.phase(at, trouble=DENIED).value for at in (1, 300, 599.9, 600)] == ["up", "up", "up", "down"]


@pytest.mark.parametrize(
    ("found", "phase"),
    [(channel(lag=100), "draining"), (channel(sql_running=False, lag=None), "down")],
    ids=["draining", "down"],
)
def test_a_grace_keeps_a_bad_verdict_as_well(found: Channel, phase: str) -> None:
    director = serving()
    assert director.phase(1, found).value == phase
    before = director.records["replica"].standing
    assert director.look(2, trouble=DENIED).record.standing == before


def test_within_a_grace_no_hold_ends() -> None:
    director = serving()
    director.server.restart(0)
    assert director.phase(1).value == "held"
    assert director.phase(100, trouble=DENIED).value == "held"
    assert director.phase(101).value == "ramping"


def test_too_many_connections_drain_in_the_end_and_never_fail() -> None:
    director = serving()
    assert [director.phase(at, trouble=CROWDED).value for at in (1, 2, 5, 60)] == ["up", "up", "draining", "draining"]
    assert director.phase(61).value == "up"


def test_too_many_connections_leave_the_weight_at_its_least_meanwhile() -> None:
    director = serving(weight=100)
    assert [director.look(at, trouble=CROWDED).record.told.weight for at in (1, 2, 5)] == [10, 10, 0]


@troubles
def test_what_has_a_grace_is_never_a_flap(trouble: Trouble) -> None:
    """The network or the director may be to blame."""
    director = serving(fail_after=0.0, credentials_grace=0.0)
    director.look(1, trouble=trouble.reason)
    assert len(director.records["replica"].standing.flaps) == (1 if trouble.grace is None else 0)
