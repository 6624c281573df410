"""Whether pt-table-checksum has found differences since the server started: `checksum_diff`.

The tool checksums each table on the source in chunks, and its statements do the same again on every replica, each into
its own copy of one table: this_crc and this_cnt are the replica's, master_crc and master_cnt (of late source_crc and
source_cnt) what replication brought (https://docs.percona.com/percona-toolkit/pt-table-checksum.html). A chunk whose
source's numbers have not come yet is no difference.

Asked only where the server may come in, over a connection of its own. A table that cannot be read is a note.
"""

from collections.abc import Iterator
from typing import NamedTuple

from mysqlcheck.checks.incarnation import Incarnation
from mysqlcheck.checks.probe import Probe, Rule, column, one_line, whole
from mysqlcheck.errors import UnexpectedAnswer
from mysqlcheck.kinds import TableName
from mysqlcheck.model import Instant, Memory, Observation, Reason, Severity, Table
from mysqlcheck.settings import Group, Setting


class ChecksumSettings(Group):
    """Where the results of pt-table-checksum are."""

    checksum_table = Setting[str | None](
        TableName(),
        default=None,
        help="The table into which pt-table-checksum writes its results, as percona.checksums. A server that may come "
        "in, as after a restart, stays out while that has differences of later than its start.",
    )


class Checksums(NamedTuple):
    """Chunks that differ from the source, and the tables that they are of."""

    chunks: int
    tables: str
    unknown: str = ""
    """Why it is not known; empty where it is."""


def probe(table: str, seen: Observation) -> Probe:
    """Return what to ask for the differences since the server of this look started."""
    incarnation = seen.fact(Incarnation)
    started = incarnation.started if incarnation else 0
    name = TableName.quoted(table)
    # A column that the table has not is looked for in `absent`, outside of the inner SELECT, and is NULL there.
    query = (
        "SELECT (SELECT CONCAT_WS(' ', COUNT(*), GROUP_CONCAT(DISTINCT db, '.', tbl ORDER BY db, tbl)) "  # noqa: S608
        f"FROM {name} WHERE ts > FROM_UNIXTIME({max(0, started)}) AND (COALESCE(master_cnt, source_cnt) <> this_cnt "
        "OR COALESCE(master_crc, source_crc) <> this_crc)) AS differences FROM (SELECT NULL AS master_cnt, "
        "NULL AS master_crc, NULL AS source_cnt, NULL AS source_crc) AS absent"
    )
    return Probe(lambda server: query, parse, lambda server: f"SELECT ON {name}")


def parse(table: Table) -> Iterator[Checksums]:
    """Read the number of chunks, and the tables' names after it."""
    name = column(table, "differences")
    if len(table.rows) != 1:
        raise UnexpectedAnswer(f"the query for checksums returned {len(table.rows)} rows")
    count, _, tables = (table.rows[0][name] or "").partition(" ")
    yield Checksums(whole(count, "the number of chunks that differ"), one_line(tables, 120))


def take(answer: Observation) -> Checksums:
    """Return what the server answered, or why it did not."""
    trouble = answer.trouble
    return answer.fact(Checksums) or Checksums(0, "", f"{trouble.code}: {trouble.text}" if trouble else "no answer")


def rule(observation: Observation, memory: Memory, settings: ChecksumSettings, now: Instant) -> Iterator[Reason]:
    """Judge the differences; say nothing where nobody asked for them."""
    found = observation.fact(Checksums)
    if found is None:
        return
    if found.unknown:
        yield Reason("checksum_diff", Severity.NOTE, f"{settings.checksum_table} cannot be read ({found.unknown})")
    elif found.chunks:
        what = f"{found.chunks} chunk{'s' if found.chunks > 1 else ''} of {found.tables}"
        text = f"{what} differ{'' if found.chunks > 1 else 's'} from the source, checksummed since it started"
        yield Reason("checksum_diff", Severity.NOTE, text, found.chunks, 0, bars_entry=True)
    else:
        yield Reason("checksum_diff", Severity.OK, "no difference checksummed since it started", 0, 0)


RULE = Rule(("checksum_diff",), rule)
