"""``inferenceconfig.json`` and ``deploymentconfig.json``, also as YAML, as ``az ml model deploy --ic … --dc …`` took them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jupyter_mldeploy.azureml.exceptions import AzureMLException, UserErrorException
from jupyter_mldeploy.azureml.telling import warn_once
from jupyter_mldeploy.azureml.unknown import member_sentence

__all__ = ["deployment_config_class", "deployment_config_of", "inference_config_of", "parse", "read", "read_inference"]

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
_OF_INFERENCE = {"enableGpu": bool, "baseImageRegistry": dict, "environment": (str, dict)}
"""What is no text."""
_KINDS_SHOWN = {bool: "true or false", dict: "an object", (str, dict): "a file or an object", str: "a text"}
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


_IGNORED = {
    "aks": {"sslEnabled": "TLS is not made here; put a reverse proxy or an Ingress in front."},
    "aci": {},
    "local": {},
}
"""What the command never read, of what files of those days say."""


def parse(path: str | Path) -> dict[str, Any]:
    """The object in a JSON or YAML file.

    Raises:
        ValueError: It holds no object.
        OSError: It cannot be read.
    """
    text = Path(path).read_text(encoding="utf-8-sig")
    if Path(path).suffix in {".yml", ".yaml"}:
        import yaml

        try:
            content = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ValueError(str(error)) from None
    else:
        content = json.loads(text)
    if not isinstance(content, dict):
        raise ValueError("it is not an object with keys")
    return content


def read(path: str | Path) -> dict[str, Any]:
    """The object in a JSON or YAML file."""
    try:
        return parse(path)
    except FileNotFoundError:
        raise UserErrorException(f"There is no file {str(path)!r}.") from None
    except (OSError, ValueError) as error:
        raise UserErrorException(f"The file {str(path)!r} cannot be used: {error}.") from None


def inference_config_of(path: str | Path) -> Any:
    """The ``InferenceConfig`` of an ``inferenceconfig.json``; paths in it are relative to the current folder, as they were."""
    from jupyter_mldeploy.azureml.core.model import InferenceConfig

    return InferenceConfig(**read_inference(path))


def read_inference(path: str | Path, folders: Sequence[Path] = (Path(),)) -> dict[str, Any]:
    """The arguments of the ``InferenceConfig``; ``folders`` are those that its paths may be of."""
    from jupyter_mldeploy.azureml.environment_json import environment_of

    content = read(path)
    given = _named(content, _INFERENCE, str(path))
    for key, value in content.items():
        kind: Any = _OF_INFERENCE.get(key, str)
        if value is not None and not isinstance(value, kind):
            raise UserErrorException(f"{path}: {key} is {_KINDS_SHOWN[kind]}, not {value!r}.")
    place = str(path)
    if isinstance(given.get("environment"), str):
        given["environment"], place = _environment(given["environment"], str(path), folders), given["environment"]
    if isinstance(given.get("environment"), dict):
        given["environment"] = environment_of({"name": "inference", **given["environment"]}, place, folders)
    if isinstance(given.get("base_image_registry"), dict):
        given["base_image_registry"] = _registry(given["base_image_registry"])
    if "entry_script" not in given:
        raise UserErrorException(f"{path}: Error, need to specify entryScript.")
    return given


def deployment_config_class(path: str | Path | None, *, to_cluster: bool = False) -> Any:
    """The ``Webservice`` that a ``deploymentconfig.json`` is for; without one, that for a cluster, or for a container."""
    from jupyter_mldeploy.azureml.core import webservice

    kind = _kind_of(path, read(path)) if path else ("aks" if to_cluster else "aci")
    return {"aci": webservice.AciWebservice, "aks": webservice.AksWebservice, "local": webservice.LocalWebservice}[kind]


def deployment_config_of(path: str | Path, said: Mapping[str, Any] = MappingProxyType({})) -> Any:
    """The deployment configuration of a ``deploymentconfig.json``: ACI, AKS or local; ``said`` are arguments that win."""
    content = dict(read(path))
    kind = _kind_of(path, content)
    content.pop("computeType")
    for key, why in _IGNORED[kind].items():
        if content.pop(key, None):
            warn_once(f"{path}: {key} is left out: {why}")
    made = deployment_config_class(path)
    strange: list[str] = []
    given = {**_named(content, _KINDS[kind], str(path), strange), **said}
    try:
        found = made.deploy_configuration(**given)
    except AzureMLException as error:
        text = "\n".join([*strange, f"{path}: {error.message}"])
        raise UserErrorException(text, inner_exception=error, hint=error.hint) from None
    if strange:
        raise UserErrorException("\n".join(strange))
    return found


def _kind_of(path: str | Path, content: dict[str, Any]) -> str:
    kind = str(content.get("computeType") or "").lower()
    if kind not in _KINDS:
        raise UserErrorException(f"{path}: computeType={kind!r} is not valid: it is aci, aks or local.")
    return kind


def _named(
    content: dict[str, Any], names: dict[str, Any], where: str, strange: list[str] | None = None
) -> dict[str, Any]:
    """By the names of arguments; what is wrong is raised, or told to ``strange`` so that the rest is judged, too."""
    told: list[str] = [] if strange is None else strange
    found: dict[str, Any] = {}
    for key, value in content.items():
        if value is None:
            continue
        name = names.get(key)
        if name is None:
            told.append(member_sentence(where, key, names))
        elif not isinstance(name, dict):
            found[name] = value
        elif isinstance(value, dict):
            found |= _named(value, name, f"{where}: {key}", told)
        else:
            told.append(f"{where}: {key} is an object with {', '.join(name)}.")
    if strange is None and told:
        raise UserErrorException("\n".join(told))
    return found


def _environment(named: str, where: str, folders: Sequence[Path]) -> Any:
    """Of a file or a folder with one; a name alone is of a workspace, which a file does not know."""
    places = [folder / named for folder in folders]
    places = [place / "azureml_environment.json" if place.is_dir() else place for place in places]
    place = next((place for place in places if place.is_file()), None)
    if place is None:
        raise UserErrorException(
            f"{where}: there is no environment file {named!r}; an environment that is registered under a name is read with "
            "Environment.get(ws, NAME) and written with its save_to_directory(FOLDER)."
        )
    return read(place)


def _registry(content: dict[str, Any]) -> Any:
    from jupyter_mldeploy.azureml.core.container_registry import ContainerRegistry

    made = ContainerRegistry()
    made.address = content.get("address")
    if made.address is not None and not isinstance(made.address, str):
        raise UserErrorException(f"baseImageRegistry: address is a text, not {made.address!r}.")
    return made
