"""Which workspace a service belongs to: names are the machine's, so one that two workspaces wrote down is the last writer's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.azureml import deploying
from jupyter_mldeploy.azureml.book import books
from jupyter_mldeploy.azureml.exceptions import WorkspaceException
from jupyter_mldeploy.azureml.specifying import records

if TYPE_CHECKING:
    from jupyter_mldeploy.azureml.core.workspace import Workspace

__all__ = ["belongs", "entries", "entry_of", "other_owner"]


def belongs(workspace: Workspace, name: str) -> bool:
    """Whether the name is this workspace's, whatever became of the service."""
    return _owners().get(name) == workspace.book.folder


def other_owner(workspace: Workspace, name: str) -> str | None:
    """The other workspace that a service which is there belongs to."""
    owner = _owners().get(name)
    if owner is None or owner == workspace.book.folder or records().find(name) is None:
        return None
    found = next(book for book in books() if book.folder == owner)
    return str(found.read().get("name") or owner.name)


def entries(workspace: Workspace) -> dict[str, dict[str, Any]]:
    """What the workspace knows of its services that are there: deployed, or being deployed."""
    owners = _owners()
    return {
        name: entry
        for name, entry in workspace.book.section("services").items()
        if owners.get(name) == workspace.book.folder and _is_there(name)
    }


def entry_of(workspace: Workspace, name: Any) -> dict[str, Any] | None:
    """Of one service; ``None`` where it was deleted by other means, refused, or is another workspace's."""
    return entries(workspace).get(str(name))


def _is_there(name: str) -> bool:
    begun = deploying.underway(name)
    return records().find(name) is not None or (begun is not None and not begun.future.done())


def _owners() -> dict[str, Path]:
    found: dict[str, tuple[str, Path]] = {}
    for book in books():
        try:
            services = book.section("services")
        except WorkspaceException:
            continue  # said to whoever asks for that workspace
        for name, entry in services.items():
            found[name] = max(found.get(name, ("", book.folder)), (str(entry.get("updated") or ""), book.folder))
    return {name: folder for name, (_, folder) in found.items()}
