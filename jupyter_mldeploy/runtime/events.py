"""What happened, numbered, for whoever follows `/_mldeploy/events`."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

KEPT = 1000


class EventLog:
    """The last events, and a way to wait for the next."""

    def __init__(self) -> None:
        self.last = 0
        self._kept: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._waiting: set[asyncio.Future[None]] = set()

    def emit(self, kind: str, replica: int | None = None, **fields: Any) -> None:
        """Add an event and wake those who wait."""
        self.last += 1
        if kind == "activity" and self._kept and self._kept[-1]["kind"] == kind:
            self._kept.pop()  # hours of requests must not push out what happened before them
        self._kept.append(
            {"event": self.last, "time": round(time.time(), 3), "kind": kind, "replica": replica, **fields},
        )
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
        self._waiting.clear()

    def after(self, number: int) -> list[dict[str, Any]]:
        """The kept events whose number is greater than `number`."""
        if number >= self.last:
            return []
        return [event for event in self._kept if event["event"] > number]

    async def follow(self, since: int) -> AsyncIterator[dict[str, Any]]:
        """Every event after number `since`, then the coming ones, without end."""
        while True:
            for event in self.after(since):
                since = event["event"]
                yield event
            if self.last > since:
                continue
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.add(waiter)
            try:
                await waiter
            finally:
                self._waiting.discard(waiter)
