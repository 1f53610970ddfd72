"""`--dry_run`: load the script, run init() and the sample, say what came out, and leave."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mldeploy.runtime.worker import frames

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_mldeploy.runtime.dispatch import Dispatcher
    from jupyter_mldeploy.runtime.log import Log
    from jupyter_mldeploy.runtime.worker_link import WorkerLink

EXIT_RUN_FAILED = 4


class SampleCall:
    """The sample on its way through a worker."""

    def __init__(self, sample: str, dispatcher: Dispatcher, log: Log, finish: Callable[[int], None]) -> None:
        self.request_id = b"dry-run"
        self.worker: WorkerLink | None = None
        self.since = 0.0
        self.abandoned = False
        self.failure = None
        self._body = Path(sample).read_bytes()
        self._dispatcher = dispatcher
        self._log = log
        self._finish = finish

    def payload(self, *, described: bool) -> tuple[bytes, bytes]:
        """The sample as a JSON request."""
        headers = b'{"method": "POST", "headers": [["content-type", "application/json"]]}'
        return headers if described else b"", self._body

    def answered(self, worker: WorkerLink, status: int, flags: int, exec_us: int, meta: bytes, body: bytes) -> None:
        """Log what run() returned."""
        del worker, meta
        self._dispatcher.finished(self)
        self._log.info(f"run() answered {status} in {exec_us / 1000:.3f} ms: {body[:2000].decode('utf-8', 'replace')}")
        self._finish(0 if flags & frames.RUN_RETURNED and status < 400 else EXIT_RUN_FAILED)

    def overloaded(self) -> None:
        """There is no worker for it."""
        self._finish(EXIT_RUN_FAILED)

    def timed_out(self) -> None:
        """run() took too long."""
        self._log.error("run() did not return within the scoring time-out.")
        self._finish(EXIT_RUN_FAILED)

    def worker_died(self, worker: WorkerLink, known: object) -> None:
        """The worker ended in run(); the pool has logged how."""
        del worker, known
        self._finish(EXIT_RUN_FAILED)
