"""Stands in for LVS on one machine: an address of its own, behind which servers take turns.

LVS passes packets on and this passes bytes, which a client cannot tell apart; a server that has no virtual address on
its lo is one whose connections are taken and never answered.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
from collections.abc import Sequence

from tests.lab.server import Server

ADDRESS = "127.0.0.9"


class Balancer:
    """Sends each connection to the next of these servers; to None means to nobody."""

    def __init__(self, servers: Sequence[Server | None]) -> None:
        self._turns = itertools.cycle(servers)
        self._listening = socket.create_server((ADDRESS, 0))
        self.port: int = self._listening.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def vip(self) -> str:
        """The virtual address, as --vip takes it."""
        return f"{ADDRESS}:{self.port}"

    def __enter__(self) -> Balancer:
        return self

    def __exit__(self, *_: object) -> None:
        for sock in (self._listening, *self._open):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                self._open.append(client)
                if (server := next(self._turns)) is not None:
                    backend = socket.create_connection((server.host, server.port))
                    self._open.append(backend)
                    for source, sink in ((client, backend), (backend, client)):
                        threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
