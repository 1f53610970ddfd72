"""The operations that this server runs: each told on the bulletin stage by stage, each can be interrupted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from jupyter_mldeploy.errors import Cancelled, MLDeployError, NotFound
from jupyter_mldeploy.events import Cancel, Event, EventKind, Sink
from jupyter_mldeploy.server.bulletin import Bulletin

__all__ = ["OPERATION", "Operations"]

OPERATION = "operation"
LOG_LINES = 6

Result = TypeVar("Result")
_STATES = {
    EventKind.STARTED: "running",
    EventKind.PROGRESS: "running",
    EventKind.FINISHED: "done",
    EventKind.SKIPPED: "skipped",
    EventKind.FAILED: "failed",
}


@dataclass
class _Running:
    """One operation so far."""

    service: str
    verb: str
    began: float = field(default_factory=time.time)
    stages: dict[str, dict[str, Any]] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    cancel: Cancel = field(default_factory=Cancel)

    def hear(self, event: Event) -> None:
        """Fold one event into what is shown."""
        if event.kind is EventKind.EXPLAINED:
            return
        if event.kind is EventKind.LOG:
            self.log = [*self.log, event.message][-LOG_LINES:]
            return
        stage = self.stages.setdefault(
            str(event.stage), {"stage": str(event.stage), "state": "running", "note": "", "seconds": None}
        )
        stage.update(state=_STATES[event.kind], note=event.message or stage["note"])
        if event.seconds is not None:
            stage["seconds"] = round((stage["seconds"] or 0.0) + event.seconds, 3)

    def to_json(self, state: str = "running", error: MLDeployError | None = None) -> dict[str, Any]:
        """As it is told."""
        return {
            "service": self.service,
            "verb": self.verb,
            "state": state,
            "began": self.began,
            "seconds": None if state == "running" else round(time.time() - self.began, 3),
            "stages": [dict(stage) for stage in self.stages.values()],
            "log": list(self.log),
            "error": error.to_json() if error else None,
        }


class Operations:
    """Of one server. That there is only one at a time on a service is the record's lock's business, not this one's."""

    def __init__(self, bulletin: Bulletin) -> None:
        self._bulletin = bulletin
        self._lock = threading.Condition()
        self._running: dict[str, _Running] = {}

    def run(self, service: str, verb: str, call: Callable[[Sink, Cancel], Result]) -> Result:
        """Run it in this thread and tell of it."""
        operation = _Running(service, verb)
        with self._lock:
            first = self._running.setdefault(service, operation) is operation
        if not first:
            return call(lambda _event: None, operation.cancel)  # refused by the lock of the record, with its words

        def hear(event: Event) -> None:
            operation.hear(event)
            told_first = event.kind is EventKind.EXPLAINED  # it is cleaned up behind this
            self._tell(operation, "failed" if told_first else "running", event.error)

        self._tell(operation)
        try:
            result = call(hear, operation.cancel)
        except MLDeployError as error:
            self._tell(operation, "cancelled" if isinstance(error, Cancelled) else "failed", error)
            raise
        except BaseException:
            self._bulletin.forget(OPERATION, service)
            raise
        else:
            self._tell(operation, "done")
            return result
        finally:
            with self._lock:
                del self._running[service]
                self._lock.notify_all()

    def cancel(self, service: str) -> None:
        """Ask the one that runs on a service to end.

        Raises:
            NotFound: This server runs none on it.
        """
        with self._lock:
            operation = self._running.get(service)
        if operation is None:
            raise NotFound(
                f"This server runs no operation on {service!r}.",
                "One of a notebook is interrupted with its Stop button.",
            )
        operation.cancel.set()

    def cancel_all(self) -> None:
        """The server ends."""
        with self._lock:
            running = list(self._running.values())
        for operation in running:
            operation.cancel.set()

    def wait(self, seconds: float) -> None:
        """Until none runs, or so many seconds are over."""
        with self._lock:
            self._lock.wait_for(lambda: not self._running, seconds)

    def _tell(self, operation: _Running, state: str = "running", error: MLDeployError | None = None) -> None:
        self._bulletin.post(OPERATION, operation.service, operation.to_json(state, error))
