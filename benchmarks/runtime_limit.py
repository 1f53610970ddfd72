"""The leanest server that can be written with asyncio and httptools: the yardstick of the runtime's benchmarks.

It calls the script's `run()` in its own process, knows one route, sends one header and checks nothing. With several
processes they share the port. Usage: `python runtime_limit.py SCRIPT PORT PROCESSES`.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import signal
import socket
import sys
from typing import Any

import httptools
import uvloop


class Connection(asyncio.Protocol):
    def __init__(self, run: Any) -> None:
        self.run = run
        self.parser = httptools.HttpRequestParser(self)

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_begin(self) -> None:
        self.body = b""

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        result = json.dumps(self.run(self.body.decode())).encode()
        self.transport.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
            % (len(result), result),
        )


def load(path: str) -> Any:
    spec = importlib.util.spec_from_file_location("score", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.init()
    return module.run


async def serve(run: Any, port: int) -> None:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(("127.0.0.1", port))
    server = await asyncio.get_running_loop().create_server(lambda: Connection(run), sock=listener, backlog=4096)
    await server.serve_forever()


def main() -> None:
    script, port, processes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    children = []
    for _ in range(processes - 1):
        pid = os.fork()
        if pid == 0:
            break
        children.append(pid)
    else:
        signal.signal(signal.SIGTERM, lambda *_: ([os.kill(p, signal.SIGKILL) for p in children], os._exit(0)))
    uvloop.run(serve(load(script), port))


if __name__ == "__main__":
    main()
