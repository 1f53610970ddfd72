"""A debugger's client, to see that a script can be debugged."""

from __future__ import annotations

import json
import socket
from typing import Any

__all__ = ["Debugger"]


class Debugger:
    """The least of a debug adapter's client."""

    def __init__(self, port: int) -> None:
        self._wire = socket.create_connection(("127.0.0.1", port), timeout=90)
        self._file = self._wire.makefile("rb")
        self._number = 0

    def send(self, command: str, **arguments: Any) -> None:
        self._number += 1
        body = json.dumps({"seq": self._number, "type": "request", "command": command, "arguments": arguments}).encode()
        self._wire.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    def wait_for(self, name: str) -> dict[str, Any]:
        """The next event of this name, or answer to this command."""
        while True:
            length = 0
            while (line := self._file.readline().strip()) or not length:
                length = int(line.split(b":")[1]) if line.startswith(b"Content-Length") else length
            told: dict[str, Any] = json.loads(self._file.read(length))
            if name in {told.get("event"), told.get("command")}:
                return told

    def close(self) -> None:
        self._wire.close()
