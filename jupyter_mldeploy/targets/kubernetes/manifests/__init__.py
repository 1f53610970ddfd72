"""The objects of a release, as pure functions from values to plain data."""

from jupyter_mldeploy.targets.kubernetes.manifests.all import kinds_needed, manifests, owned_by
from jupyter_mldeploy.targets.kubernetes.manifests.config import SCRIPT_LIMIT, check_size, config_map

__all__ = ["SCRIPT_LIMIT", "check_size", "config_map", "kinds_needed", "manifests", "owned_by"]
