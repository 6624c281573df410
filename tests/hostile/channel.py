"""The bytes of one connection: paced, recorded, and encrypted from the moment a script asks for it.

TLS runs through memory buffers instead of `SSLContext.wrap_socket`, so that the wire itself stays
in our hands: a handshake can be dripped, and what the client sends is recorded in both forms.
"""

import contextlib
import socket
import ssl
import struct
import threading


class Hangup(Exception):
    """The client is gone, or the server is being stopped: the script ends here, and that is no failure."""


class Channel:
    """A socket with a record of what the other side sent."""

    def __init__(self, sock: socket.socket, stopping: threading.Event) -> None:
        self.wire = bytearray()
        self.decrypted = bytearray()
        self.pace = 0.0
        self._sock = sock
        self._stopping = stopping
        self._plain = bytearray()
        self._tls: ssl.SSLObject | None = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()

    def send(self, data: bytes) -> None:
        """Send through TLS where it has started; with a pace, one byte at a time."""
        if self._tls is None:
            self.send_raw(data)
        else:
            self._tls.write(data)
            self.send_raw(self._outgoing.read())

    def send_raw(self, data: bytes) -> None:
        """Send under TLS, at the pace of the moment."""
        if not self.pace:
            self._sock.sendall(data)
            return
        for offset in range(len(data)):
            if self._stopping.wait(self.pace):
                raise Hangup
            self._sock.sendall(data[offset : offset + 1])

    def read_exactly(self, size: int) -> bytes:
        """Read, through TLS where it has started; Hangup where the client has gone."""
        while len(self._plain) < size:
            self._plain += self._read_some()
        data = bytes(self._plain[:size])
        del self._plain[:size]
        return data

    def read_to_end(self) -> None:
        """Read and record until the client hangs up."""
        try:
            while True:
                self.read_exactly(max(1, len(self._plain)))
        except Hangup:
            pass

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Do the server's half of a TLS handshake."""
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._incoming.write(bytes(self._plain))
        self._plain.clear()
        while True:
            try:
                self._tls.do_handshake()
                return
            except ssl.SSLWantReadError:
                self._flush()
                self._incoming.write(self._receive())
            finally:
                self._flush()

    def close(self) -> None:
        self._sock.close()

    def reset(self) -> None:
        """Close with RST instead of FIN, as a firewall or a dying kernel does (SO_LINGER 0)."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()

    def interrupt(self) -> None:
        """Wake a thread that is blocked on this connection; called from the listener's side."""
        with contextlib.suppress(OSError):  # the script or the client closed it first
            self._sock.shutdown(socket.SHUT_RDWR)

    def _flush(self) -> None:
        if pending := self._outgoing.read():
            self.send_raw(pending)

    def _receive(self) -> bytes:
        data = self._sock.recv(65536)
        if not data or self._stopping.is_set():
            raise Hangup
        self.wire += data
        return data

    def _read_some(self) -> bytes:
        if self._tls is None:
            return self._receive()
        while True:
            try:
                data = self._tls.read(65536)
            except ssl.SSLWantReadError:
                self._incoming.write(self._receive())
                continue
            if not data:
                raise Hangup
            self.decrypted += data
            return data
