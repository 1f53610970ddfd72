"""Stage events: the one stream that the widget, the terminal, the REST interface and the tests all read.

A pipeline emits; nobody prints from inside. A sink is any callable that takes an ``Event``; it is called from the thread
that runs the pipeline, must not block, and must not raise.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from jupyter_mldeploy.errors import Cancelled, MLDeployError

__all__ = ["Cancel", "Event", "EventKind", "Sink", "Stage", "silent", "staged"]


class Stage(StrEnum):
    """The steps of a deployment, in order."""

    REGISTER = "register"
    BUILD = "build"
    PUSH = "push"
    SCHEDULE = "schedule"
    LAUNCH = "launch"
    INIT = "init"
    READY = "ready"


class EventKind(StrEnum):
    """What a stage can say of itself."""

    STARTED = "started"
    PROGRESS = "progress"
    LOG = "log"
    FINISHED = "finished"
    SKIPPED = "skipped"
    FAILED = "failed"
    EXPLAINED = "explained"
    """After ``FAILED``, and before what was begun is cleaned up: the diagnosis is there, and the operation not at its end yet."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that happened.

    Attributes:
        service: Name of the service.
        stage: The stage it belongs to.
        kind: See ``EventKind``.
        message: One short line for a person (``LOG``: the line as it was printed).
        time: Seconds since the epoch.
        seconds: How long the stage took; for ``FINISHED`` and ``FAILED``.
        data: Facts for programs, such as ``{"cached": True}`` or ``{"replicas": 3, "ready": 1}``.
        error: What the operation will end with, its diagnosis included; for ``EXPLAINED``.
    """

    service: str
    stage: Stage
    kind: EventKind
    message: str = ""
    time: float = field(default_factory=time.time)
    seconds: float | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    error: MLDeployError | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "service": self.service,
            "stage": str(self.stage),
            "kind": str(self.kind),
            "message": self.message,
            "time": self.time,
            "seconds": self.seconds,
            "data": dict(self.data),
            **({"error": self.error.to_json()} if self.error else {}),
        }


Sink = Callable[[Event], None]


def silent(event: Event) -> None:
    """Sink that drops everything."""


class Cancel:
    """Set by whoever wants an operation to end; asked and waited on by the operation.

    Whatever blocks registers how it can be woken (close a socket, end a process) with ``on_cancel``, so that nothing has
    to look at a flag in a loop.
    """

    def __init__(self) -> None:
        # Re-entrant, and a plain flag instead of an Event: a signal handler runs in the middle of whatever its thread does,
        # also of these methods.
        self._lock = threading.RLock()
        self._is_set = False
        self._wakers: list[Callable[[], None]] = []

    @property
    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        """Ask the operation to end. Safe from any thread and from a signal handler; again does nothing."""
        with self._lock:
            self._is_set = True
            wakers, self._wakers = self._wakers, []
        for wake in wakers:
            wake()

    def check(self) -> None:
        """Raise ``Cancelled`` if the operation was asked to end."""
        if self._is_set:
            raise Cancelled("The operation was interrupted; what it had begun was cleaned up.")

    def on_cancel(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call ``wake`` once when the operation is asked to end (at once if it was already). Returns how to take it back."""
        with self._lock:
            self._wakers.append(wake)
            late = self._is_set and self._forget(wake)
        if late:
            wake()

        def take_back() -> None:
            self._forget(wake)

        return take_back

    def _forget(self, wake: Callable[[], None]) -> bool:
        """Whether it was still to be called."""
        with self._lock:
            if wake not in self._wakers:
                return False
            self._wakers.remove(wake)
            return True


@contextmanager
def staged(service: str, stage: Stage, sink: Sink, cancel: Cancel) -> Iterator[dict[str, Any]]:
    """Run one stage: started, then finished or failed with its time.

    The dict that is handed out becomes the last event's ``message`` and ``data``. A stage neither begins nor ends well once
    ``cancel`` is set.
    """
    cancel.check()
    began = time.monotonic()
    told: dict[str, Any] = {}
    sink(Event(service=service, stage=stage, kind=EventKind.STARTED))
    kind = EventKind.FINISHED
    try:
        yield told
        cancel.check()
    except BaseException as error:
        kind = EventKind.FAILED
        if getattr(error, "stage", "") == Stage.READY and stage is not Stage.READY:
            # What was begun here went well; a reload tries the sample in the same breath, and that is what failed.
            sink(Event(service=service, stage=stage, kind=EventKind.FINISHED, seconds=time.monotonic() - began))
            stage, began = Stage.READY, time.monotonic()
            sink(Event(service=service, stage=stage, kind=EventKind.STARTED))
        told = {"message": "interrupted" if isinstance(error, Cancelled | KeyboardInterrupt) else str(error)}
        raise
    finally:
        message = str(told.pop("message", ""))
        seconds = time.monotonic() - began
        sink(Event(service=service, stage=stage, kind=kind, message=message, seconds=seconds, data=told))
