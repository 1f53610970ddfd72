"""``notebooks/quickstart.ipynb`` runs from top to bottom; its committed outputs are those of a run."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from ..example_notebook import ExampleNotebook, check_is_of_no_machine, deployments, outputs

NOTEBOOK = ExampleNotebook("quickstart.ipynb")


def check(notebook: nbformat.NotebookNode) -> None:
    """It tells the whole story."""
    shown = deployments(notebook)
    assert [deployment["state"] for deployment in shown] == ["done", "done", "failed", "done"]
    assert shown[1]["headline"].startswith("script changed → reloaded in place in")
    broken = outputs(notebook, '["model"]')
    assert [output.output_type for output in broken] == ["display_data", "error"]
    assert broken[1].ename == "ReloadRefused"
    check_is_of_no_machine(notebook)


def test_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.setenv("MLDEPLOY_HOME", str(tmp_path / "home"))
    notebook = NOTEBOOK.run(tmp_path, timeout=120)
    check(notebook)
    assert not (tmp_path / "home" / "services" / "iris").exists(), "it cleans up"
    NOTEBOOK.keep_if_asked(notebook, request)


def test_the_committed_outputs_are_a_run() -> None:
    check(NOTEBOOK.read())
