"""How far a replica is behind: `lag`, graded where there is a weight, `lag_unknown` and `heartbeat_stale`.

lag ≤ lag_ok          full weight
lag_ok … max_lag      weight falls in a straight line to a tenth; above resume_lag it also bars entry,
                      so that a drained replica comes back only below it
above max_lag         drain
NULL, threads run     lag_unknown: drain. Never read as 0 (vitessio/vitess#9307, sysown/proxysql#3065)
old beats, all applied  heartbeat_stale: a note, and Seconds_Behind is judged. A writer of beats that stopped must not
                      drain every replica (sysown/proxysql#2465)
"""

from collections.abc import Iterator
from typing import NamedTuple

from mysqlcheck.checks import applier, heartbeat
from mysqlcheck.checks.applier import Applier
from mysqlcheck.checks.channels import Channel, Channels
from mysqlcheck.checks.heartbeat import Beat, Beats, HeartbeatSettings
from mysqlcheck.checks.probe import Rule
from mysqlcheck.checks.threads import ThreadsSettings
from mysqlcheck.kinds import Flag, OneOf, Seconds, show_seconds
from mysqlcheck.model import Instant, Lag, LastLag, Memory, Observation, Reason, Severity
from mysqlcheck.settings import Setting

LEAST_SHARE = 0.1
SECONDS_BEHIND, APPLIER, HEARTBEAT, AUTO = "seconds-behind", "applier", "heartbeat", "auto"
READ_BEATS, READ_APPLIER = (HEARTBEAT, AUTO), (APPLIER, AUTO)


class LagSettings(HeartbeatSettings):
    """How much lag is fine, tolerable, and too much; in seconds."""

    max_lag = Setting[float](Seconds(1), default=60.0, help="Drain above this lag.")
    resume_lag = Setting[float](
        Seconds(),
        default=30.0,
        derive=lambda settings: settings.max_lag / 2,
        default_text="half of max_lag (30s)",
        help="A drained replica serves again only at or below this lag.",
    )
    lag_ok = Setting[float](
        Seconds(),
        default=10.0,
        derive=lambda settings: min(settings.max_lag / 6, settings.resume_lag),
        default_text="a sixth of max_lag (10s)",
        help="Up to this lag full weight; from here to max_lag the weight falls to a tenth.",
    )
    lag_source = Setting[str](
        OneOf(SECONDS_BEHIND, APPLIER, HEARTBEAT, AUTO),
        default=SECONDS_BEHIND,
        derive=lambda settings: AUTO if settings.heartbeat_table else SECONDS_BEHIND,
        default_text="seconds-behind; auto with a heartbeat_table",
        help="What tells the lag: the server's own Seconds_Behind; or applier, the age of the transaction that MySQL "
        "8.0 and later applies, to the microsecond; or heartbeat, the age of the last beat in --heartbeat-table; or "
        "auto: the beats where a table is given, else the applier, and Seconds_Behind where that cannot be read.",
    )
    ignore_delay = Setting[bool](
        Flag(),
        default=False,
        help="Subtract a channel's configured delay (SQL_Delay) from its lag. Without it a replica that is kept "
        "an hour behind on purpose is an hour behind, and drains.",
    )

    def conflicts(self) -> Iterator[tuple[str, str]]:
        """The three stand in order."""
        yield from super().conflicts()
        for low, high in (("resume_lag", "max_lag"), ("lag_ok", "max_lag")):
            if self.values[low] > self.values[high]:
                value, bound = show_seconds(self.values[low]), show_seconds(self.values[high])
                yield low, f"{low} {value} is above {high} {bound}; lag_ok ≤ max_lag and resume_lag ≤ max_lag"
        if self.lag_source == HEARTBEAT and self.heartbeat_table is None:
            yield "lag_source", "lag_source heartbeat needs the table of the beats: give heartbeat_table"


class LagPolicy(ThreadsSettings, LagSettings):
    """What the rule is told."""


