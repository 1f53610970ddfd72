"""``notebooks/failures.ipynb`` runs from top to bottom: each of its failures is made, named, and mended."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

from ..example_notebook import DEPLOYMENT, ExampleNotebook, check_is_of_no_machine, code_cells

NOTEBOOK = ExampleNotebook("failures.ipynb")
NAMED = (
    "",  # 1 and 2 are refused before anything is made, with the line and what to write
    "",
    "crashloop-init-exception",
    "missing-env-var",
    "request-missing-key",
    "input-shape-mismatch",
    "input-type-error",
    "response-not-serializable",
    "http-504-timeout",
    "segfault",
)


def named(cell: nbformat.NotebookNode) -> str:
    """The cause that the panel under a cell names."""
    data = cell.outputs[0].data
    deployment = data.get(DEPLOYMENT, {}).get("failure", {})
    return str(data.get("application/vnd.mldeploy.diagnosis.v1+json", deployment).get("cause", ""))


def check(notebook: nbformat.NotebookNode) -> None:
    cells = code_cells(notebook)
    failing = [cell for cell in cells if "raises-exception" in cell.metadata.get("tags", [])]
    assert len(failing) == len(NAMED)
    for cell, cause in zip(failing, NAMED, strict=True):
        assert cell.outputs[-1].output_type == "error", cell.source
        assert named(cell) == cause, cell.outputs[0]
    for cell in cells:
        if cell not in failing:
            assert all(output.output_type != "error" for output in cell.outputs), cell.source
    asked = [cell for cell in cells if cell.source.startswith("%service_run") and cell not in failing]
    assert len(asked) >= 8
    assert all(cell.outputs for cell in asked)
    check_is_of_no_machine(notebook)


@pytest.mark.timeout(400)
def test_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.setenv("MLDEPLOY_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("FLOWERS_THRESHOLD", raising=False)
    notebook = NOTEBOOK.run(tmp_path)
    # Where the libraries are is of this machine alone; a proof may name one of their files.
    text = re.sub(r"/[\w./-]+/site-packages/", "site-packages/", nbformat.writes(notebook))  # type: ignore[no-untyped-call]
    notebook = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
    check(notebook)
    assert not (tmp_path / "home" / "services" / "flowers").exists(), "it cleans up"
    NOTEBOOK.keep_if_asked(notebook, request)


def test_the_committed_outputs_are_a_run() -> None:
    check(NOTEBOOK.read())
