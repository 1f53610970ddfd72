"""``azureml.core.compute_target``: from here scripts import the exception of a cluster that is not there."""

from __future__ import annotations

from jupyter_mldeploy.azureml.exceptions import ComputeTargetException
from jupyter_mldeploy.azureml.facade import module_getattr
from jupyter_mldeploy.azureml.unknown import TRAINING

__all__ = ["ComputeTargetException"]

__getattr__ = module_getattr(__name__, {}, {"LocalTarget": TRAINING}, names=("ComputeTargetException",))