class Measure(NamedTuple):
    """How far one channel is behind, and what told it."""

    channel: Channel
    seconds: float | None
    source: str = SECONDS_BEHIND
    why: str = ""
    """Why it is not what was asked for."""
    beat: Beat | None = None
    """An old beat that says nothing of the replica: the writer has stopped."""


def known(observation: Observation, memory: Memory, settings: LagSettings, now: Instant) -> Lag | None:
    """Return the largest lag of all channels that tell one; None where none does."""
    told = [one for one in measures(observation, memory, settings, now) if one.seconds is not None]
    worst = max(told, key=lambda one: one.seconds or 0, default=None)
    return None if worst is None or worst.seconds is None else Lag(worst.seconds, worst.source)


def measures(observation: Observation, memory: Memory, settings: LagSettings, now: Instant) -> tuple[Measure, ...]:
    """Measure every channel."""
    facts = observation.fact(Channels)
    if facts is None:
        return ()
    return tuple(_measure(channel, observation, memory, settings, now) for channel in facts.judged)


def _measure(
    channel: Channel, observation: Observation, memory: Memory, settings: LagSettings, now: Instant
) -> Measure:
    plain = Measure(channel, _without_delay(channel.lag, channel, settings))
    beats, applies = observation.fact(Beats), observation.fact(Applier)
    if not channel.running or (beats is None and applies is None):
        return plain
    if beats is None:
        return _by_applier(plain, applies or Applier(), settings)
    beat = heartbeat.of(channel, beats, settings, settings.max_lag)
    if isinstance(beat, str):
        return plain._replace(why=beat, seconds=plain.seconds if settings.lag_source == AUTO else None)
    if heartbeat.stopped(channel, beat, memory.beat, settings, settings.lag_ok, now):
        return plain._replace(beat=beat)
    age = round(max(0.0, beat.age or 0.0), 1)
    return Measure(channel, _without_delay(age, channel, settings), HEARTBEAT)


def _by_applier(plain: Measure, applies: Applier, settings: LagSettings) -> Measure:
    behind = applier.of(plain.channel, applies)
    if isinstance(behind, str):
        return plain if settings.lag_source == AUTO else plain._replace(seconds=None, why=behind)
    seconds = None if behind is None else round(behind, 1)
    return Measure(plain.channel, _without_delay(seconds, plain.channel, settings), APPLIER)


def _without_delay(lag: float | None, channel: Channel, settings: LagSettings) -> float | None:
    return max(0, lag - channel.delay) if lag is not None and settings.ignore_delay else lag


def remember(memory: Memory, observation: Observation, settings: LagSettings, before: Instant | None) -> Memory:
    """Take in the beat, and the last lag that counts; `before` is when an earlier look was answered.

    A lag counts that every channel reported while connected to its source. MySQL goes on reporting a number while it
    drains what it had fetched before the source was lost; that says nothing of what the source has done since. Where no
    beat comes any more, it is of the moment when anything came.
    """
    now = observation.ended
    memory = memory._replace(beat=heartbeat.remember(memory.beat, observation, settings, before))
    found = measures(observation, memory, settings, now)
    lag, beats = known(observation, memory, settings, now), observation.fact(Beats)
    if lag is None or not all(one.channel.io_running and one.seconds is not None for one in found):
        return memory
    stale = any(one.beat for one in found)
    at = heartbeat.heard_at(memory.beat, beats, now) if stale and beats else now
    return memory._replace(lag=LastLag(float(lag.seconds), at))


def share(lag: float | None, settings: LagSettings) -> float:
    """Return the share of full weight (0.1 to 1) that this lag in seconds leaves."""
    if lag is None or lag <= settings.lag_ok:
        return 1.0
    if lag >= settings.max_lag:
        return LEAST_SHARE
    way = (lag - settings.lag_ok) / (settings.max_lag - settings.lag_ok)
    return 1.0 - way * (1.0 - LEAST_SHARE)


