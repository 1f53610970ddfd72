"""``AksServiceDeploymentConfiguration``: replicas, autoscaling, limits, time-outs and keys on Kubernetes."""

from __future__ import annotations

import re
from numbers import Integral
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.azureml.core.webservice.configuration import WebserviceDeploymentConfiguration, number_problems
from jupyter_mldeploy.azureml.exceptions import WebserviceException
from jupyter_mldeploy.azureml.facade import facade
from jupyter_mldeploy.azureml.telling import say, warn_once
from jupyter_mldeploy.azureml.values import kind_problems

if TYPE_CHECKING:
    from jupyter_mldeploy.azureml.core.workspace import Workspace
    from jupyter_mldeploy.spec import Autoscale, Target

__all__ = ["DEFAULTS", "AksServiceDeploymentConfiguration", "autoscale_of", "problems", "settings_after"]

NAMESPACE = "^[a-z0-9]([a-z0-9-]{,61}[a-z0-9])?$"
DEFAULTS = {"autoscale_min_replicas": 1, "autoscale_max_replicas": 10, "autoscale_target_utilization": 70}
_ABOVE_ZERO = (
    "cpu_cores", "memory_gb", "period_seconds", "initial_delay_seconds", "timeout_seconds", "success_threshold",
    "failure_threshold", "scoring_timeout_ms", "replica_max_concurrent_requests", "max_request_wait_time", "num_replicas",
    "cpu_cores_limit", "memory_gb_limit",
)  # fmt: skip
_AUTOSCALE = (
    "autoscale_min_replicas",
    "autoscale_max_replicas",
    "autoscale_refresh_seconds",
    "autoscale_target_utilization",
)
_WHOLE = ("num_replicas", "gpu_cores", "replica_max_concurrent_requests", *_AUTOSCALE)
_AT_MOST = (
    ("autoscale_target_utilization", 100, "percent"),
    ("scoring_timeout_ms", 300_000, "milliseconds"),
)
_LEFT_OUT = {
    ("collect_model_data", "enable_app_insights"): "Azure alone has them; see the service's log and its /metrics",
    (
        "period_seconds", "initial_delay_seconds", "timeout_seconds", "success_threshold", "failure_threshold",
    ): "the cluster's probes are chosen here",
    ("autoscale_refresh_seconds",): "the cluster's scaler has a pace of its own",
}  # fmt: skip
"""Harmless to leave out."""


