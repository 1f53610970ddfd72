"""Push, pull, images that were built before, single steps; updates and reloads of what runs."""

from __future__ import annotations

import base64
import json
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mldeploy import deploy, service
from jupyter_mldeploy.config import MLDeploy
from jupyter_mldeploy.errors import DeploymentFailed, InvalidValue, MLDeployError
from jupyter_mldeploy.images.engine import Engine

from ..contract.scripts import ADDING, edited
from .conftest import LOCKED_REGISTRY, OPEN_REGISTRY, Deploy, Heard, Ran, registry_is_there, unique
from .under_test import ContainerUnderTest

LOGGED_IN = json.dumps({"auths": {LOCKED_REGISTRY: {"auth": base64.b64encode(b"tester:correct horse").decode()}}})


@pytest.fixture
def team() -> str:
    """A path of the open registry that no test has used."""
    registry_is_there(OPEN_REGISTRY)
    return f"{OPEN_REGISTRY}/team-{os.urandom(4).hex()}"


def test_push_then_deploy_what_was_pushed(
    deployed: Deploy,
    team: str,
    engine: Engine,
    heard: Heard,
    mldeploy: Callable[..., Ran],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLDEPLOY_REGISTRY", team)
    made = deployed(unique(ADDING), until="push", sink=heard)
    details = made.record.details
    assert re.fullmatch(rf"{team}/adder:[0-9a-f]{{16}}", str(details["image"]))
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", str(details["digest"]))
    assert made.state == "stopped"
    progress = heard.of("push", "progress")
    assert progress[-1].data["ended"] == progress[-1].data["layers"] > 3
    assert str(details["digest"]) in mldeploy("image", "adder").out
    monkeypatch.delenv("MLDEPLOY_REGISTRY")
    engine.api.remove_image(details["image"], force=True)
    again = deployed(from_image=details["image"], name="pulled")
    assert again.run({"x": 1})["sum"] == 2
    by_digest = f"{str(details['image']).rpartition(':')[0]}@{details['digest']}"
    assert deployed(from_image=by_digest, name="pinned").run({"x": 1})["sum"] == 2


def test_a_locked_registry(
    deployed: Deploy, mldeploy: Callable[..., Ran], docker_config: Callable[[str], None], home: Path
) -> None:
    registry_is_there(LOCKED_REGISTRY)
    docker_config("{}")
    deployed(until="build")
    path = f"{LOCKED_REGISTRY}/team-{os.urandom(4).hex()}"
    refused = mldeploy("push", "adder", "--registry", path)
    assert refused.code == 1
    assert "no basic auth credentials" in refused.err
    assert f"docker login {LOCKED_REGISTRY}" in refused.out
    assert "no basic auth credentials" in mldeploy("logs", "adder", "--build").out
    docker_config(LOGGED_IN)
    done = mldeploy("push", "adder", "--registry", path)
    assert done.code == 0, done.err
    assert f"pushed {path}/adder:" in done.out
    pushed = str(service("adder").record.details["pushed"])
    docker_config("{}")
    _forget(pushed)
    with pytest.raises(DeploymentFailed) as failed:
        deployed(from_image=pushed, name="pulled")
    assert "no basic auth credentials" in failed.value.summary
    assert f"docker login {LOCKED_REGISTRY}" in str(failed.value.diagnosis)
    docker_config(LOGGED_IN)
    assert deployed(from_image=pushed, name="pulled").run({"x": 1})["sum"] == 2
    kept = "".join(file.read_text(errors="replace") for file in home.rglob("*") if file.is_file())
    assert "correct horse" not in kept
    assert base64.b64encode(b"tester:correct horse").decode() not in kept


def test_what_a_pull_or_push_failed_with_is_in_the_log_of_the_image(
    deployed: Deploy,
    mldeploy: Callable[..., Ran],
    docker_config: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    home: Path,
) -> None:
    registry_is_there(LOCKED_REGISTRY)
    refused, text = "no basic auth credentials", unique(ADDING)
    team = f"{LOCKED_REGISTRY}/team-{os.urandom(4).hex()}"
    missing = f"{team}/nothing:1"
    with pytest.raises(DeploymentFailed, match=refused):
        deployed(text, from_image=missing)
    assert refused in mldeploy("logs", "adder", "--build").out
    assert refused in mldeploy("images", "--log", missing).out
    assert re.search(rf"{missing} +adder +failed", mldeploy("images").out)
    monkeypatch.setenv("MLDEPLOY_REGISTRY", team)
    MLDeploy.clear_instance()
    with pytest.raises(DeploymentFailed, match=rf"push of {team}/adder:\w+: .*{refused}"):
        deployed(text)
    log = mldeploy("logs", "adder", "--build").out
    assert "Successfully tagged" in log
    assert refused in log.splitlines()[-1]
    # The same of an update: what runs has a log of its own, and the later failure is what is asked for.
    monkeypatch.delenv("MLDEPLOY_REGISTRY")
    MLDeploy.clear_instance()
    made = deployed(text)
    assert refused not in mldeploy("logs", "adder", "--build").out
    monkeypatch.setenv("MLDEPLOY_REGISTRY", team)
    MLDeploy.clear_instance()
    with pytest.raises(DeploymentFailed, match=refused):
        made.update(memory="300Mi")
    assert refused in mldeploy("logs", "adder", "--build").out.splitlines()[-1]
    assert made.run({"x": 1})["sum"] == 2
    docker_config(LOGGED_IN)
    made.update(memory="300Mi")
    pushed = str(made.record.details["image"])
    assert pushed.startswith(team)
    # What was built here, has gone, and cannot be had.
    docker_config("{}")
    made.delete()
    _forget(pushed)
    with pytest.raises(DeploymentFailed, match=refused):
        deployed(from_image=pushed, name="pulled")
    assert refused in mldeploy("logs", "pulled", "--build").out.splitlines()[-1]
    docker_config(LOGGED_IN)
    deployed(from_image=pushed, name="pulled")
    assert mldeploy("logs", "pulled", "--build").out == f"{pushed} was taken as it is: nothing was built.\n"


def _forget(reference: str) -> None:
    from jupyter_mldeploy.images.engine import connect

    connect().api.remove_image(reference, force=True)


def test_an_image_of_somebody_else_is_refused(deployed: Deploy, target: ContainerUnderTest) -> None:
    with pytest.raises(InvalidValue, match="it was not built by `mldeploy build`"):
        deployed(from_image=target.base)


def test_a_push_without_a_registry_or_with_none_that_can_be(deployed: Deploy, mldeploy: Callable[..., Ran]) -> None:
    deployed(until="build")
    assert "name one with --registry" in mldeploy("push", "adder").err
    for registry in ("http://127.0.0.1:5000/zz", "127.0.0.1:5000/ü", "a b"):
        refused = mldeploy("push", "adder", "--registry", registry)
        assert (refused.code, refused.out) == (1, "")
        assert f"registry={registry!r} is not valid: write host and path in small letters" in refused.err


def test_building_by_itself_leaves_what_runs(deployed: Deploy, mldeploy: Callable[..., Ran], script: Path) -> None:
    made = deployed()
    script.write_text(unique(edited(ADDING, "+ 1", "+ 100")))
    done = mldeploy("build", "score.py", "--name", "adder")
    assert done.code == 0, done.err
    image = re.search(r"mldeploy/adder:\w{16}", done.out)
    assert image
    assert made.run({"x": 1})["sum"] == 2
    assert made.state == "running"
    assert made.edited
    made.update(image=image[0])
    assert made.run({"x": 1})["sum"] == 101


def test_an_image_alone_is_a_service(deployed: Deploy) -> None:
    base = deployed(unique(edited(ADDING, "+ 1", "+ 100")), name="base", until="build")
    image = str(base.record.details["image"])
    base.delete()
    alone = deploy(None, "alone", target="container", from_image=image)
    assert alone.run({"x": 1})["sum"] == 101
    assert alone.record.spec.inference.script.text.startswith(ADDING.partition("\n")[0])
    alone.update(memory="300Mi")
    assert alone.run({"x": 1})["sum"] == 101
    assert alone.status().message == ""


def test_the_same_image_again_is_unchanged_until_its_name_means_another(deployed: Deploy, engine: Engine) -> None:
    first, second = (
        str(deployed(unique(edited(ADDING, "+ 1", f"+ {number}")), name="base", until="build").record.details["image"])
        for number in (100, 200)
    )
    alike = f"mldeploy-test/latest-{os.urandom(4).hex()}"
    engine.api.tag(first, alike, "latest")

    def again() -> str:
        made = deploy(None, "alone", target="container", from_image=f"{alike}:latest")
        assert made.outcome is not None
        return f"{made.outcome.change.kind} {made.run({'x': 1})['sum']}"

    try:
        assert [again(), again(), again()] == ["created 101", "unchanged 101", "unchanged 101"]
        engine.api.tag(second, alike, "latest", force=True)
        assert [again(), again()] == ["updated 201", "unchanged 201"]
    finally:
        engine.api.remove_image(f"{alike}:latest", force=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [("pip", ["six"]), ("apt", ["libgomp1"]), ("environment", "requirements.txt"), ("source_directory", ".")],
)
def test_what_an_image_holds_cannot_be_asked_for_besides(deployed: Deploy, name: str, value: object) -> None:
    with pytest.raises(
        InvalidValue, match=rf"^{name}=.* is not valid: the image team/iris:1 holds its own; leave it out"
    ):
        deployed(from_image="team/iris:1", **{name: value})


def test_an_update_takes_the_script_of_the_image_that_it_names(deployed: Deploy, script: Path, tmp_path: Path) -> None:
    image = str(deployed(unique(ADDING), name="base", until="build").record.details["image"])
    (tmp_path / "other.py").write_text(edited(ADDING, "+ 1", "+ 100"))
    made = deploy(tmp_path / "other.py", "adder", target="container", from_image=image)
    assert made.run({"x": 1})["sum"] == 101
    assert f"`mldeploy update adder --from-image {image}` takes that of the image" in made.status().message
    made.update(memory="300Mi")
    assert made.run({"x": 1})["sum"] == 101
    made.update(image=image)
    assert made.run({"x": 1})["sum"] == 2
    assert (made.status().message, made.spec.inference.script.text) == ("", script.read_text())
    assert made.update(image=image).outcome.change.kind == "unchanged"  # type: ignore[union-attr]
    made.update(image=image, script=tmp_path / "other.py")
    assert made.run({"x": 1})["sum"] == 101
    made.stop()
    made.update(image=image)
    assert made.run({"x": 1})["sum"] == 2


def test_the_dockerfile_and_its_context_build_by_hand(
    deployed: Deploy, mldeploy: Callable[..., Ran], engine: Engine, tmp_path: Path
) -> None:
    deployed(until="build")
    assert mldeploy("image", "adder", "--save", "context").code == 0
    assert (tmp_path / "context" / "Dockerfile").read_text() == mldeploy("image", "adder", "--dockerfile").out
    built, _ = "", None
    for line in engine.api.build(path=str(tmp_path / "context"), rm=True, decode=True):
        assert "error" not in line, line
        built = (line.get("aux") or {}).get("ID", built)
    assert engine.has_image(built)
    engine.api.remove_image(built, force=True)
    assert "empty or not there yet" in mldeploy("image", "adder", "--save", "context").err


# -- reload and update ------------------------------------------------------------------------------------------------


def test_a_reloaded_script_survives_a_restart_and_the_image_follows(
    deployed: Deploy, engine: Engine, script: Path
) -> None:
    made = deployed(unique(ADDING))
    container, image = made.record.details["container"], made.record.details["image"]
    assert "newer script" not in made.status().message
    script.write_text(edited(script.read_text(), "+ 1", "+ 100"))
    made.reload()
    assert made.run({"x": 1})["sum"] == 101
    assert made.record.details["container"] == container
    assert "newer script than its image holds" in made.status().message
    watcher = made.watch()
    engine.api.restart(container)
    assert next(status for status in watcher if status.state == "running" and status.ready)
    assert made.run({"x": 1})["sum"] == 101
    assert made.status().script == made.spec.inference.script.hash
    made.update(memory="300Mi")
    assert made.record.details["image"] != image
    assert made.status().message == ""
    assert made.run({"x": 1})["sum"] == 101


def test_an_update_keeps_the_port_and_answers_from_one_version_at_a_time(deployed: Deploy, script: Path) -> None:
    made = deployed(memory="200Mi")
    uri = made.scoring_uri
    answers: list[int] = []
    broken: list[str] = []
    enough = threading.Event()

    def ask() -> None:
        while not enough.is_set():
            try:
                answers.append(made.run({"x": 1})["sum"])
            except MLDeployError as error:
                broken.append(str(error))

    thread = threading.Thread(target=ask)
    thread.start()
    script.write_text(edited(ADDING, "+ 1", "+ 100"))
    made.update(script=script, memory="300Mi")
    made.run({"x": 1})
    enough.set()
    thread.join(60)
    assert made.scoring_uri == uri
    assert made.run({"x": 1})["sum"] == 101
    switch = answers.index(101) if 101 in answers else len(answers)
    assert set(answers[:switch]) == {2}
    assert set(answers[switch:]) <= {101}


def test_an_init_that_needs_the_network_is_given_it(
    deployed: Deploy, script: Path, heard: Heard, engine: Engine
) -> None:
    made = deployed()
    gateway = engine.api.inspect_network("bridge")["IPAM"]["Config"][0]["Gateway"]
    import socket

    with socket.create_server(("0.0.0.0", 0)) as server:
        reaches = f"def init():\n    import socket\n    socket.create_connection(('{gateway}', {server.getsockname()[1]}), 5)\n"
        script.write_text(reaches + "def run(data): return 'connected'\n")
        made.update(script=script, memory="300Mi", sink=heard)
    assert made.run("{}") == "connected"
    (told,) = heard.of("ready", "finished")
    assert "took over the port within" in told.message or "because init() needs the network" in told.message


def test_an_update_that_fails_leaves_the_old_container(deployed: Deploy, script: Path) -> None:
    made = deployed()
    before, container = made.run({"x": 1}), made.record.details["container"]
    script.write_text("def init(): raise RuntimeError('no such luck')\ndef run(data): return 1\n")
    with pytest.raises(DeploymentFailed, match="no such luck"):
        made.update(script=script, memory="300Mi")
    assert made.run({"x": 1}) == before
    assert made.record.details["container"] == container
