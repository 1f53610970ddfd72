"""Server-sent events: what happens, and logs. Both can be taken up where they were left, by ``Last-Event-ID``."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado.iostream import StreamClosedError
from tornado.web import authenticated

from jupyter_mldeploy.api import Service
from jupyter_mldeploy.errors import MLDeployError, TargetUnavailable
from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.server.bulletin import Reader
from jupyter_mldeploy.server.handler import Handler
from jupyter_mldeploy.server.hub import MOST_LOGS
from jupyter_mldeploy.targets.base import LogLine, LogQuery

__all__ = ["EventsHandler", "LogHandler"]

HEARTBEAT = 15.0
"""Seconds of silence after which a comment is sent: proxies cut connections on which nothing moves."""
BATCH = 2000
"""Lines of one message."""


class Stream(Handler):
    """One connection on which events are sent."""

    # Another's look at a stream must not keep an idle server from being culled.
    _track_activity = False

    def begin(self) -> None:
        self._gone = Cancel()
        self._let_go = self.hub.closing.on_cancel(self._gone.set)
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("Cache-Control", "no-cache")
        self.set_header("X-Accel-Buffering", "no")

    async def send(self, kind: str, data: Any, event_id: str = "") -> None:
        """Send one event; waits until the connection has taken it, which is the back-pressure."""
        identity = f"id: {event_id}\n" if event_id else ""
        await self.send_text(f"event: {kind}\n{identity}data: {json.dumps(data)}\n\n")

    async def send_text(self, text: str) -> None:
        self.write(text)
        await self.flush()

    def on_connection_close(self) -> None:
        """The client has gone."""
        if hasattr(self, "_gone"):
            self._gone.set()

    async def next_or_gone(self, awaited: asyncio.Future[Any]) -> bool:
        """Wait, with heartbeats, for one of ours. False: the client is gone or the server ends."""
        loop = asyncio.get_running_loop()
        gone: asyncio.Future[None] = loop.create_future()

        def settle() -> None:
            if not gone.done():
                gone.set_result(None)

        def wake() -> None:
            loop.call_soon_threadsafe(settle)

        take_back = self._gone.on_cancel(wake)
        try:
            while True:
                done, _ = await asyncio.wait({awaited, gone}, timeout=HEARTBEAT, return_when=asyncio.FIRST_COMPLETED)
                if gone in done:
                    return False
                if awaited in done:
                    return True
                await self.send_text(": still here\n\n")
        finally:
            take_back()
            gone.cancel()


class EventsHandler(Stream):
    """``/events``: ``hello`` first, then ``services``, ``service`` and ``operation`` as they change."""

    @authenticated
    @authorized
    async def get(self) -> None:
        self.begin()
        bulletin = self.hub.bulletin
        position = bulletin.position(self.request.headers.get("Last-Event-ID", ""))
        reader = Reader(bulletin, position)
        self.hub.observer.start()
        try:
            await self.send("hello", {"resumed": position > 0})
            while True:
                reading = asyncio.ensure_future(reader.read())
                if not await self.next_or_gone(reading):
                    reading.cancel()
                    return
                for notice in reading.result():
                    await self.send(notice.kind, notice.data, bulletin.event_id(notice.number))
        except StreamClosedError:
            pass
        finally:
            reader.leave()
            self._let_go()
            if not bulletin.has_readers:
                self.hub.observer.stop()


class LogHandler(Stream):
    """``/services/{name}/log``: ``lines`` with who printed each, then ``end`` where there is no more to come.

    An id counts lines of one life of a service; ``life`` is sent first, and with another life counting begins anew.
    """

    @authenticated
    @authorized
    async def get(self, name: str) -> None:
        query = LogQuery(
            follow=self.flag("follow"),
            previous=self.flag("previous"),
            build=self.flag("build"),
            lines=self.number("lines", None, 1, 10_000_000),
        )
        service = await self.hub.look(self.hub.service, name)
        if self.hub.logs_open >= MOST_LOGS:
            raise TargetUnavailable(f"{MOST_LOGS} logs are followed already.", "Close one of them.")
        record = await self.hub.look(self.hub.records.get, name)
        started = record.details.get("started") or record.details.get("pid") or record.details.get("container") or ""
        life = f"{record.revision}.{started}".replace("-", "")
        known, _, count = self.request.headers.get("Last-Event-ID", "").partition("-")
        skip = int(count) if known == life and count.isdecimal() else 0
        self.begin()
        self.hub.logs_open += 1
        lines = _Lines(service, query, skip, self._gone)
        try:
            await self.send("life", {"life": life, "resumed": skip > 0})
            await self._send_all(lines, life, skip)
        except StreamClosedError:
            pass
        finally:
            self._gone.set()
            lines.end()
            self._let_go()
            self.hub.logs_open -= 1

    async def _send_all(self, lines: _Lines, life: str, number: int) -> None:
        while True:
            taking = asyncio.ensure_future(lines.take())
            if not await self.next_or_gone(taking):
                taking.cancel()
                return
            batch, ended, error = taking.result()
            if batch:
                number += len(batch)
                told = [[line.replica, line.text] for line in batch]
                await self.send("lines", {"lines": told}, f"{life}-{number}")
            if ended:
                await self.send("end", {"error": error.to_json() if error else None})
                return


class _Lines:
    """Reads a log in a thread, one batch ahead at most: while nobody takes, nothing is read."""

    def __init__(self, service: Service, query: LogQuery, skip: int, cancel: Cancel) -> None:
        self._loop = asyncio.get_running_loop()
        self._changed = threading.Condition()
        self._news = asyncio.Event()
        self._batch: list[LogLine] = []
        self._ended = False
        self._error: MLDeployError | None = None
        self._cancel = cancel
        threading.Thread(
            target=self._read, args=(service, query, skip), name=f"mldeploy-log-{service.name}", daemon=True
        ).start()

    def _read(self, service: Service, query: LogQuery, skip: int) -> None:
        try:
            for number, line in enumerate(_follow(service, query, self._cancel)):
                if number >= skip and not self._put(line):
                    return
        except MLDeployError as error:
            self._error = error
        finally:
            with self._changed:
                self._ended = True
            self._wake()

    def _put(self, line: LogLine) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: len(self._batch) < BATCH or self._cancel.is_set)
            self._batch.append(line)
            first = len(self._batch) == 1
        if first:
            self._wake()
        return not self._cancel.is_set

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._news.set)
        except RuntimeError:
            self._cancel.set()  # the loop has ended

    async def take(self) -> tuple[list[LogLine], bool, MLDeployError | None]:
        """Wait for lines or the end."""
        while True:
            self._news.clear()
            with self._changed:
                batch, self._batch = self._batch, []
                ended = self._ended
                self._changed.notify_all()
            if batch or ended:
                return batch, ended, self._error
            await self._news.wait()

    def end(self) -> None:
        """Let the thread go, whatever it waits for."""
        with self._changed:
            self._changed.notify_all()


def _follow(service: Service, query: LogQuery, cancel: Cancel) -> Iterator[LogLine]:
    return service.follow(query, cancel)
