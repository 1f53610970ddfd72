"""Put a file or folder into the package's registry, and into a workspace."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.azureml.exceptions import AzureMLException, WebserviceException
from jupyter_mldeploy.azureml.values import check_kinds, dict_of

if TYPE_CHECKING:
    from jupyter_mldeploy.azureml.core.workspace import Workspace
    from jupyter_mldeploy.registry import Model as Registered

__all__ = ["NAME", "name_of_path", "path_of", "register", "texts"]

NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9\-._]{0,254}")
_FACTS = ("framework", "framework_version", "run_id", "experiment_name", "resource_configuration")


def register(
    workspace: Workspace,
    model_path: str,
    model_name: str,
    tags: dict[str, str] | None,
    properties: dict[str, str] | None,
    description: str | None,
    facts: dict[str, Any],
) -> tuple[Registered, dict[str, Any]]:
    """The version, and what the workspace knows of it."""
    if not NAME.fullmatch(str(model_name)):
        raise WebserviceException(
            "Error, provided model name is invalid. It must only consist of letters, numbers, dashes, periods, or underscores, "
            "start with a letter or number, and be between 1 and 255 characters long."
        )
    check_kinds(tags=tags, properties=properties, description=description)
    if not isinstance(model_path, str | os.PathLike):
        raise WebserviceException(f"Error, model_path must be the path of a file or folder, not {model_path!r}.")
    if not os.path.lexists(model_path):
        raise WebserviceException(f'Error, provided model path "{model_path}" cannot be found')
    made = _registry().register(model_name, Path(model_path), tags=texts(tags), description=description)
    kept = {key: facts.get(key) for key in _FACTS if facts.get(key) is not None}
    with workspace.book.change() as content:
        known = content["models"].setdefault(model_name, {}).setdefault(str(made.version), {})
        known.update(kept)
        known["properties"] = {**dict_of(known.get("properties")), **texts(properties)}
        return made, dict(known)


def path_of(name: str, version: int | None, workspace: Workspace | None) -> tuple[str | None, str]:
    """Where a workspace's model is; one that no workspace has is anybody's. Else ``None``, and why."""
    from jupyter_mldeploy import list_models
    from jupyter_mldeploy.azureml.book import books
    from jupyter_mldeploy.azureml.core.workspace import find_workspace

    if workspace is None:
        with suppress(AzureMLException):
            workspace = find_workspace(None)
    mine = workspace.book.section("models").get(name, {}) if workspace is not None else {}
    others = {
        number
        for book in books()
        if workspace is None or book.folder != workspace.book.folder
        for number in book.section("models").get(name, {})
    }
    fitting = [
        model for model in (list_models(name) if NAME.fullmatch(str(name)) else []) if version in {None, model.version}
    ]
    for found in (
        [model for model in fitting if str(model.version) in mine],
        [model for model in fitting if str(model.version) not in others],
    ):
        if found:
            return str(max(found, key=lambda model: model.version).path), ""
    if fitting and workspace is None:
        return None, f"more than one workspace may be meant by {name!r}: pass _workspace, or put a config.json here."
    whose = f"the workspace {workspace.name!r}" if workspace is not None else "any workspace"
    return None, f"there is no model {name!r}{f' of version {version}' if version else ''} in {whose}."


def _registry() -> Any:
    """One where every registration is a version of its own, as in the original: what is said of one workspace's version is
    never said of another's, and the newest version is the one that was registered last."""
    from jupyter_mldeploy.azureml.specifying import records
    from jupyter_mldeploy.registry import ModelRegistry
    from jupyter_mldeploy.registry.shelf import Shelf

    class EachAnew(Shelf):
        def find(self, name: str, fits: Any) -> None:
            """No version of before is taken in the place of a new one."""

    class Registry(ModelRegistry):
        def __init__(self, home: Path) -> None:
            super().__init__(home)
            self._shelf = EachAnew(home / "models")

    return Registry(records().home)


def name_of_path(path: str) -> str:
    """Of a model that is deployed from a path without being registered."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(path.rstrip("/")).name)[:30].strip("-._")
    return name or "model"


def texts(values: dict[str, Any] | None) -> dict[str, str]:
    """As the registry keeps tags."""
    return {str(key): str(value) for key, value in (values or {}).items()}
