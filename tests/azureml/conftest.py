"""A project as the documents have one: a folder with score.py, myenv.yml, a model and config.json; and the bare name ``azureml``."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_mldeploy import services
from jupyter_mldeploy.azureml import install
from jupyter_mldeploy.azureml.lending import _Lender
from jupyter_mldeploy.config import MLDeploy

from ..infra.cluster import TestCluster, shared_namespace, the_cluster
from ..infra.engine import the_engine
from .blocks import SCORE

MYENV = """\
name: myenv
channels: [conda-forge]
dependencies:
  - python=3.6.2
  - pip:
      - azureml-defaults>=1.0.45
      - numpy
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder, which is the current one; every service of it is deleted afterwards."""
    (tmp_path / "outputs").mkdir()
    (tmp_path / "score.py").write_text(SCORE)
    (tmp_path / "myenv.yml").write_text(MYENV)
    (tmp_path / "my_model.pkl").write_text("[1, 10, 100]")
    (tmp_path / "outputs/my_model.pkl").write_text("[1, 1, 1]")
    config = {"subscription_id": "0-1", "resource_group": "group", "workspace_name": "myworkspace"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    monkeypatch.setenv("MLDEPLOY_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    MLDeploy.clear_instance()
    yield tmp_path
    for service in services():
        service.delete()
    MLDeploy.clear_instance()


@pytest.fixture
def lent() -> Iterator[None]:
    """The name ``azureml``, taken back afterwards."""
    assert install()
    yield
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Lender)]
    for name in [name for name in sys.modules if name == "azureml" or name.startswith("azureml.")]:
        del sys.modules[name]


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Local services are processes."""
    monkeypatch.setenv("MLDEPLOY_V1_LOCAL", "process")


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A Docker engine; local services are containers."""
    found = the_engine()
    monkeypatch.setenv("MLDEPLOY_V1_LOCAL", "container")
    monkeypatch.setenv("MLDEPLOY_BASE_IMAGE", found.base)
    MLDeploy.clear_instance()
    return found.engine


@pytest.fixture
def cluster(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestCluster]:
    """The tests' cluster, with an image registry that it knows."""
    found = the_cluster()
    for name, value in found.environ(shared_namespace()).items():
        monkeypatch.setenv(name, value)
    MLDeploy.clear_instance()
    yield found
    for service in services():
        service.delete()


@pytest.fixture
def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture(autouse=True)
def no_authority() -> None:
    """Nothing of a developer's own settings reaches a test."""
    os.environ.pop("MLDEPLOY_TARGET", None)
