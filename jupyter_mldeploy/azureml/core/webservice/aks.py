"""``AksWebservice``: a service on Kubernetes, with replicas, autoscaling and keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from jupyter_mldeploy.azureml.core.webservice.aks_configuration import (
    AksServiceDeploymentConfiguration,
    autoscale_of,
    settings_after,
)
from jupyter_mldeploy.azureml.core.webservice.aks_update import scaled_before, update_problems
from jupyter_mldeploy.azureml.core.webservice.cloud import CloudWebservice
from jupyter_mldeploy.azureml.core.webservice.parts import AutoScaler, ContainerResourceRequirements
from jupyter_mldeploy.azureml.exceptions import UserErrorException, WebserviceException
from jupyter_mldeploy.azureml.facade import facade
from jupyter_mldeploy.azureml.unknown import argument_sentence

__all__ = ["AksServiceDeploymentConfiguration", "AksWebservice", "AutoScaler", "ContainerResourceRequirements"]


@facade(WebserviceException)
class AksWebservice(CloudWebservice):
    """See the module."""

    TYPE = "AKS"
    REFUSED: ClassVar[dict[str, str]] = {
        "get_access_token": "there is no Azure account; see get_keys() and get_token()",
        **CloudWebservice.REFUSED,
    }

    @staticmethod
    def deploy_configuration(
        autoscale_enabled: bool | None = None,
        autoscale_min_replicas: int | None = None,
        autoscale_max_replicas: int | None = None,
        autoscale_refresh_seconds: int | None = None,
        autoscale_target_utilization: int | None = None,
        collect_model_data: bool | None = None,
        auth_enabled: bool | None = None,
        cpu_cores: float | None = None,
        memory_gb: float | None = None,
        enable_app_insights: bool | None = None,
        scoring_timeout_ms: int | None = None,
        replica_max_concurrent_requests: int | None = None,
        max_request_wait_time: int | None = None,
        num_replicas: int | None = None,
        primary_key: str | None = None,
        secondary_key: str | None = None,
        tags: dict[str, str] | None = None,
        properties: dict[str, str] | None = None,
        description: str | None = None,
        gpu_cores: int | None = None,
        period_seconds: int | None = None,
        initial_delay_seconds: int | None = None,
        timeout_seconds: int | None = None,
        success_threshold: int | None = None,
        failure_threshold: int | None = None,
        namespace: str | None = None,
        token_auth_enabled: bool | None = None,
        compute_target_name: str | None = None,
        cpu_cores_limit: float | None = None,
        memory_gb_limit: float | None = None,
        blobfuse_enabled: bool | None = None,
    ) -> AksServiceDeploymentConfiguration:
        """How a service is to run on a cluster."""
        return AksServiceDeploymentConfiguration(**locals())

    def update(
        self,
        image: Any = None,
        autoscale_enabled: bool | None = None,
        autoscale_min_replicas: int | None = None,
        autoscale_max_replicas: int | None = None,
        autoscale_refresh_seconds: int | None = None,
        autoscale_target_utilization: int | None = None,
        collect_model_data: bool | None = None,
        auth_enabled: bool | None = None,
        cpu_cores: float | None = None,
        memory_gb: float | None = None,
        enable_app_insights: bool | None = None,
        scoring_timeout_ms: int | None = None,
        replica_max_concurrent_requests: int | None = None,
        max_request_wait_time: int | None = None,
        num_replicas: int | None = None,
        tags: dict[str, str] | None = None,
        properties: dict[str, str] | None = None,
        description: str | None = None,
        models: list[Any] | None = None,
        inference_config: Any = None,
        gpu_cores: int | None = None,
        period_seconds: int | None = None,
        initial_delay_seconds: int | None = None,
        timeout_seconds: int | None = None,
        success_threshold: int | None = None,
        failure_threshold: int | None = None,
        namespace: str | None = None,
        token_auth_enabled: bool | None = None,
        cpu_cores_limit: float | None = None,
        memory_gb_limit: float | None = None,
        **kwargs: Any,
    ) -> None:
        """Begin to change it; what is ``None`` stays. ``wait_for_deployment`` waits for it."""
        given = {key: value for key, value in locals().items() if key not in {"self", "kwargs"}}
        if kwargs:
            raise UserErrorException(argument_sentence("AksWebservice.update", next(iter(kwargs)), list(given)))
        self._check_update(given, lambda: update_problems(given, self, self._settings))
        if namespace is not None and namespace != self.service.spec.target.namespace:
            raise WebserviceException("A service does not change its namespace; deploy it there, and delete this one.")
        self._begin_update(given, self._changes(given), settings_after(self._settings, given))

    @property
    def autoscaler(self) -> AutoScaler:
        """Bounds of its number of replicas."""
        return AutoScaler.deserialize(self._settings.get("autoScaler") or {})

    @property
    def compute_name(self) -> str | None:
        """Of the cluster, as it was named."""
        record = self._record()
        return self._settings.get("computeName") or (record.spec.target.context if record else None)

    @property
    def num_replicas(self) -> int | None:
        """The fixed number, or ``None`` where it is scaled."""
        found: int | None = self._settings.get("numReplicas")
        return found

    @property
    def namespace(self) -> str | None:
        """On the cluster."""
        record = self._record()
        return (record.spec.target.namespace if record else None) or self._settings.get("namespace")

    @property
    def scoring_timeout_ms(self) -> int:
        """How long a request may take."""
        return int(self._settings.get("scoringTimeoutMs") or 60_000)

    @property
    def max_request_wait_time(self) -> int:
        """How long a request may wait for a free replica, in milliseconds."""
        return int(self._settings.get("maxQueueWaitMs") or 500)

    @property
    def max_concurrent_requests_per_container(self) -> int:
        """A replica works on one at a time."""
        return 1

    @property
    def token_auth_enabled(self) -> bool:
        """Whether ``get_token`` has one."""
        return bool(self._settings.get("aadAuthEnabled"))

    @property
    def deployment_status(self) -> str:
        """In one word."""
        return {"Healthy": "Succeeded", "Unhealthy": "Succeeded"}.get(self.state, self.state)

    def get_token(self) -> tuple[str, datetime]:
        """Its token, and when to ask again; where it was deployed with ``token_auth_enabled``."""
        if not self._settings.get("aadAuthEnabled"):
            raise WebserviceException(f"Token authentication is not enabled for {self.name!r}; see get_keys().")
        return self.get_keys()[0], datetime.now(UTC) + timedelta(hours=12)

    def serialize(self) -> dict[str, Any]:
        """As plain data."""
        return {**super().serialize(), "modelDetails": [model.serialize() for model in self.models]}

    def _changes(self, given: dict[str, Any]) -> dict[str, Any]:
        from dataclasses import replace

        from jupyter_mldeploy.spec import Resources

        spec = self.service.spec
        changes: dict[str, Any] = {}
        names = (
            "autoscale_enabled",
            "autoscale_min_replicas",
            "autoscale_max_replicas",
            "autoscale_target_utilization",
            "num_replicas",
        )
        if any(given[name] is not None for name in names):
            said = {name: given[name] for name in names if given[name] is not None}
            if said.get("num_replicas"):
                said.setdefault("autoscale_enabled", False)
            changes["autoscale"] = autoscale_of({**scaled_before(self._settings), **said})
        cpu, memory = given["cpu_cores_limit"] or given["cpu_cores"], given["memory_gb_limit"] or given["memory_gb"]
        if cpu is not None or memory is not None or given["gpu_cores"] is not None:
            said_resources = Resources.of(cpu, memory, given["gpu_cores"] or 0)
            changes["resources"] = replace(
                spec.resources,
                **{
                    name: value
                    for name, value in vars(said_resources).items()
                    if value is not None and (name != "gpus" or value)
                },
            )
        if given["scoring_timeout_ms"] is not None:
            changes["scoring_timeout"] = given["scoring_timeout_ms"] / 1000
        if given["max_request_wait_time"] is not None:
            changes["max_request_wait"] = given["max_request_wait_time"] / 1000
        return changes
