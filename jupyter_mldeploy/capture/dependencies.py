"""`auto`: the environment that a script needs, in the versions that are installed in this interpreter."""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Collection, Iterable, Iterator
from importlib import metadata
from pathlib import Path

from jupyter_mldeploy.capture.availability import is_lent, is_local
from jupyter_mldeploy.capture.distributions import installed_names, normalized
from jupyter_mldeploy.capture.import_checks import local_module_files
from jupyter_mldeploy.capture.imports import Imported, imports_of
from jupyter_mldeploy.errors import InvalidScript
from jupyter_mldeploy.spec import Environment, Script

__all__ = ["environment_for"]


def environment_for(
    script: Script,
    source_directory: str | Path | None = None,
    extra: Collection[str] = (),
    libraries: Collection[str] = (),
) -> Environment:
    """The environment for ``auto``.

    Args:
        script: Its imports count, those in ``try`` and below ``if`` too where they are installed here.
        source_directory: Modules of it that the script imports are read as well.
        extra: Further pip requirements; they win over what would be found for the same package.
        libraries: Top-level modules that loading the models needs (``Model.libraries``).

    Returns:
        Pinned requirements in alphabetical order and this interpreter's Python, major and minor.

    Raises:
        InvalidScript: The script is not Python.
    """
    try:
        tree = ast.parse(script.text)
    except SyntaxError as error:
        raise InvalidScript(script.origin, [f"{script.origin}, line {error.lineno}: Syntax: {error.msg}."]) from None
    folder = None if source_directory is None else Path(source_directory)
    found: dict[str, str] = {}
    for module in [*_modules(tree, folder), *libraries]:
        for name in _distributions(module):
            found.setdefault(name, _pinned(name))
    given = [requirement.strip() for requirement in extra]
    for name in {_name_of(requirement) for requirement in given}:
        found.pop(name, None)
    return Environment.from_requirements(
        [*(found[name] for name in sorted(found)), *given],
        name="auto",
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
    )


def _modules(tree: ast.Module, folder: Path | None) -> Iterator[str]:
    """Full names of the modules that are imported, through the source directory's own."""
    for imported in imports_of(tree):
        yield from _needed(imported, folder)
        if is_local(imported.top, folder):
            for file in local_module_files(imported, folder):
                for inner in imports_of(_tree(file)):
                    yield from _needed(inner, folder)


def _needed(imported: Imported, folder: Path | None) -> Iterable[str]:
    if imported.never or imported.module.startswith(".") or is_local(imported.top, folder):
        return
    if imported.top in sys.stdlib_module_names:
        return
    yield imported.module


def _tree(file: Path) -> ast.AST:
    try:
        return ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return ast.Module([], [])


def _distributions(module: str) -> list[str]:
    """Installed distributions that a module comes from; for a shared namespace the one that has its file."""
    names = installed_names(module.partition(".")[0])
    if is_lent(module):
        return [name for name in names if name == "azureml-core"]
    if len(names) < 2 or "." not in module:
        return list(names[:1]) if len(names) < 2 else list(names)
    prefix = module.replace(".", "/")
    owners = [name for name in names if any(str(file).startswith(prefix) for file in metadata.files(name) or ())]
    return owners or list(names)


def _pinned(name: str) -> str:
    distribution = metadata.distribution(name)
    shown = normalized(distribution.metadata["Name"])
    origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    url = origin.get("url", "")
    if vcs := origin.get("vcs_info"):
        return f"{shown} @ {vcs['vcs']}+{url}@{vcs['commit_id']}"
    if url and not url.startswith("file:"):
        return f"{shown} @ {url}"
    version = distribution.version
    # A local build such as torch's 2.3.0+cpu is on no index under that name; neither is a folder of this machine.
    return f"{shown}=={version.partition('+')[0]}"


def _name_of(requirement: str) -> str:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return normalized(Requirement(requirement).name)
    except InvalidRequirement:
        return ""
