"""One operation in a cell: what is drawn of it, and when."""

from __future__ import annotations

import threading

import pytest

from jupyter_mldeploy.diagnosis import diagnose
from jupyter_mldeploy.errors import DeploymentFailed
from jupyter_mldeploy.events import Cancel, Event, EventKind, Sink, Stage
from jupyter_mldeploy.evidence import Evidence
from jupyter_mldeploy.notebook.operation import Operation
from jupyter_mldeploy.notebook.timeline import Timeline
from jupyter_mldeploy.notebook.views import DrawnElsewhere


def test_a_failure_is_drawn_while_it_is_still_cleaned_up() -> None:
    log = "ModuleNotFoundError: No module named 'shap'"
    error = DeploymentFailed("no shap", stage="init", evidence=Evidence(stage="init", target="kubernetes", log=log))
    error.diagnosis = diagnose(error.evidence)
    drawn = threading.Event()

    def work(sink: Sink, cancel: Cancel) -> None:
        del cancel
        sink(Event(service="iris", stage=Stage.INIT, kind=EventKind.FAILED, message="no shap"))
        sink(Event(service="iris", stage=Stage.INIT, kind=EventKind.EXPLAINED, message="no shap", error=error))
        assert drawn.wait(30)  # else it is drawn when all is over only
        raise error

    def draw(timeline: Timeline) -> None:
        if timeline.explanation is not None and "shap" in str(timeline.explanation.lines):
            drawn.set()

    operation = Operation(work, Timeline.begin("iris", "kubernetes"), lambda _timeline, _cancel: DrawnElsewhere(draw))  # type: ignore[arg-type, return-value]
    with pytest.raises(DeploymentFailed):
        operation.wait()
    assert drawn.is_set()
    assert operation.timeline.state == "failed"
