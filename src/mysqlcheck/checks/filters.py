"""Whether the replication filters are those that were seen last: `filters_changed`.

A filter that somebody adds makes a replica differ from its source, quietly and for good; and it often comes with a
restart, from the server's own configuration. What is a filter is every column Replicate_… of SHOW REPLICA STATUS
(https://dev.mysql.com/doc/refman/8.4/en/show-replica-status.html), which each flavor and version has more of.
"""

from collections.abc import Iterator

from mysqlcheck.checks.channels import Channel, Channels
from mysqlcheck.checks.probe import Rule, one_line
from mysqlcheck.kinds import DAY, show_span
from mysqlcheck.model import Filters, Instant, Memory, Observation, Reason, Severity
from mysqlcheck.settings import Group

SHOWN = DAY
"""Seconds for which a change is told."""
NONE = "none"


def written(channels: tuple[Channel, ...]) -> str:
    """Return the filters of all channels, as they are remembered; a channel without any is not among them."""
    found = ((channel.name, channel.filters) for channel in channels if channel.filters)
    return "; ".join(sorted(f"{name}: {filters}" if name else filters for name, filters in found))


def remember(before: Filters | None, channels: tuple[Channel, ...], now: Instant) -> Filters:
    """Take in what is filtered now; what was taken back has not changed."""
    text = written(channels)
    if before is None or text == before.before:
        return Filters(text)
    return before if text == before.text else Filters(text, before.text, now)


def rule(observation: Observation, memory: Memory, settings: Group, now: Instant) -> Iterator[Reason]:
    """Tell a change for a day."""
    facts, known = observation.fact(Channels), memory.filters
    if facts is None or not facts.channels:
        return
    text = one_line(written(facts.channels), 120) or NONE
    ago = now.since(known.changed) if known and known.changed else None
    if known is None or ago is None or ago > SHOWN:
        yield Reason("filters_changed", Severity.OK, f"replication filters: {text}", text)
        return
    before = one_line(known.before or "", 120) or NONE
    changed = f"replication filters changed {show_span(ago)} ago, from {before} to {text}"
    yield Reason("filters_changed", Severity.NOTE, changed, text, before)


RULE = Rule(("filters_changed",), rule)
