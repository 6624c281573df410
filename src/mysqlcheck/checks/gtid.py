"""Whether the server has transactions that its source has not: `errant_gtid`.

gtid_check   asked                                    a transaction that no source has
off          nothing                                  goes unseen
entry        where the server may come in             bars entry
always       at every look                            fails

The server is read first, then its sources, one after the other until nothing is left: what replication carried over
meanwhile is at the source before it is here. A source that cannot be asked leaves it unknown, which is a note and bars
nothing: a replica that restarted is kept out by `source_lost` where its source is gone, and a director that the source
does not let in must not keep every replica out.

MySQL: gtid_executed, of it what does not come from a channel's own source: old sources, and what was written here
(https://dev.mysql.com/doc/refman/8.4/en/replication-gtids-concepts.html). Most often nothing is left to ask for.
MariaDB: gtid_binlog_state has the last transaction of each domain and server_id; of it what has this server's own
server_id. What a source has is that and its gtid_slave_pos (https://mariadb.com/kb/en/gtid/). Others' transactions need
no look: there the source itself refuses a replica that has more than it (error 1236).

Nobody sees what was written with sql_log_bin=0, or where there is no binary log.
"""

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from mysqlcheck.checks import incarnation
from mysqlcheck.checks.channels import Channels
from mysqlcheck.checks.probe import Rule, column, one_line
from mysqlcheck.checks.source import Sources
from mysqlcheck.checks.words import Words, together
from mysqlcheck.errors import UnexpectedAnswer
from mysqlcheck.kinds import OneOf
from mysqlcheck.model import Instant, Memory, Observation, Reason, ServerVersion, Severity, Table, Target
from mysqlcheck.settings import Group, Setting

Ranges: TypeAlias = tuple[tuple[int, int], ...]
"""Numbers of transactions: first and last of each range, in order."""
GtidSet: TypeAlias = tuple[tuple[str, Ranges], ...]
"""By where they were written: MySQL's `server_uuid` or `server_uuid:tag`, MariaDB's `domain-server_id`."""


class GtidSettings(Group):
    """Whether a replica's transactions are compared with its source's."""

    gtid_check = Setting[str](
        OneOf("off", "entry", "always"),
        default="off",
        help="Compare a replica's GTIDs with its source's, to find what was written on the replica itself. entry: "
        "where the server may come in, as after a restart; it then stays out. always: at every look; it then fails. "
        "The check logs in on the source with the same account.",
    )
    gtid_source = Setting[tuple[str, ...] | None](
        Sources(uuids=False),
        default=None,
        default_text="the source of each channel",
        help="With --gtid-check: ask these servers instead, in this order: the source under an address that the "
        "director can reach, or other members of the pool.",
    )


class Gtids(NamedTuple):
    """Which transactions a server has."""

    identity: str
    """server_uuid; MariaDB: server_id."""
    executed: GtidSet
    kept: bool
    """Whether a transaction that is written here gets a GTID."""


class Compared(NamedTuple):
    """What came of asking a server's sources."""

    missing: GtidSet
    """What none of those that were asked has."""
    asked: tuple[str, ...] = ()
    unknown: str = ""
    """Why it is not known whether they have it; empty where it is."""


def expressions(server: ServerVersion) -> dict[str, str]:
    """Every account may read these; MySQL has them since 5.6.9, MariaDB since 10.0.5."""
    asked = {**incarnation.expressions(server), "log_bin": "@@global.log_bin"}
    if server.mariadb:
        names = ("gtid_binlog_state", "gtid_slave_pos") if server.number >= (10, 0, 5) else ()
    else:
        names = ("gtid_executed", "gtid_mode") if server.number >= (5, 6, 9) else ()
    return asked | {name: f"@@global.{name}" for name in names}


def parse(table: Table) -> Gtids:
    """Read the one row, of either flavor; before there were GTIDs nothing gets one."""
    row = table.rows[0]
    identity, binary_log = row[column(table, "identity")] or "", row[column(table, "log_bin")] == "1"
    if "gtid_executed" in row:
        executed, on = row["gtid_executed"], row[column(table, "gtid_mode")] == "ON"
        return Gtids(identity, _set(executed or ""), binary_log and on)
    if "gtid_binlog_state" in row:
        here, replicated = row["gtid_binlog_state"], row[column(table, "gtid_slave_pos")]
        return Gtids(identity, _positions(f"{here or ''},{replicated or ''}"), binary_log)
    return Gtids(identity, (), kept=False)


def _set(text: str) -> GtidSet:
    """Read `uuid:1-3:5,uuid:tag:7`; a tag stands before the numbers that have it."""
    found: dict[str, list[tuple[int, int]]] = {}
    for item in filter(None, map(str.strip, text.split(","))):
        uuid, *parts = item.lower().split(":")
        origin = uuid
        for part in map(str.strip, parts):
            first, dash, last = part.partition("-")
            if _is_number(first) and (_is_number(last) or not dash):
                found.setdefault(origin, []).append((int(first), int(last or first)))
            elif part.isidentifier():
                origin = f"{uuid}:{part}"
            else:
                raise UnexpectedAnswer(f"gtid_executed has {one_line(item, 80)!r}, which is no set of GTIDs")
    return tuple((origin, tuple(sorted(ranges))) for origin, ranges in sorted(found.items()))


