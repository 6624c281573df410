"""How old the transaction is that MySQL's applier is at, by the time of its commit on the first source.

MySQL has it to the microsecond since 8.0
(https://dev.mysql.com/doc/refman/8.4/en/performance-schema-replication-applier-status-by-worker-table.html). MariaDB
has no such timestamps; what comes nearest is Seconds_Behind_Master, the age of the event that is applied, and that is
judged there. (Master_Slave_time_diff, since 11.6, is the distance of two commits and not an age: it stayed at 14 while
a replica waited for a lock and Seconds_Behind_Master grew, seen on 11.8.)
"""

from typing import NamedTuple

from mysqlcheck.checks.channels import Channel
from mysqlcheck.checks.probe import Probe, column, microseconds, one_line
from mysqlcheck.errors import UnexpectedAnswer
from mysqlcheck.model import ServerVersion, Table

STATUS, WORKERS, COORDINATORS = TABLES = tuple(
    f"performance_schema.replication_{name}"
    for name in ("connection_status", "applier_status_by_worker", "applier_status_by_coordinator")
)
UNREADABLE = frozenset({1142, 1143})
"""Error numbers of a table that may not be read."""


class Progress(NamedTuple):
    """How far one channel is; each the age in seconds of a transaction's commit on the first source, None for none."""

    name: str
    applying: float | None
    """The oldest that a worker applies or the coordinator hands out."""
    queued: float | None
    """The last that was received."""
    applied: float | None
    """The newest that was applied since the applier began."""
    done: bool
    """Whether the last that was received has been applied."""


class Applier(NamedTuple):
    """All channels, or why they cannot be told."""

    channels: tuple[Progress, ...] = ()
    trouble: str = ""


def query(server: ServerVersion) -> str:
    """One row a channel; nothing where the server has no such timestamps.

    A transaction that waits for its delay is with no worker, and not with the coordinator either (seen on 9.7): only
    its GTID, which is not among the executed ones, tells of it. Without GTIDs it says ANONYMOUS.
    """
    if server.mariadb or server.number < (8, 0, 1):
        return ""

    def age(time: str) -> str:
        return f"TIMESTAMPDIFF(MICROSECOND, {time}_ORIGINAL_COMMIT_TIMESTAMP, NOW(6))"

    def of(table: str, what: str) -> str:
        return f"(SELECT {what} FROM {table} AS it WHERE it.CHANNEL_NAME = here.CHANNEL_NAME)"  # noqa: S608

    gtid = "here.LAST_QUEUED_TRANSACTION"
    columns = {
        "channel": "here.CHANNEL_NAME",
        "applying": of(WORKERS, f"MAX({age('it.APPLYING_TRANSACTION')})"),
        "scheduling": of(COORDINATORS, f"MAX({age('it.PROCESSING_TRANSACTION')})"),
        "queued": age(gtid),
        "applied": of(WORKERS, f"MIN({age('it.LAST_APPLIED_TRANSACTION')})"),
        "done": f"IF({gtid} LIKE '%:%', GTID_SUBSET({gtid}, @@global.gtid_executed), NULL)",
    }
    return f"SELECT {', '.join(f'{sql} AS {name}' for name, sql in columns.items())} FROM {STATUS} AS here"  # noqa: S608


def parse(table: Table) -> Applier:
    """Read one row a channel."""
    names = [column(table, name) for name in ("channel", "applying", "scheduling", "queued", "applied", "done")]
    return Applier(tuple(_progress(*(row[name] for name in names)) for row in table.rows))


def _progress(
    name: str | None, applying: str | None, scheduling: str | None, queued: str | None, applied: str | None,
    done: str | None,
) -> Progress:  # fmt: skip
    if done not in ("0", "1", None):
        raise UnexpectedAnswer(f"GTID_SUBSET() is {one_line(done, 60)!r}, not 0 or 1")
    ages = [microseconds(age, "the age of a transaction") for age in (applying, scheduling, queued, applied)]
    at = [age for age in ages[:2] if age is not None]
    received, finished = ages[2:]
    if done is None:
        done = "1" if received is not None and finished is not None and finished <= received else "0"
    return Progress(one_line(name or "", 80), max(at, default=None), received, finished, done == "1")


def of(channel: Channel, applier: Applier) -> float | str | None:
    """Return how far a channel is behind, or why that cannot be told; None where Seconds_Behind is NULL.

    Where something waits and nothing is applied (a delay, or the moment between two transactions) its age is between
    that of the last received and that of the last applied; Seconds_Behind says where. It decides alone where nothing
    has been received since the IO thread began: the relay log may hold what was received before.
    """
    progress = next((one for one in applier.channels if one.name == channel.name), None)
    if progress is None:
        return applier.trouble or f"performance_schema tells nothing of {channel}"
    if progress.applying is not None:
        return max(0.0, progress.applying)
    if progress.queued is None or channel.lag is None:
        return channel.lag
    if progress.done:
        return 0.0
    oldest = channel.lag if progress.applied is None else min(channel.lag, progress.applied)
    return max(0.0, progress.queued, oldest)


def _unreadable(errno: int, message: str, account: str) -> Applier:
    grants = " ".join(f"GRANT SELECT ON {table} TO {account};" for table in TABLES)
    return Applier(trouble=f"the applier's progress cannot be read (error {errno}: {message}); give it: {grants}")


PROBE = Probe(
    query, lambda table: iter((parse(table),)), lambda server: "", excused=UNREADABLE.__contains__, excuse=_unreadable
)
