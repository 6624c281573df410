"""Whatever a server answers to whatever it is asked: facts that can be judged, kept and shown, or UnexpectedAnswer.

Good answers of every subject are drawn with cells, rows and columns changed, as a proxy, a newer version or somebody
with bad intentions may; `probes` decides what is asked next, as in a look.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysqlcheck import captures
from mysqlcheck.checks import connection, probes
from mysqlcheck.checks.applier import Applier
from mysqlcheck.checks.group import GroupMember
from mysqlcheck.checks.gtid import Gtids
from mysqlcheck.checks.heartbeat import Beats
from mysqlcheck.checks.incarnation import Incarnation
from mysqlcheck.checks.load import Load
from mysqlcheck.checks.shared_hold import SharedHold
from mysqlcheck.checks.wsrep import RejectsQueries
from mysqlcheck.errors import UnexpectedAnswer
from mysqlcheck.judgement import Look, judge_again, take_in
from mysqlcheck.line import line, log_line
from mysqlcheck.metrics import Row, render
from mysqlcheck.model import Observation, ServerVersion, Table
from mysqlcheck.options import Settings
from mysqlcheck.outcome import ExitCode, answer_style
from tests.core.builders import NOW, TARGET
from tests.core.rows import load

WALL = 1_800_000_000.0
RECORDED = {"mysql": load("mysql-9.7"), "mariadb": load("mariadb-10.11")}
SAID: dict[str, dict[str, str | None]] = {
    "mysql": {"group_replication_primary_member": "8f3c"},
    "mariadb": {
        "wsrep_provider_name": "Galera", "wsrep_cluster_status": "Primary", "wsrep_local_state": "4",
        "wsrep_ready": "ON",
    },
}  # fmt: skip
"""Status variables of those that are asked for more: a member of a group, a Galera node."""
MORE = {"may_read_holds": "1", "max_connections": "150", "threads_running": "2", "gtid_mode": "ON"}
HOLD = {"target": str(TARGET), "who": "ops", "reason": "index", "since": "1000", "until": "2000"}
MEMBER = {"own": "1", "member_state": "ONLINE", "member_role": "SECONDARY"}
BEAT = {"age": "1500000", "net_timeout": "60", "ts": "2026-11-27T10:00:00.000000", "server_id": "1"}
PROGRESS = {"channel": "", "applying": "5", "scheduling": None, "queued": "9", "applied": "3", "done": "1"}
GOOD: tuple[tuple[str, Mapping[str, str | None]], ...] = (
    ("AS group_name", {"group_name": "8f3c"}),
    ("AS member_state", MEMBER),
    ("wsrep_reject_queries", {"wsrep_reject_queries": "NONE"}),
    ("mysqlcheck", HOLD),
    ("percona", BEAT),
    ("AS scheduling", PROGRESS),
)
"""Good answers that are not recorded, by what the query has in it."""
CELLS = st.sampled_from(
    ["", "0", "1", "-1", "4", "ON", "Yes", "NULL", "9" * 15, "9" * 19, "-" + "9" * 19, "9" * 30, "1e3", "0x1", "²",
     "ONLINE", "PRIMARY", "a.b", "uuid:1-5", "0-1-7", "x" * 2000, "\x1b[2K\r\nSERVE \u202e", None]
) | st.text(max_size=12)  # fmt: skip
SETTINGS: dict[str, dict[str, Any]] = {
    "the defaults": {},
    "all that there is": {
        "gtid_check": "always", "max_connections_used": 90, "max_threads_running": 50, "weight": 100,
        "expect_source": "192.168.1.200", "channel": ("default",),
    },
    "heartbeats": {"heartbeat_table": "percona.heartbeat", "lag_source": "heartbeat"},
    "the applier": {"lag_source": "applier", "ignore_delay": True},
    "a source": {"role": "source"},
}  # fmt: skip


def good(flavor: str, query: str) -> Table:
    """What a healthy server answers, so that it is asked for all there is."""
    for word, row in GOOD:
        if word in query and "variable_name" not in query:
            return Table(tuple(row), [dict(row)])
    answers = RECORDED[flavor].answers["healthy"]
    if "variable_name" not in query:
        return answers[query]
    recorded = next(table for asked, table in answers.items() if "variable_name" in asked)
    known = dict(list(recorded.rows[0].items())[:-2]) | MORE
    of_all = {name: known.get(name, "uuid:1-9" if flavor == "mysql" else "0-1-7") for name in _asked(query)}
    status = {str(row["variable_name"]).upper(): row["variable_value"] for row in recorded.rows}
    status |= {name.upper(): value for name, value in SAID[flavor].items()}
    status |= {"THREADS_CONNECTED": "3"} if "Threads_connected" in query else {}
    rows = [{**of_all, "variable_name": name, "variable_value": value} for name, value in status.items()]
    return Table(tuple(rows[0]), rows)


def _asked(query: str) -> list[str]:
    """The names of the expressions in the query of all subjects."""
    words = query.partition(" FROM performance_schema.session_status")[0].partition(" FROM information_schema.SESS")[0]
    return [part.split(",")[0].split()[0] for part in words.split(" AS ")[1:-2]]


@st.composite
def changed(draw: st.DrawFn, table: Table) -> Table:
    """The table, with what is changed in it."""
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return Table(table.columns, [])
    if kind == 1:
        kept = tuple(draw(st.lists(st.sampled_from(table.columns), unique=True)))
        return Table(kept, [{name: row[name] for name in kept} for row in table.rows])
    rows = [dict(row) for row in table.rows]
    if kind == 2:
        rows += [dict(draw(st.sampled_from(rows)))]
    if kind < 8:
        for _ in range(draw(st.integers(1, 4))):
            draw(st.sampled_from(rows))[draw(st.sampled_from(table.columns))] = draw(CELLS)
    return Table(table.columns, rows)


def look(data: st.DataObject, flavor: str, settings: Settings, seconds: float) -> Observation:
    server: ServerVersion = RECORDED[flavor].server
    facts: list[Any] = []
    trouble = None
    try:
        for probe in probes(settings):
            query = probe.query(server)
            if query and probe.when(facts):
                for fact in probe.parse(data.draw(changed(good(flavor, query)))):
                    facts.append(fact)
    except UnexpectedAnswer as error:
        trouble = connection.not_mysql(str(error))
    at = NOW.plus(seconds)
    return Observation(TARGET, at.plus(-0.01), at, trouble, server, tuple(facts))


@pytest.mark.parametrize("flavor", RECORDED)
@pytest.mark.parametrize("name", SETTINGS)
@given(data=st.data())
def test_it_is_judged_kept_and_shown(flavor: str, name: str, data: st.DataObject) -> None:
    settings = Settings.of(host=TARGET.host, **SETTINGS[name])
    record = sighting = None
    for number in range(3):
        seen = look(data, flavor, settings, 2.0 * number)
        found = take_in(record, sighting, seen, None, settings, WALL + 2 * number)
        record, sighting = found.record, found.record.memory.sighting
        shown = Look(seen, found, answer_style(settings), None, None)
        for text in (line(shown), *(log_line(event) for event in found.events)):
            assert text.isprintable()
        for reason in found.decision.reasons:
            assert reason.text.isprintable()
            assert len(reason.text) < 2000
        json.dumps(captures.to_document(found.capture), allow_nan=False)
        assert judge_again(found.capture, settings).decision == found.decision
        render([Row(shown, settings, ExitCode(0), False)])


def test_the_good_answers_are_good() -> None:
    """Else all of this would be of answers that nobody believes."""
    for flavor, recording in RECORDED.items():
        for given_ in SETTINGS.values():
            settings, facts = Settings.of(host=TARGET.host, **given_), list[Any]()
            for probe in probes(settings):
                query = probe.query(recording.server)
                if query and probe.when(facts):
                    facts += probe.parse(good(flavor, query))
            kinds = {type(fact) for fact in facts}
            assert {Incarnation, SharedHold} <= kinds
            assert (Gtids in kinds, Load in kinds) == ("gtid_check" in given_, "max_threads_running" in given_)
            assert (Beats in kinds) == ("heartbeat_table" in given_)
            assert (Applier in kinds) == (given_.get("lag_source") == "applier" and flavor == "mysql")
            assert (GroupMember in kinds, RejectsQueries in kinds) == (flavor == "mysql", flavor == "mariadb")
