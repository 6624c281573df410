"""A row of the table: what the server does, and what mysqlcheck must make of it."""

from typing import NamedTuple

from ..personas import Persona
from ..server import Script


class Behaviour(NamedTuple):
    """One way to misbehave.

    `codes` are the reason codes of which the first reported reason must be one; more than one where
    the server's words bear both readings. A script may also complain about the client by itself.
    """

    name: str
    script: Script | None
    codes: tuple[str, ...]
    plays: str
    args: tuple[str, ...] = ()
    mentions: str = ""
    may_log_in: bool = True


UNREACHABLE = ("unreachable",)
TIMEOUT = ("timeout",)
PROTOCOL = ("protocol_error",)
CREDENTIALS = ("credentials",)
TLS = ("tls_error",)


def of(
    persona: Persona,
    name: str,
    codes: tuple[str, ...],
    plays: str,
    *,
    mentions: str = "",
) -> Behaviour:
    """A row whose script is a persona's: the login is good, an answer is not."""
    return Behaviour(name, persona.script(), codes, plays, mentions=mentions)
