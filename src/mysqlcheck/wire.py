"""The line to a server: sockets bound to the check's deadline, name resolution, TLS.

PyMySQL's own read_timeout counts per read, so that a server which drips a byte a second would hold it for
ever, and a flood reached 468 MB. So each system call gets what is left of the whole check's time, and the
bytes are counted.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator
from typing import Any

from mysqlcheck.checks.connection import ConnectionSettings
from mysqlcheck.checks.probe import one_line
from mysqlcheck.clock import Deadline, within
from mysqlcheck.errors import OutOfTime, Problem, SettingsError, TooMuchData
from mysqlcheck.model import Target

MOST_BYTES = 4 * 1024 * 1024
"""What a server may send in one check. 64 channels of SHOW REPLICA STATUS are a tenth of this."""

TlsContext = ssl.SSLContext


class Wire:
    """What one look may still cost: time until the deadline, and bytes from the server."""

    def __init__(self, deadline: Deadline) -> None:
        self.begin(deadline)

    def begin(self, deadline: Deadline) -> None:
        """Begin another look."""
        self.deadline, self.bytes_left, self.stage = deadline, MOST_BYTES, "connecting"

    def time(self) -> float:
        """Seconds left for the next system call; raises OutOfTime when there are none."""
        left = self.deadline.left()
        if left <= 0:
            raise OutOfTime
        return left

    def count(self, received: int) -> int:
        """Take what came off the bytes left; raises TooMuchData."""
        self.bytes_left -= received
        if self.bytes_left < 0:
            raise TooMuchData
        return received


class _Bounded:
    """Mixed into the sockets below. Our exceptions are no OSErrors: PyMySQL wraps those, these pass."""

    wire: Wire

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(self.wire.time())  # type: ignore[attr-defined]
        try:
            return self.wire.count(super().recv_into(*args, **kwargs))  # type: ignore[misc]
        except TimeoutError:
            raise OutOfTime from None

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        self.settimeout(self.wire.time())  # type: ignore[attr-defined]
        try:
            super().sendall(*args, **kwargs)  # type: ignore[misc]
        except TimeoutError:
            raise OutOfTime from None


class _PlainSocket(_Bounded, socket.socket):
    pass


def tls_context(settings: ConnectionSettings, wire: Wire) -> ssl.SSLContext | None:
    """Build the TLS context; the CA certificates are loaded only where something is verified (21 ms).

    Raises SettingsError where a certificate or key file cannot be used.
    """
    if settings.tls == "disabled":
        return None

    class TlsSocket(_Bounded, ssl.SSLSocket):
        def do_handshake(self, block: bool = False) -> None:
            self.settimeout(wire.time())  # OpenSSL's wrapper bounds the whole handshake by it
            wire.stage = "negotiating TLS"
            try:
                super().do_handshake(block)
                wire.stage = "logging in"
            except TimeoutError:
                raise OutOfTime from None

    TlsSocket.wire = wire
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.sslsocket_class = TlsSocket
    context.check_hostname = settings.tls == "verify-identity"
    if settings.tls not in ("verify-ca", "verify-identity"):
        context.verify_mode = ssl.CERT_NONE
    elif settings.tls_ca is None:
        context.load_default_certs()
    else:
        with blaming("--tls-ca", settings.tls_ca):
            context.load_verify_locations(settings.tls_ca)
    if settings.tls_cert is not None:
        with blaming("--tls-cert", settings.tls_cert):
            context.load_cert_chain(settings.tls_cert, settings.tls_key, password=lambda: "")
    return context


def dial(target: Target, wire: Wire) -> socket.socket:
    """Connect to the first address that answers; each gets its part of the time that is left."""
    if target.socket is not None:
        return _connected(socket.AF_UNIX, target.socket, wire, 1)
    wire.stage = f"resolving {target.host}"
    addresses = _resolve(target, wire)
    wire.stage = "connecting"
    *others, last = addresses
    for tried, (family, address) in enumerate(others):
        with contextlib.suppress(OSError, OutOfTime):
            return _connected(family, address, wire, len(addresses) - tried)
    return _connected(*last, wire, 1)


def _connected(family: int, address: Any, wire: Wire, sharers: int) -> socket.socket:
    sock = _PlainSocket(family, socket.SOCK_STREAM)
    sock.wire = wire
    try:
        sock.settimeout(wire.time() / sharers)
        sock.connect(address)
        if family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except TimeoutError:
        sock.close()
        raise OutOfTime from None
    except BaseException:
        sock.close()
        raise
    return sock


def _resolve(target: Target, wire: Wire) -> list[tuple[int, Any]]:
    """Resolve a name; getaddrinfo knows no deadline (8 s were seen past a signal)."""
    for family in (socket.AF_INET, socket.AF_INET6):
        with contextlib.suppress(OSError):
            socket.inet_pton(family, target.host)
            return [(family, (target.host, target.port))]

    def look_up() -> list[Any]:
        return socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)

    try:
        return [(entry[0], entry[4]) for entry in within(wire.time(), look_up)]
    except UnicodeError as error:  # a label that is empty or too long
        raise socket.gaierror(socket.EAI_NONAME, "no host name") from error


@contextlib.contextmanager
def blaming(option: str, path: str) -> Iterator[None]:
    """Make a file's failure the operator's problem: SettingsError with the option and the file named."""
    try:
        yield
    except (OSError, ValueError) as error:
        why = one_line(getattr(error, "strerror", None) or str(error))
        raise SettingsError([Problem(option, f"{path} cannot be used: {why}")]) from error
