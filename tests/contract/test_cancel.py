"""Interrupting a deployment at every stage leaves nothing behind; interrupting an update leaves the old version whole."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mldeploy import service, services
from jupyter_mldeploy.errors import Cancelled
from jupyter_mldeploy.events import Cancel, Event, EventKind, Stage
from jupyter_mldeploy.targets.base import LogQuery

from .conftest import Deploy, Result
from .scripts import ADDING, Gate, edited
from .target_under_test import TargetUnderTest

InThread = Callable[[Callable[[], object]], Result]
MOMENTS = [
    (stage, kind)
    for stage in (Stage.REGISTER, Stage.BUILD, Stage.LAUNCH, Stage.INIT, Stage.READY)
    for kind in (EventKind.STARTED, EventKind.FINISHED)
    if (stage, kind) != (Stage.READY, EventKind.FINISHED)
]


def at(stage: Stage, kind: EventKind, cancel: Cancel) -> Callable[[Event], None]:
    """A sink that interrupts at one moment."""

    def sink(event: Event) -> None:
        if (event.stage, event.kind) == (stage, kind):
            cancel.set()

    return sink


@pytest.mark.parametrize(("stage", "kind"), MOMENTS, ids=[f"{stage} {kind}" for stage, kind in MOMENTS])
def test_interrupting_a_first_deployment_leaves_nothing(
    deployed: Deploy, target: TargetUnderTest, home: Path, stage: Stage, kind: EventKind
) -> None:
    cancel = Cancel()
    with pytest.raises(Cancelled):
        deployed(sample={"x": 1}, sink=at(stage, kind, cancel), cancel=cancel)
    assert services() == []
    assert target.leftovers() == []
    assert not (home / "services").exists() or list((home / "services").iterdir()) == []
    assert deployed().run({"x": 1})["sum"] == 2


def test_interrupting_an_init_that_runs_leaves_nothing(
    deployed: Deploy, target: TargetUnderTest, gate: Gate, in_thread: InThread
) -> None:
    cancel = Cancel()
    broken_off = in_thread(lambda: deployed(gate.script, cancel=cancel))
    gate.await_init()
    cancel.set()
    with pytest.raises(Cancelled):
        broken_off.get()
    assert services() == []
    assert target.leftovers() == []


@pytest.mark.parametrize("stage", [Stage.BUILD, Stage.LAUNCH, Stage.INIT])
@pytest.mark.parametrize("change", ["memory", "port"])
def test_interrupting_an_update_leaves_the_old_version_whole(
    deployed: Deploy, stage: Stage, change: str, free_port: int
) -> None:
    made = deployed()
    before, uri = made.run({"x": 1}), made.scoring_uri
    wishes = {"memory": "400Mi"} if change == "memory" else {"port": free_port}
    for kind in (EventKind.STARTED, EventKind.FINISHED):
        cancel = Cancel()
        with pytest.raises(Cancelled):
            made.update(**wishes, sink=at(stage, kind, cancel), cancel=cancel)
        after = made.run({"x": 1})
        assert made.scoring_uri == uri
        assert made.spec.resources.memory is None
        assert made.state == "running"
        assert after["sum"] == before["sum"]
    made.update(memory="500Mi")
    assert made.run({"x": 1})["sum"] == 2


def test_interrupting_an_update_whose_init_runs_leaves_the_old_version_whole(
    deployed: Deploy, gate: Gate, in_thread: InThread, script: Path
) -> None:
    made = deployed()
    before = made.run({"x": 1})
    script.write_text(gate.script)
    cancel = Cancel()
    broken_off = in_thread(lambda: made.update(script=script, memory="400Mi", cancel=cancel))
    gate.await_init()
    cancel.set()
    with pytest.raises(Cancelled):
        broken_off.get()
    assert service("adder").run({"x": 1}) == before
    made.update(autoscale="1:2")  # nothing of the interrupted change is still under way, or comes later
    assert service("adder").run({"x": 1}) == before


def test_interrupting_a_reload_whose_init_runs_leaves_the_old_script(
    deployed: Deploy, gate: Gate, in_thread: InThread, script: Path
) -> None:
    made = deployed()
    before = made.run({"x": 1})
    script.write_text(gate.script)
    cancel = Cancel()
    broken_off = in_thread(lambda: made.reload(cancel=cancel))
    gate.await_init()
    cancel.set()
    with pytest.raises(Cancelled):
        broken_off.get()
    assert service("adder").run({"x": 1}) == before
    script.write_text(edited(ADDING, 'given["x"] + 1', 'given["x"] + 100'))
    made.reload()
    assert made.run({"x": 1})["sum"] == 101


def test_an_operation_that_was_interrupted_before_it_began_does_nothing(deployed: Deploy) -> None:
    cancel = Cancel()
    cancel.set()
    with pytest.raises(Cancelled):
        deployed(cancel=cancel)
    assert services() == []


def test_interrupting_a_sample_does_not_wait_for_its_answer(deployed: Deploy, in_thread: InThread) -> None:
    cancel = Cancel()
    slow = "import time\ndef init(): pass\ndef run(data):\n    print('asked', flush=True)\n    time.sleep(600)\n"
    began = threading.Event()

    def sink(event: Event) -> None:
        if (event.stage, event.kind) == (Stage.READY, EventKind.STARTED):
            began.set()

    deploying = in_thread(lambda: deployed(slow, sample={}, timeout=500, sink=sink, cancel=cancel))
    assert began.wait(90)
    lines = service("adder").follow(LogQuery(follow=True, grep="asked"), Cancel())
    assert "asked" in next(lines).text
    cancel.set()
    with pytest.raises(Cancelled):
        deploying.get()
    assert services() == []


def test_interrupting_a_scaling_goes_back(deployed: Deploy) -> None:
    made = deployed(replicas=1)
    cancel = Cancel()
    before = made.record

    def sink(event: Event) -> None:
        if (event.stage, event.kind) == (Stage.READY, EventKind.STARTED):
            cancel.set()

    with pytest.raises(Cancelled):
        made.update(replicas=3, sample={"x": 1}, sink=sink, cancel=cancel)
    assert made.record.spec == before.spec
    assert any(status.ready == 1 == len(status.replicas) for status in made.watch())
    assert made.run({"x": 1})["sum"] == 2
