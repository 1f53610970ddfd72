"""What of a project written for azureml-core runs here as it is, what does not, and what to change: read, never run."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from jupyter_mldeploy.azureml.exceptions import AzureMLException, UserErrorException
from jupyter_mldeploy.azureml.findings import CHANGES, REFUSED, RUNS, Finding, command_finding
from jupyter_mldeploy.azureml.uses import Uses, script_findings

__all__ = ["CHANGES", "REFUSED", "RUNS", "Finding", "Report", "read_project"]

SKIPPED = {".git", ".venv", "venv", "node_modules", "__pycache__", ".ipynb_checkpoints", "site-packages"}
KINDS = {".py", ".ipynb", ".json", ".yml", ".yaml", ".sh"}
_MARKED = re.compile(r"(?:[\w, ]+=\s*)?!+|%(?=pip\s)")
"""Before a line of a notebook that is for a shell; ``%pip`` is one of pip."""
_ASSIGNED = re.compile(r"^\w+=(?:\$\(|`)\s*")
_SHELLS = ("%%bash", "%%sh", "%%script", "%%cmd")


@dataclass
class Report:
    """What was found of a project.

    Attributes:
        path: Of the project.
        findings: In the order of the files.
        scripts: Scoring scripts: files with ``init()`` and ``run()``.
        unread: Files and cells that are no Python or no JSON, each with why.
    """

    path: str
    findings: list[Finding] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def of(self, verdict: str) -> list[Finding]:
        """Findings of one verdict, in their order."""
        return [finding for finding in self.findings if finding.verdict == verdict]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    def to_lines(self) -> list[str]:
        """For people."""
        lines = []
        runs = self.of(RUNS)
        if runs:
            names = sorted({finding.what for finding in runs})
            lines += [f"runs as it is ({len(runs)} uses): {', '.join(names)}"]
        for verdict in (CHANGES, REFUSED):
            found = [
                line
                for finding in self.of(verdict)
                for line in (f"{verdict}: {finding.what}", f"  {finding.place}: {finding.why}")
            ]
            lines += ["", *found] if found and lines else found
        touched = {finding.script for finding in self.findings if finding.verdict != RUNS}
        for text, scripts in (
            ("scoring scripts, which run as they are", [name for name in self.scripts if name not in touched]),
            ("scoring scripts to change first", [name for name in self.scripts if name in touched]),
        ):
            if scripts:
                lines += ["", f"{text}: {', '.join(scripts)}"]
        lines += [f"not read: {each}" for each in self.unread]
        if not (self.findings or self.scripts):
            where = "Nothing of azureml-core is used in what could be read." if self.unread else ""
            return [*lines, where or "Nothing of azureml-core is used here."]
        if any(finding.what.startswith("azureml") and not finding.script for finding in self.findings):
            lines += [
                "",
                "Put `%load_ext jupyter_mldeploy.azureml` (in a script: jupyter_mldeploy.azureml.install()) before the imports,",
                "or write jupyter_mldeploy.azureml in them in the place of azureml.",
            ]
        return lines


def read_project(path: str | Path) -> Report:
    """Read a folder, a notebook or a Python file."""
    root = Path(path)
    if not root.exists():
        raise UserErrorException(f"There is no folder or file {str(path)!r}.")
    report = Report(str(path))
    for file in _files(root):
        name = file.relative_to(root).as_posix() if root.is_dir() else file.name
        try:
            _read_file(file, name, report)
        except (ValueError, OSError, RecursionError) as error:
            report.unread.append(f"{name} ({' '.join(str(error).split())})")
    return report


def _files(root: Path) -> Iterator[Path]:
    if root.is_file():
        yield root
        return
    for path in sorted(root.rglob("*")):
        if path.suffix in KINDS and path.is_file() and not SKIPPED & set(path.relative_to(root).parts):
            yield path


def _read_file(file: Path, name: str, report: Report) -> None:
    if file.suffix == ".ipynb":
        _read_notebook(json.loads(file.read_bytes()), name, report)
    elif file.suffix in {".json", ".yml", ".yaml"}:
        report.findings += _read_config(file, name)
    elif file.suffix == ".sh":
        report.findings += _commands(file.read_text(encoding="utf-8", errors="replace"), name, 0)
    else:
        _read_python(file.read_text(encoding="utf-8-sig"), name, name, 0, report)


def _read_notebook(notebook: Any, name: str, report: Report) -> None:
    """Cells are read one by one, so that one which is no Python hides nothing of the others."""
    cells = _cells(notebook)
    for number, cell in enumerate(cells, 1):
        _source(cell, number)  # before anything is said of the others
    uses, before = Uses(name), len(report.findings)
    for number, cell in enumerate(cells, 1):
        source = _source(cell, number)
        if cell.get("cell_type") != "code" or not source.strip():
            continue
        magic, _, text = source.lstrip("\n").partition("\n")
        words = magic.split() or [""]
        if words[0] in {"%%writefile", "%%file"}:
            if words[-1].endswith(".py"):
                written = f"{words[-1]} (written by {name}, cell {number})"
                _read_python(f"\n{text}", name, written, number, report)
        elif words[0] in _SHELLS:
            report.findings += _commands(source, name, number)
        elif words[0].startswith("%%") and words[0] not in {"%%time", "%%timeit", "%%capture", "%%deploy", "%%prun"}:
            continue  # another language
        else:
            report.findings += _commands(source, name, number, marked=True)
            uses.cell = number
            problem = uses.read(source)
            if problem:
                report.unread.append(f"{name}, cell {number} ({problem})")
    report.findings += uses.findings
    report.findings[before:] = sorted(report.findings[before:], key=lambda finding: (finding.cell, finding.line))


def _cells(notebook: Any) -> list[dict[str, Any]]:
    """Before version 4 of the format, they were in worksheets, and their text was ``input``.

    Raises:
        ValueError: It is no notebook.
    """
    if not isinstance(notebook, dict):
        raise ValueError("it is no notebook: it holds no object with keys")
    sheets = _objects(notebook, "worksheets")
    return [*_objects(notebook, "cells"), *(cell for sheet in sheets for cell in _objects(sheet, "cells"))]


def _objects(of: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = of.get(key) or []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise ValueError(f"it is no notebook: {key!r} is no list of objects")
    return found


def _source(cell: dict[str, Any], number: int) -> str:
    found = cell.get("source") or cell.get("input") or ""
    lines = found if isinstance(found, list) else [found]
    if not all(isinstance(line, str) for line in lines):
        raise ValueError(f"it is no notebook: the 'source' of cell {number} is no text")
    return "".join(lines)


def _read_python(text: str, name: str, shown: str, cell: int, report: Report) -> None:
    uses = Uses(name, cell)
    problem = uses.read(text)
    if problem:
        report.unread.append(f"{shown} ({problem})")
    elif uses.is_script:
        report.scripts.append(shown)
        report.findings += script_findings(text, name, cell, shown)
    else:
        report.findings += uses.findings


def _commands(source: str, name: str, cell: int, *, marked: bool = False) -> Iterator[Finding]:
    """Lines for a shell that call ``az``; ``marked``: those that a notebook gives to one. A line may go on in the next."""
    lines = iter(enumerate(source.splitlines(), 1))
    for number, line in lines:
        text = line.strip()
        if marked and (found := _MARKED.match(text)) is None:
            continue
        text = text[found.end() :] if marked and found else _ASSIGNED.sub("", text)
        while text.endswith("\\"):
            text = f"{text[:-1]} {next(lines, (0, ''))[1].strip()}"
        if finding := command_finding(text.strip(), name, number, cell):
            yield finding


def _read_config(file: Path, name: str) -> list[Finding]:
    """``inferenceconfig.json`` and ``deploymentconfig.json``, also as YAML, known by their keys."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = _judge_config(file, name)
    why = " ".join(str(each.message) for each in told)
    return [replace(each, why=" ".join(text for text in (each.why, why) if text)) for each in found]


