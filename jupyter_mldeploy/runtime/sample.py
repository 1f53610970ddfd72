"""One request of our own on its way through a worker: the sample of a dry run, or of a reload before its switch."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.runtime import failures
from jupyter_mldeploy.runtime.worker import frames, trial

if TYPE_CHECKING:
    from jupyter_mldeploy.runtime.dispatch import Dispatcher
    from jupyter_mldeploy.runtime.worker_link import WorkerLink


class SampleCall:
    """A sample; `done` gets the failure, or None when `run()` answered it, and `told` is that answer."""

    def __init__(self, sample: bytes, dispatcher: Dispatcher, request_id: str) -> None:
        self.request_id = request_id.encode()
        self.worker: WorkerLink | None = None
        self.since = 0.0
        self.abandoned = False
        self.failure: dict[str, Any] | None = None
        self.told = ""
        self.done: asyncio.Future[dict[str, Any] | None] = asyncio.get_running_loop().create_future()
        self._body = sample
        self._dispatcher = dispatcher

    def payload(self, *, described: bool) -> tuple[bytes, bytes]:
        """The sample as a JSON request."""
        return json.dumps(trial.DESCRIPTION).encode() if described else b"", self._body

    def answered(self, worker: WorkerLink, status: int, flags: int, exec_us: int, meta: bytes, body: bytes) -> None:
        """Tell an answer from a failure."""
        del worker
        self._dispatcher.finished(self)
        self.told = f"run() answered {status} in {exec_us / 1000:.3f} ms: {body[:2000].decode('utf-8', 'replace')}"
        returned = bool(flags & frames.RUN_RETURNED)
        self._end(trial.failure_of(status, body, meta, self.request_id.decode(), returned=returned))

    def overloaded(self) -> None:
        """There is no worker for it."""
        self._end(failures.failure("run", "exit", "There was no worker to run the sample."))

    def timed_out(self) -> None:
        """run() took too long; its worker goes with what it was tried for."""
        if self.worker is not None:
            self.worker.calls.clear()
        message = "run() did not return within the scoring time-out."
        self._end(failures.failure("run", "timeout", message, request_id=self.request_id.decode()))

    def worker_died(self, worker: WorkerLink, known: dict[str, Any] | None) -> None:
        """The worker ended in run()."""
        del worker
        self._end(known or self.failure or failures.failure("run", "exit", "The worker ended in run()."))

    def _end(self, failure: dict[str, Any] | None) -> None:
        if not self.done.done():
            self.done.set_result(failure)