def rule(observation: Observation, memory: Memory, settings: LagPolicy, now: Instant) -> Iterator[Reason]:
    """Judge the largest lag of all channels, and every channel that should know its lag and does not."""
    found = measures(observation, memory, settings, now)
    if not found:
        return
    behind = known(observation, memory, settings, now)
    if behind is not None:
        yield _lag(behind.seconds, settings)
    unknown = _unknown(found, settings)
    if unknown is not None:
        yield unknown
    elif behind is not None:
        yield Reason("lag_unknown", Severity.OK, "every running channel tells its lag", behind.seconds)
    beats = observation.fact(Beats)
    if beats is not None:
        yield _stale(found, beats, memory, settings, now)


def _unknown(found: tuple[Measure, ...], settings: LagSettings) -> Reason | None:
    """With a thread standing still NULL is no surprise, and threads.py has said what there is to say."""
    for one in found:
        if one.seconds is None and one.channel.running:
            text = f"{one.why or 'Seconds_Behind is NULL although both threads run'} ({one.channel})"
            return Reason("lag_unknown", Severity.DRAIN, text, None, settings.max_lag, bars_entry=True)
    for one in found:
        if one.why:
            text = f"{one.why}; judged by Seconds_Behind ({one.channel})"
            return Reason("lag_unknown", Severity.NOTE, text, one.seconds, settings.lag_source)
    return None


def _stale(found: tuple[Measure, ...], beats: Beats, memory: Memory, settings: LagPolicy, now: Instant) -> Reason:
    """Judge beats that no longer come: whether the writer has stopped, or nothing comes from the source at all."""
    old = [(one.beat.age or 0.0, one.channel) for one in found if one.beat]
    if not old:
        return Reason(
            "heartbeat_stale", Severity.OK, f"no old beat in {beats.table} that the replica is not to blame for"
        )
    age, channel = max(old, key=lambda one: one[0])
    what = f"no beat in {beats.table} for {age:.0f} s, and {channel} has applied all it was sent"
    last = memory.beat
    watched = now.since(last.at) if last else None
    if last is None or watched is None or watched <= settings.lag_ok:
        text = f"{what}: the writer may have stopped; looked at for too short to tell"
        return Reason("heartbeat_stale", Severity.NOTE, text, round(age, 1), settings.lag_ok, bars_entry=True)
    goes_on = last.arrived.since(last.at) or 0.0
    quiet = now.since(last.arrived) or 0.0
    if goes_on <= settings.lag_ok and quiet < beats.net_timeout:
        silent = f"{what}; nothing else came for {quiet:.0f} s: a dead link (slave_net_timeout {beats.net_timeout} s)?"
        limit = settings.max_staleness
        if age > limit:
            text = f"{silent} More than max_staleness {show_seconds(limit)}"
            return Reason("heartbeat_stale", Severity.DRAIN, text, round(age, 1), limit, bars_entry=True)
        return Reason("heartbeat_stale", Severity.NOTE, silent, round(age, 1), limit)
    text = f"{what}: the writer has stopped; judged by Seconds_Behind"
    return Reason("heartbeat_stale", Severity.NOTE, text, round(age, 1), settings.lag_ok)


def _lag(lag: float, settings: LagSettings) -> Reason:
    limit = settings.max_lag
    if lag > limit:
        text = f"{lag} s behind, more than max_lag {show_seconds(limit)}"
        return Reason("lag", Severity.DRAIN, text, lag, limit, bars_entry=True)
    bars_entry = lag > settings.resume_lag
    if lag > settings.lag_ok:
        text = f"{lag} s behind, more than lag_ok {show_seconds(settings.lag_ok)}: less weight"
        return Reason("lag", Severity.NOTE, text, lag, settings.lag_ok, bars_entry)
    return Reason("lag", Severity.OK, f"{lag} s behind", lag, limit, bars_entry)


RULE = Rule(("lag", "lag_unknown", "heartbeat_stale"), rule)