def _judge_config(file: Path, name: str) -> list[Finding]:
    from jupyter_mldeploy.azureml import config_files

    try:
        content = config_files.parse(file)
    except json.JSONDecodeError:
        raise
    except ValueError:
        if file.stem.lower() in {"inferenceconfig", "deploymentconfig"}:
            raise
        return []  # a list, or YAML of something else: not ours to judge
    try:
        if "computeType" in content:
            config_files.deployment_config_of(file)
            return [Finding(name, 1, RUNS, f"a deployment configuration ({content['computeType']})")]
        if "entryScript" in content:
            depth = len(Path(name).parts)
            config_files.read_inference(file, file.absolute().parents[:depth])
            problems = _inference_problems(content, file, depth)
            why = " ".join(problems)
            return [Finding(name, 1, CHANGES if problems else RUNS, "an inference configuration", why)]
        if {"subscription_id", "resource_group", "workspace_name"} <= set(content):
            return [Finding(name, 1, RUNS, "a workspace configuration")]
    except AzureMLException as error:
        return [Finding(name, 1, CHANGES, "a configuration", " ".join(error.message.split()))]
    return []


def _inference_problems(content: dict[str, Any], file: Path, depth: int) -> list[str]:
    """What can be said of it without running it. Its paths are of the folder it was used in: its own, or one above."""
    found = []
    if str(content.get("runtime") or "").lower() == "spark-py":
        found.append("runtime: there is no Spark here; python is the one that works.")
    folders = [folder / str(content.get("sourceDirectory") or "") for folder in file.absolute().parents[:depth]]
    for key in ("entryScript", "condaFile", "extraDockerfileSteps"):
        named = content.get(key)
        if not isinstance(named, str) or not named or any((folder / named).is_file() for folder in folders):
            continue
        if not _is_written(Path(named).name, file.absolute().parents[depth - 1]):
            found.append(f"{key}: there is no file {named!r} in the project.")
    return found


def _is_written(name: str, root: Path) -> bool:
    """Whether code of the project speaks of the file: it may write it, as notebooks do."""
    sources = (path for path in _files(root) if path.suffix in {".py", ".ipynb", ".sh"})
    return any(name in path.read_text(encoding="utf-8", errors="replace") for path in sources)
