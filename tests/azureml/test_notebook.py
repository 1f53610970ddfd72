"""``notebooks/from-azureml-v1.ipynb`` runs from top to bottom; its committed outputs are those of a run."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from ..infra.engine import the_engine

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "from-azureml-v1.ipynb"


def printed(notebook: nbformat.NotebookNode, text: str) -> str:
    """What the first code cell that contains a text has printed."""
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code" and text in cell.source)
    return "".join(output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in cell.outputs)


def check(notebook: nbformat.NotebookNode) -> None:
    """It tells the whole story, and nothing of the machine it ran on."""
    assert not [
        output for cell in notebook.cells for output in cell.get("outputs", []) if output.output_type == "error"
    ]
    assert "my_best_model 1" in printed(notebook, "register_model(")
    assert "Local webservice is running at http://localhost:" in printed(
        notebook, "LocalWebservice.deploy_configuration()"
    )
    assert printed(notebook, "test_sample = ") == '{"result": [0, 2]}\n'
    assert '{"species": [0, 2]}' in printed(notebook, "script.write_text(script.read_text().replace('\"result\"'")
    refused = printed(notebook, "except WebserviceException as error")
    assert "my_other_model" in refused
    assert refused.endswith('{"species": [0, 2]}\n')
    assert printed(notebook, "service.update(").endswith('2 {"species": [0, 2]}\n')
    assert printed(notebook, "service.delete()") == "'deleted'"
    one_container = printed(notebook, "AciWebservice.deploy_configuration(")
    assert 'Healthy {"species": [0, 2]}\n2 keys' in one_container
    assert "AKS_CONTEXT is not set" in printed(notebook, "AksCompute")
    text = nbformat.writes(notebook)
    assert not re.findall(r"/(?:work|root|home|tmp|Users)/[\w./-]*", text)


@pytest.mark.engine
@pytest.mark.timeout(420)
def test_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.setenv("MLDEPLOY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MLDEPLOY_BASE_IMAGE", the_engine().base)
    monkeypatch.delenv("MLDEPLOY_V1_LOCAL", raising=False)
    monkeypatch.delenv("AKS_CONTEXT", raising=False)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(
        notebook, timeout=400, kernel_name="python3", resources=resources, record_timing=False, coalesce_streams=True
    ).execute()
    if request.config.getoption("--update-golden"):
        nbformat.write(notebook, NOTEBOOK)
    check(notebook)
    assert not list((tmp_path / "home" / "services").glob("*/service.json")), "it cleans up"


def test_the_committed_outputs_are_a_run() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    check(notebook)
