"""The frozen values that say what is wanted. Each is checked when it is made; an error names field, value and rule."""

from jupyter_mldeploy.spec.environment import Environment
from jupyter_mldeploy.spec.kinds import check_kinds
from jupyter_mldeploy.spec.names import check_model_name, check_service_name, is_service_name
from jupyter_mldeploy.spec.placement import Placement, Toleration, read_labels
from jupyter_mldeploy.spec.quantities import parse_cpu, parse_memory, parse_seconds, show_memory
from jupyter_mldeploy.spec.resources import Autoscale, Resources, replicas_for
from jupyter_mldeploy.spec.service import (
    InferenceConfig,
    ModelRef,
    Script,
    ServiceSpec,
    Target,
    TargetKind,
    scoring_keys,
)
from jupyter_mldeploy.spec.variables import VALUES, Variable, keys_marked, keys_name, marked, read_variables, values_of

__all__ = [
    "VALUES",
    "Autoscale",
    "Environment",
    "InferenceConfig",
    "ModelRef",
    "Placement",
    "Resources",
    "Script",
    "ServiceSpec",
    "Target",
    "TargetKind",
    "Toleration",
    "Variable",
    "check_kinds",
    "check_model_name",
    "check_service_name",
    "is_service_name",
    "keys_marked",
    "keys_name",
    "marked",
    "parse_cpu",
    "parse_memory",
    "parse_seconds",
    "read_labels",
    "read_variables",
    "replicas_for",
    "scoring_keys",
    "show_memory",
    "values_of",
]
