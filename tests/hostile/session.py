"""The stage of a script: one connection, with the packets of the protocol as verbs."""

import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, NoReturn

from . import wire
from .channel import Channel, Hangup
from .wire import Capability, Column, Login, Value

SALT = bytes(range(0x41, 0x55))
COM_QUIT = b"\x01"
COM_QUERY = b"\x03"


class Props(NamedTuple):
    """What scripts need and a table cannot hold: TLS contexts by name, and the rogue's public key (PEM)."""

    contexts: Mapping[str, ssl.SSLContext] = {}
    public_key: bytes = b""


class Session:
    """One connection as a script sees it. Sequence numbers take care of themselves until told otherwise."""

    def __init__(self, channel: Channel, connection_id: int, props: Props) -> None:
        self.channel = channel
        self.connection_id = connection_id
        self.props = props
        self.salt = SALT
        self.sequence = 0
        self.login: Login | None = None
        self.packets: list[bytes] = []
        self.queries: list[str] = []
        self.complaints: list[str] = []

    # The wire

    def send(self, payload: bytes, sequence: int | None = None) -> None:
        """Send one packet, under the next sequence number or the one given."""
        self.channel.send(wire.packet(payload, self.sequence if sequence is None else sequence))
        self.sequence += 1

    def send_bytes(self, data: bytes) -> None:
        """Send bytes that need not be a packet."""
        self.channel.send(data)

    def read(self) -> bytes:
        """Read one packet from the client."""
        header = self.channel.read_exactly(4)
        self.sequence = header[3] + 1
        payload = self.channel.read_exactly(int.from_bytes(header[:3], "little"))
        self.packets.append(payload)
        return payload

    def drip(self, interval: float) -> None:
        """From here on, let a single byte out every `interval` seconds."""
        self.channel.pace = interval

    def flood(self, block: bytes) -> NoReturn:
        """Send the block again and again, as fast as the client takes it, until it goes away."""
        while True:
            self.channel.send(block)

    def wait_for_hangup(self) -> None:
        """Stay silent, and connected, until the client goes away."""
        self.channel.read_to_end()

    def close(self) -> None:
        self.channel.close()

    def reset(self) -> None:
        self.channel.reset()

    # The handshake

    def greet(
        self,
        version: str = "8.4.6",
        *,
        plugin: str = "mysql_native_password",
        tls: bool = False,
        protocol: int = 10,
    ) -> None:
        """Send a greeting; CLIENT_SSL is offered only with `tls`."""
        capabilities = wire.OFFERED | (Capability.SSL if tls else Capability(0))
        self.send(wire.greeting(version, self.connection_id, self.salt, capabilities, plugin, protocol))

    def read_login(self, context: str = "good") -> Login:
        """Read the login packet, starting TLS with the named context first if the client asks for it."""
        payload = self.read()
        if wire.is_ssl_request(payload):
            self.start_tls(context)
            payload = self.read()
        self.login = wire.parse_login(payload)
        return self.login

    def read_ssl_request(self) -> None:
        """Read an SSLRequest; a client that logs in without TLS here is complained about."""
        payload = self.read()
        if not wire.is_ssl_request(payload):
            self.login = wire.parse_login(payload)
            self.complain("the client logged in without TLS")

    def start_tls(self, context: str) -> None:
        self.channel.start_tls(self.props.contexts[context])

    def auth_switch(self, plugin: str, data: bytes | None = None) -> None:
        """Ask for another authentication plugin, with this session's salt unless told otherwise."""
        self.send(wire.auth_switch(plugin, self.salt + b"\0" if data is None else data))

    def auth_more(self, data: bytes) -> None:
        self.send(wire.auth_more(data))

    # Answers

    def ok(self, status: int = wire.AUTOCOMMIT) -> None:
        self.send(wire.ok(status))

    def eof(self, status: int = wire.AUTOCOMMIT) -> None:
        self.send(wire.eof(status))

    def error(self, errno: int, sqlstate: str = "HY000", message: str | bytes = "said the fake server") -> None:
        self.send(wire.error(errno, sqlstate, message))

    def columns(self, columns: Sequence[Column]) -> None:
        """The first half of a result set: column count, definitions, EOF."""
        self.send(wire.lenenc_int(len(columns)))
        for column in columns:
            self.send(wire.column(column))
        self.eof()

    def resultset(
        self, columns: Sequence[Column], rows: Iterable[Sequence[Value]], status: int = wire.AUTOCOMMIT
    ) -> None:
        self.columns(columns)
        for row in rows:
            self.send(wire.row(row))
        self.eof(status)

    def serve(self, answer: Callable[["Session", str], None]) -> None:
        """Answer commands until the client quits; queries by `answer`, everything else with OK."""
        while (command := self.read()) != COM_QUIT:
            if command.startswith(COM_QUERY):
                query = command[1:].decode()
                self.queries.append(query)
                answer(self, query)
            else:
                self.ok()

    # Judgement

    def complain(self, what: str) -> None:
        """Record that the client did what it must not; the test reads `server.complaints`."""
        self.complaints.append(what)

    def expect_no_answer(self, to: str) -> NoReturn:
        """The client must say nothing more on this connection, a farewell excepted; then hang up."""
        packet = self.read()
        if packet != COM_QUIT or self.sequence != 1:  # as a command: sha256_password's 0x01 counts on
            self.complain(f"the client answered {to} with {packet!r}")
        raise Hangup
