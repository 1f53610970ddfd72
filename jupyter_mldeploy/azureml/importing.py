"""What of a project written for azureml-core runs here as it is, what does not, and what to change: read, never run."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from jupyter_mldeploy.azureml.exceptions import AzureMLException, UserErrorException
from jupyter_mldeploy.azureml.unknown import reason_for

__all__ = ["Finding", "Report", "read_project"]

SKIPPED = {".git", ".venv", "venv", "node_modules", "__pycache__", ".ipynb_checkpoints", "site-packages"}
RUNS, CHANGES, REFUSED = "runs", "to change", "does not run"


@dataclass(frozen=True, order=True)
class Finding:
    """One use of the v1 API.

    Attributes:
        file: Path in the project.
        line: In the file; in a notebook of its cell.
        verdict: ``runs``, ``to change`` or ``does not run``.
        what: What is used.
        why: One sentence, for what does not run as it is.
        cell: Number of the notebook's cell, from 1 on; 0 for a file.
    """

    file: str
    line: int
    verdict: str
    what: str
    why: str = ""
    cell: int = 0

    @property
    def place(self) -> str:
        """As people find it."""
        return f"{self.file}, cell {self.cell}, line {self.line}" if self.cell else f"{self.file}, line {self.line}"


@dataclass
class Report:
    """What was found of a project.

    Attributes:
        path: Of the project.
        findings: In the order of the files.
        scripts: Scoring scripts: files with ``init()`` and ``run()``.
        unread: Files that are no Python or no JSON, each with why.
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
            lines += [f"runs as it is ({len(runs)} uses): {', '.join(names)}", ""]
        for verdict in (CHANGES, REFUSED):
            for finding in self.of(verdict):
                lines += [f"{verdict}: {finding.what}", f"  {finding.place}: {finding.why}"]
        if self.scripts:
            lines += ["", f"scoring scripts, which run as they are: {', '.join(self.scripts)}"]
        lines += [f"not read: {each}" for each in self.unread]
        if not (self.findings or self.scripts):
            return [*lines, "Nothing of azureml-core is used here."]
        lines += [
            "",
            "Put `%load_ext jupyter_mldeploy.azureml` (in a script: jupyter_mldeploy.azureml.install()) before the imports,",
        ]
        return [*lines, "or write jupyter_mldeploy.azureml in them in the place of azureml."]


def read_project(path: str | Path) -> Report:
    """Read a folder, a notebook or a Python file."""
    root = Path(path)
    if not root.exists():
        raise UserErrorException(f"There is no folder or file {str(path)!r}.")
    report = Report(str(path))
    for file in _files(root):
        name = file.relative_to(root).as_posix() if root.is_dir() else file.name
        try:
            report.findings += _read_file(file, name, report)
        except (SyntaxError, ValueError, UnicodeDecodeError) as error:
            report.unread.append(f"{name} ({error})")
    return report


def _files(root: Path) -> Iterator[Path]:
    if root.is_file():
        yield root
        return
    for path in sorted(root.rglob("*")):
        if (
            path.suffix in {".py", ".ipynb", ".json"}
            and path.is_file()
            and not SKIPPED & set(path.relative_to(root).parts)
        ):
            yield path


def _read_file(file: Path, name: str, report: Report) -> list[Finding]:
    if file.suffix == ".ipynb":
        uses = _Uses(name)
        notebook = json.loads(file.read_bytes())
        for number, source in _cells(notebook):
            uses.cell = number
            uses.visit(ast.parse(source))
        for number, written, text in _written(notebook):
            inside = _Uses(name)
            inside.cell = number
            _read_python(text, f"{written} (written by {name}, cell {number})", inside, report)
            uses.findings += inside.findings
        return uses.findings
    if file.suffix == ".json":
        return _read_config(file, name)
    uses = _Uses(name)
    _read_python(file.read_text(encoding="utf-8-sig"), name, uses, report)
    return uses.findings


def _read_python(text: str, name: str, uses: _Uses, report: Report) -> None:
    tree = ast.parse(text)
    functions = {item.name for item in tree.body if isinstance(item, ast.FunctionDef)}
    if {"init", "run"} <= functions:
        report.scripts.append(name)
    uses.visit(tree)


_CODE_MAGICS = ("%%time", "%%timeit", "%%capture", "%%deploy")


def _written(notebook: dict[str, Any]) -> Iterator[tuple[int, str, str]]:
    """Python files that cells write: cell, name, text with an empty line in the place of the magic."""
    for number, cell in enumerate(notebook.get("cells") or [], 1):
        magic, _, text = "".join(cell.get("source") or []).partition("\n")
        words = magic.split()
        if cell.get("cell_type") == "code" and words[:1] == ["%%writefile"] and words[-1].endswith(".py"):
            yield number, words[-1], f"\n{text}"


