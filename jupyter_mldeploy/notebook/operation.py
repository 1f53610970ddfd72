"""One operation on a service, shown in the cell that asked for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.errors import MLDeployError
from jupyter_mldeploy.events import Cancel, Event, EventKind, Sink
from jupyter_mldeploy.notebook.explanation import explain
from jupyter_mldeploy.notebook.language import Later, later, later_all
from jupyter_mldeploy.notebook.pump import Pump
from jupyter_mldeploy.notebook.render.wording import seconds
from jupyter_mldeploy.notebook.timeline import Timeline
from jupyter_mldeploy.notebook.views import View

if TYPE_CHECKING:
    from jupyter_mldeploy.api import Service

__all__ = ["Operation", "headline"]

Work = Callable[[Sink, Cancel], "Service"]


class Operation:
    """Deploy, reload, update or start: the same stages, the same timeline.

    Args:
        work: Does it, in a thread; hears of cancelling, tells its events.
        timeline: What to begin with.
        make_view: Makes the place where it is drawn, from the timeline and a way to cancel.
    """

    def __init__(
        self,
        work: Work,
        timeline: Timeline,
        make_view: Callable[[Timeline, Callable[[], None]], View],
    ) -> None:
        self.timeline = timeline
        self.error: MLDeployError | None = None
        self._lock = threading.Lock()
        self._pump: Pump[Service] = Pump(
            lambda cancel: work(self._hear, cancel), self._show, name=f"mldeploy-work-{timeline.service}", clock=1.0
        )
        # The work begins first: making the first widget of a kernel takes a while.
        self._pump.start()
        try:
            self._view = make_view(timeline, self._pump.cancel.set)
        except BaseException:
            self._pump.cancel.set()
            raise

    def wait(self) -> Service:
        """Show it until it has ended, and leave the static bundle.

        Raises:
            MLDeployError: It failed, or the kernel was interrupted; the panel above the error says what and why.
        """
        try:
            service = self._pump.watch()
        except MLDeployError as error:
            self.error = error
            explanation = explain(error, self.timeline.service, self.timeline.target)
            self._finish(self.timeline.failed(error, explanation))
            raise
        except BaseException:
            # Not ours: a bug below. The timeline must not go on looking alive above its traceback.
            self._finish(self.timeline.failed(MLDeployError(later("an unexpected error, see below"))))
            raise
        status = service.status()
        line = headline(service, self.timeline)
        self._finish(self.timeline.ended(line, uri=status.scoring_uri))
        return service

    def _hear(self, event: Event) -> None:
        with self._lock:
            self.timeline = self.timeline.after(event)
            if event.kind is EventKind.EXPLAINED and event.error is not None:
                # Shown at once; what was begun is cleaned up behind it, and only then the cell ends.
                explanation = explain(event.error, self.timeline.service, self.timeline.target)
                self.timeline = self.timeline.failed(event.error, explanation)
        self._pump.changed()

    def _show(self) -> None:
        self._view.show(self.timeline)

    def _finish(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self._view.finish(timeline)


_AGAIN = (later("reloaded with init() run again in %1"), later("%1 → reloaded with init() run again in %2"))
_IN_PLACE = (later("reloaded in place in %1"), later("%1 → reloaded in place in %2"))
_UPDATED = (later("updated in %1"), later("%1 → updated in %2"))
"""What was done; and the same with why."""


def headline(service: Service, timeline: Timeline, now: float | None = None) -> Later:
    """What an operation came to: what was done, why, and how long it took."""
    took = seconds(timeline.ended("", now=now).seconds or 0.0)
    outcome: Any = service.outcome
    if outcome is None:
        return later("%1 done in %2", later(timeline.verb), took)
    why = later_all(outcome.change.reasons)
    match outcome.change.kind:
        case "created":
            done = later("deployed to %1 in %2", timeline.target, took)
            return later("deployed to %1 in %2 (%3)", timeline.target, took, why) if why else done
        case "reloaded":
            receipt = outcome.receipt
            kept = receipt is not None and receipt.mode == "in-place"
            return _done(_IN_PLACE if kept else _AGAIN, why, took if receipt is None else seconds(receipt.seconds))
        case "scaled":
            done = later("%1, done in %2", why, took)
            return later("%1, scaled in %2", why, took) if "replicas" in why else done
        case "updated":
            return _done(_UPDATED, why, took)
    prepared = later("prepared for %1 in %2; nothing was started or changed", timeline.target, took)
    return prepared if outcome.change.kind == "prepared" else later("nothing changed, it goes on running")


def _done(ways: tuple[Later, Later], why: Later, took: str) -> Later:
    alone, because = ways
    return later(because.template, why, took) if why else later(alone.template, took)
