"""Whether the server replicates from where it should: `wrong_source`.

A channel is from an expected source if its host and port, or the source's server_uuid, are among those of
`expect_source`. All channels must be. Host names are compared as they are written, without a look at DNS: what counts
is what CHANGE REPLICATION SOURCE TO was told. Only MySQL knows its source's server_uuid, from the first connection on
(https://dev.mysql.com/doc/refman/8.4/en/show-replica-status.html).
"""

from __future__ import annotations

from collections.abc import Iterator

from mysqlcheck.checks.channels import Channel, Channels
from mysqlcheck.checks.probe import Rule
from mysqlcheck.kinds import Kind
from mysqlcheck.model import Instant, Memory, Observation, Reason, Severity, Target
from mysqlcheck.settings import Group, Setting

NO_HOST = " /@?#'\""
"""Characters that no host name or address has."""


def is_uuid(text: str) -> bool:
    """Whether it is written as a server_uuid is."""
    return [len(part) for part in text.split("-")] == [8, 4, 4, 4, 12] and not text.strip("0123456789abcdef-")


class Sources(Kind[tuple[str, ...]]):
    """Source servers, separated by commas; read as `host:port` and server_uuids in small letters."""

    metavar = "SOURCE,…"

    def __init__(self, uuids: bool = True) -> None:
        self.uuids = uuids
        words = "host, host:port or server_uuid" if uuids else "host or host:port"
        self.allowed = f"{words}; several separated by commas"

    def from_text(self, text: str) -> tuple[str, ...]:
        """Fill in the port where there is none."""
        return tuple(self._one(part.strip().lower()) for part in text.split(","))

    def from_toml(self, value: object) -> tuple[str, ...]:
        """Accept a list of texts too."""
        if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
            return self.from_text(",".join(value))
        return super().from_toml(value)

    def show(self, value: tuple[str, ...]) -> str:
        """Write them as from_text reads them."""
        return ",".join(value)

    def _one(self, text: str) -> str:
        if self.uuids and is_uuid(text):
            return text
        if not text or not text.isprintable() or any(character in text for character in NO_HOST):
            raise ValueError
        return str(Target.parse(text))


class SourceSettings(Group):
    """Which source a replica should have."""

    expect_source = Setting[tuple[str, ...] | None](
        Sources(),
        default=None,
        help="Fail a replica that replicates from anything else: host[:port] as its channels name the source, or "
        "(MySQL only) the source's server_uuid. Several, separated by commas: each channel must be from one of them.",
    )


def rule(observation: Observation, memory: Memory, settings: SourceSettings, now: Instant) -> Iterator[Reason]:
    """Judge every channel; the first from elsewhere speaks for all."""
    facts, expected = observation.fact(Channels), settings.expect_source
    if facts is None or not facts.judged:
        return
    observed = ", ".join(channel.source for channel in facts.judged)
    if expected is None:
        yield Reason("wrong_source", Severity.OK, "any source will do", observed)
        return
    limit = ", ".join(expected)
    wrong = next((channel for channel in facts.judged if not _is_expected(channel, expected)), None)
    if wrong is None:
        yield Reason("wrong_source", Severity.OK, "replicates from where it should", observed, limit)
        return
    text = f"replicates {wrong}{_identity(wrong, expected)}, and not from {limit}"
    yield Reason("wrong_source", Severity.FAIL, text, wrong.source, limit, bars_entry=True)


def _is_expected(channel: Channel, expected: tuple[str, ...]) -> bool:
    host, _, port = channel.source.lower().rpartition(":")
    return f"[{host}]:{port}" in expected or f"{host}:{port}" in expected or channel.source_uuid.lower() in expected


def _identity(channel: Channel, expected: tuple[str, ...]) -> str:
    if not any(map(is_uuid, expected)):
        return ""
    return f" ({channel.source_uuid or 'whose server_uuid it does not tell'})"


RULE = Rule(("wrong_source",), rule)
