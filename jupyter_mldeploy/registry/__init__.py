"""Registered models: a file, a folder or an object of the notebook, kept under a name with versions that count up."""

from jupyter_mldeploy.registry.model import Model
from jupyter_mldeploy.registry.store import ModelRegistry

__all__ = ["Model", "ModelRegistry"]
