"""Put a file or folder into the package's registry, and into a workspace."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.azureml.exceptions import WebserviceException

if TYPE_CHECKING:
    from jupyter_mldeploy.azureml.core.workspace import Workspace
    from jupyter_mldeploy.registry import Model as Registered

__all__ = ["NAME", "name_of_path", "register", "texts"]

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
    from jupyter_mldeploy import register_model

    if not NAME.fullmatch(str(model_name)):
        raise WebserviceException(
            "Error, provided model name is invalid. It must only consist of letters, numbers, dashes, periods, or underscores, "
            "start with a letter or number, and be between 1 and 255 characters long."
        )
    if not os.path.lexists(model_path):
        raise WebserviceException(f'Error, provided model path "{model_path}" cannot be found')
    made = register_model(model_name, Path(model_path), tags=texts(tags), description=description)
    kept = {key: facts.get(key) for key in _FACTS if facts.get(key) is not None}
    with workspace.book.change() as content:
        known = content["models"].setdefault(model_name, {}).setdefault(str(made.version), {})
        known.update(kept)
        known["properties"] = {**known.get("properties", {}), **texts(properties)}
        return made, dict(known)


def name_of_path(path: str) -> str:
    """Of a model that is deployed from a path without being registered."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(path.rstrip("/")).name)[:30].strip("-._")
    return name or "model"


def texts(values: dict[str, Any] | None) -> dict[str, str]:
    """As the registry keeps tags."""
    return {str(key): str(value) for key, value in (values or {}).items()}
