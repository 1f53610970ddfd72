"""Deployments as they are told in events, for the tests of what is drawn."""

from __future__ import annotations

from jupyter_mldeploy.diagnosis.actions import Action
from jupyter_mldeploy.errors import DeploymentFailed
from jupyter_mldeploy.events import Event, EventKind, Stage
from jupyter_mldeploy.evidence import Evidence
from jupyter_mldeploy.notebook.explanation import Explanation, ProofLine
from jupyter_mldeploy.notebook.service_view import ServiceView
from jupyter_mldeploy.notebook.timeline import Timeline
from jupyter_mldeploy.targets.base import ReplicaStatus, Status

BEGAN = 1_763_719_200.0  # 2025-11-21 10:00 UTC


def told(stage: Stage, kind: EventKind, message: str = "", at: float = 0.0, **more: object) -> Event:
    """One event, ``at`` seconds after the beginning."""
    seconds = more.pop("seconds", None)
    return Event(
        service="iris",
        stage=stage,
        kind=kind,
        message=message,
        time=BEGAN + at,
        seconds=seconds,
        data=more,  # type: ignore[arg-type]
    )


def building() -> Timeline:
    """A container, in the middle of its build."""
    timeline = Timeline(
        service="iris", target="container", stages=Timeline.begin("iris", "container").stages, began=BEGAN,
        notes=("clf is the notebook's variable (LogisticRegression)",),
    )  # fmt: skip
    for event in (
        told(Stage.REGISTER, EventKind.STARTED),
        told(Stage.REGISTER, EventKind.FINISHED, "clf:3", at=0.1, seconds=0.1),
        told(Stage.BUILD, EventKind.STARTED, at=0.1),
        told(Stage.BUILD, EventKind.PROGRESS, "step 4 of 7", at=3),
        told(Stage.BUILD, EventKind.LOG, "Collecting scikit-learn==1.9.1", at=4),
        told(Stage.BUILD, EventKind.LOG, "  Downloading <scikit_learn> & more (9.7 MB)", at=5),
    ):
        timeline = timeline.after(event)
    return timeline


def deployed() -> Timeline:
    """The same, when it has ended well."""
    timeline = building()
    for event in (
        told(Stage.BUILD, EventKind.FINISHED, "", at=14, seconds=13.9),
        told(Stage.PUSH, EventKind.SKIPPED, "no registry", at=14),
        told(Stage.LAUNCH, EventKind.STARTED, at=14),
        told(Stage.LAUNCH, EventKind.FINISHED, "port 43117", at=14.3, seconds=0.3),
        told(Stage.INIT, EventKind.STARTED, at=14.3),
        told(Stage.INIT, EventKind.FINISHED, "1 replica", at=15.1, seconds=0.8, replicas=1, ready=1),
        told(Stage.READY, EventKind.STARTED, at=15.1),
        told(Stage.READY, EventKind.FINISHED, "sample → [0]", at=15.2, seconds=0.1, answer="[0]"),
    ):
        timeline = timeline.after(event)
    return timeline.ended("deployed to container in 15 s", uri="http://127.0.0.1:43117/score", now=BEGAN + 15.2)


def explanation() -> Explanation:
    """Out of memory, as the look draws it."""
    return Explanation(
        title="the container ran out of memory in init()",
        service="iris",
        target="container",
        stage="init",
        lines=(
            ProofLine("2026-11-21 10:02:11 I iris/1  loading clf:3 (1.4 GB)", "log"),
            ProofLine("exit code 137 · OOMKilled: true · <memory limit 512 MiB>", "facts", proves=True),
        ),
        where="cell [4], line 6",
        source_line="model = joblib.load(path)",
        what="The model needs more memory than the service may use.",
        steps=(
            "Give it more: the file alone is 1.4 GB, so try 4 GB.",
            'Or load less: `joblib.load(path, mmap_mode="r")` keeps arrays on disk:\n    joblib.load(path, mmap_mode="r")',
            "If the log repeats `Booting worker`, see **worker loops**.",
        ),
        actions=(
            Action("more-memory", "Redeploy with 4Gi", "%service_update iris --memory 4Gi", True),
            Action("open-cell", "Open cell [4] at line 6", "%diagnose iris --open", False),
            Action("logs", "Show the log", "%service_logs iris", False),
        ),
        cause="oom-in-init",
        certainty="certain",
        sources=("Container shows Killed / 137",),
    )


def failed() -> Timeline:
    """Out of memory in init()."""
    timeline = Timeline(
        service="iris", target="container", stages=Timeline.begin("iris", "container").stages, began=BEGAN
    )  # fmt: skip
    for event in (
        told(Stage.REGISTER, EventKind.STARTED),
        told(Stage.REGISTER, EventKind.FINISHED, "clf:3", at=0.1, seconds=0.1),
        told(Stage.BUILD, EventKind.FINISHED, "", at=0.1, seconds=0.0, cached=True),
        told(Stage.LAUNCH, EventKind.FINISHED, "", at=0.4, seconds=0.3),
        told(Stage.INIT, EventKind.STARTED, at=0.4),
        told(Stage.INIT, EventKind.FAILED, "iris failed in init", at=0.9, seconds=0.5),
    ):
        timeline = timeline.after(event)
    error = DeploymentFailed("iris failed in init: it was killed.", stage="init", evidence=Evidence(service="iris"))
    return timeline.failed(error, explanation(), now=BEGAN + 0.9)


def service() -> ServiceView:
    """Three replicas, one of which has answered with errors; the file was edited."""
    replicas = tuple(
        ReplicaStatus(name=name, state="ready", script="a1f3c09" + "0" * 57, requests=requests, errors=errors, p50_ms=1.94,
                      p99_ms=6.2, memory_bytes=212 * 1024**2)
        for name, requests, errors in (("iris-7d9f-4q569", 12_408, 0), ("iris-<b>", 12_377, 2))
    )  # fmt: skip
    status = Status(
        state="running", replicas=(*replicas, ReplicaStatus(name="iris-new", state="starting")), utilization=0.68,
        scoring_uri="http://127.0.0.1:43117/score", script="a1f3c09" + "0" * 57, requests=24_785, errors=2,
        recent=({"time": BEGAN, "status": 200, "ms": 1.9, "replica": 1}, {"time": BEGAN + 1, "status": 500, "ms": 120.0}),
        limits={"memory": "enforced", "cpu": "unsupported"},
    )  # fmt: skip
    return ServiceView(
        name="iris", target="kubernetes", status=status, models=("clf:3",), origin="score.py", edited=True, seen=BEGAN
    )
