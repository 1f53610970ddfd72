"""What happens to builds and services when the engine itself is restarted, killed, or has no room left.

Each on an engine of its own: the one that others use is never touched.
"""

from __future__ import annotations

import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mldeploy import Service, deploy, services
from jupyter_mldeploy.config import MLDeploy
from jupyter_mldeploy.errors import DeploymentFailed, TargetUnavailable
from jupyter_mldeploy.events import Event
from jupyter_mldeploy.records import Records
from jupyter_mldeploy.spec import Environment
from jupyter_mldeploy.targets.base import Status
from jupyter_mldeploy.targets.container.shelf import listed

from ..contract.scripts import ADDING
from ..infra.engine import the_engine
from ..infra.own_engine import OwnEngine, needs_own_engine
from .conftest import once


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[OwnEngine]:
    """An engine that has the image of the script already, so that what is waited for is the engine."""
    needs_own_engine()
    shared = the_engine()
    monkeypatch.setenv("MLDEPLOY_BASE_IMAGE", shared.base)
    monkeypatch.setenv("MLDEPLOY_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "score.py").write_text(ADDING)
    MLDeploy.clear_instance()
    image = str(adder(until="build").record.details["image"])
    parents = [str(entry.reference) for entry in listed(Records(tmp_path / "home")) if "environment" in entry.reference]
    parents += [parent for entry in listed(Records(tmp_path / "home")) for parent in entry.parents]
    with tempfile.TemporaryDirectory(prefix="eng", ignore_cleanup_errors=True) as folder:  # a short path for the socket
        own = OwnEngine(Path(folder) / "e", 1, disk=2 * 1024**3)
        try:
            own.start()
            own.load(shared.engine, sorted({image, *parents, shared.base}))
            monkeypatch.setenv("DOCKER_HOST", own.address)
            monkeypatch.setenv("MLDEPLOY_BUILD_NETWORK", "host")
            yield own
        finally:
            own.close()
            MLDeploy.clear_instance()


def adder(**wishes: object) -> Service:
    return deploy("score.py", "adder", target="container", **wishes)  # type: ignore[arg-type]


def ready_again(made: Service) -> None:
    """Wait until the service answers: the engine starts its container some moments after itself, and says so to nobody yet."""
    for _ in range(300):
        status = made.status()
        if status.state == "running" and status.ready:
            return
        time.sleep(0.2)
    raise AssertionError(status)


@pytest.mark.timeout(300)
def test_an_engine_that_is_killed_restarted_and_full(own: OwnEngine) -> None:
    made = adder()
    assert made.run({"x": 1})["sum"] == 2
    seen: list[Status] = []
    watcher = threading.Thread(target=lambda: seen.extend(made.watch()), daemon=True)
    watcher.start()

    # Killed in the middle of a build, and under a service.
    def sink(event: Event) -> None:
        if event.stage == "build" and event.message.startswith("Step 3/"):
            own.stop(signal.SIGKILL)

    slow = Environment(name="e", requirements=(once("certifi==2024.7.4"),))
    with pytest.raises((TargetUnavailable, DeploymentFailed)) as failed:
        deploy("score.py", "other", target="container", environment=slow, sink=sink)
    assert "Docker engine" in failed.value.summary
    watcher.join(60)
    assert not watcher.is_alive(), "the watcher of the service does not notice that its engine is gone"
    assert seen[-1].state == "unknown"
    assert "Docker engine" in seen[-1].message
    assert "Docker engine" in made.status().message
    # What the engine refused leaves nothing; a build that failed leaves its record, to be spoken of.
    assert ("other" in [known.name for known in services()]) == isinstance(failed.value, DeploymentFailed)

    # It comes back. Docker 20.10 starts containers again after it was restarted, and not after it was killed.
    engine = own.start()
    if made.state == "failed":
        assert "Its server is gone" in made.status().message
        made.start()
    ready_again(made)
    assert made.run({"x": 1})["sum"] == 2
    own.stop(signal.SIGTERM)
    engine = own.start()
    ready_again(made)
    assert made.run({"x": 1})["sum"] == 2
    made.update(memory="300Mi")
    assert made.run({"x": 1})["sum"] == 2

    # Full: the step that needed room is named, what runs goes on.
    own.fill()
    with pytest.raises(DeploymentFailed) as full:
        deploy("score.py", "other", target="container", environment=slow)
    assert full.value.stage == "build"
    assert "no space left on device" in f"{full.value.summary} {full.value.evidence.build_log}".lower()
    assert full.value.diagnosis is not None
    assert full.value.diagnosis.cause == "build-disk-full"
    assert made.run({"x": 1})["sum"] == 2
    for known in services():
        known.delete()
    assert engine.api.containers(all=True, filters={"label": "mldeploy.service"}) == []
