"""What a workspace keeps of its images, one entry a version; halves of entries that something has left are none."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.azureml.book import books
from jupyter_mldeploy.azureml.exceptions import WebserviceException

if TYPE_CHECKING:
    from jupyter_mldeploy.azureml.core.image.container import ContainerImageConfig
    from jupyter_mldeploy.azureml.core.workspace import Workspace
    from jupyter_mldeploy.azureml.imaging import Recipe
    from jupyter_mldeploy.spec import InferenceConfig, ModelRef

__all__ = ["begin", "change", "finish", "images_of", "locations", "not_found"]

_NEEDED = {"state", "location", "log", "dockerfile", "models", "created", "inference"}


def images_of(workspace: Workspace) -> dict[str, dict[str, dict[str, Any]]]:
    """Entries by name and version. One whose builder has ended before it was built has failed."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for name, versions in workspace.book.section("images").items():
        known = versions.items() if isinstance(versions, Mapping) else ()
        whole = {
            number: _with_state(entry)
            for number, entry in known
            if number.isdecimal() and isinstance(entry, Mapping) and entry.keys() >= _NEEDED
        }
        if whole:
            found[name] = whole
    return found


def locations() -> set[str]:
    """Where the images of all workspaces are."""
    return {
        str(entry.get("location"))
        for book in books()
        for versions in book.section("images").values()
        if isinstance(versions, Mapping)
        for entry in versions.values()
        if isinstance(entry, Mapping)
    }


def not_found(workspace: Workspace, name: str | None, version: int | str | None) -> WebserviceException:
    """The original's words, and what there is."""
    images = images_of(workspace)
    versions = images.get(name or "") or {}
    wanted = f"name {name}" + (f" and version {version}" if version is not None else "")
    known = f"{name} as version {', '.join(sorted(versions, key=int))}" if versions else ", ".join(images) or "none"
    return WebserviceException(
        f"ImageNotFound: Image with {wanted} not found in provided workspace; it has {known}.", status_code=404
    )


def begin(
    workspace: Workspace,
    name: str,
    version: int,
    made: Recipe,
    inference: InferenceConfig,
    refs: tuple[ModelRef, ...],
    config: ContainerImageConfig,
    folder: Path,
) -> None:
    """Write down that it is being built, and by whom."""
    import msgspec

    log, dockerfile = folder / "build.log", folder / "Dockerfile"
    log.touch()
    dockerfile.write_text(made.plan.dockerfile, encoding="utf-8")
    entry = {
        "state": "Running",
        "builder": [os.getpid(), _started(os.getpid())],
        "location": made.plan.reference,
        "log": log.as_uri(),
        "dockerfile": dockerfile.as_uri(),
        "models": [str(ref) for ref in refs],
        "created": datetime.now(UTC).isoformat(),
        "tags": config.tags or {},
        "properties": config.properties or {},
        "description": config.description,
        "inference": msgspec.to_builtins(inference),
    }
    with workspace.book.change() as content:
        content["images"].setdefault(name, {})[str(version)] = entry


def finish(
    workspace: Workspace, name: str, version: int, made: Recipe, folder: Path, error: BaseException | None
) -> bool:
    """Write down what became of it; ``False``: it was deleted meanwhile."""
    from jupyter_mldeploy.azureml.imaging import build_log

    if folder.is_dir():
        (folder / "build.log").write_text(build_log(made), encoding="utf-8")
    state = {"state": "Succeeded"} if error is None else {"state": "Failed", "error": str(error)}
    return change(workspace, name, version, state)


def change(workspace: Workspace, name: str, version: int, changes: Mapping[str, Any]) -> bool:
    """Of an entry that is there; ``False``: it is not there any more."""
    if str(version) not in (workspace.book.section("images").get(name) or {}):
        return False
    with workspace.book.change() as content:
        entry = (content["images"].get(name) or {}).get(str(version))
        if entry is not None:
            entry.update(changes)
    return entry is not None


def _with_state(entry: Mapping[str, Any]) -> dict[str, Any]:
    builder = entry.get("builder")
    if entry["state"] != "Running" or (builder and _started(builder[0]) == builder[1]):
        return dict(entry)
    return {**entry, "state": "Failed", "error": "the process that built it has ended; create it again."}


def _started(number: int) -> float | None:
    """When a process was started, which tells it from later ones of its number; ``None``: there is none."""
    import psutil

    try:
        process = psutil.Process(number)
        return None if process.status() == psutil.STATUS_ZOMBIE else round(process.create_time(), 2)
    except psutil.Error:
        return None
