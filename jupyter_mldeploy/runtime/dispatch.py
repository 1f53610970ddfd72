"""Which call goes to which worker, and how long it may wait and run.

A call goes to a free worker, never behind a busy one. Both time limits are the same for every call, so the call that
expires next is always the oldest: one timer for the queue and one for the running calls are enough, and a call that
ends in time costs no timer at all.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_mldeploy.runtime.worker_link import WorkerLink


class QueuedCall(Protocol):
    """A scoring call as the dispatcher handles it."""

    request_id: bytes
    worker: WorkerLink | None
    since: float  # loop time: queued at, then started at
    abandoned: bool  # the client is gone

    def payload(self, worker: WorkerLink) -> tuple[bytes, bytes]:
        """Meta and body for this worker."""

    def answered(self, worker: WorkerLink, status: int, flags: int, exec_us: int, meta: bytes, body: bytes) -> None:
        """Take the worker's answer."""

    def overloaded(self) -> None:
        """No worker became free in time."""

    def timed_out(self) -> None:
        """run() took too long."""


class Dispatcher:
    """The queue in front of the workers."""

    def __init__(self, max_wait_s: float | None, scoring_timeout_s: float, most_waiting: int = 100_000) -> None:
        self.max_wait_s = max_wait_s
        self.scoring_timeout_s = scoring_timeout_s
        self.most_waiting = most_waiting
        self.waiting: deque[QueuedCall] = deque()
        self.running: dict[QueuedCall, float] = {}
        self.on_queue: Callable[[], None] | None = None
        self._free: list[WorkerLink] = []
        self._loop = asyncio.get_event_loop()
        self._queue_timer: asyncio.TimerHandle | None = None
        self._run_timer: asyncio.TimerHandle | None = None

    def submit(self, call: QueuedCall) -> None:
        """Send a call to a free worker, or queue it."""
        call.since = self._loop.time()
        free = self._free
        while free:
            worker = free[-1]
            if worker.free:
                self._start(worker, call)
                if len(worker.calls) >= worker.slots:
                    free.remove(worker)
                return
            free.pop()
        if len(self.waiting) >= self.most_waiting:
            call.overloaded()
            return
        self.waiting.append(call)
        if self.on_queue is not None:
            self.on_queue()
        if self.max_wait_s is not None and self._queue_timer is None:
            self._queue_timer = self._loop.call_later(self.max_wait_s, self._expire_waiting)

    def offer(self, worker: WorkerLink) -> None:
        """A worker has a free place."""
        while worker.free:
            call = self._next_waiting()
            if call is None:
                if worker not in self._free:
                    self._free.append(worker)
                return
            self._start(worker, call)

    def withdraw(self, worker: WorkerLink) -> None:
        """Send nothing more to a worker."""
        if worker in self._free:
            self._free.remove(worker)

    def finished(self, call: QueuedCall) -> None:
        """A running call is over, however it ended."""
        self.running.pop(call, None)

    @property
    def queued(self) -> int:
        """How many calls wait for a worker."""
        return len(self.waiting)

    def _next_waiting(self) -> QueuedCall | None:
        while self.waiting:
            call = self.waiting.popleft()
            if not call.abandoned:
                return call
        return None

    def _start(self, worker: WorkerLink, call: QueuedCall) -> None:
        call.since = now = self._loop.time()
        self.running[call] = now
        if self._run_timer is None:
            self._run_timer = self._loop.call_later(self.scoring_timeout_s, self._expire_running)
        meta, body = call.payload(worker)
        worker.send_call(call, meta, body)

    def _expire_waiting(self) -> None:
        self._queue_timer = None
        assert self.max_wait_s is not None
        now = self._loop.time()
        while self.waiting:
            call = self.waiting[0]
            left = call.since + self.max_wait_s - now
            if left > 0.0005 and not call.abandoned:
                self._queue_timer = self._loop.call_later(left, self._expire_waiting)
                return
            self.waiting.popleft()
            if not call.abandoned:
                call.overloaded()

    def _expire_running(self) -> None:
        self._run_timer = None
        now = self._loop.time()
        for call, began in list(self.running.items()):
            left = began + self.scoring_timeout_s - now
            if left > 0.0005:
                self._run_timer = self._loop.call_later(left, self._expire_running)
                return
            del self.running[call]
            call.timed_out()

    def refuse_waiting(self) -> None:
        """Answer every waiting call that there is no worker."""
        while self.waiting:
            call = self.waiting.popleft()
            if not call.abandoned:
                call.overloaded()
