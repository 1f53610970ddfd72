"""Fixtures of the notebook's tests."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_mldeploy.config import MLDeploy
from tests.notebook.kernels import Kernel, started

GOLDEN = Path(__file__).parent / "golden"

MODEL = """
clf = {"factor": 2}
"""


@pytest.fixture(scope="session", autouse=True)
def english() -> Iterator[None]:
    """Whatever JupyterLab is shown in here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLDEPLOY_LANGUAGE", os.environ.get("MLDEPLOY_LANGUAGE", "en"))
        MLDeploy.clear_instance()
        yield
    MLDeploy.clear_instance()


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with the file of that name in ``golden/``; ``--update-golden`` writes it."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"{path.name} is new: run with --update-golden and look at it"
        assert text == path.read_text(encoding="utf-8")

    return compare


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Moments in golden files are those of UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """A kernel with a person before it."""
    folder = tmp_path_factory.mktemp("kernel")
    with started(folder, folder / "home") as running:
        yield running
