"""Deploy the model of a notebook cell, follow it, edit it, and see why it fails.

    %load_ext jupyter_mldeploy

    %%deploy iris --model clf
    ...

The same in Python: ``from jupyter_mldeploy import deploy, service, services, Model, Environment``. Names are loaded when they
are used, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_mldeploy._version import __version__

if TYPE_CHECKING:
    from jupyter_mldeploy.api import Service, deploy, service, services
    from jupyter_mldeploy.comparison import compare
    from jupyter_mldeploy.errors import MLDeployError
    from jupyter_mldeploy.models import delete_model, download_model, get_model, list_models, register_model
    from jupyter_mldeploy.registry import Model, ModelRegistry
    from jupyter_mldeploy.spec import Autoscale, Environment, InferenceConfig, Resources, ServiceSpec, Target

__all__ = [
    "Autoscale",
    "Environment",
    "InferenceConfig",
    "MLDeployError",
    "Model",
    "ModelRegistry",
    "Resources",
    "Service",
    "ServiceSpec",
    "Target",
    "__version__",
    "compare",
    "delete_model",
    "deploy",
    "download_model",
    "get_model",
    "list_models",
    "register_model",
    "service",
    "services",
]

_HOME = {
    **dict.fromkeys(("Service", "deploy", "service", "services"), "jupyter_mldeploy.api"),
    "compare": "jupyter_mldeploy.comparison",
    **dict.fromkeys(
        ("Autoscale", "Environment", "InferenceConfig", "Resources", "ServiceSpec", "Target"), "jupyter_mldeploy.spec"
    ),
    **dict.fromkeys(("Model", "ModelRegistry"), "jupyter_mldeploy.registry"),
    **dict.fromkeys(
        ("delete_model", "download_model", "get_model", "list_models", "register_model"), "jupyter_mldeploy.models"
    ),
    "MLDeployError": "jupyter_mldeploy.errors",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(shell: Any) -> None:
    """Called by ``%load_ext jupyter_mldeploy``."""
    from jupyter_mldeploy.notebook.magics import load

    load(shell)
