"""Names of the kinds of services, and what is said of one that is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.azureml.exceptions import WebserviceException
from jupyter_mldeploy.azureml.telling import warn_deprecated

if TYPE_CHECKING:
    from jupyter_mldeploy.azureml.core.workspace import Workspace

__all__ = ["STATES", "class_of", "deprecated", "not_found", "refuse_local"]

STATES = {
    "deploying": "Transitioning",
    "running": "Healthy",
    "degraded": "Unhealthy",
    "failed": "Failed",
    "stopped": "Unschedulable",
    "unknown": "Unhealthy",
}


def class_of(kind: str) -> Any:
    """``ACI``, ``AKS`` or ``Local``."""
    from jupyter_mldeploy.azureml.core import webservice

    return getattr(webservice, {"ACI": "AciWebservice", "AKS": "AksWebservice", "Local": "LocalWebservice"}[kind])


def not_found(workspace: Workspace, name: Any) -> WebserviceException:
    """The original's words, and what there is."""
    from jupyter_mldeploy.azureml.belonging import entries

    known = ", ".join(entries(workspace)) or "none"
    return WebserviceException(
        f"WebserviceNotFound: Webservice with name {name} not found in provided workspace; it has {known}.",
        status_code=404,
    )


def deprecated(name: str) -> None:
    """Warn as the original did."""
    warn_deprecated(f"{name} is deprecated; use Model.deploy with an Environment.")


def refuse_local(config: Any) -> None:
    """Of functions that never deployed to this machine."""
    if config is not None and config.service_class().TYPE == "Local":
        raise WebserviceException(
            "This method does not support local deployment configuration. "
            "Please use deploy_local_from_model for local deployment."
        )
