"""A load generator that costs little itself: keep-alive connections, each with one request under way.

As a module, `measure()`; as a program, one JSON line:
`python runtime_load.py PORT CONNECTIONS SECONDS BODY_FILE [PATH [WARM_UP]]`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import uvloop


class Client(asyncio.Protocol):
    def __init__(self, request: bytes, state: dict[str, Any], port: int) -> None:
        self.request = request
        self.port = port
        self.state = state
        self.buffer = b""
        self.wanted = 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.send()

    def send(self) -> None:
        self.began = time.perf_counter()
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        if self.buffer:
            data = self.buffer + data
        if not self.wanted:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self.buffer = data
                return
            at = data[:end].lower().find(b"content-length:")
            if at < 0:
                raise ValueError("an answer without content-length")
            self.wanted = end + 4 + int(data[at + 15 : data.find(b"\r", at)])
        if len(data) < self.wanted:
            self.buffer = data
            return
        self.buffer, self.wanted = b"", 0
        state = self.state
        if data[9:12] != b"200":
            state["failed"] += 1
        state["times"].append(time.perf_counter() - self.began)
        state["all"] += 1
        if state["going"]:
            self.send()
        else:
            self.transport.close()

    def connection_lost(self, _exc: Exception | None) -> None:
        if self.state["going"]:  # some servers close after each answer
            again = Client(self.request, self.state, self.port)
            task = asyncio.ensure_future(
                asyncio.get_running_loop().create_connection(lambda: again, "127.0.0.1", self.port)
            )
            self.state["tasks"].add(task)
            task.add_done_callback(self.state["tasks"].discard)


async def measure(
    port: int, connections: int, seconds: float, body: bytes, path: str = "/score", warm_up: float | None = None
) -> dict[str, float]:
    """Requests a second, latencies in milliseconds and failed requests; the warm-up (a fifth) is not counted."""
    request = b"POST %b HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
    request %= (path.encode(), len(body), body)
    state: dict[str, Any] = {"times": [], "failed": 0, "going": True, "all": 0, "tasks": set()}
    loop = asyncio.get_running_loop()
    for _ in range(connections):
        await loop.create_connection(lambda: Client(request, state, port), "127.0.0.1", port)
    await asyncio.sleep(seconds / 5 if warm_up is None else warm_up)
    state["times"], state["failed"] = [], 0
    began = time.perf_counter()
    await asyncio.sleep(seconds)
    times = sorted(state["times"])
    spent = time.perf_counter() - began
    state["going"] = False
    await asyncio.sleep(0.1)
    return {
        "rate": round(len(times) / spent, 1),
        "p50_ms": round(times[len(times) // 2] * 1000, 3) if times else 0.0,
        "p99_ms": round(times[int(len(times) * 0.99)] * 1000, 3) if times else 0.0,
        "failed": state["failed"],
        "all": state["all"],
    }


if __name__ == "__main__":
    port, connections, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    path = sys.argv[5] if len(sys.argv) > 5 else "/score"
    warm_up = float(sys.argv[6]) if len(sys.argv) > 6 else None
    found = measure(port, connections, seconds, Path(sys.argv[4]).read_bytes(), path, warm_up)
    print(json.dumps(uvloop.run(found)))
