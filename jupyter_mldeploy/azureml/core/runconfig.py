"""``azureml.core.runconfig``: what deployment scripts import from here; runs themselves are configured where they run."""

from __future__ import annotations

from jupyter_mldeploy.azureml.facade import module_getattr
from jupyter_mldeploy.azureml.unknown import TRAINING

_HOME = {
    "CondaDependencies": "core.conda_dependencies",
    "DEFAULT_CPU_IMAGE": "core.environment",
    "DEFAULT_GPU_IMAGE": "core.environment",
}
_REASONS = dict.fromkeys(
    ("RunConfiguration", "DataReferenceConfiguration", "MpiConfiguration", "DockerConfiguration"), TRAINING
)

__getattr__ = module_getattr(__name__, _HOME, _REASONS)
