"""What the README shows is run: its cells in a real kernel, its commands in a real shell."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from ..infra.cluster import namespace, the_cluster
from ..infra.engine import the_engine

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BINARIES = Path(sys.executable).parent
IRIS = """
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
X, y = load_iris(return_X_y=True)
"""
SCORE = """
import json, joblib
from azureml.core.model import Model
def init():
    global model
    model = joblib.load(Model.get_model_path("model"))
def run(data):
    return model.predict(json.loads(data)["data"]).tolist()
"""


BASH = shutil.which("bash") or "bash"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MLDEPLOY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", f"{BINARIES}{os.pathsep}{os.environ['PATH']}")
    work = tmp_path / "work"
    work.mkdir()
    (work / "sample.json").write_text('{"data": [[5.1, 3.5, 1.4, 0.2]]}')
    (work / "score.py").write_text(SCORE)
    return work


def section(title: str) -> str:
    found = re.search(rf"^## {re.escape(title)}$(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
    assert found, f"the README has no section {title!r}"
    return found[1]


def python_blocks(text: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[str]:
    lines = [line.strip() for line in re.findall(r"^    (?! )(.+)$", text, re.MULTILINE)]
    return [re.sub(r"\s+#\s.*$", "", line) for line in lines]


def without_following(source: str) -> str:
    """Magics of one cell, with comments taken off; following a log would never end."""
    lines = [re.sub(r"\s{2,}#\s.*$", "", line).replace(" -f", "") for line in source.splitlines()]
    return "\n".join(lines)


def save_model(path: Path) -> None:
    import joblib
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    features, classes = load_iris(return_X_y=True)
    joblib.dump(LogisticRegression(max_iter=500).fit(features, classes), path)


def test_the_ten_lines_run_in_a_kernel(folder: Path) -> None:
    load, script, magics = python_blocks(section("Ten lines"))
    load = load.replace("LogisticRegression()", "LogisticRegression(max_iter=500)")
    cells = [IRIS + load, script, without_following(magics)]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    shown = str(notebook.cells[1].outputs)
    assert "sample → [0]" in shown
    assert "iris is deleted" in str(notebook.cells[2].outputs)


def test_the_python_tour_runs(folder: Path) -> None:
    save_model(folder / "model.joblib")
    (code,) = python_blocks(section("The same in a terminal and in Python"))
    told = subprocess.run(
        [sys.executable, "-c", code + "\nprint(service.status().ready)\nservice.delete()"],
        cwd=folder, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    assert told.stdout.split()[-1] == "2"


def test_the_commands_run(folder: Path) -> None:
    follow_tour(
        [line for line in commands(section("The same in a terminal and in Python")) if " serve " not in line], folder
    )


@pytest.mark.engine
@pytest.mark.timeout(600)
def test_the_tour_of_the_container_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLDEPLOY_BASE_IMAGE", the_engine().base)
    follow_tour(commands(part("In a container")), folder)


@pytest.mark.cluster
@pytest.mark.timeout(600)
def test_the_tour_of_kubernetes_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = the_cluster()
    with namespace(cluster) as place:
        for name, value in cluster.environ(place).items():
            monkeypatch.setenv(name, value)
        follow_tour(commands(part("On Kubernetes")), folder)


def part(title: str) -> str:
    found = re.search(rf"^### {re.escape(title)}$(.*?)(?=^##|\Z)", README, re.MULTILINE | re.DOTALL)
    assert found, f"the README has no part {title!r}"
    return found[1]


def follow_tour(tour: list[str], folder: Path) -> None:
    """Give the commands one after another, as they stand there."""
    assert len(tour) >= 4
    save_model(folder / "model.joblib")
    try:
        for line in tour:
            told = subprocess.run([BASH, "-c", line], cwd=folder, capture_output=True, text=True, check=False)
            assert told.returncode == 0, f"{line}: {told.stderr}"
    finally:
        subprocess.run([BASH, "-c", "mldeploy delete iris --yes"], cwd=folder, capture_output=True, check=False)


def test_every_file_that_the_readme_points_to_is_there() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), f"the README points to {target}, which is not there"
