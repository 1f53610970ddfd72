"""`Model.get_model_path`, as scoring scripts use it inside a deployed service."""

from __future__ import annotations

import logging
import os
from typing import Any

__all__ = ["Model", "ModelNotFoundException"]

_logger = logging.getLogger("azureml.core.model")


class ModelNotFoundException(Exception):
    """No such model where models are kept."""


class Model:
    """The part of the v1 `Model` that a deployed script needs."""

    @staticmethod
    def get_model_path(model_name: str, version: int | str | None = None, _workspace: Any = None) -> str:
        """The path of a registered model.

        Parameters
        ----------
        model_name
            The name it was registered under.
        version
            Its version; None takes the highest there is.

        Returns
        -------
        str
            The one file or folder in `$AML_APP_ROOT/azureml-models/<name>/<version>/`, else `./<name>`.

        Raises
        ------
        ModelNotFoundException
            Neither exists; the text says where it was looked for.
        """
        folder = os.path.join(os.environ.get("AML_APP_ROOT", ""), "azureml-models")
        of_model = os.path.join(folder, model_name)
        chosen = _version(of_model, version)
        if chosen is not None:
            of_version = os.path.join(of_model, chosen)
            found = sorted(os.listdir(of_version))
            if len(found) == 1:
                return os.path.join(of_version, found[0])
            message = f"Dir {of_version} can contain only 1 file or folder. Found {found}"
            raise ModelNotFoundException(message)
        here = os.path.join(os.curdir, model_name)
        if version is None and os.path.exists(here):
            return here
        wanted = model_name if version is None else f"{model_name} version {version}"
        held = f"; it holds {sorted(os.listdir(folder))}" if os.path.isdir(folder) else ", which does not exist"
        message = (
            f"Model {wanted} not found in cache at {os.path.abspath(folder)}{held}, "
            f"or in current working directory {os.getcwd()}. For more info, set logging level to DEBUG."
        )
        raise ModelNotFoundException(message)


def _version(of_model: str, version: int | str | None) -> str | None:
    if not os.path.isdir(of_model):
        _logger.debug("No folder %s", of_model)
        return None
    if version is not None:
        wanted = str(int(version))
        return wanted if os.path.isdir(os.path.join(of_model, wanted)) else None
    versions = [name for name in os.listdir(of_model) if name.isdigit()]
    _logger.debug("Versions in %s: %s", of_model, versions)
    return max(versions, key=int) if versions else None
