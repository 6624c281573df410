"""Whether a replication thread waits for room on the disk: `disk_full`.

Nothing else shows it. MySQL 9.7 with a full disk under its relay log said that both threads run and that it is 0 s
behind, while it received nothing any more; only the state of the thread tells, and the error log. MariaDB 10.11 does
not even answer SHOW ALL SLAVES STATUS then, so that it is a `timeout` there (both run).
"""

from collections.abc import Iterator
from typing import Any

from mysqlcheck.checks.channels import Channels
from mysqlcheck.checks.probe import Rule
from mysqlcheck.model import Instant, Memory, Observation, Reason, Severity


def rule(observation: Observation, memory: Memory, settings: Any, now: Instant) -> Iterator[Reason]:
    """Say which thread of which channel waits: it stands still as if it had been stopped."""
    facts = observation.fact(Channels)
    if facts is None or not facts.judged:
        return
    waits = next((channel for channel in facts.judged if channel.waits_for_disk), None)
    if waits is None:
        yield Reason("disk_full", Severity.OK, "no thread waits for room on the disk", "no", "no")
    else:
        text = f"the {waits.waits_for_disk} thread waits for room on the disk ({waits}): what the lag says is not true"
        yield Reason("disk_full", Severity.FAIL, text, waits.waits_for_disk, "no", bars_entry=True)


RULE = Rule(("disk_full",), rule)
