"""The age of the source's last beat as the lag; and a writer of beats that stopped, told apart from lag."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from mysqlcheck.checks import heartbeat, lag
from mysqlcheck.checks.channels import Channel
from mysqlcheck.checks.heartbeat import Beat, Beats
from mysqlcheck.errors import SettingsError, UnexpectedAnswer
from mysqlcheck.judgement import Judgement
from mysqlcheck.layers import load
from mysqlcheck.model import Memory, Phase, ServerVersion, Severity, Table
from mysqlcheck.options import Settings
from tests.core.builders import NOW, against, channel, lost, observation, of_code, verdict
from tests.core.watching import Director, serving

NOTE, DRAIN, OK = Severity.NOTE, Severity.DRAIN, Severity.OK
TABLE = "percona.heartbeat"
DENIED = "percona.heartbeat cannot be read (error 1142: denied)"
GIVEN: dict[str, Any] = {"heartbeat_table": TABLE}
EXPLICIT: dict[str, Any] = {**GIVEN, "lag_source": "heartbeat"}


def of_source(**changes: Any) -> Channel:
    return channel(**{"source_id": 1, "received": "binlog.000001 100"} | changes)


def beats(*ages: float | None, server_id: int | None = 1, ts: str = "a", trouble: str = "") -> Beats:
    return Beats(TABLE, tuple(Beat(server_id, ts, age) for age in ages), 60, trouble)


class Row(NamedTuple):
    name: str
    told: Beats
    channel: Channel
    lag: float | None
    source: str
    codes: list[str]
    severity: Severity
    settings: dict[str, Any] = EXPLICIT


ROWS = [
    Row("a young beat", beats(0.74), of_source(), 0.7, "heartbeat", [], OK),
    Row("a clock a little behind", beats(-0.2), of_source(), 0.0, "heartbeat", [], OK),
    Row("both say that it lags", beats(90.2), of_source(lag=88), 90.2, "heartbeat", ["lag"], DRAIN),
    Row("NULL, and the beat is old", beats(90.0), of_source(lag=None), 90.0, "heartbeat", ["lag"], DRAIN),
    Row("Seconds_Behind lies, the beat is young", beats(1.0), of_source(lag=500), 1.0, "heartbeat", [], OK),
    Row("an old beat, all applied", beats(90.0), of_source(), 0, "seconds-behind", ["heartbeat_stale"], NOTE),
    Row(
        "an old beat of a server farther up", beats(90.0, server_id=7), of_source(), 90.0, "heartbeat", ["lag"], DRAIN,
        {**EXPLICIT, "heartbeat_server_id": 7},
    ),
    Row("legacy: a row that is nobody's", beats(5.0, server_id=None), of_source(), 5.0, "heartbeat", [], OK),
    Row("a delay on purpose", beats(3605.0), of_source(lag=3604, delay=3600), 3605.0, "heartbeat", ["lag"], DRAIN),
    Row(
        "a delay that is ignored", beats(3605.0), of_source(lag=3604, delay=3600), 5.0, "heartbeat", [], OK,
        {**EXPLICIT, "ignore_delay": True},
    ),
    Row("nobody's beats", beats(), of_source(), None, "", ["lag_unknown"], DRAIN),
    Row("another's beats", beats(0.5, server_id=2), of_source(), None, "", ["lag_unknown"], DRAIN),
    Row("no time", beats(None), of_source(), None, "", ["lag_unknown"], DRAIN),
    Row("an hour in the future", beats(-3600.0), of_source(), None, "", ["lag_unknown"], DRAIN),
    Row("a table that is not there", beats(trouble=DENIED), of_source(), None, "", ["lag_unknown"], DRAIN),
    Row(
        "the same where auto may choose", beats(trouble=DENIED), of_source(lag=3), 3, "seconds-behind",
        ["lag_unknown"], NOTE, GIVEN,
    ),
    Row(
        "and Seconds_Behind is NULL too", beats(trouble=DENIED), of_source(lag=None), None, "",
        ["lag_unknown"], DRAIN, GIVEN,
    ),
    # the beat of a source that is lost only grows older, which is no lag: source_lost judges that
    Row("the source is lost", beats(900.0), lost(source_id=1), None, "", ["source_lost"], NOTE),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_one_look_tells_this_lag_and_where_it_is_from(row: Row) -> None:
    judged = verdict(observation(row.channel, beats=row.told), **row.settings)
    assert against(judged) == row.codes
    assert judged.severity is row.severity
    assert judged.lag == (None if row.lag is None else (row.lag, row.source))


def test_of_several_channels_each_has_the_beat_of_its_own_source() -> None:
    told = Beats(TABLE, (Beat(1, "a", 0.5), Beat(2, "b", 40.0)), 60)
    seen = observation(of_source(), of_source(name="b", source_id=2, lag=39), beats=told)
    assert verdict(seen, **EXPLICIT).lag == (40.0, "heartbeat")


def test_what_is_wrong_with_the_table_is_said_and_what_to_do() -> None:
    other = verdict(observation(of_source(), beats=beats(0.5, server_id=2)), **EXPLICIT)
    text = of_code(other, "lag_unknown").text
    assert text.startswith("percona.heartbeat has beats of 2, none of server_id 1 (--heartbeat-server-id)")
    ahead = verdict(observation(of_source(), beats=beats(-7200.0)), **EXPLICIT)
    assert (
        "7200 s in the future: do the clocks differ, or the time zones (--heartbeat-utc)?"
        in of_code(ahead, "lag_unknown").text
    )


# a writer that stops: the story, second by second


class Scene:
    """A director that looks each second; the beats of the source, and what else comes."""

    def __init__(self, **settings: Any) -> None:
        self.director: Director = serving(**{**EXPLICIT, **settings})
        self.beat, self.at, self.received = 0.0, 0, 0

    def look(self, beat: float | None = None, received: bool = False, lag: int | None = 0, after: int = 1) -> Judgement:
        """`beat` is the second at which a beat that has come was written; None: no new one."""
        self.at += after
        self.beat = self.beat if beat is None else beat
        self.received += received
        told = beats(self.at - self.beat, ts=f"second {self.beat}")
        seen = of_source(lag=lag, received=f"binlog.000001 {self.received}")
        return self.director.look(self.at, seen, beats=told)


def codes(judged: Judgement) -> list[str]:
    return against(judged.verdict)


def test_a_writer_that_stops_drains_nobody_while_other_things_come() -> None:
    scene = Scene()
    for second in range(1, 5):
        assert codes(scene.look(beat=second, received=True)) == []
    judged = [scene.look(received=True) for _ in range(200)]
    assert {one.record.standing.phase for one in judged} == {Phase.UP}
    reason = of_code(judged[-1].verdict, "heartbeat_stale")
    assert (reason.severity, reason.bars_entry) == (NOTE, False)
    assert "the writer has stopped" in reason.text
    assert judged[-1].verdict.lag == (0, "seconds-behind")
    assert codes(scene.look(beat=205, received=True)) == []


def test_beats_that_come_late_are_lag_although_seconds_behind_says_0() -> None:
    """A link that is too slow: all that has come is applied, and what comes is old."""
    scene = Scene()
    for second in range(1, 5):
        scene.look(beat=second, received=True)
    late = [scene.look(beat=4 + number / 4, received=True) for number in range(1, 120)]
    assert late[-1].record.standing.phase is Phase.DRAINING
    assert codes(late[-1]) == ["lag"]
    assert late[-1].verdict.lag is not None
    assert late[-1].verdict.lag.source == "heartbeat"


def test_where_nothing_comes_the_link_may_be_dead_and_it_serves_on_like_one_whose_source_is_lost() -> None:
    scene = Scene(max_staleness=50.0)
    scene.look(beat=1, received=True)
    judged = [scene.look() for _ in range(58)]
    phases = [one.record.standing.phase for one in judged]
    assert phases[49:52] == [Phase.UP, Phase.DRAINING, Phase.DRAINING]
    assert "a dead link (slave_net_timeout 60 s)?" in of_code(judged[40].verdict, "heartbeat_stale").text


def test_a_quiet_source_is_not_lost_where_the_io_thread_would_have_noticed() -> None:
    scene = Scene(max_staleness=50.0)
    scene.look(beat=1, received=True)
    judged = scene.look(after=70)
    assert judged.record.standing.phase is Phase.UP
    assert "the writer has stopped" in of_code(judged.verdict, "heartbeat_stale").text


def test_a_heartbeat_of_replication_that_comes_tells_a_quiet_source_from_a_dead_link() -> None:
    scene = Scene(max_staleness=50.0)
    scene.look(beat=1, received=True)
    scene.look(after=30, received=True)  # MariaDB counts them
    judged = scene.look(after=25)
    assert judged.record.standing.phase is Phase.UP
    assert "the writer has stopped" in of_code(judged.verdict, "heartbeat_stale").text


def test_with_nothing_on_record_an_old_beat_bars_entry_and_drains_nobody() -> None:
    reason = of_code(verdict(observation(of_source(), beats=beats(90.0)), Memory(), **EXPLICIT), "heartbeat_stale")
    assert (reason.severity, reason.bars_entry) == (NOTE, True)


def test_a_director_that_was_away_while_the_writer_stopped_takes_it_for_no_lag() -> None:
    scene = Scene()
    scene.look(beat=1, received=True)
    assert codes(scene.look(beat=300, received=True, after=400)) == ["heartbeat_stale"]


def test_while_no_beat_comes_staleness_counts_from_when_anything_came() -> None:
    scene = Scene()
    scene.look(beat=1, received=True)
    record = [scene.look() for _ in range(40)][-1].record
    assert record.memory.lag is not None
    assert record.memory.lag.at == scene.director.instant(1)


# what is asked, and how the answer is read


@pytest.mark.parametrize(
    ("version", "variable"),
    [
        ("8.0.25", "slave_net_timeout"),
        ("8.0.26", "replica_net_timeout"),
        ("9.7.4", "replica_net_timeout"),
        ("11.8.6-MariaDB", "slave_net_timeout"),
    ],
)
def test_the_table_is_asked_for_by_its_name_in_backticks(version: str, variable: str) -> None:
    query = heartbeat.probe(Settings.of(**GIVEN)).query(ServerVersion.parse(version))
    assert query == (
        f"SELECT TIMESTAMPDIFF(MICROSECOND, beat.ts, NOW(6)) AS age, @@global.{variable} AS net_timeout, beat.* "
        "FROM `percona`.`heartbeat` AS beat LIMIT 100"
    )
    utc = heartbeat.probe(Settings.of(**GIVEN, heartbeat_utc=True)).query(ServerVersion.parse(version))
    assert "TIMESTAMPDIFF(MICROSECOND, beat.ts, UTC_TIMESTAMP(6))" in utc


def read(columns: tuple[str, ...], *rows: tuple[str | None, ...]) -> Beats:
    return heartbeat.parse(TABLE, Table(columns, [dict(zip(columns, row, strict=True)) for row in rows]))


def test_both_layouts_are_read() -> None:
    current = ("age", "net_timeout", "ts", "server_id", "file", "position")
    found = read(current, ("1009472", "60", "2026-11-27T11:07:19.001050", "1", "binlog.000001", "4793"))
    assert found == Beats(TABLE, (Beat(1, "2026-11-27T11:07:19.001050", 1.009472),), 60)
    legacy = read(("age", "net_timeout", "id", "ts"), ("-500000", "60", "1", "2026-11-27 11:07:29"))
    assert legacy.rows == (Beat(None, "2026-11-27 11:07:29", -0.5),)
    assert read(current) == Beats(TABLE)
    assert read(current, (None, "60", "soon", "1", None, None)).rows == (Beat(1, "soon", None),)


@pytest.mark.parametrize("age", ["", "1.5", "--1", "soon"])
def test_an_age_that_is_no_number_is_what_no_server_says(age: str) -> None:
    with pytest.raises(UnexpectedAnswer):
        read(("age", "net_timeout", "ts"), (age, "60", "a"))


def test_a_denied_table_names_the_grant_and_one_that_is_not_there_does_not() -> None:
    excuse = heartbeat.probe(Settings.of(**GIVEN)).excuse
    assert excuse is not None
    denied = excuse(1142, "SELECT command denied", "'mysqlcheck'@'%'")
    assert denied.trouble.endswith("give it: GRANT SELECT ON `percona`.`heartbeat` TO 'mysqlcheck'@'%';")
    assert "GRANT" not in excuse(1146, "Table doesn't exist", "'mysqlcheck'@'%'").trouble


# settings


def test_the_beats_are_read_by_who_has_a_table() -> None:
    assert Settings.of(host="h").lag_source == lag.SECONDS_BEHIND
    assert Settings.of(host="h", **GIVEN).lag_source == "auto"
    with pytest.raises(SettingsError, match="lag_source heartbeat needs the table of the beats"):
        load({"host": "h", "lag_source": "heartbeat"}, {})


def test_who_has_none_is_asked_nothing_more() -> None:
    from mysqlcheck.checks import probes

    assert len(probes(Settings.of(host="h"))) + 1 == len(probes(Settings.of(host="h", **GIVEN)))
    assert len(probes(Settings.of(host="h"))) == len(
        probes(Settings.of(host="h", heartbeat_table=TABLE, lag_source=lag.SECONDS_BEHIND))
    )
    assert len(probes(Settings.of(host="h", role="source", **GIVEN))) == len(
        probes(Settings.of(host="h", role="source"))
    )


def test_the_moment_of_the_last_beat_is_remembered_for_running_channels_alone() -> None:
    seen = observation(lost(source_id=1), beats=beats(90.0))
    assert heartbeat.remember(None, seen, Settings.of(**GIVEN), NOW) is None
