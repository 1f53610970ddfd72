"""``notebooks/quickstart.ipynb`` runs from top to bottom; its committed outputs are those of a run."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "quickstart.ipynb"
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
    assert deployments[1]["headline"].startswith("script changed → reloaded in place in")
    broken = outputs(notebook, '["model"]')
    assert [output.output_type for output in broken] == ["display_data", "error"]
    assert broken[1].ename == "ReloadRefused"
    assert "widgets" not in notebook.metadata
    text = nbformat.writes(notebook)
    assert not re.findall(r"/(?:work|root|home|tmp|Users)/[\w./-]*", text)


def test_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.setenv("MLDEPLOY_HOME", str(tmp_path / "home"))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
        record_timing=False,
    )
    client.execute()
    check(notebook)
    assert not (tmp_path / "home" / "services" / "iris").exists(), "it cleans up"
    if request.config.getoption("--update-golden"):
        nbformat.write(notebook, NOTEBOOK)


def test_the_committed_outputs_are_a_run() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    check(notebook)
