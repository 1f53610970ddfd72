"""What a deployment has come to so far: events folded into one value that is drawn. Pure."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from jupyter_mldeploy.events import Event, EventKind, Stage

if TYPE_CHECKING:
    from jupyter_mldeploy.errors import MLDeployError
    from jupyter_mldeploy.notebook.explanation import Explanation

__all__ = ["StageView", "Timeline", "expected_stages"]

LOG_LINES = 6
"""Lines of the log that are shown while it runs; enough to see that something moves."""

StageState = Literal["waiting", "running", "done", "skipped", "failed", "cancelled"]
State = Literal["deploying", "done", "failed", "cancelled"]

_ALWAYS = (Stage.REGISTER, Stage.BUILD, Stage.LAUNCH, Stage.INIT, Stage.READY)
_BY_TARGET: Mapping[str, tuple[Stage, ...]] = {
    "container": (Stage.REGISTER, Stage.BUILD, Stage.PUSH, Stage.LAUNCH, Stage.INIT, Stage.READY),
    "kubernetes": tuple(Stage),
}
_UNSAID = {Stage.READY: "no sample was given"}
"""What a stage that has nothing to say has done."""

_ORDER = {stage: position for position, stage in enumerate(Stage)}


def expected_stages(target: str) -> tuple[Stage, ...]:
    """The stages to draw before any has begun; whatever else is heard of is added in its place."""
    return _BY_TARGET.get(target, _ALWAYS)


@dataclass(frozen=True, kw_only=True)
class StageView:
    """One stage as it is drawn."""

    stage: Stage
    state: StageState = "waiting"
    note: str = ""
    seconds: float | None = None
    began: float | None = None


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """One deployment.

    Attributes:
        service, target: Of what, where.
        verb: What is done, as in "deploying": ``deploy``, ``reload``, ``update`` or ``start``.
        state: ``deploying`` until it has ended.
        stages: In order.
        log: The last lines that were printed.
        replicas: (ready, wanted), once a stage says so.
        began, now: Seconds since the epoch.
        seconds: How long it took, once it has ended.
        headline: What it came to.
        uri: Where the service listens.
        notes: Short lines on what was understood, such as where a model came from.
        script: The text of a script that was written for a model, to be shown.
        explanation: Of a failure.
    """

    service: str
    target: str
    verb: str = "deploy"
    state: State = "deploying"
    stages: tuple[StageView, ...] = ()
    log: tuple[str, ...] = ()
    replicas: tuple[int, int] | None = None
    began: float = field(default_factory=time.time)
    seconds: float | None = None
    headline: str = ""
    uri: str = ""
    notes: tuple[str, ...] = ()
    script: str = ""
    explanation: Explanation | None = None

    @classmethod
    def begin(cls, service: str, target: str, verb: str = "deploy", notes: Iterable[str] = ()) -> Timeline:
        """Nothing has happened yet."""
        stages = tuple(StageView(stage=stage) for stage in expected_stages(target))
        return cls(service=service, target=target, verb=verb, stages=stages, notes=tuple(notes))

    @property
    def current(self) -> StageView | None:
        """The stage that runs, or that failed."""
        return next((view for view in self.stages if view.state in {"running", "failed", "cancelled"}), None)

    def after(self, event: Event) -> Timeline:
        """This, and ``event`` has happened."""
        log, replicas = self.log, self.replicas
        if event.kind is EventKind.LOG:
            log = (*log, event.message)[-LOG_LINES:]
        if {"ready", "replicas"} <= event.data.keys():
            replicas = (int(event.data["ready"]), int(event.data["replicas"]))
        script = str(event.data.get("written_script", self.script))
        return replace(self, stages=self._stages_after(event), log=log, replicas=replicas, script=script)

    def _stages_after(self, event: Event) -> tuple[StageView, ...]:
        views = list(self.stages)
        if all(view.stage is not event.stage for view in views):
            views.append(StageView(stage=event.stage))
            views.sort(key=lambda view: _ORDER[view.stage])
        position = next(i for i, view in enumerate(views) if view.stage is event.stage)
        views[position] = _stage_after(views[position], event)
        return tuple(views)

    def ended(self, headline: str, *, uri: str = "", now: float | None = None) -> Timeline:
        """It is done. Stages that never began were not needed."""
        stages = tuple(
            replace(view, state="skipped", note=view.note or "not needed") if view.state == "waiting" else view
            for view in self.stages
        )
        return replace(self, state="done", stages=stages, headline=headline, uri=uri, seconds=self._since(now))

    def failed(
        self, error: MLDeployError, explanation: Explanation | None = None, now: float | None = None
    ) -> Timeline:
        """It has failed, or was interrupted."""
        from jupyter_mldeploy.errors import Cancelled

        state: State = "cancelled" if isinstance(error, Cancelled) else "failed"
        stages = tuple(_end_of(view, state) for view in self.stages)
        return replace(
            self,
            state=state,
            stages=stages,
            headline=error.summary,
            explanation=explanation,
            seconds=self._since(now),
        )

    def _since(self, now: float | None) -> float:
        return max((now if now is not None else time.time()) - self.began, 0.0)

    def to_json(self) -> dict[str, Any]:
        """What the bundle's own MIME type carries: plain data, no markup."""
        return {
            "version": 1,
            "service": self.service,
            "target": self.target,
            "verb": self.verb,
            "state": self.state,
            "headline": str(self.headline),
            "began": round(self.began, 3),
            "seconds": None if self.seconds is None else round(self.seconds, 3),
            "uri": self.uri,
            "replicas": None if self.replicas is None else {"ready": self.replicas[0], "wanted": self.replicas[1]},
            "notes": list(self.notes),
            "stages": [
                {"stage": str(view.stage), "state": view.state, "note": view.note, "seconds": view.seconds}
                for view in self.stages
            ],
            "failure": self.explanation.to_json() if self.explanation else None,
        }


def _stage_after(view: StageView, event: Event) -> StageView:
    match event.kind:
        case EventKind.STARTED:
            # A stage may be gone through twice (models are registered, then named): its times add up.
            return replace(view, state="running", began=event.time - (view.seconds or 0.0))
        case EventKind.PROGRESS:
            return replace(view, state="running", note=event.message or view.note)
        case EventKind.FINISHED:
            note = event.message or ("cached" if event.data.get("cached") else _UNSAID.get(view.stage, ""))
            return replace(view, state="done", note=note, seconds=(view.seconds or 0.0) + (event.seconds or 0.0))
        case EventKind.SKIPPED:
            return replace(view, state="skipped", note=event.message or "skipped")
        case EventKind.FAILED:
            return replace(view, state="failed", note="", seconds=(view.seconds or 0.0) + (event.seconds or 0.0))
    return view


def _end_of(view: StageView, state: State) -> StageView:
    if view.state == "running" or (view.state == "failed" and state == "cancelled"):
        return replace(view, state="cancelled" if state == "cancelled" else "failed")
    return view
