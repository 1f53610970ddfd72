"""`auto`: the environment that a script needs, in the versions that are installed in this interpreter."""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from jupyter_mldeploy.capture.availability import is_lent
from jupyter_mldeploy.capture.distributions import installed_names, normalized
from jupyter_mldeploy.capture.imports import Imported, imports_of
from jupyter_mldeploy.capture.local_modules import SourceDirectory
from jupyter_mldeploy.capture.walking import survey
from jupyter_mldeploy.errors import InvalidScript, InvalidValue
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
        InvalidValue: A package it needs is installed from a folder of this machine, so nothing else could install it.
    """
    try:
        tree = ast.parse(script.text)
    except SyntaxError as error:
        raise InvalidScript(script.origin, [f"{script.origin}, line {error.lineno}: Syntax: {error.msg}."]) from None
    shipped = SourceDirectory(None if source_directory is None else Path(source_directory))
    given = [requirement.strip() for requirement in extra]
    chosen = {_name_of(requirement) for requirement in given}
    found: dict[str, str] = {}
    for imported in [*_imports(tree, shipped), *(Imported(module, 0) for module in libraries)]:
        for name in _distributions(imported.module):
            if name not in chosen and name not in found and (pinned := _pinned(name, imported)):
                found[name] = pinned
    return Environment.from_requirements(
        [*(found[name] for name in sorted(found)), *given],
        name="auto",
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
    )


def _imports(tree: ast.Module, shipped: SourceDirectory) -> Iterator[Imported]:
    """What must be installed of what is imported, through the source directory's own modules."""
    for imported in imports_of(survey(tree)):
        found = (inner for _, inner in shipped.imports(imported)) if shipped.has(imported.top) else iter([imported])
        for each in found:
            if not (each.never or each.module.startswith(".") or each.top in sys.stdlib_module_names):
                yield each


def _distributions(module: str) -> list[str]:
    """Installed distributions that a module comes from; for a shared namespace those that have its files."""
    from importlib import metadata

    names = installed_names(module.partition(".")[0])
    if is_lent(module):
        return [name for name in names if name == "azureml-core"]
    if len(names) < 2 or "." not in module:
        return list(names)
    prefix = module.replace(".", "/")
    owners = [name for name in names if any(str(file).startswith(prefix) for file in metadata.files(name) or ())]
    return owners or list(names)


def _pinned(name: str, imported: Imported) -> str:
    """The requirement that gives what is installed here, ``""`` where that cannot be had and need not be."""
    from importlib import metadata

    distribution = metadata.distribution(name)
    shown = normalized(distribution.metadata["Name"])
    origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    url = str(origin.get("url", ""))
    if vcs := origin.get("vcs_info"):
        return f"{shown} @ {vcs['vcs']}+{url}@{vcs['commit_id']}"
    if url.startswith("file:") and _is_folder_of_this_machine(url):
        if not imported.sure:
            return ""
        # Its version alone could name somebody else's package on the index.
        where = f" in line {imported.line}" if imported.line else ""
        raise InvalidValue(
            "environment",
            "auto",
            f"{imported.top!r}, imported{where}, is installed from {unquote(urlsplit(url).path)!r} of this machine.",
            "Ship its code with --source-directory, or name a package that can be downloaded with --pip.",
        )
    if url and not url.startswith("file:"):
        return f"{shown} @ {url}"
    # A local build such as torch's 2.3.0+cpu is on no common index under that name.
    return f"{shown}=={distribution.version.partition('+')[0]}"


def _is_folder_of_this_machine(url: str) -> bool:
    # Conda's packages name the folder they were built in, which is on the builder's machine.
    return Path(unquote(urlsplit(url).path)).exists()


def _name_of(requirement: str) -> str:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return normalized(Requirement(requirement).name)
    except InvalidRequirement:
        return ""