@facade(WebserviceException)
class AksServiceDeploymentConfiguration(WebserviceDeploymentConfiguration):
    """See the module."""

    def __init__(
        self,
        autoscale_enabled: bool | None,
        autoscale_min_replicas: int | None,
        autoscale_max_replicas: int | None,
        autoscale_refresh_seconds: int | None,
        autoscale_target_utilization: int | None,
        collect_model_data: bool | None,
        auth_enabled: bool | None,
        cpu_cores: float | None,
        memory_gb: float | None,
        enable_app_insights: bool | None,
        scoring_timeout_ms: int | None,
        replica_max_concurrent_requests: int | None,
        max_request_wait_time: int | None,
        num_replicas: int | None,
        primary_key: str | None,
        secondary_key: str | None,
        tags: dict[str, str] | None,
        properties: dict[str, str] | None,
        description: str | None,
        gpu_cores: int | None,
        period_seconds: int | None,
        initial_delay_seconds: int | None,
        timeout_seconds: int | None,
        success_threshold: int | None,
        failure_threshold: int | None,
        namespace: str | None,
        token_auth_enabled: bool | None,
        compute_target_name: str | None,
        cpu_cores_limit: float | None,
        memory_gb_limit: float | None,
        blobfuse_enabled: bool | None = None,
    ) -> None:
        given = dict(locals())
        super().__init__(None, description, tags, properties, primary_key, secondary_key)
        for name, value in given.items():
            if name not in {"self", "__class__"}:
                setattr(self, name, value)
        self.validate_configuration()

    def validate_configuration(self) -> None:
        """Raise the original's one ``WebserviceException`` with everything that is wrong."""
        wrong = problems(vars(self))
        if wrong:
            raise WebserviceException("".join(f"{problem}\n" for problem in wrong))
        for names, why in _LEFT_OUT.items():
            left_out = [name for name in names if getattr(self, name)]
            if left_out:
                warn_once(f"{', '.join(left_out)}: left out, because {why}.")
        if (getattr(self, "replica_max_concurrent_requests", None) or 1) > 1:
            warn_once(
                "replica_max_concurrent_requests: a replica here works on one request at a time; more replicas do more."
            )

    def print_deploy_configuration(self) -> None:
        """Print it."""
        for words, name, unit in (
            ("CPU requirement", "cpu_cores", ""), ("GPU requirement", "gpu_cores", ""),
            ("Memory requirement", "memory_gb", "GB"), ("Number of replica", "num_replicas", ""),
        ):  # fmt: skip
            if getattr(self, name) is not None:
                say(f"{words}: {getattr(self, name)}{unit}")

    @property
    def auth(self) -> bool:
        values = vars(self)
        return bool(values["token_auth_enabled"]) or (values["auth_enabled"] is not False)

    def service_class(self) -> Any:
        from jupyter_mldeploy.azureml.core.webservice.aks import AksWebservice

        return AksWebservice

    def target(self, workspace: Workspace, deployment_target: Any) -> Target:
        from jupyter_mldeploy.azureml.core.compute.aks import AksCompute

        name = vars(self)["compute_target_name"]
        if deployment_target is None and name:
            deployment_target = AksCompute(workspace, name)
        if deployment_target is None:
            raise WebserviceException(
                "Must have a deployment target for an AKS web service.",
                hint="AksCompute(ws, CONTEXT) is a context of your kubeconfig.",
            )
        if not isinstance(deployment_target, AksCompute):
            raise WebserviceException(
                f"Error, deployment_target must be an AksCompute, not {deployment_target!r}.",
                hint=f"AksCompute(ws, {deployment_target!r}) is one." if isinstance(deployment_target, str) else "",
            )
        target: Target = deployment_target.target(vars(self)["namespace"])
        return target

    def spec_values(self) -> dict[str, Any]:
        return spec_values(vars(self))

    def settings(self) -> dict[str, Any]:
        given = vars(self)
        return {
            "containerResourceRequirements": {
                "cpu": given["cpu_cores"] or 0.1,
                "memoryInGB": given["memory_gb"] or 0.5,
                "gpu": given["gpu_cores"],
                "cpuLimit": given["cpu_cores_limit"],
                "memoryInGBLimit": given["memory_gb_limit"],
            },
            "numReplicas": given["num_replicas"],
            "autoScaler": {
                "autoscaleEnabled": autoscale_enabled(given),
                "minReplicas": given["autoscale_min_replicas"] or 1,
                "maxReplicas": given["autoscale_max_replicas"] or max(10, given["autoscale_min_replicas"] or 1),
                "refreshPeriodInSeconds": given["autoscale_refresh_seconds"] or 1,
                "targetUtilization": given["autoscale_target_utilization"] or 70,
            },
            "scoringTimeoutMs": given["scoring_timeout_ms"] or 60_000,
            "maxQueueWaitMs": given["max_request_wait_time"] or 500,
            "authEnabled": self.auth and not given["token_auth_enabled"],
            "aadAuthEnabled": bool(given["token_auth_enabled"]),
            "namespace": given["namespace"],
        }


_SHOWN = {
    "containerResourceRequirements": {
        "cpu_cores": "cpu", "memory_gb": "memoryInGB", "gpu_cores": "gpu", "cpu_cores_limit": "cpuLimit",
        "memory_gb_limit": "memoryInGBLimit",
    },
    "autoScaler": {
        "autoscale_min_replicas": "minReplicas", "autoscale_max_replicas": "maxReplicas",
        "autoscale_refresh_seconds": "refreshPeriodInSeconds", "autoscale_target_utilization": "targetUtilization",
    },
}  # fmt: skip


