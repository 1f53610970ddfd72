"""``azureml.core.runconfig``: what deployment scripts import from here; runs themselves are configured where they run."""

from __future__ import annotations

from jupyter_mldeploy.azureml.facade import module_getattr
from jupyter_mldeploy.azureml.unknown import TRAINING

_HOME = {"CondaDependencies": "core.conda_dependencies"}
_REASONS = dict.fromkeys(
    ("RunConfiguration", "DataReferenceConfiguration", "MpiConfiguration", "DockerConfiguration"), TRAINING
)

DEFAULT_CPU_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04"
DEFAULT_GPU_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-cuda11.1-cudnn8-ubuntu20.04"
"""As base images these stand for the package's own (see ``Environment.to_spec``)."""

__getattr__ = module_getattr(__name__, _HOME, _REASONS)
