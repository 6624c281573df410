"""A threaded server that plays one script for each connection, and leaves nothing behind.

    with HostileServer(script) as server:
        run(["mysqlcheck", "--host", server.host, "--port", str(server.port)])
    assert server.received ...

A script is a function of a Session. Without a script the port is bound and closed, so that a
connection is refused and nobody else can be given the port meanwhile.
"""

import itertools
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from .channel import Channel, Hangup
from .session import Props, Session
from .wire import Login

Script = Callable[[Session], None]


class HostileServer:
    """Listens on 127.0.0.1 (or ::1, or a unix socket) while its `with` block lasts."""

    def __init__(
        self,
        script: Script | None,
        props: Props | None = None,
        *,
        host: str = "127.0.0.1",
        path: Path | None = None,
    ) -> None:
        self.host = host
        self.path = path
        self.port = 0
        self.sessions: list[Session] = []
        self.failures: list[Exception] = []
        self._script = script
        self._props = props or Props()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._listener = self._bind()

    def __enter__(self) -> Self:
        if self._script is not None:
            self._listener.listen(16)
            self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        if self._script is not None:
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept(), which close() alone does not
            self._threads[0].join()
        for session in self.sessions:
            session.channel.interrupt()
        for thread in self._threads:
            thread.join()
        self._listener.close()
        if self.path is not None:
            self.path.unlink()
        if self.failures and kind is None:
            raise ExceptionGroup("the hostile server's script itself failed", self.failures)

    @property
    def received(self) -> bytes:
        """All that clients sent: the raw wire, and what was inside TLS."""
        return b"".join(bytes(s.channel.wire) + bytes(s.channel.decrypted) for s in self.sessions)

    @property
    def packets(self) -> list[bytes]:
        """The payload of each packet that a script read."""
        return [packet for session in self.sessions for packet in session.packets]

    @property
    def queries(self) -> list[str]:
        return [query for session in self.sessions for query in session.queries]

    @property
    def logins(self) -> list[Login]:
        return [session.login for session in self.sessions if session.login is not None]

    @property
    def salts(self) -> list[bytes]:
        return [session.salt for session in self.sessions]

    @property
    def complaints(self) -> list[str]:
        """What scripts held against the client."""
        return [complaint for session in self.sessions for complaint in session.complaints]

    def listen_without_accepting(self) -> None:
        """Without a script: let one connection wait in the queue, after which the kernel drops what comes."""
        self._listener.listen(0)

    def _bind(self) -> socket.socket:
        if self.path is not None:
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(str(self.path))
            return listener
        listener = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET)
        listener.bind((self.host, 0))
        self.port = listener.getsockname()[1]
        return listener

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, name=f"hostile-{self.port}")
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        for connection_id in itertools.count(11):
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return  # shut down by __exit__
            session = Session(Channel(sock, self._stopping), connection_id, self._props)
            self.sessions.append(session)
            self._start(self._play, session)

    def _play(self, session: Session) -> None:
        assert self._script is not None
        try:
            self._script(session)
        except (Hangup, OSError, ssl.SSLError):
            pass  # the client left, as most of them do here
        except Exception as error:  # noqa: BLE001 - handed to the test by __exit__
            self.failures.append(error)
        finally:
            session.close()
