"""Which incarnation of a server answers: how its answer is read, and what real servers said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysqlcheck.checks.incarnation import MOST, Incarnation, parse
from mysqlcheck.errors import UnexpectedAnswer
from mysqlcheck.model import Table
from tests.core.builders import recorded
from tests.core.rows import PROVIDERS, Recording, load

UUID = "a9347d19-e6c7-11f1-b429-02fc00000001"

# the answer


def answer(row: tuple[str | None, str | None, str | None]) -> Table:
    columns = ("identity", "now", "uptime")
    return Table(columns, [dict(zip(columns, row, strict=True))])


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ((UUID, "1795388065", "2"), Incarnation(UUID, 1795388063, 2)),
        (("2", "1795388038", "0"), Incarnation("2", 1795388038, 0)),
        # as decimals, which MySQL makes of UNIX_TIMESTAMP() where the session's timestamp has a fraction
        ((UUID, "1795388065.250000", "2"), Incarnation(UUID, 1795388063, 2)),
        # the clock went back to before the start of the server: Uptime is unsigned, and shown as 2^64 - 3581
        ((UUID, "1795388065", "18446744073709548035"), Incarnation(UUID, 1795391646, -3581)),
        ((UUID, "1795388065", "-3581"), Incarnation(UUID, 1795391646, -3581)),
        (("a\nb" + "c" * 100, "5", "2"), Incarnation("a b" + "c" * 60 + "…", 3, 2)),
    ],
    ids=["MySQL", "MariaDB", "decimals", "below zero", "below zero with a sign", "a long identity"],
)
def test_the_start_is_the_time_of_the_query_minus_uptime(row: tuple[str, str, str], found: Incarnation) -> None:
    assert parse(answer(row)) == found


@given(st.integers(0, 1 << 40), st.integers(-(1 << 33), 1 << 33))
def test_a_step_of_the_server_s_clock_moves_uptime_and_not_the_start(now: int, step: int) -> None:
    uptime = (100 + step) % (1 << 64)  # as both servers show it
    assert parse(answer((UUID, str(now + step), str(uptime)))).started == now - 100


@pytest.mark.parametrize(
    ("table", "text"),
    [
        (answer((None, "1", "1")), "the server does not tell its server_uuid or server_id"),
        (answer(("", "1", "1")), "the server does not tell its server_uuid or server_id"),
        (answer((UUID, None, "1")), "UNIX_TIMESTAMP() is '', no number of seconds"),
        (answer((UUID, "1", None)), "Uptime is '', no number of seconds"),
        (answer((UUID, "1", "long")), "Uptime is 'long', no number of seconds"),
        (answer((UUID, "1", "²")), "Uptime is '²', no number of seconds"),
        (answer((UUID, "1", "+1")), "Uptime is '+1', no number of seconds"),
        (answer((UUID, "1", "--1")), "Uptime is '--1', no number of seconds"),
        (answer((UUID, "1", ".5")), "Uptime is '.5', no number of seconds"),
        (answer((UUID, "1", "1e9")), "Uptime is '1e9', no number of seconds"),
        (answer((UUID, "1", str(MOST))), f"Uptime is '{MOST}', no number of seconds"),
        (answer((UUID, "1", "9" * 21)), f"Uptime is '{'9' * 21}', no number of seconds"),
        (Table(("identity", "now"), []), "the answer has no column uptime; it has 2 others"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_no_server_says_is_unexpected(table: Table, text: str) -> None:
    with pytest.raises(UnexpectedAnswer) as raised:
        parse(table)
    assert str(raised.value) == text


def test_a_number_of_a_million_digits_is_refused_at_once_and_not_repeated() -> None:
    with pytest.raises(UnexpectedAnswer) as raised:
        parse(answer((UUID, "1", "9" * 1_000_000)))
    assert len(str(raised.value)) < 200


@given(st.none() | st.text(), st.none() | st.text(), st.none() | st.text() | st.integers().map(str))
def test_whatever_the_values_are_parse_raises_nothing_but_unexpected_answer(
    identity: str | None, now: str | None, uptime: str | None
) -> None:
    try:
        found = parse(answer((identity, now, uptime)))
    except UnexpectedAnswer as error:
        text = str(error)
    else:
        text = found.identity
        assert abs(found.started) < 1 << 63, "the store keeps integers of 64 bits"
    assert text.isprintable()


# what real servers said


@pytest.fixture(scope="module", params=PROVIDERS)
def recording(request: pytest.FixtureRequest) -> Recording:
    return load(request.param)


def said(recording: Recording, situation: str) -> Incarnation:
    found = recorded(recording, situation).fact(Incarnation)
    assert found is not None
    return found


OTHER_SERVERS = {"source has too many connections", "source lost and retries used up"}
"""Recorded with servers of their own."""


def test_a_real_server_stays_the_same_incarnation_while_its_uptime_grows(recording: Recording) -> None:
    found = [said(recording, situation) for situation in recording.answers if situation not in OTHER_SERVERS]
    assert len({(one.identity, one.started) for one in found}) == 1
    uptimes = [one.uptime for one in found]
    assert uptimes == sorted(uptimes)
    assert uptimes[0] < uptimes[-1]


def test_another_real_server_is_another_incarnation(recording: Recording) -> None:
    first = said(recording, "healthy")
    for situation in OTHER_SERVERS:
        assert said(recording, situation)[:2] != first[:2]
