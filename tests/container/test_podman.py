"""The main road on Podman, whose service speaks as a Docker engine does, but not in everything."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_mldeploy import services
from jupyter_mldeploy.errors import Cancelled, DeploymentFailed, InvalidValue
from jupyter_mldeploy.events import Cancel, Event
from jupyter_mldeploy.images import engine as engine_module
from jupyter_mldeploy.images.build_log import BuildLogs
from jupyter_mldeploy.images.engine import connect
from jupyter_mldeploy.spec import Environment

from ..contract.scripts import ADDING, edited
from ..infra.podman import the_podman
from .conftest import Deploy, Heard, Ran, unique
from .under_test import ContainerUnderTest

pytestmark = pytest.mark.timeout(600)  # whichever is the first on a Podman that has just come up builds the environment


@pytest.fixture
def target(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ContainerUnderTest]:
    """The container target on Podman. Afterwards every service is deleted, and nothing of any is left."""
    podman = the_podman()
    monkeypatch.setenv("DOCKER_HOST", podman.engine.address)
    made = ContainerUnderTest(home, podman)
    monkeypatch.setenv("MLDEPLOY_BASE_IMAGE", made.base)
    yield made
    for service in services():
        service.delete()
    assert made.leftovers() == []
    assert made.containers() == []


def test_a_service_that_is_killed_is_failed_and_can_be_started_again(
    deployed: Deploy, target: ContainerUnderTest
) -> None:
    made = deployed()
    target.kill(made)
    status = made.status()
    assert status.state == "failed"
    assert "killed from outside, not for its memory (exit code 137" in status.message
    made.start()
    assert made.run({"x": 1})["sum"] == 2


def test_a_container_that_eats_its_memory_is_told_so(deployed: Deploy) -> None:
    eating = edited(ADDING, 'print("init ran")', "eaten = [b'x' * 2**20 for _ in range(2**12)]")
    with pytest.raises(DeploymentFailed) as failed:
        deployed(eating, memory="100Mi")
    assert failed.value.diagnosis is not None
    assert "memory" in failed.value.diagnosis.title.lower()
    assert failed.value.evidence.oom_killed


def test_an_init_that_fails_leaves_its_log_and_no_container(deployed: Deploy, target: ContainerUnderTest) -> None:
    failing = edited(ADDING, 'print("init ran")', 'print("looking"); open("/nowhere/model.pkl")')
    with pytest.raises(DeploymentFailed, match=r"nowhere/model\.pkl") as failed:
        deployed(failing)
    assert failed.value.stage == "init"
    assert "looking" in failed.value.evidence.log
    assert target.containers() == []


def test_a_step_that_fails_is_named(deployed: Deploy) -> None:
    with pytest.raises(DeploymentFailed, match=r"in build in step \d+/\d+, RUN .*pip install") as failed:
        deployed(pip=["no-such-package-at-all==1"])
    assert "No matching distribution found for no-such-package-at-all==1" in failed.value.evidence.build_log


def test_an_interrupted_build_says_what_is_left_and_prune_offers_it(
    deployed: Deploy, target: ContainerUnderTest, mldeploy: Callable[..., Ran]
) -> None:
    cancel = Cancel()

    def sink(event: Event) -> None:
        if event.message == "now it sleeps":
            cancel.set()

    steps = (f"ENV NUMBER={os.urandom(6).hex()}", "RUN echo now it sleeps; sleep 20")
    with pytest.raises(Cancelled):
        deployed(environment=Environment(name="e", requirements=(), steps=steps), sink=sink, cancel=cancel)
    (log,) = (target.home / "images").rglob("*.log")
    text = log.read_text()
    stays = r"Interrupted: (?:a finished step stays|\d+ finished steps stay), because something still uses it"
    assert re.search(stays, text.splitlines()[-1])
    (left,) = re.findall(r"ENV NUMBER=\w+\n--> ([0-9a-f]{11})$", text, re.MULTILINE)
    assert re.search(rf"^image +{left}\w, of a build that was not finished$", mldeploy("prune").out, re.MULTILINE)


def test_limits_that_the_engine_has_not(deployed: Deploy, target: ContainerUnderTest) -> None:
    cpus = target.engine.api.info()["NCPU"]
    with pytest.raises(InvalidValue, match=f"cpu={cpus + 1} is not valid: the engine has {cpus} CPU"):
        deployed(cpu=cpus + 1)


def test_a_users_podman_is_found_without_being_named(
    target: ContainerUnderTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DOCKER_HOST")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(engine_module, "DEFAULT_SOCKET", str(tmp_path / "no-docker.sock"))
    socket = Path(target.engine.address.removeprefix("unix://"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(socket.parents[1]))
    found = connect()
    assert found.address == f"unix://{socket}"
    assert found.has_image(target.base)
    found.close()


def test_from_the_first_deployment_to_the_last_trace(
    deployed: Deploy, target: ContainerUnderTest, heard: Heard, mldeploy: Callable[..., Ran]
) -> None:
    script = unique(ADDING)
    made = deployed(script, sink=heard, memory="300Mi")
    assert made.run({"x": 1})["sum"] == 2
    assert made.status().limits["memory"] == "enforced"
    steps = [event.data["step"] for event in heard.of("build", "progress")]
    assert steps[-1] == 4  # of the script's part, which is never there already
    image = made.record.details["image"]
    assert "STEP 4/4" in BuildLogs(target.home).text(image)
    assert "scored 1" in made.logs()
    before = made.record.details["container"]

    # An edit is put into the running container.
    changed = deployed(edited(script, "+ 1", "+ 2"), memory="300Mi")
    assert changed.run({"x": 1})["sum"] == 3
    assert changed.record.details["container"] == before
    # Another number of replicas, which a running container's limits must make room for.
    changed.scale(2)
    assert len(changed.status().replicas) == 2
    assert target.engine.api.inspect_container(before)["State"]["Running"]

    # A new container takes over the port, and has the edited script in its image.
    updated = deployed(edited(script, "+ 1", "+ 3"), memory="300Mi", env={"COLOUR": "blue"})
    assert updated.run({"x": 1})["sum"] == 4
    assert updated.scoring_uri == made.scoring_uri
    assert updated.record.details["container"] != before
    told = mldeploy("exec", "adder", "--", "sh", "-c", "echo $COLOUR; ls -l score.py; exit 3")
    assert told.code == 3
    assert "blue" in told.out
    assert "mldeploy" in told.out  # the user that the script belongs to

    image = updated.record.details["image"]
    assert mldeploy("delete", "adder", "--yes", "--image").code == 0
    assert target.containers() == []
    assert target.engine.has_image(image) is None
