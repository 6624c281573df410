"""What outlives a check: which incarnation of the server answered, since when it is silent, the last lag that counts.

No thresholds here: what was seen is kept, and the rules and phases judge it.
"""

from __future__ import annotations

from mysqlcheck.checks import connection, filters, lag
from mysqlcheck.checks.channels import Channels
from mysqlcheck.checks.incarnation import Incarnation
from mysqlcheck.checks.lag import LagSettings
from mysqlcheck.checks.shared_hold import HoldTable, SharedHold
from mysqlcheck.model import Instant, Memory, Observation, OperatorHold, Reason, Sighting


def remember(memory: Memory, observation: Observation, settings: LagSettings) -> Memory:
    """Take in what one look saw: which incarnation, whether it answered, shared holds, the last lag that counts."""
    sighting = sight(memory.sighting, observation)
    number = sighting.number if sighting else 0
    if number != memory.incarnation:
        # another one has not answered anything yet
        memory = Memory(incarnation=number, filters=memory.filters, shared=memory.shared)
    memory = memory._replace(sighting=sighting, shared=_shared(memory.shared, observation))
    if observation.trouble is not None:
        return _troubled(memory, observation, observation.trouble)
    before, memory = memory.answered_at, memory._replace(answered_at=observation.ended, silent_since=None)
    facts = observation.fact(Channels)
    if facts is not None and facts.channels:
        memory = memory._replace(filters=filters.remember(memory.filters, facts.channels, observation.ended))
    return lag.remember(memory, observation, settings, before)


def _shared(last: OperatorHold | None, observation: Observation) -> OperatorHold | None:
    """The last one stays while nobody can tell: what serves on within a grace must not be a server that is held."""
    found, table = observation.fact(SharedHold), observation.fact(HoldTable)
    if found is not None and found.error is None:
        return found.hold
    gone = found is None and table is not None and not table.readable and observation.trouble is None
    return None if gone else last


def _troubled(memory: Memory, observation: Observation, trouble: Reason) -> Memory:
    if trouble.grace == connection.SILENT:
        return memory._replace(silent_since=memory.silent_since or observation.began)
    if trouble.grace == connection.REFUSED:
        return memory._replace(silent_since=None)
    return memory._replace(answered_at=None, silent_since=None)  # definite: what it was is over


def sight(last: Sighting | None, observation: Observation) -> Sighting | None:
    """Tell the incarnation that answered from the last one; None while nothing is known of any."""
    fact, now, trouble = observation.fact(Incarnation), observation.ended, observation.trouble
    if observation.connection_id is None:
        if last is None and trouble is not None and trouble.code == "unreachable" and trouble.grace is None:
            return Sighting(1, now, now)  # nobody listens: whatever answers there one day has started since
        return last
    if last is not None and observation.kept:
        return _still(last, fact, now)
    if last is None or _restarted(last, observation):
        if last is not None and observation.began.precedes(last.first_seen) and not _started_later(last, fact):
            return last  # it began before the last incarnation was seen: it is the one before that which it has met
        number = last.number + 1 if last else 1
        identity, started, uptime = fact or (None, None, None)
        return Sighting(number, now, now, observation.connection_id, identity, started, uptime)
    if now.precedes(last.seen) or observation.began.precedes(last.first_seen):
        return last
    last = last._replace(seen=now, connection_id=observation.connection_id)
    if fact is None:
        return last
    return last._replace(identity=fact.identity, started=fact.started, uptime=fact.uptime)


def _still(last: Sighting, fact: Incarnation | None, now: Instant) -> Sighting:
    """Take in what a kept connection tells: it still leads to the incarnation that greeted it, or says nothing.

    Meanwhile another check may have met the next one, behind an address that has moved.
    """
    if fact is None or last.connection_id is None or now.precedes(last.seen):
        return last
    if last.identity is not None and (fact.identity, fact.started) != (last.identity, last.started):
        return last
    return last._replace(seen=now, identity=fact.identity, started=fact.started, uptime=fact.uptime)


def _started_later(last: Sighting, fact: Incarnation | None) -> bool:
    if fact is None or last.started is None:
        return False
    return fact.identity == last.identity and fact.started > last.started


def _restarted(last: Sighting, observation: Observation) -> bool:
    fact = observation.fact(Incarnation)
    if (
        fact is not None
        and last.identity is not None
        and (fact.identity, fact.started) != (last.identity, last.started)
    ):
        return True
    if fact is not None and last.identity is None and last.connection_id is not None:  # the last has only greeted
        known_for = observation.ended.since(last.first_seen)
        if known_for is not None and fact.uptime + 1 < known_for:  # Uptime is in whole seconds
            return True
    if observation.connection_id is None or observation.began.precedes(last.seen):
        return False  # of two looks that overlap the one that began earlier may end later
    if last.connection_id is None:
        return True  # it was seen refusing connections
    fell = observation.connection_id < last.connection_id
    # MariaDB's connection ids have 32 bits and begin anew at the end.
    return fell and (last.connection_id < 1 << 31 or fact is None)
