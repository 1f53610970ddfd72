"""``inferenceconfig.json`` and ``deploymentconfig.json``, as ``az ml model deploy --ic … --dc …`` took them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jupyter_mldeploy.azureml.exceptions import UserErrorException
from jupyter_mldeploy.azureml.unknown import member_sentence

__all__ = ["deployment_config_of", "inference_config_of", "read", "read_inference"]

_INFERENCE = {
    "entryScript": "entry_script",
    "runtime": "runtime",
    "condaFile": "conda_file",
    "extraDockerfileSteps": "extra_docker_file_steps",
    "sourceDirectory": "source_directory",
    "enableGpu": "enable_gpu",
    "cudaVersion": "cuda_version",
    "baseImage": "base_image",
    "baseImageRegistry": "base_image_registry",
    "description": "description",
    "environment": "environment",
}
_ACI = {
    "containerResourceRequirements": {"cpu": "cpu_cores", "memoryInGB": "memory_gb"},
    "location": "location",
    "authEnabled": "auth_enabled",
    "sslEnabled": "ssl_enabled",
    "appInsightsEnabled": "enable_app_insights",
    "sslCertificate": "ssl_cert_pem_file",
    "sslKey": "ssl_key_pem_file",
    "cname": "ssl_cname",
    "dnsNameLabel": "dns_name_label",
    "keys": {"primaryKey": "primary_key", "secondaryKey": "secondary_key"},
    "vnetConfiguration": {"vnetName": "vnet_name", "subnetName": "subnet_name"},
}
_AKS = {
    "autoScaler": {
        "autoscaleEnabled": "autoscale_enabled",
        "minReplicas": "autoscale_min_replicas",
        "maxReplicas": "autoscale_max_replicas",
        "refreshPeriodInSeconds": "autoscale_refresh_seconds",
        "targetUtilization": "autoscale_target_utilization",
    },
    "dataCollection": {"storageEnabled": "collect_model_data"},
    "authEnabled": "auth_enabled",
    "tokenAuthEnabled": "token_auth_enabled",
    "containerResourceRequirements": {
        "cpu": "cpu_cores", "memoryInGB": "memory_gb", "gpu": "gpu_cores", "cpuLimit": "cpu_cores_limit",
        "memoryInGBLimit": "memory_gb_limit",
    },
    "appInsightsEnabled": "enable_app_insights",
    "scoringTimeoutMs": "scoring_timeout_ms",
    "maxConcurrentRequestsPerContainer": "replica_max_concurrent_requests",
    "maxQueueWaitMs": "max_request_wait_time",
    "numReplicas": "num_replicas",
    "keys": {"primaryKey": "primary_key", "secondaryKey": "secondary_key"},
    "gpuCores": "gpu_cores",
    "livenessProbeRequirements": {
        "periodSeconds": "period_seconds", "initialDelaySeconds": "initial_delay_seconds", "timeoutSeconds": "timeout_seconds",
        "failureThreshold": "failure_threshold", "successThreshold": "success_threshold",
    },
    "namespace": "namespace",
    "computeTargetName": "compute_target_name",
}  # fmt: skip
_COMMON = {"tags": "tags", "properties": "properties", "description": "description"}
_KINDS: dict[str, dict[str, Any]] = {"aci": _ACI | _COMMON, "aks": _AKS | _COMMON, "local": {"port": "port"}}


def read(path: str | Path) -> dict[str, Any]:
    """A JSON object."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise UserErrorException(f"There is no file {str(path)!r}.") from None
    except (OSError, ValueError) as error:
        raise UserErrorException(f"The file {str(path)!r} cannot be used: {error}.") from None
    if not isinstance(content, dict):
        raise UserErrorException(f"The file {str(path)!r} is not a JSON object.")
    return content


def inference_config_of(path: str | Path) -> Any:
    """The ``InferenceConfig`` of an ``inferenceconfig.json``; paths in it are relative to the current folder, as they were."""
    from jupyter_mldeploy.azureml.core.model import InferenceConfig

    return InferenceConfig(**read_inference(path))


def read_inference(path: str | Path) -> dict[str, Any]:
    """The arguments of the ``InferenceConfig``."""
    from jupyter_mldeploy.azureml.core.environment import Environment

    content = read(path)
    given = _named(content, _INFERENCE, str(path))
    if isinstance(given.get("environment"), str):
        given["environment"] = read(given["environment"])
    if isinstance(given.get("environment"), dict):
        given["environment"] = Environment._of_json({"name": "inference", **given["environment"]})
    if isinstance(given.get("base_image_registry"), dict):
        given["base_image_registry"] = _registry(given["base_image_registry"])
    if "entry_script" not in given:
        raise UserErrorException(f"{path}: Error, need to specify entryScript.")
    return given


def deployment_config_of(path: str | Path) -> Any:
    """The deployment configuration of a ``deploymentconfig.json``: ACI, AKS or local."""
    from jupyter_mldeploy.azureml.core import webservice

    content = dict(read(path))
    kind = str(content.pop("computeType", "")).lower()
    if kind not in _KINDS:
        raise UserErrorException(f"{path}: computeType={kind!r} is not valid: it is aci, aks or local.")
    made = {"aci": webservice.AciWebservice, "aks": webservice.AksWebservice, "local": webservice.LocalWebservice}[kind]
    return made.deploy_configuration(**_named(content, _KINDS[kind], str(path)))


def _named(content: dict[str, Any], names: dict[str, Any], where: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in content.items():
        name = names.get(key)
        if name is None:
            raise UserErrorException(member_sentence(where, key, names))
        if isinstance(name, dict):
            if not isinstance(value, dict):
                raise UserErrorException(f"{where}: {key} is an object with {', '.join(name)}.")
            found |= _named(value, name, f"{where}: {key}")
        elif value is not None:
            found[name] = value
    return found


def _registry(content: dict[str, Any]) -> Any:
    from jupyter_mldeploy.azureml.core.container_registry import ContainerRegistry

    made = ContainerRegistry()
    made.address = content.get("address")
    return made
