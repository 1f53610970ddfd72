"""``notebooks/container.ipynb`` runs from top to bottom; its committed outputs are those of a run."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nbformat
import pytest

from ..example_notebook import ExampleNotebook, check_is_of_no_machine, deployments, outputs
from .under_test import ContainerUnderTest

NOTEBOOK = ExampleNotebook("container.ipynb")
BROKEN = "scikit-learn==99.0"


def check(notebook: nbformat.NotebookNode) -> None:
    """It tells the whole story."""
    told = deployments(notebook)
    assert [deployment["state"] for deployment in told] == ["done", "done", "failed", "done"]
    assert "reloaded in place" in told[1]["headline"]
    (shown, raised) = outputs(notebook, BROKEN)
    assert shown.output_type == "display_data"
    assert raised.ename == "DeploymentFailed"
    assert BROKEN in raised.evalue
    assert "FROM " in outputs(notebook, "--dockerfile")[0].text
    packages = outputs(notebook, "pip list")[0].text
    assert "scikit-learn" in packages
    assert "uvloop" not in packages
    assert outputs(notebook, "get_model_path('clf')")[0].text.startswith("/var/azureml-app/azureml-models/clf/1/")
    check_is_of_no_machine(notebook, "work|root|home|Users")


@pytest.mark.timeout(600)
def test_it_runs(
    target: ContainerUnderTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    notebook = NOTEBOOK.run(tmp_path, timeout=500, failing=BROKEN)
    check(notebook)
    assert target.leftovers() == [], "it cleans up"
    NOTEBOOK.keep_if_asked(notebook, request)


def test_the_committed_outputs_are_a_run() -> None:
    check(NOTEBOOK.read())