def _cells(notebook: dict[str, Any]) -> Iterator[tuple[int, str]]:
    """Code cells without what only IPython understands; line numbers stay."""
    for number, cell in enumerate(notebook.get("cells") or [], 1):
        source = "".join(cell.get("source") or [])
        magic = source.split(maxsplit=1)[0] if source.lstrip().startswith("%%") else ""
        if cell.get("cell_type") != "code" or magic not in {"", *_CODE_MAGICS}:
            continue
        lines = ["pass" if line.lstrip().startswith(("%", "!", "?")) else line for line in source.splitlines()]
        indented = [
            line if line != "pass" else old[: len(old) - len(old.lstrip())] + line
            for line, old in zip(lines, source.splitlines(), strict=True)
        ]
        yield number, "\n".join(indented)


def _read_config(file: Path, name: str) -> list[Finding]:
    """``inferenceconfig.json`` and ``deploymentconfig.json``, known by their keys."""
    from jupyter_mldeploy.azureml import config_files

    content = json.loads(file.read_bytes())
    if not isinstance(content, dict):
        return []
    try:
        if "computeType" in content:
            config_files.deployment_config_of(file)
            return [Finding(name, 1, RUNS, f"a deployment configuration ({content['computeType']})")]
        if "entryScript" in content:
            config_files.read_inference(file)
            return [Finding(name, 1, RUNS, "an inference configuration")]
        if {"subscription_id", "resource_group", "workspace_name"} <= set(content):
            return [Finding(name, 1, RUNS, "a workspace configuration")]
    except AzureMLException as error:
        return [Finding(name, 1, CHANGES, "a configuration", " ".join(error.message.split()))]
    return []


