"""One server for the tests of its interface, and services that are made beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mldeploy import Service, deploy, services
from jupyter_mldeploy.config import MLDeploy
from tests.server.jupyter import Client, jupyter_server

SCRIPT = """import json

def init():
    print("init of the first")

def run(data):
    print("asked for", data)
    if data == "boom":
        raise ValueError("that is no number")
    return json.loads(data)["data"]
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home folder that this process and the server share."""
    folder = tmp_path_factory.mktemp("home")
    patch = pytest.MonkeyPatch()
    patch.setenv("MLDEPLOY_HOME", str(folder))
    MLDeploy.clear_instance()
    yield folder
    for service in services():
        service.delete()
    patch.undo()
    MLDeploy.clear_instance()


@pytest.fixture(scope="module")
def server(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A Jupyter Server with the extension."""
    with jupyter_server(tmp_path_factory.mktemp("server"), home) as client:
        yield client


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A scoring script that answers what it is sent."""
    path = tmp_path / "score.py"
    path.write_text(SCRIPT)
    return path


@pytest.fixture
def echo(home: Path, script: Path) -> Iterator[Service]:
    """A service that runs."""
    made = deploy(script, "echo", target="local")
    yield made
    made.delete()


@pytest.fixture(scope="module")
def shared(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Service:
    """A service that runs, for tests that do not change it."""
    path = tmp_path_factory.mktemp("script") / "score.py"
    path.write_text(SCRIPT)
    return deploy(path, "echo", target="local")
