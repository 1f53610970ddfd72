"""Imports that the environment will not have."""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Iterator
from pathlib import Path

from jupyter_mldeploy.capture.availability import Availability, availability_of, beside_notebook, is_lent, is_local
from jupyter_mldeploy.capture.distributions import candidates
from jupyter_mldeploy.capture.imports import Imported, imports_of
from jupyter_mldeploy.capture.problems import Problem
from jupyter_mldeploy.spec import Environment

__all__ = ["import_problems", "local_module_files"]

_MOST_LOCAL_MODULES = 100


def import_problems(tree: ast.Module, environment: Environment, source_directory: Path | None) -> Iterator[Problem]:
    """Modules that neither the environment nor the source directory nor the runtime brings, each once.

    Modules of the source directory that the script imports are read too: what they need must be there as well.
    """
    available = availability_of(environment)
    said: set[str] = set()
    for imported in imports_of(tree):
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
        for missing, via in _missing(imported, available, source_directory):
            if missing not in said:
                said.add(missing)
                yield _problem(imported.line, missing, via, available, environment)


def _missing(imported: Imported, available: Availability, folder: Path | None) -> Iterator[tuple[str, str]]:
    """Missing top-level modules, each with the file of the source directory that imports it (``""``: the script)."""
    if not is_local(imported.top, folder):
        if not _is_there(imported, available):
            yield imported.top, ""
        return
    for file in local_module_files(imported, folder):
        for inner in _imports_of_file(file):
            own = inner.module.startswith(".") or is_local(inner.top, folder)
            if inner.sure and not own and not _is_there(inner, available):
                yield inner.top, f"{file.name}, line {inner.line}"


def _is_there(imported: Imported, available: Availability) -> bool:
    return imported.top in sys.stdlib_module_names or is_lent(imported.module) or available.has(imported.top)


def local_module_files(imported: Imported, folder: Path | None) -> list[Path]:
    """Files of the source directory that an import leads to, through others of them, at most a hundred."""
    found: dict[Path, None] = {}
    waiting = [imported]
    while folder is not None and waiting and len(found) < _MOST_LOCAL_MODULES:
        for file in _files_of(waiting.pop(), folder):
            if file not in found:
                found[file] = None
                waiting += [_absolute(inner, file, folder) for inner in _imports_of_file(file)]
    return list(found)


def _files_of(imported: Imported, folder: Path) -> Iterator[Path]:
    parts = imported.module.split(".")
    names = [parts[: count + 1] for count in range(len(parts))] + [[*parts, name] for name in imported.names]
    for name in names:
        if all(part.isidentifier() for part in name):
            base = folder.joinpath(*name)
            for file in (base.with_name(f"{base.name}.py"), base / "__init__.py"):
                if file.is_file():
                    yield file


def _absolute(imported: Imported, file: Path, folder: Path) -> Imported:
    if not imported.module.startswith("."):
        return imported
    plain = imported.module.lstrip(".")
    level = len(imported.module) - len(plain)
    package = file.parent.relative_to(folder).parts
    package = package[: len(package) - level + 1]
    return Imported(".".join([*package, plain] if plain else package) or "_", imported.line, imported.names)


def _imports_of_file(file: Path) -> tuple[Imported, ...]:
    try:
        status = file.stat()
    except OSError:
        return ()
    return _read_imports(file, status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=512)
def _read_imports(file: Path, _modified: int, _size: int) -> tuple[Imported, ...]:
    try:
        return tuple(imports_of(ast.parse(file.read_bytes())))
    except (OSError, SyntaxError, ValueError, RecursionError):
        return ()  # it is not the script; Python will say what is wrong with it


def _problem(line: int, top: str, via: str, available: Availability, environment: Environment) -> Problem:
    message = available.complaint(top)
    if via:
        message = f"{message.removesuffix('.')} ({via})."
    if environment.current and beside_notebook(top):
        return Problem(
            line,
            f"`{top}` lies beside the notebook, and the service does not have that folder.",
            "Ship it with --source-directory.",
        )
    name = candidates(top)[0]
    if environment.current:
        return Problem(line, message, f"Install it with `%pip install {name}`, or name it with --pip {name}.")
    return Problem(line, message, f"Add {name} to the environment, or name it with --pip {name}.")
