"""What is to be told, numbered, with only the newest word on each subject.

A reader who is slow, or was away, gets the newest word on everything that changed since the number it read last: nothing is
queued for it, so it costs no memory however slow it is, and it misses no state.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Bulletin", "Notice", "Reader"]


@dataclass(frozen=True)
class Notice:
    """The newest word on one subject."""

    number: int
    kind: str
    data: Mapping[str, Any]


class Bulletin:
    """Written from any thread, read on event loops."""

    def __init__(self) -> None:
        # Numbers of another life mean nothing here.
        self.life = secrets.token_hex(4)
        self._lock = threading.Lock()
        self._number = 0
        self._notices: dict[tuple[str, str], Notice] = {}
        self._readers: set[Reader] = set()

    def post(self, kind: str, subject: str, data: Mapping[str, Any]) -> None:
        """Say what is true of a subject now; saying the same again is not news."""
        with self._lock:
            former = self._notices.get((kind, subject))
            if former and former.data == data:
                return
            self._number += 1
            self._notices[kind, subject] = Notice(self._number, kind, data)
            readers = list(self._readers)
        for reader in readers:
            reader.wake()

    def forget(self, kind: str, subject: str) -> None:
        """There is nothing more to say of it."""
        with self._lock:
            self._notices.pop((kind, subject), None)

    def after(self, number: int) -> list[Notice]:
        """What was said after a number, oldest first."""
        with self._lock:
            return sorted((n for n in self._notices.values() if n.number > number), key=lambda notice: notice.number)

    def position(self, last_event_id: str) -> int:
        """Where a reader goes on who has read up to that id; 0 for the beginning, where the id is of another life."""
        life, _, number = last_event_id.partition("-")
        return int(number) if life == self.life and number.isdecimal() else 0

    def event_id(self, number: int) -> str:
        """The id that ``position`` understands."""
        return f"{self.life}-{number}"

    @property
    def has_readers(self) -> bool:
        """Whether anybody reads."""
        return bool(self._readers)

    def add(self, reader: Reader) -> None:
        with self._lock:
            self._readers.add(reader)

    def remove(self, reader: Reader) -> None:
        with self._lock:
            self._readers.discard(reader)


class Reader:
    """One who reads a bulletin on an event loop: made, used and left there."""

    def __init__(self, bulletin: Bulletin, number: int) -> None:
        self._bulletin = bulletin
        self._number = number
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        bulletin.add(self)

    def wake(self) -> None:
        """Called from the writer's thread."""
        try:
            self._loop.call_soon_threadsafe(self._news.set)
        except RuntimeError:
            self.leave()  # its loop has ended

    async def read(self) -> list[Notice]:
        """Wait for news, and return it. Never empty."""
        while True:
            self._news.clear()
            if notices := self._bulletin.after(self._number):
                self._number = notices[-1].number
                return notices
            await self._news.wait()

    def leave(self) -> None:
        """Read no more. Again does nothing."""
        self._bulletin.remove(self)
