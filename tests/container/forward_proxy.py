"""A forward proxy as companies have one: CONNECT for what is encrypted, plain requests passed on."""

from __future__ import annotations

import select
import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

__all__ = ["ForwardProxy"]


class ForwardProxy:
    """Listens on all interfaces, so that containers reach it.

    Attributes:
        port: Where.
        asked: Hosts that were asked for.
    """

    def __init__(self) -> None:
        self._server = socket.create_server(("0.0.0.0", 0))
        self.port = int(self._server.getsockname()[1])
        self.asked: list[str] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                caller, _ = self._server.accept()
                threading.Thread(target=self._serve, args=(caller,), daemon=True).start()

    def _serve(self, caller: socket.socket) -> None:
        with caller, suppress(OSError, ValueError):
            head = b""
            while b"\r\n\r\n" not in head:
                piece = caller.recv(65536)
                if not piece:
                    return
                head += piece
            method, where, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
            if method == "CONNECT":
                host, _, port = where.rpartition(":")
                self.asked.append(host)
                with socket.create_connection((host, int(port)), timeout=30) as far:
                    caller.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    _relay(caller, far)
                return
            url = urlsplit(where)
            assert url.hostname
            self.asked.append(url.hostname)
            path = url.path + (f"?{url.query}" if url.query else "")
            with socket.create_connection((url.hostname, url.port or 80), timeout=30) as far:
                far.sendall(head.replace(where.encode(), path.encode(), 1))
                _relay(caller, far)


def _relay(one: socket.socket, other: socket.socket) -> None:
    while True:
        ready, _, _ = select.select([one, other], [], [], 60)
        if not ready:
            return
        for end in ready:
            piece = end.recv(65536)
            if not piece:
                return
            (other if end is one else one).sendall(piece)
