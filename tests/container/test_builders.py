"""Two builders, one image: whichever is used, the tag, what is in it, the steps and what an interrupt leaves are the same."""

from __future__ import annotations

import functools
import os
import re
import select
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from jupyter_mldeploy import register_model, services
from jupyter_mldeploy.config import MLDeploy
from jupyter_mldeploy.errors import Cancelled, DeploymentFailed, InvalidValue
from jupyter_mldeploy.events import Cancel, Event
from jupyter_mldeploy.images.engine import Engine
from jupyter_mldeploy.spec import Environment

from .conftest import Deploy, Heard, Ran, once
from .under_test import ContainerUnderTest

BUILDKITS_WORD = "exporting to image"


def pip(*requirements: str) -> Environment:
    return Environment(name="e", requirements=requirements)


def only_log(target: ContainerUnderTest, repository: str) -> str:
    (log,) = (target.home / "images").glob(f"{repository}/*.log")
    return log.read_text()


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let the setting ``builder`` be this."""

    def change(name: str) -> None:
        monkeypatch.setenv("MLDEPLOY_BUILDER", name)
        MLDeploy.clear_instance()

    return change


@pytest.mark.parametrize("builder", ["buildx"], indirect=True)
def test_both_build_the_same_image_under_the_same_tag(
    builder: str,
    deployed: Deploy,
    engine: Engine,
    target: ContainerUnderTest,
    heard: Heard,
    use: Callable[[str], None],
    tmp_path: Path,
) -> None:
    (tmp_path / "words.txt").write_text(os.urandom(6).hex())
    register_model("words", tmp_path / "words.txt")
    wishes: dict[str, Any] = {"models": ["words"], "environment": pip(once("six==1.17.0")), "until": "build"}

    def built() -> dict[str, dict[str, Any]]:
        """What there is to know of each part, by its name."""
        made = deployed(**wishes)
        entry = made._records and target.engine.has_image(made.record.details["image"])
        assert entry is not None
        parts = [log.stem for log in (target.home / "images").rglob("*.log")]
        names = [tag for image in engine.api.images() for tag in image["RepoTags"] or () if tag.split(":")[-1] in parts]
        return {name: engine.api.inspect_image(name) for name in sorted(names)}

    with_buildkit = built()
    assert len(with_buildkit) == 3
    for repository in ("mldeploy-environment", "mldeploy-models", "mldeploy-adder"):
        assert BUILDKITS_WORD in only_log(target, repository)
    # The other builder finds it, and has nothing to do.
    use("classic")
    deployed(**wishes, sink=heard)
    assert heard.of("build", "finished")[0].message.endswith("nothing to build")
    # Without it, it makes one that cannot be told from it.
    for name in with_buildkit:
        engine.api.remove_image(name, force=True)
    with_classic = built()
    assert BUILDKITS_WORD not in only_log(target, "mldeploy-environment")
    assert set(with_classic) == set(with_buildkit)
    for name, known in with_classic.items():
        for key in (
            "Labels", "Env", "Cmd", "Entrypoint", "User", "WorkingDir", "ExposedPorts", "Healthcheck", "StopSignal",
        ):  # fmt: skip
            ours, theirs = known["Config"].get(key), with_buildkit[name]["Config"].get(key)
            assert (ours or None) == (theirs or None), (name, key)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    made = Index(tmp_path / "served")
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


class Index(ThreadingHTTPServer):
    """One wheel over HTTP, which may be kept for a year, as that of PyPI may.

    Attributes:
        requirement: For pip.
        asked: How often it was asked for.
    """

    def __init__(self, folder: Path) -> None:
        # The port may be one that an earlier run had, and what was under its address then is kept for a year.
        name = f"{os.urandom(6).hex()}/kept-1-py3-none-any.whl"
        (folder / name).parent.mkdir(parents=True)
        with zipfile.ZipFile(folder / name, "w") as wheel:
            wheel.writestr("kept.py", "")
            wheel.writestr("kept-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: kept\nVersion: 1\n")
            wheel.writestr("kept-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr("kept-1.dist-info/RECORD", "kept.py,,\n")
        self.asked = 0
        index = self

        class Handler(SimpleHTTPRequestHandler):
            def end_headers(self) -> None:
                self.send_header("Cache-Control", "max-age=31536000")
                super().end_headers()

            def do_GET(self) -> None:
                index.asked += 1
                super().do_GET()

        super().__init__(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
        self.requirement = f"kept @ http://127.0.0.1:{self.server_port}/{name}"


@pytest.mark.parametrize("builder", ["automatic"], indirect=True)
def test_buildkit_tells_steps_with_time_and_keeps_what_pip_downloaded(
    builder: str,
    deployed: Deploy,
    engine: Engine,
    target: ContainerUnderTest,
    heard: Heard,
    index: Index,
    mldeploy: Callable[..., Ran],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLDEPLOY_BUILD_NETWORK", "host")
    monkeypatch.setenv("PIP_TRUSTED_HOST", "127.0.0.1")  # of others pip keeps nothing that came without encryption
    MLDeploy.clear_instance()
    deployed(environment=pip(once(index.requirement)), until="build")
    (kept,) = (target.home / "images").glob("mldeploy-environment/*.log")
    assert BUILDKITS_WORD in kept.read_text()
    assert index.asked == 1
    deployed(environment=pip(once(index.requirement)), until="build", sink=heard)
    # Those of the environment; the script's part only copies, and that is left to the engine's own builder.
    steps = heard.of("build", "progress")
    steps = steps[: steps[0].data["steps"]]
    # BuildKit takes cached steps out of its cache side by side, and tells them as they come.
    assert sorted(event.data["step"] for event in steps) == list(range(1, len(steps) + 1))
    assert {event.data["steps"] for event in steps} == {len(steps)}
    by_command = {event.data["command"]: event.data for event in steps}
    (front,) = [data for command, data in by_command.items() if "/opt/mldeploy/front/bin/pip install" in command]
    (packages,) = [data for command, data in by_command.items() if "/opt/env/bin/pip install" in command]
    assert front["cached"]
    assert not packages["cached"]
    assert packages["seconds"] > 0
    assert not [command for command in by_command if "--mount" in command]
    # Another list of packages is installed anew, from what pip has kept.
    lines = "\n".join(event.message for event in heard.of("build", "log"))
    assert "Successfully installed kept-1" in lines
    assert index.asked == 1
    assert BUILDKITS_WORD not in lines
    # The cache is not in the image, and the Dockerfile that people get is what a person would have written.
    text = mldeploy("image", "adder", "--dockerfile").out
    assert "pip install --no-cache-dir -r /opt/env/requirements.txt" in text
    assert "--mount" not in text
    image = services()[0].record.details["image"]
    container = engine.api.create_container(image, ["find", "/root/.cache", "/etc/pip.conf", "-type", "f"], user="0")
    try:
        engine.api.start(container["Id"])
        engine.api.wait(container["Id"])
        assert not re.search(r"^/", engine.api.logs(container["Id"]).decode(), re.MULTILINE)
    finally:
        engine.api.remove_container(container["Id"], force=True)


def processes_with(word: str) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if word.encode() in (folder / "cmdline").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue  # it is gone
    return found


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="the end of a process is awaited with pidfd")
@pytest.mark.parametrize("builder", ["buildx"], indirect=True)
def test_interrupting_buildkit_ends_its_command_and_leaves_nothing(
    builder: str, deployed: Deploy, engine: Engine, target: ContainerUnderTest
) -> None:
    number = str(int.from_bytes(os.urandom(5), "big") + 10_000)
    sleeping: list[int] = []
    plugins: list[int] = []
    cancel = Cancel()

    def sink(event: Event) -> None:
        if event.message == "now it sleeps":
            sleeping.extend(os.pidfd_open(process) for process in processes_with(number))
            plugins.extend(os.pidfd_open(process) for process in processes_with("--progress=rawjson"))
            cancel.set()

    environment = Environment(name="e", requirements=(), steps=(f"RUN sleep {number} & echo now it sleeps; wait",))
    with pytest.raises(Cancelled):
        deployed(environment=environment, sink=sink, cancel=cancel)
    assert plugins
    if engine.is_local:
        assert sleeping
    for process in (*plugins, *sleeping):
        ready, _, _ = select.select([process], [], [], 60)
        assert ready, "it goes on"
        os.close(process)
    assert services() == []
    assert target.leftovers() == []
    (log,) = (target.home / "images").rglob("*.log")
    assert engine.has_image(f"mldeploy/environment:{log.stem}") is None
    assert "Finished steps are in BuildKit's cache" in log.read_text().splitlines()[-1]


# -- where BuildKit cannot be used ------------------------------------------------------------------------------------


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let the plugin be this program of the shell: one that is too old, or broken."""

    def write(text: str) -> None:
        path = tmp_path / "docker-config" / "cli-plugins" / "docker-buildx"
        path.parent.mkdir(parents=True)
        path.write_text(text)
        path.chmod(0o755)
        monkeypatch.setenv("DOCKER_CONFIG", str(path.parent.parent))

    return write


