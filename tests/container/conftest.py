"""A home folder of its own on the real engine; afterwards nothing of it may be left there."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jupyter_mldeploy import Service, deploy, services
from jupyter_mldeploy.cli import main
from jupyter_mldeploy.config import MLDeploy
from jupyter_mldeploy.events import Event
from jupyter_mldeploy.images.engine import Engine

from ..contract.scripts import ADDING
from ..infra.buildx import plug_in
from .under_test import ContainerUnderTest

OPEN_REGISTRY = "127.0.0.1:5000"
LOCKED_REGISTRY = "127.0.0.1:5002"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.engine)
            if item.get_closest_marker("timeout") is None:
                params = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
                waits = params.get("builder", "classic") != "classic"  # docker buildx may be in the making
                item.add_marker(pytest.mark.timeout(900 if waits else 180))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home folder of its own, which the settings in force name."""
    folder = tmp_path / "home"
    monkeypatch.setenv("MLDEPLOY_HOME", str(folder))
    for name in ("MLDEPLOY_BASE_IMAGE", "MLDEPLOY_REGISTRY", "MLDEPLOY_TARGET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    MLDeploy.clear_instance()
    yield folder
    MLDeploy.clear_instance()


@pytest.fixture
def target(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ContainerUnderTest]:
    """The target. Afterwards every service is deleted, nothing of any is left, and its images are gone."""
    made = ContainerUnderTest(home)
    monkeypatch.setenv("MLDEPLOY_BASE_IMAGE", made.base)
    yield made
    for service in services():
        service.delete()
    assert made.leftovers() == []


@pytest.fixture
def engine(target: ContainerUnderTest) -> Engine:
    return target.engine


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """The file of the script that adds one."""
    path = tmp_path / "score.py"
    path.write_text(ADDING)
    return path


Deploy = Callable[..., Service]


@pytest.fixture
def deployed(target: ContainerUnderTest, script: Path) -> Deploy:
    """Deploy to a container: the script that adds one, named ``adder``, unless said otherwise."""

    def make(text: str | None = None, name: str = "adder", **wishes: Any) -> Service:
        if text is not None:
            script.write_text(text)
        return deploy(script, name, target=target.name, **wishes)

    return make


@pytest.fixture
def builder(request: pytest.FixtureRequest, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Who builds the images: ``classic``; ``buildx``, for all of them; or, where ``docker buildx`` is, ``automatic``."""
    del home
    name = str(request.param)
    monkeypatch.setenv("MLDEPLOY_BUILDER", "" if name == "automatic" else name)
    if name != "classic":
        folder = tmp_path / "docker-config"
        plug_in(folder)
        monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    MLDeploy.clear_instance()
    return name


both_builders = pytest.mark.parametrize("builder", ["classic", "automatic"], indirect=True)


class Heard:
    """A sink that keeps what it hears."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def of(self, stage: str, kind: str) -> list[Event]:
        return [event for event in self.events if (event.stage, event.kind) == (stage, kind)]


@pytest.fixture
def heard() -> Heard:
    return Heard()


@dataclass(frozen=True)
class Ran:
    """What a command came to."""

    code: int
    out: str
    err: str


@pytest.fixture
def mldeploy(target: ContainerUnderTest) -> Callable[..., Ran]:
    """Run ``mldeploy`` with these words, in this process: the real thing but for the start of an interpreter."""
    del target

    def run(*words: str) -> Ran:
        out, err = io.StringIO(), io.StringIO()
        MLDeploy.clear_instance()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(list(words))
        MLDeploy.clear_instance()
        return Ran(code, out.getvalue(), err.getvalue())

    return run


@pytest.fixture
def someone_elses(engine: Engine, target: ContainerUnderTest) -> Iterator[Callable[[str], str]]:
    """Make a container that is no service's."""
    made: list[str] = []

    def make(name: str) -> str:
        container = engine.api.create_container(target.base, command=["sleep", "60"], name=name)
        made.append(container["Id"])
        return str(container["Id"])

    yield make
    for container in made:
        engine.api.remove_container(container, force=True)


@pytest.fixture
def made_of(engine: Engine) -> Iterator[Callable[..., str]]:
    """Let the engine build an image of these instructions; returns its name."""
    made: list[str] = []

    def make(*instructions: str) -> str:
        name = f"mldeploy-test/made:{os.urandom(6).hex()}"
        text = "\n".join(instructions).encode()
        for told in engine.api.build(fileobj=io.BytesIO(text), tag=name, rm=True, forcerm=True, decode=True):
            assert "error" not in told, told["error"]
        made.append(name)
        return name

    yield make
    for name in made:
        engine.api.remove_image(name, force=True)


@pytest.fixture
def docker_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let Docker's client configuration be this text."""

    def write(text: str) -> None:
        folder = tmp_path / "docker-config"
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text(text)
        monkeypatch.setenv("DOCKER_CONFIG", str(folder))

    write("{}")
    return write


def once(requirement: str) -> str:
    """The requirement in words that no build before had, so that none is remembered."""
    return f'{requirement} ; platform_version != "{os.urandom(6).hex()}"'


def unique(text: str) -> str:
    """The script with a last line that no image has yet."""
    return f"{text}# {os.urandom(6).hex()}\n"


def registry_is_there(address: str) -> None:
    """Skip without the registry of the tests; fail in CI."""
    import socket

    host, _, port = address.partition(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError:
        why = f"needs the registry {address} (tests/infra/engine.sh up)"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)


@pytest.fixture
def free_port() -> int:
    """A port of this machine that nobody listens on."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
