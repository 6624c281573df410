"""Asks the servers, each in a child process of its own: as the user who runs the check, and side by side."""

from __future__ import annotations

import codecs
import difflib  # noqa: F401 - loaded on the way; the user may not be allowed to read our library then
import socket
import time
import tomllib  # noqa: F401 - the same
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from mysqlcheck import mysql, outcome
from mysqlcheck.clock import Deadline
from mysqlcheck.doctor import child
from mysqlcheck.doctor.files import CODES as FILE_CODES
from mysqlcheck.doctor.findings import Finding
from mysqlcheck.doctor.look import Asked
from mysqlcheck.doctor.probes import IDENTITY, PROBES, Expiry, Identity, Privileges, Tls
from mysqlcheck.doctor.servers import CODES, Server, Trouble, leaves_this_machine
from mysqlcheck.doctor.vip import enough
from mysqlcheck.errors import SettingsError
from mysqlcheck.layers import load
from mysqlcheck.model import Observation, Reason, Target
from mysqlcheck.oneshot import look
from mysqlcheck.options import Settings

for _encoding in ("ascii", "idna", "latin-1"):  # these too
    codecs.lookup(_encoding)

SPARE = 3.0
"""What a child may take beyond what its two connections may."""
TRY_SECONDS = 2.0
VIP_SECONDS = 20.0
TRIES = 8
"""Connections to the virtual address for each server behind it."""


def servers(asked: Sequence[Asked], environment: Mapping[str, str]) -> list[Server | Finding]:
    """Ask all of them; a finding where a server could not be asked."""
    seconds = max((_timeout(one, environment) for one in asked), default=0.0) * 2 + SPARE
    answers = child.for_each([one.user for one in asked], seconds, [partial(_ask, one, environment) for one in asked])
    return [_server(one.name, answer) for one, answer in zip(asked, answers, strict=True)]


def _timeout(asked: Asked, environment: Mapping[str, str]) -> float:
    try:
        return load(asked.told, environment, login_files=False).timeout
    except SettingsError:
        return Settings.timeout.default


def _server(name: str, answer: Any) -> Server | Finding:
    if isinstance(answer, child.ChildFailed):
        return CODES["no_answer"].found(f"{name}: it could not be asked: {answer}")
    if isinstance(answer, str):
        return FILE_CODES["settings_wrong"].found(f"{name}: {answer}")
    found = Server(*answer)
    return found._replace(trouble=Trouble(*found.trouble) if found.trouble else None)


def _ask(asked: Asked, environment: Mapping[str, str]) -> Server | str:
    """Check the server as `explain` does, then ask the doctor's own questions."""
    try:
        settings = load(asked.told, environment)
        began = time.monotonic()
        seen = look(settings, Deadline(settings.timeout))
        took = time.monotonic() - began
        more = mysql.observe(settings.target, settings, PROBES, Deadline(settings.timeout))
    except SettingsError as error:
        return "; ".join(map(str, error.problems))
    target = settings.target
    identity, tls = more.fact(Identity), more.fact(Tls)
    beyond, expiry = more.fact(Privileges), more.fact(Expiry)
    return Server(
        str(target),
        target.socket is None and leaves_this_machine(target.host),
        settings.tls,
        settings.timeout,
        took,
        _trouble(seen.observation.trouble),
        _product(seen.observation) or _product(more),
        identity.account if identity else "",
        identity.key if identity else "",
        identity.bind_address if identity else "",
        tls.version if tls else "",
        tls.cipher if tls else "",
        beyond.beyond if beyond else (),
        _expires(identity, expiry),
        seen.judged.action.value,
        seen.judged.phase.value,
        seen.judged.share,
        outcome.status_line(str(target), seen.judged, seen.answer, "nothing against it"),
    )


def _trouble(reason: Reason | None) -> Trouble | None:
    if reason is None:
        return None
    errno = reason.observed if isinstance(reason.observed, int) else None
    return Trouble(reason.code, reason.text, errno, reason.limit if isinstance(reason.limit, str) else None)


def _product(observation: Observation) -> str:
    server = observation.server
    return f"{'MariaDB' if server.mariadb else 'MySQL'} {'.'.join(map(str, server.number))}" if server else ""


def _expires(identity: Identity | None, expiry: Expiry | None) -> int:
    """Return the days for which a password is good; where the account says nothing, the server's default holds."""
    if expiry is None or identity is None:
        return 0
    return identity.lifetime if expiry.days is None else expiry.days


def is_here(address: str) -> bool:
    """Whether an address is one of this machine: the kernel then takes it as the source too. Nothing is sent."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect((address, 9))
        except OSError:
            return False
        return bool(sock.getsockname()[0] == address)


def through(
    vip: Target, asked: Asked, environment: Mapping[str, str], wanted: Sequence[str], servers: int
) -> tuple[Counter[str], Counter[str]]:
    """Connect to the virtual address until everybody wanted has answered, or often enough.

    Returns how often each identity answered, and what the other connections met. Raises ChildFailed.
    """
    answered, failed = child.look(
        asked.user, VIP_SECONDS + SPARE, lambda: _through(vip, asked, environment, wanted, servers)
    )
    return Counter(answered), Counter(failed)


def _through(
    vip: Target, asked: Asked, environment: Mapping[str, str], wanted: Sequence[str], servers: int
) -> tuple[Counter[str], Counter[str]]:
    settings = load(asked.told, environment)
    answered, failed = Counter[str](), Counter[str]()
    end = Deadline(VIP_SECONDS)
    for _ in range(TRIES * max(1, servers)):
        dead = not answered and failed.total() > 2 * servers + 1
        if dead or not end.left() or enough(list(answered), wanted):
            break
        seen = mysql.observe(vip, settings, (IDENTITY,), Deadline(min(settings.timeout, TRY_SECONDS, end.left())))
        identity = seen.fact(Identity)
        if identity is not None:
            answered[identity.key] += 1
        elif seen.trouble is not None:
            failed[f"{seen.trouble.code}: {seen.trouble.text}"] += 1
    return answered, failed
