"""The lag by the applier's own words: what MySQL's performance_schema says of commits on the first source."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from mysqlcheck.checks import applier, probes
from mysqlcheck.checks.applier import Applier, Progress
from mysqlcheck.checks.channels import Channel
from mysqlcheck.errors import UnexpectedAnswer
from mysqlcheck.model import ServerVersion, Severity, Table
from mysqlcheck.options import Settings
from tests.core.builders import against, channel, observation, of_code, verdict


class Row(NamedTuple):
    name: str
    channel: Channel
    progress: Progress
    lag: float | None
    codes: list[str]


IDLE = Progress("", None, 900.0, 900.0, True)
ROWS = [
    Row("idle, and the last commit long ago", channel(), IDLE, 0.0, []),
    Row("a transaction of just now", channel(), IDLE._replace(applying=0.04), 0.0, []),
    Row("a transaction of a while ago", channel(lag=0), IDLE._replace(applying=90.26), 90.3, ["lag"]),
    Row("the source's clock is ahead", channel(), IDLE._replace(applying=-0.5), 0.0, []),
    # something waits, and nothing is applied
    Row("a delay", channel(lag=3500), Progress("", None, 2.0, 3600.0, False), 3500, ["lag"]),
    Row("a delay, and nothing applied yet", channel(lag=100), Progress("", None, 100.4, None, False), 100.4, ["lag"]),
    Row("between two after a quiet hour", channel(lag=0), Progress("", None, 0.3, 3600.0, False), 0.3, []),
    Row("Seconds_Behind beyond what can be", channel(lag=5000), Progress("", None, 2.0, 70.0, False), 70.0, ["lag"]),
    # nothing received since the IO thread began
    Row("a relay log from before", channel(lag=500), Progress("", None, None, None, False), 500, ["lag"]),
    Row("NULL", channel(lag=None), Progress("", None, None, None, False), None, ["lag_unknown"]),
]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_the_applier_tells_this_lag(row: Row) -> None:
    seen = observation(row.channel, applier=Applier((row.progress,)))
    judged = verdict(seen, lag_source="applier")
    assert against(judged) == row.codes
    assert judged.lag == (None if row.lag is None else (row.lag, "applier"))


@pytest.mark.parametrize("told", [Applier(trouble="denied"), Applier()], ids=["denied", "performance_schema is off"])
def test_what_cannot_be_read_is_unknown_and_no_matter_where_auto_may_choose(told: Applier) -> None:
    judged = verdict(observation(channel(lag=3), applier=told), lag_source="applier")
    assert against(judged) == ["lag_unknown"]
    assert judged.severity is Severity.DRAIN
    assert of_code(judged, "lag_unknown").text.startswith(told.trouble or "performance_schema tells nothing of from")
    judged = verdict(observation(channel(lag=3), applier=told), lag_source="auto")
    assert (against(judged), judged.lag) == ([], (3, "seconds-behind"))


def test_a_delay_may_be_ignored() -> None:
    seen = observation(channel(lag=3605, delay=3600), applier=Applier((IDLE._replace(applying=3604.5),)))
    assert verdict(seen, lag_source="applier", ignore_delay=True).lag == (4.5, "applier")


def test_of_several_channels_each_is_told_by_its_name() -> None:
    told = Applier((IDLE, IDLE._replace(name="b", applying=70.0)))
    judged = verdict(observation(channel(), channel(name="b"), applier=told), lag_source="applier")
    assert judged.lag == (70.0, "applier")


# what is asked, and how the answer is read


@pytest.mark.parametrize(
    ("version", "asks"), [("5.7.44", False), ("8.0.1", True), ("9.7.4", True), ("11.8.6-MariaDB", False)]
)
def test_who_has_no_such_timestamps_is_not_asked(version: str, asks: bool) -> None:
    assert bool(applier.query(ServerVersion.parse(version))) is asks


def test_it_is_asked_by_who_wants_it() -> None:
    asked = {
        source: probes(Settings.of(host="h", lag_source=source)) for source in ("seconds-behind", "applier", "auto")
    }
    assert applier.PROBE not in asked["seconds-behind"]
    assert applier.PROBE in asked["applier"]
    assert applier.PROBE in asked["auto"]


def read(*row: str | None) -> Progress:
    columns = ("channel", "applying", "scheduling", "queued", "applied", "done")
    return applier.parse(Table(columns, [dict(zip(columns, row, strict=True))])).channels[0]


@pytest.mark.parametrize(
    ("row", "progress"),
    [
        (("", None, None, "900000000", "900000000", "1"), IDLE),
        (("b", "2500000", "3000000", "1000000", None, "0"), Progress("b", 3.0, 1.0, None, False)),
        (("", None, None, None, None, None), Progress("", None, None, None, False)),
        # without GTIDs: what was received last has been applied when nothing newer is left
        (("", None, None, "5000000", "5000000", None), Progress("", None, 5.0, 5.0, True)),
        (("", None, None, "1000000", "5000000", None), Progress("", None, 1.0, 5.0, False)),
        (("", None, None, "5000000", None, None), Progress("", None, 5.0, None, False)),
    ],
)
def test_ages_are_read_from_microseconds(row: tuple[str | None, ...], progress: Progress) -> None:
    assert read(*row) == progress


@pytest.mark.parametrize("row", [("", "soon", None, None, None, "1"), ("", None, None, None, None, "2")])
def test_what_no_server_says_is_no_answer(row: tuple[str | None, ...]) -> None:
    with pytest.raises(UnexpectedAnswer):
        read(*row)


def test_a_denied_table_names_the_grants() -> None:
    assert applier.PROBE.excuse is not None
    text = applier.PROBE.excuse(1142, "SELECT command denied", "'mysqlcheck'@'%'").trouble
    for table in applier.TABLES:
        assert f"GRANT SELECT ON {table} TO 'mysqlcheck'@'%';" in text
