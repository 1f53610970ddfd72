"""``notebooks/container.ipynb`` runs from top to bottom; its committed outputs are those of a run."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from .under_test import ContainerUnderTest

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "container.ipynb"
DEPLOYMENT = "application/vnd.mldeploy.deployment.v1+json"


def outputs(notebook: nbformat.NotebookNode, text: str) -> list[nbformat.NotebookNode]:
    """Outputs of the first code cell that contains a text."""
    return next(cell.outputs for cell in notebook.cells if cell.cell_type == "code" and text in cell.source)


def check(notebook: nbformat.NotebookNode) -> None:
    """It tells the whole story, and nothing of the machine it ran on."""
    deployments = [
        output.data[DEPLOYMENT]
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if DEPLOYMENT in output.get("data", {})
    ]
    assert [deployment["state"] for deployment in deployments] == ["done", "done", "failed", "done"]
    assert "reloaded in place" in deployments[1]["headline"]
    (shown, raised) = outputs(notebook, "scikit-learn==99.0")
    assert shown.output_type == "display_data"
    assert raised.ename == "DeploymentFailed"
    assert "scikit-learn==99.0" in raised.evalue
    assert "FROM " in outputs(notebook, "--dockerfile")[0].text
    packages = outputs(notebook, "pip list")[0].text
    assert "scikit-learn" in packages
    assert "uvloop" not in packages
    assert outputs(notebook, "get_model_path('clf')")[0].text.startswith("/var/azureml-app/azureml-models/clf/1/")
    assert "widgets" not in notebook.metadata
    text = nbformat.writes(notebook)
    assert not re.findall(r"(?<![\w.~-])/(?:work|root|home|Users)/[\w./-]*", text)
    assert not re.findall(r"https?://(?!127\.0\.0\.1|localhost)[\w.-]*(?:simple|pypi|proxy)[\w./-]*", text)


@pytest.mark.timeout(600)
def test_it_runs(
    target: ContainerUnderTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for cell in notebook.cells:
        if "scikit-learn==99.0" in cell.source:
            cell.metadata.tags = ["raises-exception"]
    client = NotebookClient(
        notebook,
        timeout=500,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
        record_timing=False,
    )
    client.execute()
    check(notebook)
    assert target.leftovers() == [], "it cleans up"
    if request.config.getoption("--update-golden"):
        nbformat.write(notebook, NOTEBOOK)


def test_the_committed_outputs_are_a_run() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    check(notebook)