class _Uses(ast.NodeVisitor):
    """Finds imports of the SDK, and what is asked of what was imported or made of it."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.cell = 0
        self.findings: list[Finding] = []
        self._names: dict[str, tuple[str, str]] = {}  # name here → module, name there
        self._made: dict[str, tuple[str, str]] = {}  # variable → class it is of

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.name.partition(".")[0] == "azureml":
                self._imported(alias.name, "", node.lineno)
                self._names[alias.asname or alias.name] = (alias.name, "")

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if (gone := _GONE.get(node.module or "")) and not node.level:
            self._note(CHANGES, str(node.module), gone, node.lineno)
        if node.level or (node.module or "").partition(".")[0] != "azureml":
            return
        for alias in node.names:
            if alias.name != "*":
                self._names[alias.asname or alias.name] = (str(node.module), alias.name)
            self._imported(str(node.module), alias.name, node.lineno)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.generic_visit(node)
        made = self._class_of(node.value)
        for target in node.targets:
            if isinstance(target, ast.Name):
                if made:
                    self._made[target.id] = made
                else:
                    self._made.pop(target.id, None)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.generic_visit(node)
        owner = self._class_of(node.value) if not isinstance(node.value, ast.Name) else self._of_name(node.value.id)
        if owner:
            self._asked(owner, node.attr, node.lineno)

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        function = node.func
        if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
            owner = self._of_name(function.value.id)
            if owner:
                self._arguments(owner, function.attr, node)
        elif isinstance(function, ast.Name) and function.id in self._names:
            self._arguments(self._names[function.id], "__init__", node)

    def _of_name(self, name: str) -> tuple[str, str] | None:
        return self._made.get(name) or (self._names[name] if self._names.get(name, ("", ""))[1] else None)

    def _class_of(self, node: ast.AST) -> tuple[str, str] | None:
        """The class of what an expression makes, as far as it is plain: ``Model(...)``, ``Model.register(...)``, a name."""
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                return self._names.get(node.func.id)
            if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
                owner = self._of_name(node.func.value.id)
                return _returns(owner, node.func.attr) if owner else None
        return None

    def _imported(self, module: str, name: str, line: int) -> None:
        shown = f"{module}.{name}" if name else module
        try:
            found = import_module(f"jupyter_mldeploy.{module}")
            if name and name != "*":
                getattr(found, name)
        except ImportError as error:
            below = f"{module.removeprefix('azureml.')}.{name}" if name else module.removeprefix("azureml.")
            why = str(error) if "is not among" in str(error) else f"{shown} is not here: {reason_for(below)}."
            self._note(REFUSED, shown, why, line)
        except AttributeError:
            self._note(REFUSED, shown, f"{shown} is not here.", line)
        else:
            self._note(RUNS, shown, "", line)

    def _asked(self, owner: tuple[str, str], member: str, line: int) -> None:
        made = _class(*owner)
        if made is None or member.startswith("_"):
            return
        shown = f"{owner[1]}.{member}"
        if reason := getattr(made, "REFUSED", {}).get(member) or _ALWAYS_REFUSED.get((owner[1], member)):
            self._note(REFUSED, shown, f"{reason}.", line)
        elif hasattr(made, member):
            self._note(RUNS, shown, "", line)

    def _arguments(self, owner: tuple[str, str], member: str, node: ast.Call) -> None:
        import inspect

        function = getattr(_class(*owner), member, None)
        if function is None:
            return
        try:
            parameters = inspect.signature(function).parameters
        except (TypeError, ValueError):
            return
        if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
            return
        for keyword in node.keywords:
            if keyword.arg is not None and keyword.arg not in parameters:
                shown = (
                    f"{owner[1]}({keyword.arg}=)" if member == "__init__" else f"{owner[1]}.{member}({keyword.arg}=)"
                )
                self._note(CHANGES, shown, f"there is no such argument; it takes {', '.join(parameters)}.", node.lineno)
            elif keyword.arg in _AZURE_ONLY and not _is_nothing(keyword.value):
                self._note(CHANGES, f"{member}({keyword.arg}=)", _AZURE_ONLY[keyword.arg], node.lineno)

    def _note(self, verdict: str, what: str, why: str, line: int) -> None:
        self.findings.append(Finding(self.file, line, verdict, what, why, self.cell))


_GONE = {
    "sklearn.externals": "scikit-learn no longer brings joblib: import joblib itself, and name it in the environment.",
    "sklearn.externals.joblib": "scikit-learn no longer brings joblib: import joblib itself, and name it in the environment.",
}
"""Imports of those days that no library answers any more."""
_ALWAYS_REFUSED = {
    ("ComputeTarget", "create"): "clusters are not made here; name a context of your kubeconfig: AksCompute(ws, NAME)",
    ("AksCompute", "create"): "clusters are not made here; name a context of your kubeconfig: AksCompute(ws, NAME)",
    ("Environment", "from_dockerfile"): "build the image, and name it: Environment.from_docker_image",
    ("Environment", "build"): "Model.package(ws, models, inference_config) builds the whole image",
    ("Environment", "build_local"): "Model.package(ws, models, inference_config) builds the whole image",
}
_AZURE_ONLY = {
    "ssl_enabled": "TLS is not made here; leave it out, and put a reverse proxy in front.",
    "vnet_name": "there is no Azure network; leave it out.",
    "child_paths": "put those files in a folder of their own, and register it.",
    "extra_docker_file_steps": "build an image with those steps, and name it: Environment.from_docker_image.",
    "docker_file": "build an image with those steps, and name it as base_image.",
    "schema_file": "decorate run() with inference-schema; the service describes itself.",
}
_MAKES = {
    ("Workspace", "from_config"): ("azureml.core.workspace", "Workspace"),
    ("Workspace", "get"): ("azureml.core.workspace", "Workspace"),
    ("Workspace", "create"): ("azureml.core.workspace", "Workspace"),
    ("Model", "register"): ("azureml.core.model", "Model"),
    ("Run", "register_model"): ("azureml.core.model", "Model"),
    ("Model", "deploy"): ("azureml.core.webservice", "Webservice"),
    ("Model", "package"): ("azureml.core.model", "ModelPackage"),
    ("Webservice", "deploy_from_image"): ("azureml.core.webservice", "Webservice"),
    ("Webservice", "deploy_from_model"): ("azureml.core.webservice", "Webservice"),
    ("Image", "create"): ("azureml.core.image", "Image"),
    ("ContainerImage", "create"): ("azureml.core.image", "Image"),
    ("Experiment", "start_logging"): ("azureml.core.run", "Run"),
    ("Run", "get_context"): ("azureml.core.run", "Run"),
    ("Environment", "from_conda_specification"): ("azureml.core.environment", "Environment"),
    ("Environment", "get"): ("azureml.core.environment", "Environment"),
    ("CondaDependencies", "create"): ("azureml.core.conda_dependencies", "CondaDependencies"),
}


def _returns(owner: tuple[str, str], member: str) -> tuple[str, str] | None:
    return _MAKES.get((owner[1], member))


@cache
def _class(module: str, name: str) -> Any:
    try:
        found = getattr(import_module(f"jupyter_mldeploy.{module}"), name)
    except (ImportError, AttributeError):
        return None
    return found if isinstance(found, type) else None


def _is_nothing(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value in {None, False}
