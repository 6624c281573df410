"""Whether a replica has what its source has not: GTIDs as both flavors write them, and their difference."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysqlcheck.checks import connection, gtid, probes
from mysqlcheck.checks.channels import Channel, Channels
from mysqlcheck.checks.gtid import Compared, Gtids, GtidSet, begin, parse, subtract, suspects, take, to_ask
from mysqlcheck.errors import UnexpectedAnswer
from mysqlcheck.model import Observation, ServerVersion, Severity, Table, Target
from mysqlcheck.options import Settings
from tests.core.builders import channel, met, observation, of_code, verdict

SOURCE, OWN, OLD = (f"{digit * 8}-5f7b-11f0-9d52-0242ac110002" for digit in "123")
HERE = "192.168.1.200:3306"


def mysql(executed: str, gtid_mode: str = "ON", log_bin: str = "1", identity: str = OWN) -> Gtids:
    row = {"identity": identity, "gtid_executed": executed, "gtid_mode": gtid_mode, "log_bin": log_bin}
    return parse(Table(tuple(row), [dict(row)]))


def mariadb(binlog_state: str, slave_pos: str = "", log_bin: str = "1", server_id: str = "2") -> Gtids:
    row = {"identity": server_id, "gtid_binlog_state": binlog_state, "gtid_slave_pos": slave_pos, "log_bin": log_bin}
    return parse(Table(tuple(row), [dict(row)]))


def knowing(gtids: Gtids, *found: Channel) -> Observation:
    seen = observation(*(found or (channel(source_uuid=SOURCE),)))
    return seen._replace(facts=(*seen.facts, gtids))


def answer(gtids: Gtids) -> Observation:
    return Observation(Target("192.168.1.200"), *observation()[1:4], facts=(gtids,))


def compared(replica: Gtids, *answers: Observation) -> Observation:
    """A look after which these have answered."""
    seen = knowing(replica)
    found = begin(seen)
    assert found is not None
    for one in answers:
        found = take(found, one)
    return seen._replace(facts=(*seen.facts, found))


# what the servers write


def test_mysql_s_sets_are_read_with_line_breaks_gaps_and_tags() -> None:
    written = f"{SOURCE}:1-3:5,\n{OWN.upper()}:7:blue:1-2:9:green:4"
    assert mysql(written).executed == (
        (SOURCE, ((1, 3), (5, 5))),
        (OWN, ((7, 7),)),
        (f"{OWN}:blue", ((1, 2), (9, 9))),
        (f"{OWN}:green", ((4, 4),)),
    )


def test_mariadb_s_positions_say_up_to_where_by_domain_and_server() -> None:
    found = mariadb("0-1-9,0-2-11,5-1-3", "0-1-12")
    assert found.executed == (("0-1", ((1, 12),)), ("0-2", ((1, 11),)), ("5-1", ((1, 3),)))


def test_a_server_without_transactions_has_none() -> None:
    assert mysql("").executed == mariadb("").executed == ()


@pytest.mark.parametrize("text", ["x:y-z", f"{OWN}:1-", f"{OWN}:-1", f"{OWN}:1..2", f"{OWN}:²"])
def test_what_is_no_set_of_mysql_s_is_unexpected(text: str) -> None:
    with pytest.raises(UnexpectedAnswer, match="no set of GTIDs"):
        mysql(text)


@pytest.mark.parametrize("text", ["0-1", "0-1-x", "1", f"{OWN}:1", "0--1-1", "a-1-1", "0-1-1-1"])
def test_what_is_no_position_of_mariadb_s_is_unexpected(text: str) -> None:
    with pytest.raises(UnexpectedAnswer, match="no GTID"):
        mariadb(text)


@pytest.mark.parametrize("name", ["identity", "gtid_mode", "log_bin"])
def test_an_answer_without_a_column_is_no_answer(name: str) -> None:
    names = [column for column in ("identity", "gtid_executed", "log_bin", "gtid_mode") if column != name]
    with pytest.raises(UnexpectedAnswer, match=f"no column {name}"):
        parse(Table(tuple(names), [dict.fromkeys(names, "")]))


@pytest.mark.parametrize(
    ("version", "names"),
    [
        ("5.5.62-log", set()),
        ("5.6.51-log", {"gtid_executed", "gtid_mode"}),
        ("9.7.4", {"gtid_executed", "gtid_mode"}),
        ("5.5.5-10.0.4-MariaDB", set()),
        ("11.8.6-MariaDB", {"gtid_binlog_state", "gtid_slave_pos"}),
    ],
)
def test_each_version_is_asked_for_what_it_has(version: str, names: set[str]) -> None:
    asked = gtid.expressions(ServerVersion.parse(version))
    assert {name for name in asked if name.startswith("gtid")} == names
    row: dict[str, str | None] = dict.fromkeys(asked, "1")
    assert parse(Table(tuple(row), [{**row, **dict.fromkeys(names, "")}])).executed == ()


def test_without_the_check_no_server_is_asked_for_gtids() -> None:
    server = ServerVersion.parse("9.7.4")
    for check, asked in (("off", False), ("entry", True), ("always", True)):
        queries = [probe.query(server) for probe in probes(Settings.of(host="h", gtid_check=check))]
        assert ["gtid_executed" in query for query in queries] == [asked, *[False] * (len(queries) - 1)]


numbers = st.dictionaries(st.sampled_from([OWN, OLD]), st.sets(st.integers(1, 30), min_size=1))


def as_set(these: dict[str, set[int]]) -> GtidSet:
    """As the server writes them: in ranges as long as they can be."""
    text = []
    for uuid, members in these.items():
        firsts = sorted(n for n in members if n - 1 not in members)
        lasts = sorted(n for n in members if n + 1 not in members)
        text.append(":".join((uuid, *(f"{a}-{b}" if a < b else str(a) for a, b in zip(firsts, lasts, strict=True)))))
    return mysql(",".join(text)).executed


@given(these=numbers, those=numbers)
def test_what_is_left_is_the_difference_of_the_sets(these: dict[str, set[int]], those: dict[str, set[int]]) -> None:
    left = {uuid: members - those.get(uuid, set()) for uuid, members in these.items()}
    assert subtract(as_set(these), as_set(those)) == as_set({uuid: found for uuid, found in left.items() if found})


# what is asked


def test_of_mysql_what_its_channels_sources_wrote_is_not_asked_for() -> None:
    replica = mysql(f"{SOURCE}:1-9,{OWN}:1,{OLD}:1-5,{SOURCE}:tag:1")
    of_one = Channels((channel(source_uuid=SOURCE),))
    assert suspects(replica, of_one) == ((OWN, ((1, 1),)), (OLD, ((1, 5),)))
    of_two = Channels((channel(source_uuid=SOURCE), channel(name="b", source_uuid=OLD)))
    assert suspects(replica, of_two) == ((OWN, ((1, 1),)),)


def test_of_mariadb_only_what_has_its_own_server_id_is_asked_for() -> None:
    assert suspects(mariadb("0-1-9,0-2-11,5-2-1,0-12-3"), Channels((channel(),))) == (
        ("0-2", ((1, 11),)),
        ("5-2", ((1, 1),)),
    )


def test_the_sources_of_all_channels_are_asked_or_those_that_are_named() -> None:
    seen = observation(channel(), channel(name="b", source="::1:3307"), channel(name="c"), channel(source=":"))
    assert to_ask(seen, Settings.of()) == (Target("192.168.1.200"), Target("::1", 3307))
    assert to_ask(seen, Settings.of(gtid_source=("db1:3306", "[::1]:3307"))) == (Target("db1"), Target("::1", 3307))


def test_who_has_no_channel_has_nobody_to_be_asked() -> None:
    seen = observation()
    assert begin(seen._replace(facts=(*seen.facts, mysql(f"{OWN}:1")))) is None
    assert to_ask(seen, Settings.of(gtid_source=("db1:3306",))) == ()


# what is made of it

OK, NOTE, FAIL = Severity.OK, Severity.NOTE, Severity.FAIL
HEALTHY = f"{SOURCE}:1-9"


@pytest.mark.parametrize(("check", "severity"), [("entry", NOTE), ("always", FAIL)])
def test_what_no_source_has_bars_entry_and_fails_where_it_is_always_asked_for(check: str, severity: Severity) -> None:
    seen = compared(mysql(f"{HEALTHY},{OWN}:1-3:5,{OLD}:1-7"), answer(mysql(f"{HEALTHY},{OLD}:1-6", identity=SOURCE)))
    reason = of_code(verdict(seen, gtid_check=check), "errant_gtid")
    assert (reason.severity, reason.bars_entry) == (severity, True)
    assert reason.observed == f"{OWN}:1-3:5, {OLD}:7"
    assert reason.text == f"has transactions that {HERE} has not: {reason.observed}"


def test_of_mariadb_the_last_transaction_is_named() -> None:
    seen = compared(mariadb("0-1-9,0-2-11"), answer(mariadb("0-1-12,0-2-10", server_id="1")))
    assert of_code(verdict(seen, gtid_check="entry"), "errant_gtid").observed == "0-2-11"


@pytest.mark.parametrize(
    "replica",
    [mysql(HEALTHY), mysql(f"{HEALTHY},{OWN}:1-3"), mariadb("0-1-9"), mariadb("0-1-9,0-2-7")],
    ids=["MySQL", "MySQL, once a source", "MariaDB", "MariaDB, once a source"],
)
def test_what_the_source_has_too_is_not_errant(replica: Gtids) -> None:
    source = mysql(f"{HEALTHY},{OWN}:1-3") if not replica.identity.isdecimal() else mariadb("0-1-12", "0-2-7")
    reason = of_code(verdict(compared(replica, answer(source)), gtid_check="always"), "errant_gtid")
    assert (reason.severity, reason.bars_entry) == (OK, False)


def test_what_one_of_several_has_is_not_errant() -> None:
    seen = compared(mysql(f"{OWN}:1,{OLD}:1"), answer(mysql(f"{OWN}:1")), answer(mysql(f"{OLD}:1")))
    assert of_code(verdict(seen, gtid_check="always"), "errant_gtid").severity is OK


UNKNOWN = {
    "a source that cannot be asked": (mysql(f"{OWN}:1"), met(connection.refused("connection refused"))),
    "a source without GTIDs": (mysql(f"{OWN}:1"), answer(mysql("", gtid_mode="OFF"))),
    "a replica without GTIDs": (mysql("", gtid_mode="OFF"), None),
    "a replica without a binary log": (mariadb("", log_bin="0"), None),
}


@pytest.mark.parametrize("name", UNKNOWN)
@pytest.mark.parametrize("check", ["entry", "always"])
def test_what_is_not_known_is_noted_and_bars_nothing(name: str, check: str) -> None:
    replica, source = UNKNOWN[name]
    seen = compared(replica, *([source] if source else []))
    reason = of_code(verdict(seen, gtid_check=check), "errant_gtid")
    assert (reason.severity, reason.bars_entry) == (NOTE, False)
    assert reason.text.startswith("cannot tell whether it has transactions that its source has not: ")


def test_one_source_that_cannot_be_asked_leaves_it_unknown_but_not_if_another_has_them_all() -> None:
    silent = met(connection.refused("connection refused"))
    some, all_of_it = answer(mysql(f"{OWN}:1")), answer(mysql(f"{OWN}:1-2"))
    for answers, severity in (((silent, some), NOTE), ((silent, all_of_it), OK), ((all_of_it,), OK)):
        seen = compared(mysql(f"{OWN}:1-2"), *answers)
        assert of_code(verdict(seen, gtid_check="always"), "errant_gtid").severity is severity


def test_nothing_is_said_of_what_nobody_asked() -> None:
    judged = verdict(knowing(mysql(f"{OWN}:1")), gtid_check="entry")
    assert "errant_gtid" not in [reason.code for reason in judged.reasons]


def test_a_thousand_errant_transactions_fit_the_line() -> None:
    many = tuple((OWN, ((n, n),)) for n in range(1, 1000))
    seen = knowing(mysql(""))
    reason = of_code(verdict(seen._replace(facts=(*seen.facts, Compared(many, (HERE,))))), "errant_gtid")
    assert len(reason.text) < 250


@given(st.text(max_size=60), st.booleans())
def test_whatever_a_server_says_parse_raises_nothing_but_unexpected_answer(text: str, mysql: bool) -> None:
    names = ("gtid_executed", "gtid_mode") if mysql else ("gtid_binlog_state", "gtid_slave_pos")
    row: dict[str, str | None] = {"identity": OWN, "log_bin": "1", **dict.fromkeys(names, text)}
    said = ""
    try:
        parse(Table(tuple(row), [row]))
    except UnexpectedAnswer as error:
        said = str(error)
    assert said.isprintable()