def settings_after(before: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """What an update changes of what is shown."""
    after: dict[str, Any] = {}
    for section, names in _SHOWN.items():
        said = {shown: given[name] for name, shown in names.items() if given[name] is not None}
        if said:
            after[section] = {**(before.get(section) or {}), **said}
    enabled = given["autoscale_enabled"]
    if given["num_replicas"]:
        enabled = bool(enabled)
        after["numReplicas"] = given["num_replicas"]
    if enabled is not None:
        after["autoScaler"] = {
            **(after.get("autoScaler") or before.get("autoScaler") or {}),
            "autoscaleEnabled": enabled,
        }
    if enabled:
        after["numReplicas"] = None
    for name, shown in (("scoring_timeout_ms", "scoringTimeoutMs"), ("max_request_wait_time", "maxQueueWaitMs")):
        if given[name] is not None:
            after[shown] = given[name]
    return after


def autoscale_enabled(given: dict[str, Any]) -> bool:
    """As the original decides where nothing is said: unless a number of replicas is named."""
    return bool(given["autoscale_enabled"]) if given["autoscale_enabled"] is not None else not given["num_replicas"]


def autoscale_of(given: dict[str, Any]) -> Autoscale:
    """The bounds of the number of replicas."""
    from jupyter_mldeploy.spec import Autoscale

    values = {name: given.get(name) or default for name, default in DEFAULTS.items()}
    share = values["autoscale_target_utilization"] / 100
    if not autoscale_enabled(given):
        number = given["num_replicas"]
        return Autoscale(number, number, share)
    low = values["autoscale_min_replicas"]
    return Autoscale(low, max(low, values["autoscale_max_replicas"]), share)


def spec_values(given: dict[str, Any]) -> dict[str, Any]:
    """Fields of the package's specification."""
    from jupyter_mldeploy.spec import Resources

    cpu, memory = given["cpu_cores_limit"] or given["cpu_cores"], given["memory_gb_limit"] or given["memory_gb"]
    values: dict[str, Any] = {
        "autoscale": autoscale_of(given),
        "resources": Resources.of(cpu, memory, given["gpu_cores"] or 0),
        "scoring_timeout": (given["scoring_timeout_ms"] or 60_000) / 1000,
        "max_request_wait": (given["max_request_wait_time"] or 500) / 1000,
    }
    return values


def problems(given: dict[str, Any], before: str = "Invalid configuration, ") -> list[str]:
    """Everything that the original finds wrong, in its words; it has two beginnings for them."""
    found = []

    def wrong(text: str) -> None:
        found.append(f"{before}{text}")

    texts = kind_problems(given) + number_problems(given, (*_ABOVE_ZERO, "gpu_cores", *_AUTOSCALE))
    if texts:
        return [f"Invalid configuration, {text.removeprefix('Invalid configuration, ')}" for text in texts]
    if not_whole := _not_whole(given):
        return [f"{before}{text}" for text in not_whole]
    for text in _bounds(given):
        wrong(text)
    for name in ("cpu_cores", "memory_gb"):
        if given[name] is not None and given[f"{name}_limit"] is not None and given[f"{name}_limit"] < given[name]:
            wrong(f"{name}_limit must be greater than or equal to {name}.")
    if given["gpu_cores"] is not None and given["gpu_cores"] < 0:
        wrong("gpu_cores must be greater than or equal to zero.")
    if given["namespace"] and not re.match(NAMESPACE, given["namespace"]):
        wrong(f"namespace must be a valid Kubernetes namespace. Regex for validation is {NAMESPACE}")
    for text in _autoscale_problems(given):
        wrong(text)
    if given["token_auth_enabled"] and given["auth_enabled"]:
        wrong("auth_enabled and token_auth_enabled cannot both be true.")
    return found


def _bounds(given: dict[str, Any]) -> list[str]:
    found = [
        f"{name} must be greater than zero." for name in _ABOVE_ZERO if given[name] is not None and given[name] <= 0
    ]
    return found + [
        f"{name} must be at most {most} {unit}, not {given[name]!r}."
        for name, most, unit in _AT_MOST
        if given[name] is not None and given[name] > most
    ]


def _not_whole(given: dict[str, Any]) -> list[str]:
    return [
        f"{name} must be a whole number{' of percent' if name == 'autoscale_target_utilization' else ''}, not {given[name]!r}."
        for name in _WHOLE
        if given[name] is not None and not isinstance(given[name], Integral)
    ]


def _autoscale_problems(given: dict[str, Any]) -> list[str]:
    if not given["autoscale_enabled"]:
        found = [f"{name} provided without enabling autoscaling." for name in _AUTOSCALE if given[name]]
        if given["autoscale_enabled"] is False and not given["num_replicas"]:
            found.insert(0, "autoscale disabled but num_replicas not provided.")
        return found
    found = ["autoscale enabled and num_replicas provided."] if given["num_replicas"] else []
    found += [
        f"{name} must be greater than zero." for name in _AUTOSCALE if given[name] is not None and given[name] <= 0
    ]
    low, high = given["autoscale_min_replicas"], given["autoscale_max_replicas"]
    if low and high and low > high:
        found.append("autoscale_min_replicas cannot be greater than autoscale_max_replicas.")
    return found
