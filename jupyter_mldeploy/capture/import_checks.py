"""Imports that the environment will not have."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from jupyter_mldeploy.capture.availability import Availability, availability_of, is_lent
from jupyter_mldeploy.capture.distributions import candidates
from jupyter_mldeploy.capture.imports import Imported, imports_of
from jupyter_mldeploy.capture.local_modules import SourceDirectory
from jupyter_mldeploy.capture.problems import Problem
from jupyter_mldeploy.capture.walking import Survey
from jupyter_mldeploy.spec import Environment

__all__ = ["import_problems"]


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
                yield _problem(imported.line, missing, via, available, environment)


def _missing(imported: Imported, available: Availability, shipped: SourceDirectory) -> Iterator[tuple[str, str]]:
    """Missing top-level modules, each with the file of the source directory that imports it (``""``: the script)."""
    if shipped.has(imported.top):
        for file, inner in shipped.imports(imported):
            if inner.sure and not _is_there(inner, available):
                yield inner.top, f"{file.name}, line {inner.line}"
    elif not _is_there(imported, available):
        yield imported.top, ""


def _is_there(imported: Imported, available: Availability) -> bool:
    return imported.top in sys.stdlib_module_names or is_lent(imported.module) or available.has(imported.top)


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
