"""Which call goes to which worker, and how long it may wait and run.

A call goes to a free worker, never behind a busy one. Both time limits are the same for every call, so the call that
expires next is always the oldest: one timer for the queue and one for the running calls are enough, and a call that
ends in time costs no timer at all.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Protocol

from jupyter_mldeploy.runtime.shared_queue import SharedQueue

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_mldeploy.runtime.worker_link import WorkerLink


class QueuedCall(Protocol):
    """A scoring call as the dispatcher handles it."""

    request_id: bytes
    worker: WorkerLink | None
    since: float  # loop time: queued at, then started at
    abandoned: bool  # the client is gone

    def payload(self, *, described: bool) -> tuple[bytes, bytes]:
        """Meta and body for a worker, with the whole request described or not."""

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
        self.shared = SharedQueue()
        self.described = False  # whether the script wants to see whole requests
        self.on_queue: Callable[[], None] | None = None
        self._free: list[WorkerLink] = []
        self._loop = asyncio.get_event_loop()
        self._queue_timer: asyncio.TimerHandle | None = None
        self._run_timer: asyncio.TimerHandle | None = None

    def limit(self, max_wait_s: float | None, scoring_timeout_s: float) -> None:
        """Change how long calls may wait and run, those that do so already included."""
        self.max_wait_s = max_wait_s
        self.scoring_timeout_s = scoring_timeout_s
        for timer in (self._queue_timer, self._run_timer):
            if timer is not None:
                timer.cancel()
        self._queue_timer = self._run_timer = None
        if max_wait_s is not None:
            self._expire_waiting()
        self._expire_running()

    def submit(self, call: QueuedCall) -> None:
        """Send a call to a free worker, or queue it."""
        call.since = self._loop.time()
        free = self._free
        while free:
            worker = free[-1]
            if worker.free:
                self.start(worker, call)
                if len(worker.calls) >= worker.slots:
                    free.remove(worker)
                return
            free.pop()
        if len(self.waiting) >= self.most_waiting:
            call.overloaded()
            return
        if self.waiting or not self._share(call):
            self.waiting.append(call)
        if self.on_queue is not None:
            self.on_queue()
        if self.max_wait_s is not None and self._queue_timer is None:
            self._queue_timer = self._loop.call_later(self.max_wait_s, self._expire_waiting)

    def use(self, shared: SharedQueue) -> None:
        """Calls wait in another generation's queue from now on.

        What workers of the former one have taken and not told yet stays with theirs.
        """
        self._recall(self.shared)
        self.shared = shared
        self._refill()

    def took(self, worker: WorkerLink, sequence: int, shared: SharedQueue) -> None:
        """A worker has taken a call of the shared queue that it reads, perhaps one that nothing is put into any more."""
        call = shared.taken(sequence)
        if call is None:
            return
        self._runs(call)
        worker.has_call(sequence, call)
        self._refill()

    def died(self, shared: SharedQueue) -> None:
        """A reader of this queue has died: a call that it had taken, but could not tell so any more, must not wait for ever."""
        self._recall(shared)
        lost = list(shared.calls)
        self._refill()
        if lost:
            self._loop.call_later(self.scoring_timeout_s, self._give_up, shared, lost)

    def _give_up(self, shared: SharedQueue, sequences: list[int]) -> None:
        for sequence in sequences:
            call = shared.taken(sequence)
            if call is not None and not call.abandoned:
                call.overloaded()

    def _share(self, call: QueuedCall) -> bool:
        meta, body = call.payload(described=self.described)
        return self.shared.put(call, meta, body)

    def _refill(self) -> None:
        waiting = self.waiting
        while waiting:
            if waiting[0].abandoned or self._share(waiting[0]):
                waiting.popleft()
            else:
                return

    def _recall(self, shared: SharedQueue) -> None:
        """Take every call back from a shared queue to the head of the waiting ones."""
        back = []
        while (call := shared.take_back()) is not None:
            back.append(call)
        self.waiting.extendleft(reversed(back))

    def offer(self, worker: WorkerLink) -> None:
        """A worker has a free place."""
        while worker.free:
            call = self._next_waiting()
            if call is None:
                if worker not in self._free:
                    self._free.append(worker)
                return
            self.start(worker, call)

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
        return len(self.waiting) + len(self.shared.calls)

    def _next_waiting(self) -> QueuedCall | None:
        while (call := self.shared.take_back()) is not None:
            if not call.abandoned:
                return call
        while self.waiting:
            call = self.waiting.popleft()
            if not call.abandoned:
                return call
        return None

    def start(self, worker: WorkerLink, call: QueuedCall) -> None:
        """Hand a call to a worker that has a free place."""
        self._runs(call)
        meta, body = call.payload(described=worker.full_request)
        worker.send_call(call, meta, body)

    def _runs(self, call: QueuedCall) -> None:
        call.since = now = self._loop.time()
        self.running[call] = now
        if self._run_timer is None:
            self._run_timer = self._loop.call_later(self.scoring_timeout_s, self._expire_running)

    def _expire_waiting(self) -> None:
        self._queue_timer = None
        assert self.max_wait_s is not None
        now = self._loop.time()
        oldest = next(iter(self.shared.calls.values()), None)
        if oldest is not None and oldest.since + self.max_wait_s - now <= 0.0005:
            self._recall(self.shared)  # they are the oldest; what has not expired goes back below
        while self.waiting:
            call = self.waiting[0]
            left = call.since + self.max_wait_s - now
            if left > 0.0005 and not call.abandoned:
                break
            self.waiting.popleft()
            if not call.abandoned:
                call.overloaded()
        self._refill()
        oldest = next(iter(self.shared.calls.values()), None) or next(iter(self.waiting), None)
        if oldest is not None:
            left = max(0.001, oldest.since + self.max_wait_s - now)
            self._queue_timer = self._loop.call_later(left, self._expire_waiting)

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
        self._recall(self.shared)
        while self.waiting:
            call = self.waiting.popleft()
            if not call.abandoned:
                call.overloaded()
