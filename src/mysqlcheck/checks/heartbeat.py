"""The beats of pt-heartbeat: a row that the source writes every second, so that its age on a replica is the lag.

Two layouts are known (https://docs.percona.com/percona-toolkit/pt-heartbeat.html): the current one has a row for each
server that writes, by `server_id`; the legacy one a single row with `id` and `ts`. `SELECT *` tells which it is.

A beat that is old says that the replica lags, or that nobody writes beats any more. One look cannot tell the two apart;
what was seen before can (`stopped`), and what came over the channel since.
"""

from typing import NamedTuple

from mysqlcheck.checks.channels import Channel, Channels
from mysqlcheck.checks.probe import Probe, column, microseconds, one_line, whole
from mysqlcheck.kinds import Flag, TableName, Whole
from mysqlcheck.model import Instant, LastBeat, Observation, ServerVersion, Table
from mysqlcheck.settings import Group, Setting

UNREADABLE = frozenset({1044, 1049, 1054, 1142, 1143, 1146, 1356})
"""Error numbers of a table that is not there, may not be read, or has no `ts`."""


class HeartbeatSettings(Group):
    """Where the beats are."""

    heartbeat_table = Setting[str | None](
        TableName(),
        default=None,
        help="The table that pt-heartbeat --update writes on the source, as percona.heartbeat, in either of its "
        "layouts. The account needs SELECT on it.",
    )
    heartbeat_server_id = Setting[int | None](
        Whole(1, 2**32 - 1),
        default=None,
        help="The server_id whose beats count. Set it where replicas replicate from replicas: the one at the top.",
        default_text="that of each channel's source",
    )
    heartbeat_utc = Setting[bool](
        Flag(),
        default=False,
        help="pt-heartbeat runs with --utc. Without it the beats are in local time, and the replica must be in the "
        "time zone of the machine where it runs.",
    )


class Beat(NamedTuple):
    """One row: whose, what it says, and how many seconds ago that was by the replica's clock."""

    server_id: int | None
    """None in the legacy layout, which does not tell."""
    ts: str
    age: float | None
    """None where `ts` is no time."""


class Beats(NamedTuple):
    """The rows of the table, or why it cannot be read."""

    table: str
    rows: tuple[Beat, ...] = ()
    net_timeout: int = 0
    """The replica's slave_net_timeout: after so long without a word its IO thread takes the link for dead."""
    trouble: str = ""


def probe(settings: HeartbeatSettings) -> Probe:
    """One query for the rows, their age, and the replica's slave_net_timeout; a table that fails is a fact too."""
    table = settings.heartbeat_table or ""
    name = TableName.quoted(table)
    now = "UTC_TIMESTAMP(6)" if settings.heartbeat_utc else "NOW(6)"

    def query(server: ServerVersion) -> str:
        new = not server.mariadb and server.number >= (8, 0, 26)
        timeout = f"@@global.{'replica' if new else 'slave'}_net_timeout AS net_timeout"
        age = f"TIMESTAMPDIFF(MICROSECOND, beat.ts, {now}) AS age"
        return f"SELECT {age}, {timeout}, beat.* FROM {name} AS beat LIMIT 100"  # noqa: S608

    def unreadable(errno: int, message: str, account: str) -> Beats:
        grant = "" if errno in (1049, 1054, 1146) else f"; give it: GRANT SELECT ON {name} TO {account};"
        return Beats(table, trouble=f"{table} cannot be read (error {errno}: {message}){grant}")

    return Probe(
        query,
        lambda answer: iter((parse(table, answer),)),
        lambda server: "",
        excused=UNREADABLE.__contains__,
        excuse=unreadable,
    )


def parse(table: str, answer: Table) -> Beats:
    """Read the rows of either layout."""
    age, timeout, ts = (column(answer, name) for name in ("age", "net_timeout", "ts"))
    server_id = "server_id" if "server_id" in answer.columns else None
    rows = tuple(
        Beat(
            whole(row[server_id], server_id) if server_id else None,
            one_line(row[ts] or "", 40),
            microseconds(row[age], "the age of a beat"),
        )
        for row in answer.rows
    )
    return Beats(table, rows, whole(answer.rows[0][timeout], timeout) if rows else 0)


def of(channel: Channel, beats: Beats, settings: HeartbeatSettings, most_ahead: float) -> Beat | str:
    """Return the beat of a channel's source, or why there is none; `most_ahead` in seconds."""
    if beats.trouble:
        return beats.trouble
    wanted = settings.heartbeat_server_id or channel.source_id
    rows = [beat for beat in beats.rows if beat.server_id in (None, wanted)]
    if not rows:
        others = ", ".join(str(beat.server_id) for beat in beats.rows[:5]) or "nobody"
        return f"{beats.table} has beats of {others}, none of server_id {wanted} (--heartbeat-server-id)"
    timed = [beat for beat in rows if beat.age is not None]
    if not timed:
        return f"{beats.table}: ts is {rows[0].ts!r}, no time"
    beat = min(timed, key=lambda beat: beat.age or 0.0)
    if beat.age is not None and -beat.age > most_ahead:
        what = "do the clocks differ, or the time zones (--heartbeat-utc)?"
        return f"{beats.table}: the beat is {-beat.age:.0f} s in the future: {what}"
    return beat


def remember(
    last: LastBeat | None, observation: Observation, settings: HeartbeatSettings, before: Instant | None
) -> LastBeat | None:
    """Take in the oldest beat of all channels; `before` is when an earlier look was answered."""
    facts, beats, now = observation.fact(Channels), observation.fact(Beats), observation.ended
    if facts is None or beats is None:
        return last
    found = [
        (beat.age, beat, channel)
        for channel in facts.judged
        if channel.running and not isinstance(beat := of(channel, beats, settings, 0.0), str) and beat.age is not None
    ]
    if not found:
        return last
    age, beat, channel = max(found, key=lambda one: one[0])
    name, received = f"{beat.server_id} {beat.ts}", f"{channel.name} {channel.received}"
    if last is None or now.since(last.at) is None:
        return LastBeat(name, now, 0.0, received, now.plus(-age))
    arrived = last.arrived if last.received == received else now
    if last.name == name:
        return last._replace(received=received, arrived=arrived)
    gap = now.since(before) if before is not None else None
    return LastBeat(name, now, 0.0 if gap is None else max(0.0, age - gap), received, arrived)


def stopped(
    channel: Channel, beat: Beat, last: LastBeat | None, settings: HeartbeatSettings, fine: float, now: Instant
) -> bool:
    """Whether an old beat is the writer's fault: the replica has applied all it was sent, and no newer beat was in it.

    Beats that come, but late, are those of a link that is too slow; so is silence from beyond the source, where another
    server stands between. `fine` is what counts as no lag, in seconds.
    """
    if beat.age is None or beat.age <= fine or channel.lag is None or channel.lag > fine:
        return False
    if settings.heartbeat_server_id not in (None, channel.source_id):
        return False
    if last is None or last.late <= fine:
        return True
    watched = now.since(last.at)
    return watched is None or watched > fine


def heard_at(last: LastBeat | None, beats: Beats, now: Instant) -> Instant:
    """When the source was last heard of at the latest: something came, or the IO thread would have given it up."""
    alive = now.plus(-float(beats.net_timeout))
    if last is None or now.since(last.arrived) is None or last.arrived.seconds < alive.seconds:
        return alive
    return last.arrived
