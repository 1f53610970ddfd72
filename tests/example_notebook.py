"""An example notebook: runs from top to bottom, and its committed outputs are those of a run."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

__all__ = ["DEPLOYMENT", "ExampleNotebook", "check_is_of_no_machine", "code_cells", "deployments", "outputs"]

DEPLOYMENT = "application/vnd.mldeploy.deployment.v1+json"
_INDEXES = re.compile(r"https?://(?!127\.0\.0\.1|localhost)[\w.-]*(?:simple|pypi|proxy)[\w./-]*")


class ExampleNotebook:
    """One of ``notebooks/``."""

    def __init__(self, name: str) -> None:
        self.path = Path(__file__).parents[1] / "notebooks" / name

    def read(self) -> nbformat.NotebookNode:
        """As it is committed."""
        notebook: nbformat.NotebookNode = nbformat.read(self.path, as_version=4)  # type: ignore[no-untyped-call]
        return notebook

    def run(self, folder: Path, *, timeout: int = 180, failing: str | None = None) -> nbformat.NotebookNode:
        """Execute it in a folder; cells with the text ``failing`` are to raise."""
        notebook = self.read()
        for cell in code_cells(notebook):
            if failing is not None and failing in cell.source:
                cell.metadata.tags = ["raises-exception"]
        where = {"metadata": {"path": str(folder)}}
        NotebookClient(
            notebook,
            timeout=timeout,
            kernel_name="python3",
            resources=where,
            record_timing=False,
            coalesce_streams=True,
        ).execute()
        return notebook

    def keep_if_asked(self, notebook: nbformat.NotebookNode, request: pytest.FixtureRequest) -> None:
        """Commit its outputs with ``--update-golden``."""
        if request.config.getoption("--update-golden"):
            nbformat.write(notebook, self.path)  # type: ignore[no-untyped-call]


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """Its cells that run."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook: nbformat.NotebookNode, text: str) -> list[nbformat.NotebookNode]:
    """Outputs of the first code cell that contains a text."""
    found: list[nbformat.NotebookNode] = next(cell.outputs for cell in code_cells(notebook) if text in cell.source)
    return found


def deployments(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """What its panels show, from top to bottom."""
    shown = [output.get("data", {}) for cell in code_cells(notebook) for output in cell.outputs]
    return [data[DEPLOYMENT] for data in shown if DEPLOYMENT in data]


def check_is_of_no_machine(notebook: nbformat.NotebookNode, folders: str = "work|root|home|tmp|Users") -> None:
    """It is valid, carries no widgets that nobody could show, and names no folder and no index of the machine it ran on."""
    nbformat.validate(notebook)
    assert "widgets" not in notebook.metadata
    text = nbformat.writes(notebook)  # type: ignore[no-untyped-call]
    assert not re.findall(rf"(?<![\w.~-])/(?:{folders})/[\w./-]*", text)
    assert not _INDEXES.findall(text)
