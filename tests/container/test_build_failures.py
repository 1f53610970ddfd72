"""Builds that fail: the step, its command, its own last lines as evidence, the log kept, and nothing left behind."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from docker.errors import ImageNotFound

from jupyter_mldeploy import service, services
from jupyter_mldeploy.errors import Cancelled, DeploymentFailed, InvalidValue
from jupyter_mldeploy.events import Cancel, Event
from jupyter_mldeploy.images.engine import Engine
from jupyter_mldeploy.spec import Environment

from ..contract.scripts import ADDING
from .conftest import LOCKED_REGISTRY, OPEN_REGISTRY, Deploy, Ran, both_builders, once, registry_is_there
from .under_test import ContainerUnderTest

CREDENTIALS = json.dumps({"auths": {LOCKED_REGISTRY: {"auth": base64.b64encode(b"tester:correct horse").decode()}}})


def refused(deployed: Deploy, **wishes: object) -> DeploymentFailed:
    with pytest.raises(DeploymentFailed) as failed:
        deployed(**wishes)
    assert failed.value.stage == "build"
    return failed.value


def pip(*requirements: str) -> Environment:
    return Environment(name="e", requirements=requirements)


@both_builders
def test_a_package_that_does_not_exist(builder: str, deployed: Deploy, mldeploy: Callable[..., Ran]) -> None:
    error = refused(deployed, environment=pip("no-such-package-anywhere==9.9"))
    assert "No matching distribution found for no-such-package-anywhere==9.9" in error.summary
    assert "pip install" in error.summary
    assert error.evidence.facts["command"].startswith("RUN /opt/env/bin/pip install")
    assert error.diagnosis is not None
    assert error.diagnosis.cause == "pip-no-matching-distribution"
    # The log is kept, and found by the service, by the image and in the list.
    for words in (
        ("logs", "adder", "--build"),
        ("images", "--log", "adder"),
        ("images", "--log", error.evidence.facts["image"]),
    ):
        told = mldeploy(*words)
        assert told.code == 0, (words, told.err)
        assert "No matching distribution found" in told.out, words
    assert re.search(r"mldeploy/environment:\w+ +adder +failed", mldeploy("images").out)
    assert service("adder").state == "failed"


def test_a_compiler_that_is_missing(deployed: Deploy, tmp_path: Path) -> None:
    folder = tmp_path / "native"
    folder.mkdir()
    (folder / "setup.py").write_text(
        "from setuptools import Extension, setup\n"
        "setup(name='native', version='1', ext_modules=[Extension('native', ['native.c'])])\n"
    )
    (folder / "native.c").write_text("#include <Python.h>\nPyMODINIT_FUNC PyInit_native(void) { return 0; }\n")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        tar.add(folder, "native-1")
    with _served(tmp_path, "native-1.tar.gz", packed.getvalue()) as uri:
        os.environ["MLDEPLOY_BUILD_NETWORK"] = "host"
        try:
            error = refused(deployed, environment=pip(f"native @ {uri}"))
        finally:
            del os.environ["MLDEPLOY_BUILD_NETWORK"]
    assert re.search(r"gcc|cc1|C compiler", error.evidence.build_log)
    assert error.diagnosis is not None
    assert error.diagnosis.cause == "compiler-missing"


def _served(folder: Path, name: str, content: bytes) -> _Server:
    (folder / "served").mkdir()
    (folder / "served" / name).write_bytes(content)
    return _Server(folder / "served", name)


class _Server:
    """One file over HTTP."""

    def __init__(self, folder: Path, name: str) -> None:
        import functools
        from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

        handler = functools.partial(SimpleHTTPRequestHandler, directory=str(folder))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._name = name

    def __enter__(self) -> str:
        import threading

        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_port}/{self._name}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@both_builders
def test_a_build_without_network(builder: str, deployed: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLDEPLOY_BUILD_NETWORK", "none")
    monkeypatch.setenv("PIP_RETRIES", "0")
    error = refused(deployed, environment=pip("six==1.15.0", "idna==3.4"))
    assert error.diagnosis is not None
    assert error.diagnosis.cause == "build-network-unreachable"


@both_builders
@pytest.mark.parametrize("reference", [f"{OPEN_REGISTRY}/nobody/nothing:1", "127.0.0.1:1/a/b:1"])
def test_a_base_image_that_cannot_be_had(
    builder: str, deployed: Deploy, monkeypatch: pytest.MonkeyPatch, reference: str
) -> None:
    registry_is_there(OPEN_REGISTRY)
    monkeypatch.setenv("MLDEPLOY_BASE_IMAGE", reference)
    error = refused(deployed)
    assert f"FROM {reference}" in error.summary
    assert re.search("not found|unknown|connection refused", error.evidence.build_log)


@both_builders
def test_a_base_image_of_a_registry_that_wants_a_password(
    builder: str,
    deployed: Deploy,
    engine: Engine,
    target: ContainerUnderTest,
    monkeypatch: pytest.MonkeyPatch,
    docker_config: Callable[[str], None],
) -> None:
    registry_is_there(LOCKED_REGISTRY)
    locked = f"{LOCKED_REGISTRY}/private/base-{os.urandom(4).hex()}"
    engine.api.tag(target.base, locked, "1")
    for line in engine.api.push(
        locked, "1", stream=True, decode=True, auth_config={"username": "tester", "password": "correct horse"}
    ):
        assert "error" not in line, line
    engine.api.remove_image(f"{locked}:1")
    monkeypatch.setenv("MLDEPLOY_BASE_IMAGE", f"{locked}:1")
    error = refused(deployed)
    assert error.diagnosis is not None
    assert error.diagnosis.cause in {"image-pull-auth", "base-image-unavailable"}
    assert re.search("no basic auth credentials|401 Unauthorized", error.summary)
    docker_config(CREDENTIALS)
    cancel = Cancel()

    def sink(event: Event) -> None:
        if event.stage == "build" and ": RUN (getent" in event.message:  # the first command in it
            cancel.set()

    with pytest.raises(Cancelled):
        deployed(until="build", sink=sink, cancel=cancel)
    with suppress(ImageNotFound):  # BuildKit gives what it pulls no name
        engine.api.remove_image(f"{locked}:1", force=True)


@pytest.fixture
def foreign_base(engine: Engine) -> Iterator[str]:
    """An image whose programs are for a processor that no machine of ours has."""
    elf = bytearray(b"\x7fELF\x02\x01\x01" + bytes(57))
    elf[16:20] = (2).to_bytes(2, "little") + (0xF3 if os.uname().machine == "aarch64" else 0xB7).to_bytes(2, "little")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        info = tarfile.TarInfo("bin/sh")
        info.mode, info.size = 0o755, len(elf)
        tar.addfile(info, io.BytesIO(bytes(elf)))
    name = f"mldeploy-test/foreign:{os.getpid()}"
    engine.api.import_image_from_data(packed.getvalue(), *name.split(":"))
    yield name
    engine.api.remove_image(name, force=True)


def test_a_base_image_of_another_architecture(
    deployed: Deploy, foreign_base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLDEPLOY_BASE_IMAGE", foreign_base)
    error = refused(deployed)
    assert "exec format error" in error.evidence.build_log
    assert error.diagnosis is not None
    assert error.diagnosis.cause in {"exec-format-error", "image-platform-mismatch"}


def test_a_base_image_with_another_python(deployed: Deploy) -> None:
    error = refused(deployed, environment=Environment(name="e", python="3.7", requirements=()))
    assert "The base image has Python 3." in error.summary
    assert "but the environment asks for 3.7" in error.summary


def test_a_base_image_that_is_no_reference(deployed: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLDEPLOY_BASE_IMAGE", "python:3.11\nRUN reboot")
    with pytest.raises(InvalidValue, match="write an image reference"):
        deployed()


def test_a_system_package_that_does_not_exist(deployed: Deploy) -> None:
    error = refused(deployed, environment=Environment(name="e", requirements=(), apt=("no-such-library-9",)))
    assert "apt-get install" in error.evidence.facts["command"]
    assert error.diagnosis is not None
    # apt writes it in three pieces, and so the engine sends it.
    assert "E: Unable to locate package no-such-library-9" in error.evidence.build_log.splitlines()
    assert str(error).count("E: Unable to locate package no-such-library-9") == 1


# -- interrupts in the middle -----------------------------------------------------------------------------------------


def test_interrupting_a_command_of_a_build_leaves_nothing(
    deployed: Deploy, engine: Engine, target: ContainerUnderTest
) -> None:
    before = set(engine.api.images(all=True, quiet=True))
    cancel = Cancel()
    told: list[str] = []

    def sink(event: Event) -> None:
        told.append(event.message)
        if event.stage == "build" and event.message.startswith("Collecting"):
            cancel.set()

    with pytest.raises(Cancelled):
        deployed(environment=pip(once("certifi==2024.2.2")), sink=sink, cancel=cancel)
    (log,) = (target.home / "images").rglob("*.log")
    seen = re.findall(r"^ ---> (?:Running in )?([0-9a-f]{12})$", log.read_text(), re.MULTILINE)
    assert services() == []
    assert target.leftovers() == []
    assert seen
    for what in seen:
        image = engine.has_image(what)
        assert image is None or image["Id"] in before, "a layer of the interrupted build is left"
        assert not engine.api.containers(all=True, filters={"id": what}), "its container is left"
    # What it says is what was done; another test's build may have gone on from one of the steps meanwhile.
    last = log.read_text().splitlines()[-1]
    assert re.fullmatch(r"Interrupted: (the steps .* removed|.* stays?, .* left)\.", last), last
    assert last in told


@pytest.mark.parametrize(
    ("moment", "builder"),
    [("Collecting", "classic"), ("Collecting", "automatic"), ("launch", "classic")],
    indirect=["builder"],
)
def test_control_c_on_the_command_line_leaves_nothing(
    builder: str, target: ContainerUnderTest, script: Path, tmp_path: Path, moment: str
) -> None:
    (tmp_path / "requirements.txt").write_text(once("certifi==2024.6.2") if moment == "Collecting" else "")
    slow = ADDING.replace("def init():\n", "import time\ndef init():\n    time.sleep(60)\n")
    script.write_text(slow)
    words = [
        sys.executable,
        "-m",
        "jupyter_mldeploy.cli",
        "deploy",
        "score.py",
        "--name",
        "adder",
        "--target",
        "container",
    ]
    words += ["--environment", "requirements.txt"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip().startswith(moment):
                break
        process.send_signal(2)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 130, said
    assert services() == []
    assert target.leftovers() == []
