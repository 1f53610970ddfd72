"""``notebooks/kubernetes.ipynb`` runs from top to bottom; its committed outputs are those of a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import nbformat
import pytest

from jupyter_mldeploy.targets.kubernetes.names import selector_text

from ..example_notebook import ExampleNotebook, check_is_of_no_machine, code_cells, deployments, outputs
from ..infra.cluster import namespace, the_cluster

NOTEBOOK = ExampleNotebook("kubernetes.ipynb")
BROKEN = '["centres"]'


def check(notebook: nbformat.NotebookNode) -> None:
    """It tells the whole story."""
    told = deployments(notebook)
    assert [deployment["state"] for deployment in told[:3]] == ["done", "done", "failed"]
    assert "reloaded in place" in told[1]["headline"]
    (shown, raised) = outputs(notebook, BROKEN)
    assert shown.output_type == "display_data"
    assert raised.ename == "DeploymentFailed"
    assert "KeyError" in raised.evalue
    asked = [cell.outputs for cell in code_cells(notebook) if "%service_run" in cell.source]
    assert "known" in str(asked[1])
    assert "known" in str(asked[2]), "the old version answers"
    assert str(outputs(notebook, "%service_logs")).count("Reloaded (in-place)") == 2
    check_is_of_no_machine(notebook, "work|root|home|Users")


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
    notebook = NOTEBOOK.run(tmp_path, timeout=500, failing=BROKEN)
    check(notebook)
    assert the_cluster().connect(place).list("Pod", labels=selector_text()) == [], "it cleans up"
    NOTEBOOK.keep_if_asked(notebook, request)


def test_the_committed_outputs_are_a_run() -> None:
    check(NOTEBOOK.read())
