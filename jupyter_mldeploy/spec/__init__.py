"""The frozen values that say what is wanted. Each is checked when it is made; an error names field, value and rule."""

from jupyter_mldeploy.spec.environment import Environment
from jupyter_mldeploy.spec.names import check_model_name, check_service_name
from jupyter_mldeploy.spec.quantities import parse_cpu, parse_memory, parse_seconds, show_memory
from jupyter_mldeploy.spec.resources import Autoscale, Resources, replicas_for
from jupyter_mldeploy.spec.service import InferenceConfig, ModelRef, Script, ServiceSpec, Target, TargetKind

__all__ = [
    "Autoscale",
    "Environment",
    "InferenceConfig",
    "ModelRef",
    "Resources",
    "Script",
    "ServiceSpec",
    "Target",
    "TargetKind",
    "check_model_name",
    "check_service_name",
    "parse_cpu",
    "parse_memory",
    "parse_seconds",
    "replicas_for",
    "show_memory",
]