def _positions(text: str) -> GtidSet:
    """Read `domain-server_id-number,…`: up to this number."""
    found: dict[str, int] = {}
    for item in filter(None, map(str.strip, text.split(","))):
        origin, _, number = item.rpartition("-")
        if not _is_number(number) or not all(map(_is_number, origin.split("-"))) or origin.count("-") != 1:
            raise UnexpectedAnswer(f"gtid_binlog_state or gtid_slave_pos has {one_line(item, 80)!r}, which is no GTID")
        found[origin] = max(found.get(origin, 0), int(number))
    return tuple((origin, ((1, number),)) for origin, number in sorted(found.items()))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 20


def subtract(these: GtidSet, those: GtidSet) -> GtidSet:
    """Return what is in these and not in those."""
    others, rest = dict(those), []
    for origin, ranges in these:
        left = _without(ranges, others.get(origin, ()))
        if left:
            rest.append((origin, left))
    return tuple(rest)


def _without(these: Ranges, those: Ranges) -> Ranges:
    left = []
    for first, last in these:
        begin = first
        for other_first, other_last in those:
            if other_first > last:
                break
            if other_last >= begin:
                if other_first > begin:
                    left.append((begin, other_first - 1))
                begin = other_last + 1
        if begin <= last:
            left.append((begin, last))
    return tuple(left)


def suspects(gtids: Gtids, channels: Channels) -> GtidSet:
    """Return what need not have come from a channel's source."""
    if _is_number(gtids.identity):  # MariaDB
        return tuple(one for one in gtids.executed if one[0].endswith(f"-{gtids.identity}"))
    sources = {channel.source_uuid for channel in channels.channels}
    return tuple(one for one in gtids.executed if one[0].partition(":")[0] not in sources)


def to_ask(observation: Observation, settings: GtidSettings) -> tuple[Target, ...]:
    """Return whom to ask: those that the settings name, or the source of each channel."""
    facts = observation.fact(Channels)
    if facts is None or not facts.judged:
        return ()
    if settings.gtid_source is not None:
        return tuple(map(Target.parse, settings.gtid_source))
    found = (channel.source.rpartition(":") for channel in facts.judged)
    return tuple(dict.fromkeys(Target(host, int(port)) for host, _, port in found if host and _is_number(port)))


def begin(observation: Observation) -> Compared | None:
    """Return what there is to ask for; None where nothing was asked of the server itself, or it has no source."""
    gtids, channels = observation.fact(Gtids), observation.fact(Channels)
    if gtids is None or channels is None or not channels.judged:
        return None
    if not gtids.kept:
        return Compared((), unknown="what is written here gets no GTID (log_bin, or MySQL's gtid_mode, is OFF)")
    return Compared(suspects(gtids, channels))


def take(compared: Compared, answer: Observation) -> Compared:
    """Take in what a source answered, or that it did not."""
    gtids = answer.fact(Gtids)
    if gtids is None:
        trouble = answer.trouble
        why = f"{trouble.code}: {trouble.text}" if trouble else "no answer"
        return compared._replace(unknown=f"{answer.target} cannot be asked ({why})")
    if not gtids.kept:
        return compared._replace(unknown=f"{answer.target} gives no GTIDs (log_bin, or MySQL's gtid_mode, is OFF)")
    missing = subtract(compared.missing, gtids.executed)
    return compared._replace(missing=missing, asked=(*compared.asked, str(answer.target)))


def rule(observation: Observation, memory: Memory, settings: GtidSettings, now: Instant) -> Iterator[Reason]:
    """Judge what came of asking the sources; say nothing where nobody was asked."""
    compared = observation.fact(Compared)
    if compared is None:
        return
    if compared.unknown and (compared.missing or not compared.asked):
        text = f"cannot tell whether it has transactions that its source has not: {compared.unknown}"
        yield Reason("errant_gtid", Severity.NOTE, text)
        return
    if not compared.missing:
        yield Reason("errant_gtid", Severity.OK, "every transaction is its source's too")
        return
    found = one_line(_shown(compared.missing), 120)
    severity = Severity.FAIL if settings.gtid_check == "always" else Severity.NOTE
    text = f"has transactions that {' and '.join(compared.asked)} has not: {found}"
    yield Reason("errant_gtid", severity, text, found, bars_entry=True)


def _shown(gtids: GtidSet) -> str:
    """Write GTIDs as the server does; of MariaDB's only the last of each is known to be one."""
    found = []
    for origin, ranges in gtids:
        if _is_number(origin.replace("-", "", 1)):
            found.append(f"{origin}-{ranges[-1][1]}")
        else:
            numbers = (f"{first}-{last}" if last > first else str(first) for first, last in ranges)
            found.append(":".join((origin, *numbers)))
    return ", ".join(found)


WORDS = Words(expressions, parse)
PROBE = together((incarnation.WORDS, WORDS))
"""What a source is asked."""
RULE = Rule(("errant_gtid",), rule)
