from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jupyter_mldeploy.config import MLDeploy
from jupyter_mldeploy.notebook.completion import complete
from jupyter_mldeploy.records import Record, Records
from jupyter_mldeploy.registry import ModelRegistry
from jupyter_mldeploy.spec import InferenceConfig, Script, ServiceSpec

from .kernels import Kernel


class Predictor:
    def predict(self) -> None: ...


NAMES: dict[str, Any] = {"clf": Predictor(), "X": [1], "_hidden": Predictor(), "In": []}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with two services and a model in two versions, and a folder with a script."""
    home = tmp_path / "home"
    MLDeploy.clear_instance()
    monkeypatch.setenv("MLDEPLOY_HOME", str(home))
    records = Records(home)
    for name in ("iris", "iris-two"):
        records.write(Record(spec=ServiceSpec(name=name, inference=InferenceConfig(Script("def run(data): ...\n")))))
    registry = ModelRegistry(home)
    registry.register("forest", {"a": 1})
    registry.register("forest", {"a": 2})
    (tmp_path / "score.py").touch()
    (tmp_path / "src").mkdir()
    monkeypatch.chdir(tmp_path)
    yield home
    MLDeploy.clear_instance()


def found(line: str) -> list[str]:
    return complete(line, NAMES)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("%%deploy ", ["iris", "iris-two"]),
        ("%service_logs iris-", ["iris-two"]),
        ("%%deploy iris --ta", ["--target"]),
        ("%%deploy iris --target local --ta", []),
        ("%%deploy iris --model clf --mo", ["--model"]),
        ("%%deploy iris --target ", ["local", "container", "kubernetes"]),
        ("%%deploy iris --target=k", ["--target=kubernetes"]),
        ("%%deploy iris --model ", ["forest", "clf"]),
        ("%%deploy iris --model forest:", ["forest:1", "forest:2"]),
        ("%deploy iris --script s", ["score.py", "src/"]),
        ("%deploy iris --script ", ["home/", "score.py", "src/"]),
        ("%service_run iris @s", ["@score.py", "@src/"]),
        ("%service_run iris {", ["{X}", "{clf}"]),
        ("%service_run iris 1", []),
        ("%%deploy iris --sample {", ["{X}", "{clf}"]),
        ("%service_logs iris --lines ", []),
        ("%%deploy iris --node", ["--node-selector"]),
        ("%%deploy iris --gp", ["--gpus"]),
        ("%%deploy iris --node-selector a=b --node", ["--node-selector"]),
        ("%service_update iris --load", ["--load-balancer"]),
        ("%%deploy iris --env MLDEPLOY_HO", ["MLDEPLOY_HOME"]),
        ("%%deploy iris --env MLDEPLOY_HOME=", []),
        ("%service_delete iris --i", ["--image"]),
        ("%services ", []),
    ],
)
def test_completion(home: Path, line: str, words: list[str]) -> None:
    del home
    assert found(line) == words


def test_in_a_kernel_nothing_but_our_own_is_offered(kernel: Kernel) -> None:
    kernel.run("clf = 1")
    kernel.run("abstract = 2")
    assert kernel.complete("%%deploy iris --ta") == ["--target"]
    assert kernel.complete("%%deploy iris --target ") == ["local", "container", "kubernetes"]
    assert kernel.complete("%service_run iris abs") == ["abs"]
    assert "abstract" in kernel.complete("%%deploy iris\nabs")
    assert "%%deploy" in kernel.complete("%%dep")


def test_after_the_name_come_options(home: Path) -> None:
    del home
    assert "--grep" in found("%service_logs iris ")
