"""One operation on a service, shown in the cell that asked for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.errors import MLDeployError
from jupyter_mldeploy.events import Cancel, Event, EventKind, Sink
from jupyter_mldeploy.notebook.explanation import explain
from jupyter_mldeploy.notebook.language import later
from jupyter_mldeploy.notebook.pump import Pump
from jupyter_mldeploy.notebook.render.wording import seconds
from jupyter_mldeploy.notebook.timeline import Timeline
from jupyter_mldeploy.notebook.told import told_all
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


def headline(service: Service, timeline: Timeline, now: float | None = None) -> str:
    """What an operation came to: what was done, why, and how long it took."""
    took = seconds(timeline.ended("", now=now).seconds or 0.0)
    outcome: Any = service.outcome
    if outcome is None:
        return later("%1 done in %2", timeline.verb, took)
    reasons = outcome.change.reasons
    why = told_all(reasons)
    receipt = outcome.receipt
    match outcome.change.kind:
        case "created":
            done = later("deployed to %1 in %2", timeline.target, took)
            return later("%1 (%2)", done, why) if reasons else done
        case "reloaded":
            if receipt is not None:
                took = seconds(receipt.seconds)
            kept = receipt is not None and receipt.mode == "in-place"
            again = later("reloaded with init() run again in %1", took)
            done = later("reloaded in place in %1", took) if kept else again
            return later("%1 → %2", why, done) if reasons else done
        case "scaled":
            done = later("scaled in %1", took) if "replicas" in why else later("done in %1", took)
            return later("%1, %2", why, done)
        case "updated":
            done = later("updated in %1", took)
            return later("%1 → %2", why, done) if reasons else done
        case "prepared":
            return later("prepared for %1 in %2; nothing was started or changed", timeline.target, took)
    return later("nothing changed, it goes on running")
