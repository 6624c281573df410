"""Whether the server replicates: `not_a_replica`, `io_stopped`, `sql_stopped`, and `source_lost`.

A replica whose source is gone is not broken: every replica sees that at once, and draining them all would
make an outage of reads out of an outage of writes (sysown/proxysql#3897). So a lost source is told apart
from a stopped thread by the error number, and serves on while its staleness stays under `max_staleness`.
"""

from __future__ import annotations

from collections.abc import Iterator

from mysqlcheck.checks.channels import Channel, Channels
from mysqlcheck.checks.connection import NETWORK
from mysqlcheck.checks.member import member_of
from mysqlcheck.checks.probe import Rule
from mysqlcheck.checks.role import RoleSettings
from mysqlcheck.kinds import Seconds, show_seconds
from mysqlcheck.model import Instant, Memory, Observation, Reason, Severity
from mysqlcheck.settings import Setting

SOURCE_UNAVAILABLE = NETWORK | {
    1040,  # the source has too many connections, in all or of this account
    1203,
    1226,
    1053,  # the source is shutting down
    1158,  # error reading communication packets, and its kin
    1159,
    1160,
    1161,
}
"""Last_IO_Errno values that say "the source does not answer", as against "it refuses this replica"."""


class ThreadsSettings(RoleSettings):
    """How long a replica without its source may serve."""

    max_staleness = Setting[float](
        Seconds(0, 365 * 86400.0),
        default=3600.0,
        help="While the source is lost, serve until the last known lag plus the time since exceeds this; then drain.",
    )


def source_lost(channel: Channel) -> bool:
    """Whether the IO thread stands still because the source does not answer, not because it was stopped.

    MySQL goes on Connecting for source_retry_count attempts and then to No, keeping the network error
    (seen on 9.7 after 10 attempts, Last_IO_Errno 2003). Errno 0 while Connecting is the first attempt.
    """
    if channel.io_running:
        return False
    if channel.io_state == "No":
        return channel.io_errno in SOURCE_UNAVAILABLE
    return channel.io_errno == 0 or channel.io_errno in SOURCE_UNAVAILABLE


def rule(observation: Observation, memory: Memory, settings: ThreadsSettings, now: Instant) -> Iterator[Reason]:
    """Judge every channel; the worst of each code speaks for it."""
    facts = observation.fact(Channels)
    if facts is None:
        return
    channels = facts.judged
    if not channels:
        member = member_of(observation)
        if settings.role == "replica" and member:
            yield Reason("not_a_replica", Severity.OK, f"a member of {member}", "a member", "replica")
        elif settings.role == "replica":
            text = "no replication is configured, and the role is replica (RESET REPLICA ALL? a promoted source?)"
            yield Reason("not_a_replica", Severity.FAIL, text, observed="no channel", limit="replica", bars_entry=True)
        return
    count = f"{len(channels)} channel{'s' if len(channels) > 1 else ''}"
    yield Reason("not_a_replica", Severity.OK, f"replicates over {count}", observed=count, limit="replica")
    yield _io_stopped(channels)
    yield _sql_stopped(channels)
    yield _source_lost(channels, memory, settings, now)


def _io_stopped(channels: tuple[Channel, ...]) -> Reason:
    for channel in channels:
        if not channel.io_running and not source_lost(channel):
            what = "stopped" if channel.io_state == "No" else f"is {channel.io_state} in vain"
            error = f": error {channel.io_errno}: {channel.io_error}" if channel.io_errno else ""
            text = f"IO thread {what} ({channel}){error}"
            return Reason("io_stopped", Severity.FAIL, text, channel.io_state, "Yes", bars_entry=True)
    states = ", ".join(sorted({channel.io_state for channel in channels}))
    return Reason("io_stopped", Severity.OK, "IO thread not stopped", states, "Yes")


def _sql_stopped(channels: tuple[Channel, ...]) -> Reason:
    for channel in channels:
        if not channel.sql_running:
            error = f": error {channel.sql_errno}: {channel.sql_error}" if channel.sql_errno else ""
            text = f"SQL thread stopped ({channel}){error}"
            return Reason("sql_stopped", Severity.FAIL, text, "No", "Yes", bars_entry=True)
    return Reason("sql_stopped", Severity.OK, "SQL thread runs", "Yes", "Yes")


def _source_lost(channels: tuple[Channel, ...], memory: Memory, settings: ThreadsSettings, now: Instant) -> Reason:
    limit = settings.max_staleness
    lost = next((channel for channel in channels if source_lost(channel)), None)
    if lost is None:
        return Reason("source_lost", Severity.OK, "the source answers", "connected", limit)
    error = f"error {lost.io_errno}: {lost.io_error}" if lost.io_errno else "connecting"
    where = f"the source does not answer ({lost}; {error})"
    since = now.since(memory.lag.at) if memory.lag else None
    if memory.lag is None or since is None:
        # Nothing tells how stale it is. It may go on serving (else every loss of a source is an outage of
        # all reads), but nothing that is out of rotation comes in on this.
        text = f"{where}; serving on, its staleness is unknown (no lag on record)"
        return Reason("source_lost", Severity.NOTE, text, None, limit, bars_entry=True)
    staleness = memory.lag.seconds + since
    if staleness > limit:
        text = f"{where}; data may be {staleness:.0f} s old, more than max_staleness {show_seconds(limit)}"
        return Reason("source_lost", Severity.DRAIN, text, round(staleness, 1), limit, bars_entry=True)
    text = f"{where}; serving on with data at most {staleness:.0f} s old (max_staleness {show_seconds(limit)})"
    return Reason("source_lost", Severity.NOTE, text, round(staleness, 1), limit)


RULE = Rule(("not_a_replica", "io_stopped", "sql_stopped", "source_lost"), rule)
