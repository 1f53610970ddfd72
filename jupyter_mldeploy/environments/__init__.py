"""Environments other than the kernel's own: made once by uv, kept under their hash, shared by all services."""

from jupyter_mldeploy.environments.extras import with_requirements
from jupyter_mldeploy.environments.requirements import pip_requirements
from jupyter_mldeploy.environments.store import PreparedEnvironment, list_environments, prepare, prune

__all__ = ["PreparedEnvironment", "list_environments", "pip_requirements", "prepare", "prune", "with_requirements"]
