"""Fixtures of the contract suite: one home folder a test, every target, and nothing left behind."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_mldeploy import Service, deploy, services
from jupyter_mldeploy.config import MLDeploy
from jupyter_mldeploy.events import Event

from ..container.under_test import ContainerUnderTest
from ..kubernetes.under_test import KubernetesUnderTest
from .scripts import ADDING, Gate
from .target_under_test import LocalUnderTest, TargetUnderTest

TARGETS = [
    pytest.param(LocalUnderTest, id="local"),
    pytest.param(ContainerUnderTest, id="container", marks=[pytest.mark.engine, pytest.mark.timeout(180)]),
    pytest.param(KubernetesUnderTest, id="kubernetes", marks=[pytest.mark.cluster, pytest.mark.timeout(180)]),
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "contract" in item.path.parts:
            item.add_marker(pytest.mark.timeout(120))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home folder of its own, which the settings in force name."""
    folder = tmp_path / "home"
    monkeypatch.setenv("MLDEPLOY_HOME", str(folder))
    monkeypatch.chdir(tmp_path)
    MLDeploy.clear_instance()
    yield folder
    MLDeploy.clear_instance()


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TargetUnderTest]:
    """The target under test. Afterwards every service is deleted, and nothing of any may be left."""
    for name, why in request.param.not_here.items():
        if request.node.name.startswith(name):
            pytest.skip(why)
    under_test: TargetUnderTest = request.param(home)
    for name, value in under_test.environ.items():
        monkeypatch.setenv(name, value)
    MLDeploy.clear_instance()
    yield under_test
    under_test.hasten()
    for service in services():
        service.delete()
    assert under_test.leftovers() == []


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """The file of the script that adds one."""
    path = tmp_path / "score.py"
    path.write_text(ADDING)
    return path


@pytest.fixture
def gate(target: TargetUnderTest, tmp_path: Path) -> Gate:
    """A script whose init() waits for the test."""
    return target.gate(tmp_path)


@pytest.fixture
def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Heard:
    """A sink that keeps what it hears."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    @property
    def ended(self) -> list[str]:
        """``stage kind`` of the stages that have ended, in order."""
        kinds = {"finished", "failed", "skipped"}
        return [f"{event.stage} {event.kind}" for event in self.events if event.kind in kinds]


@pytest.fixture
def heard() -> Heard:
    return Heard()


Deploy = Callable[..., Service]


@pytest.fixture
def deployed(target: TargetUnderTest, script: Path) -> Deploy:
    """Deploy to the target under test: the script that adds one, named ``adder``, unless said otherwise."""

    def make(text: str | None = None, name: str = "adder", **wishes: Any) -> Service:
        if text is not None:
            script.write_text(text)
        return deploy(script, name, target=target.name, **wishes)

    return make


@pytest.fixture
def in_thread() -> Iterator[Callable[[Callable[[], Any]], Result]]:
    """Run a call in a thread; what it raised comes out of ``Result.get``. All are joined at the end."""
    begun: list[Result] = []

    def start(call: Callable[[], Any]) -> Result:
        begun.append(Result(call))
        return begun[-1]

    yield start
    for result in begun:
        result.thread.join(90)
        assert not result.thread.is_alive()


class Result:
    """A call that runs in a thread."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call = call
        self._value: Any = None
        self._error: BaseException | None = None
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            self._value = self._call()
        except BaseException as error:  # handed to whoever asks
            self._error = error

    def get(self) -> Any:
        self.thread.join(90)
        assert not self.thread.is_alive()
        if self._error is not None:
            raise self._error
        return self._value