OLD = "#!/bin/sh\necho 'ERROR: invalid progress mode rawjson' >&2\nexit 1\n"


def test_a_plugin_that_cannot_be_used_is_done_without(
    deployed: Deploy,
    target: ContainerUnderTest,
    heard: Heard,
    plugin: Callable[[str], None],
    use: Callable[[str], None],
) -> None:
    plugin(OLD)
    use("")
    deployed(environment=pip(once("six==1.16.0")), until="build", sink=heard)
    kept = only_log(target, "mldeploy-environment")
    why = "ERROR: invalid progress mode rawjson"
    assert f"BuildKit could not be used: {why}\nThe engine's own builder is used instead.\nStep 1/" in kept
    assert "BuildKit" not in "\n".join(event.message for event in heard.events)
    assert heard.of("build", "finished")


@pytest.mark.parametrize(("program", "why"), [(OLD, "invalid progress mode rawjson"), ("none", "cannot be started")])
def test_one_that_was_asked_for_is_not_replaced_quietly(
    deployed: Deploy, plugin: Callable[[str], None], use: Callable[[str], None], program: str, why: str
) -> None:
    plugin(program)
    use("buildx")
    with pytest.raises(DeploymentFailed, match=why):
        deployed(environment=pip(once("six==1.16.0")), until="build")
    os.environ["DOCKER_CONFIG"] += "/nowhere"
    if not any(Path(folder).exists() for folder in ("/usr/local/lib/docker", "/usr/libexec/docker", "/usr/lib/docker")):
        with pytest.raises(InvalidValue, match="docker buildx is not installed here"):
            deployed(environment=pip(once("six==1.16.0")), until="build")


@pytest.mark.parametrize("builder", ["automatic"], indirect=True)
def test_a_network_that_buildkit_does_not_know(
    builder: str, deployed: Deploy, engine: Engine, target: ContainerUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"mldeploy-test-{os.urandom(4).hex()}"
    engine.api.create_network(name)
    try:
        monkeypatch.setenv("MLDEPLOY_BUILD_NETWORK", name)
        MLDeploy.clear_instance()
        deployed(environment=pip(once("six==1.16.0")), until="build")
        assert BUILDKITS_WORD not in only_log(target, "mldeploy-environment")
    finally:
        engine.api.remove_network(name)
