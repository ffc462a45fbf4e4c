"""A way to a server that breaks off: what is sent passes until the server has said so many bytes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class CuttingProxy:
    """Passes connections on to a port of this machine, and cuts all of them after `limit` bytes of answers.

    Attributes:
        port: where it listens.
        limit: how many bytes the server may say; None for any number.
    """

    def __init__(self, to: int) -> None:
        self.to = to
        self.limit: int | None = None
        self._said = 0
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Cut everything and stop listening."""
        self._listener.close()
        self._cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self.to))
                self._open += [client, server]
                for source, target, counts in ((client, server, False), (server, client, True)):
                    threading.Thread(target=self._pass_on, args=(source, target, counts), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, counts: bool) -> None:
        with suppress(OSError):
            while block := source.recv(4096):
                self._said += len(block) if counts else 0
                if self.limit is not None and self._said > self.limit:
                    self._cut()
                    return
                target.sendall(block)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _cut(self) -> None:
        for end in self._open:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def cutting_proxy(to: int) -> Iterator[CuttingProxy]:
    """Yield a proxy to the port `to`."""
    proxy = CuttingProxy(to)
    try:
        yield proxy
    finally:
        proxy.close()
