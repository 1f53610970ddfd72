"""Imports that the environment will not have."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from jupyter_mldeploy.capture.availability import LENDERS, Availability, availability_of, not_lent
from jupyter_mldeploy.capture.distributions import candidates
from jupyter_mldeploy.capture.imports import Imported, imports_of
from jupyter_mldeploy.capture.local_modules import SourceDirectory
from jupyter_mldeploy.capture.problems import Problem
from jupyter_mldeploy.capture.walking import Survey
from jupyter_mldeploy.spec import Environment

__all__ = ["import_problems", "lent_uses"]


def import_problems(found: Survey, environment: Environment, shipped: SourceDirectory) -> Iterator[Problem]:
    """Modules that neither the environment nor the source directory nor the runtime brings, each once.

    Modules of the source directory that the script imports are read too: what they need must be there as well.
    """
    available = availability_of(environment)
    said: set[str] = set()
    for imported in imports_of(found):
        if not imported.sure:
            continue
        if imported.module.startswith("."):
            plain = imported.module.lstrip(".")
            yield Problem(
                imported.line,
                f"`from {imported.module} import …` is relative, and a scoring script is no part of a package.",
                f"Write `from {plain} import …`." if plain else "Import the module by its name.",
            )
            continue
        for missing, via in _missing(imported, available, shipped):
            if missing not in said:
                said.add(missing)
                if missing.partition(".")[0] in LENDERS:
                    yield _not_lent(imported.line, missing, via)
                else:
                    yield _problem(imported.line, missing, via, available, environment)


def _missing(imported: Imported, available: Availability, shipped: SourceDirectory) -> Iterator[tuple[str, str]]:
    """What is missing, each with the file of the source directory that imports it (``""``: the script).

    Top-level modules; of the v1 packages, of which the runtime lends a part, the whole names.
    """
    if shipped.has(imported.top):
        for file, inner in shipped.imports(imported):
            if inner.sure:
                for missing in _not_there(inner, available):
                    yield missing, f"{file.name}, line {inner.line}"
        return
    for missing in _not_there(imported, available):
        yield missing, ""


def _not_there(imported: Imported, available: Availability) -> list[str]:
    if imported.top in sys.stdlib_module_names:
        return []
    if imported.top not in LENDERS:
        return [] if available.has(imported.top) else [imported.top]
    missing = not_lent(imported.module, imported.names)
    return missing if missing and not available.has(imported.top) else []


def lent_uses(found: Survey) -> Iterator[tuple[str, Problem]]:
    """What a script imports of the v1 packages, name by name; the problem has no message where the runtime lends it."""
    for imported in imports_of(found):
        if imported.top not in LENDERS or imported.never:
            continue
        missing = not_lent(imported.module, imported.names) if imported.sure else []
        for name in imported.names or ("",):
            full = f"{imported.module}.{name}" if name else imported.module
            yield full, _not_lent(imported.line, full, "") if full in missing else Problem(imported.line, "")


_INSTEAD = {
    "Workspace": "a service has no workspace: take models by Model.get_model_path or AZUREML_MODEL_DIR",
    "Run": "a service is no run: log with print() or logging",
    "Dataset": "ship the data in the source directory, or as a model",
    "Datastore": "ship the data in the source directory, or as a model",
    "Keyvault": "read secrets from environment variables",
}


def _not_lent(line: int, name: str, via: str) -> Problem:
    where = f" ({via})" if via else ""
    instead = _INSTEAD.get(name.rpartition(".")[2], "")
    package = "azureml-core" if name.startswith("azureml.") else "azureml-inference-server-http"
    return Problem(
        line,
        f"`{name}` is not there in a service{where}; of the v1 names it has Model.get_model_path, AMLRequest, rawhttp, "
        "AMLResponse and ModelDataCollector.",
        f"Remove the import{f': {instead}' if instead else ''}; or add the real {package} to the environment.",
    )


def _problem(line: int, top: str, via: str, available: Availability, environment: Environment) -> Problem:
    message = available.complaint(top)
    if via:
        message = f"{message.removesuffix('.')} ({via})."
    if environment.current and SourceDirectory(Path.cwd()).has(top):
        return Problem(
            line,
            f"`{top}` lies beside the notebook, and the service does not have that folder.",
            "Ship it with --source-directory.",
        )
    name = candidates(top)[0]
    if environment.current:
        return Problem(line, message, f"Install it with `%pip install {name}`, or name it with --pip {name}.")
    return Problem(line, message, f"Add {name} to the environment, or name it with --pip {name}.")
