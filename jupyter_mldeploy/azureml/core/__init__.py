"""``azureml.core``: what is named here is loaded when it is used."""

from __future__ import annotations

from jupyter_mldeploy.azureml.facade import module_getattr
from jupyter_mldeploy.azureml.unknown import DATA, TRAINING

_HOME = {
    "Workspace": "core.workspace",
    "Experiment": "core.experiment",
    "Run": "core.run",
    "get_run": "core.run",
    "Environment": "core.environment",
    "CondaDependencies": "core.conda_dependencies",
    "ComputeTarget": "core.compute",
    "ContainerRegistry": "core.container_registry",
    "Model": "core.model",
    "Image": "core.image",
    "ContainerImage": "core.image",
    "Webservice": "core.webservice",
    "VERSION": "version",
}
_REASONS = {
    **dict.fromkeys(("Dataset", "Datastore"), DATA),
    **dict.fromkeys(("RunConfiguration", "ScriptRun", "ScriptRunConfig"), TRAINING),
    "Keyvault": "read secrets from environment variables",
}
_SUBMODULES = (
    "authentication", "compute", "compute_target", "conda_dependencies", "container_registry", "environment", "experiment",
    "image", "model", "resource_configuration", "run", "runconfig", "webservice", "workspace",
)  # fmt: skip

__version__ = "1.61.0"
__all__ = list(_HOME)

__getattr__ = module_getattr(__name__, _HOME, _REASONS, _SUBMODULES)
