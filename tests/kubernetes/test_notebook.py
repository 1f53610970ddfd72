"""``notebooks/kubernetes.ipynb`` runs from top to bottom; its committed outputs are those of a run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from jupyter_mldeploy.targets.kubernetes.names import selector_text

from ..infra.cluster import namespace, the_cluster

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "kubernetes.ipynb"
BROKEN = '["centres"]'
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
    assert [deployment["state"] for deployment in deployments[:3]] == ["done", "done", "failed"]
    assert "reloaded in place" in deployments[1]["headline"]
    (shown, raised) = outputs(notebook, BROKEN)
    assert shown.output_type == "display_data"
    assert raised.ename == "DeploymentFailed"
    assert "KeyError" in raised.evalue
    asked = [cell.outputs for cell in notebook.cells if cell.cell_type == "code" and "%service_run" in cell.source]
    assert "known" in str(asked[1])
    assert "known" in str(asked[2]), "the old version answers"
    assert str(outputs(notebook, "%service_logs")).count("Reloaded (in-place)") == 2
    assert "widgets" not in notebook.metadata
    text = nbformat.writes(notebook)
    assert not re.findall(r"(?<![\w.~-])/(?:work|root|home|Users)/[\w./-]*", text)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


@pytest.mark.cluster
@pytest.mark.timeout(600)
def test_it_runs(
    home: Path, stack: ExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    place = stack.enter_context(namespace(the_cluster(), "mldeploy-test-notebook"))
    for name, value in the_cluster().environ(place).items():
        monkeypatch.setenv(name, value)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for cell in notebook.cells:
        if BROKEN in cell.source:
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
    assert the_cluster().connect(place).list("Pod", labels=selector_text()) == [], "it cleans up"
    if request.config.getoption("--update-golden"):
        nbformat.write(notebook, NOTEBOOK)


def test_the_committed_outputs_are_a_run() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    check(notebook)
