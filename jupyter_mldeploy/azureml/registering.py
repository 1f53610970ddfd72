"""Put a file or folder into the package's registry, and into a workspace."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.azureml.exceptions import AzureMLException, ModelNotFoundException, WebserviceException
from jupyter_mldeploy.azureml.values import check_kinds, dict_of

if TYPE_CHECKING:
    from jupyter_mldeploy.azureml.core.workspace import Workspace
    from jupyter_mldeploy.registry import Model as Registered
    from jupyter_mldeploy.spec import ModelRef

__all__ = ["NAME", "check_model_name", "found_by_id", "name_of_path", "not_found_text", "path_of", "register", "texts"]

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
    check_model_name(model_name)
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


def check_model_name(name: Any) -> None:
    """The original's demands on a model's name."""
    if not NAME.fullmatch(str(name)):
        raise WebserviceException(
            "Error, provided model name is invalid. It must only consist of letters, numbers, dashes, periods, or underscores, "
            "start with a letter or number, and be between 1 and 255 characters long."
        )


def found_by_id(workspace: Workspace, text: str) -> ModelRef:
    """Of ``name`` or ``name:version``: the workspace's own, or one that no workspace has.

    Raises:
        ModelNotFoundException: There is none, and no file of that name.
    """
    from jupyter_mldeploy.spec import ModelRef

    name, colon, number = text.partition(":")
    if not NAME.fullmatch(name) or (colon and not number.isdecimal()):
        raise WebserviceException(f'Error, provided model path "{text}" cannot be found.')
    version = int(number) if colon else None
    own, free = _fitting(name, version, workspace)
    if best := max(own or free, key=lambda model: model.version, default=None):
        return ModelRef(best.name, best.version)
    raise ModelNotFoundException(
        not_found_text(workspace, name, version), hint=f"There is no file or folder {text!r} here either."
    )


def not_found_text(workspace: Workspace, name: str, version: int | str | None, filters: str = "") -> str:
    """The original's words, and what there is instead of it in the workspace.

    Args:
        workspace: Where it was looked for.
        name: Of the model.
        version: That was asked for, or ``None``.
        filters: Tags and the like that were asked for, as they are to be shown.
    """
    from difflib import get_close_matches

    wanted = f"name {name}" + (f" and version {version}" if version is not None else "")
    wanted += f" and {filters}" if filters else ""
    models = workspace.book.section("models")
    known = [each for each, versions in models.items() if versions]
    numbers = ", ".join(sorted(models.get(name, {}), key=int))
    if numbers and filters:
        there = f" {name!r} is there, as version {numbers}, but none of them fits {filters}."
    elif numbers:
        there = f" {name!r} is there, as version {numbers}."
    elif near := get_close_matches(name, known, n=1):
        there = f" Did you mean {near[0]!r}?"
    else:
        there = f" There is {', '.join(known)}." if known else " It has none yet."
    return f"ModelNotFound: Model with {wanted} not found in provided workspace.{there}"


def path_of(name: str, version: int | None, workspace: Workspace | None) -> tuple[str | None, str]:
    """Where a workspace's model is; one that no workspace has is anybody's. Else ``None``, and why."""
    from jupyter_mldeploy import list_models
    from jupyter_mldeploy.azureml.core.workspace import find_workspace

    if workspace is None:
        with suppress(AzureMLException):
            workspace = find_workspace(None)
    own, free = _fitting(name, version, workspace)
    if found := own or free:
        return str(max(found, key=lambda model: model.version).path), ""
    if workspace is None and NAME.fullmatch(str(name)) and any(version in {None, m.version} for m in list_models(name)):
        return None, f"more than one workspace may be meant by {name!r}: pass _workspace, or put a config.json here."
    whose = f"the workspace {workspace.name!r}" if workspace is not None else "any workspace"
    return None, f"there is no model {name!r}{f' of version {version}' if version else ''} in {whose}."


def _fitting(name: str, version: int | None, workspace: Workspace | None) -> tuple[list[Registered], list[Registered]]:
    """Models of that name (and version) that are the workspace's, and those that no workspace has."""
    from jupyter_mldeploy import list_models
    from jupyter_mldeploy.azureml.book import books

    mine: set[str] = set()
    others: set[str] = set()
    for book in books():
        numbers = set(book.section("models").get(name, {}))
        if workspace is not None and book.folder == workspace.book.folder:
            mine = numbers
        else:
            others |= numbers
    fitting = [m for m in (list_models(name) if NAME.fullmatch(str(name)) else []) if version in {None, m.version}]
    own = [model for model in fitting if str(model.version) in mine]
    return own, [model for model in fitting if str(model.version) not in others | mine]


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
