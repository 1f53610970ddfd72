"""``AciWebservice``: one container with its limits, on this machine's Docker engine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.azureml.core.webservice.cloud import CloudWebservice
from jupyter_mldeploy.azureml.core.webservice.configuration import WebserviceDeploymentConfiguration
from jupyter_mldeploy.azureml.exceptions import WebserviceException
from jupyter_mldeploy.azureml.facade import facade
from jupyter_mldeploy.azureml.telling import say, warn_once

if TYPE_CHECKING:
    from jupyter_mldeploy.azureml.core.workspace import Workspace
    from jupyter_mldeploy.spec import Target

__all__ = ["AciServiceDeploymentConfiguration", "AciWebservice"]

DEFAULT_CPU, DEFAULT_MEMORY_GB = 0.1, 0.5
_AZURE_ONLY = {
    "ssl_enabled": "the service would be reached without TLS; put a reverse proxy with a certificate in front of it.",
    "vnet_name": "the service would not be in that network; it listens on this machine's loopback interface only.",
    "cmk_vault_base_url": "nothing would be encrypted with that key; encrypt the disk.",
}
"""What would deceive if it were silently left out."""


@facade(WebserviceException)
class AciServiceDeploymentConfiguration(WebserviceDeploymentConfiguration):
    """Limits and keys of one container."""

    def __init__(
        self,
        cpu_cores: float | None = None,
        memory_gb: float | None = None,
        tags: dict[str, str] | None = None,
        properties: dict[str, str] | None = None,
        description: str | None = None,
        location: str | None = None,
        auth_enabled: bool | None = None,
        ssl_enabled: bool | None = None,
        enable_app_insights: bool | None = None,
        ssl_cert_pem_file: str | None = None,
        ssl_key_pem_file: str | None = None,
        ssl_cname: str | None = None,
        dns_name_label: str | None = None,
        primary_key: str | None = None,
        secondary_key: str | None = None,
        collect_model_data: bool | None = None,
        cmk_vault_base_url: str | None = None,
        cmk_key_name: str | None = None,
        cmk_key_version: str | None = None,
        vnet_name: str | None = None,
        subnet_name: str | None = None,
    ) -> None:
        super().__init__(None, description, tags, properties, primary_key, secondary_key, location)
        self.cpu_cores = cpu_cores
        self.memory_gb = memory_gb
        self.auth_enabled = auth_enabled
        self.ssl_enabled = ssl_enabled
        self.enable_app_insights = enable_app_insights
        self.ssl_cert_pem_file = ssl_cert_pem_file
        self.ssl_key_pem_file = ssl_key_pem_file
        self.ssl_cname = ssl_cname
        self.dns_name_label = dns_name_label
        self.collect_model_data = collect_model_data
        self.cmk_vault_base_url = cmk_vault_base_url
        self.cmk_key_name = cmk_key_name
        self.cmk_key_version = cmk_key_version
        self.vnet_name = vnet_name
        self.subnet_name = subnet_name
        self.validate_configuration()

    def validate_configuration(self) -> None:
        """The original's refusals, then those of what only Azure can do."""
        self._check_values("cpu_cores", "memory_gb")
        wrong = [
            f"Invalid configuration, {name} must be positive."
            for name in ("cpu_cores", "memory_gb")
            if getattr(self, name) is not None and getattr(self, name) <= 0
        ]
        wrong += self._ssl_problems() if self.ssl_enabled else []
        keys = [bool(value) for value in (self.cmk_vault_base_url, self.cmk_key_name, self.cmk_key_version)]
        if any(keys) and not all(keys):
            wrong.append(
                "customer managed key vault_base_url, key_name and key_version must all have values or all are empty/null"
            )
        if bool(self.vnet_name) != bool(self.subnet_name):
            wrong.append("vnet_name and subnet_name must all have values or both are empty/null")
        if wrong:
            raise WebserviceException("\n".join(wrong))
        refused = [f"{name} is not possible here: {why}" for name, why in _AZURE_ONLY.items() if getattr(self, name)]
        if refused:
            raise WebserviceException("\n".join(refused))
        ignored = [
            name for name in ("enable_app_insights", "collect_model_data", "dns_name_label") if getattr(self, name)
        ]
        if ignored:
            warn_once(
                f"{' and '.join(ignored)} {'belong' if ignored[1:] else 'belongs'} to Azure and "
                f"{'are' if ignored[1:] else 'is'} left out; see the service's log and its /metrics."
            )

    def _ssl_problems(self) -> list[str]:
        if not (self.ssl_cert_pem_file and self.ssl_key_pem_file and self.ssl_cname):
            return ["SSL is enabled, you must provide a SSL certificate, key, and cname."]
        return [
            f"Error, unable to find SSL {kind} pem file provided paths:\n{path}"
            for kind, path in (("cert", self.ssl_cert_pem_file), ("key", self.ssl_key_pem_file))
            if not os.path.exists(path)  # noqa: PTH110 - the text of a path
        ]

    def print_deploy_configuration(self) -> None:
        """Print it."""
        say(
            f"CPU requirement: {self.cpu_cores or DEFAULT_CPU}\nMemory requirement: {self.memory_gb or DEFAULT_MEMORY_GB}GB"
        )

    @property
    def auth(self) -> bool:
        return bool(self.auth_enabled)

    def service_class(self) -> Any:
        return AciWebservice

    def target(self, workspace: Workspace, deployment_target: Any) -> Target:
        from jupyter_mldeploy.spec import Target, TargetKind

        if deployment_target is not None:
            raise WebserviceException("An ACI web service takes no deployment_target.")
        return Target(TargetKind.CONTAINER)

    def spec_values(self) -> dict[str, Any]:
        """Limits only where they were asked for: 0.1 cores, the original's default, start nothing soon."""
        from jupyter_mldeploy.spec import Resources

        return {"resources": Resources.of(self.cpu_cores, self.memory_gb)}

    def settings(self) -> dict[str, Any]:
        return {
            "containerResourceRequirements": {
                "cpu": self.cpu_cores or DEFAULT_CPU,
                "memoryInGB": self.memory_gb or DEFAULT_MEMORY_GB,
            },
            "location": self.location or "local",
            "authEnabled": self.auth,
            "sslEnabled": False,
            "appInsightsEnabled": False,
        }


@facade(WebserviceException)
class AciWebservice(CloudWebservice):
    """See the module."""

    TYPE = "ACI"

    @staticmethod
    def deploy_configuration(
        cpu_cores: float | None = None,
        memory_gb: float | None = None,
        tags: dict[str, str] | None = None,
        properties: dict[str, str] | None = None,
        description: str | None = None,
        location: str | None = None,
        auth_enabled: bool | None = None,
        ssl_enabled: bool | None = None,
        enable_app_insights: bool | None = None,
        ssl_cert_pem_file: str | None = None,
        ssl_key_pem_file: str | None = None,
        ssl_cname: str | None = None,
        dns_name_label: str | None = None,
        primary_key: str | None = None,
        secondary_key: str | None = None,
        collect_model_data: bool | None = None,
        cmk_vault_base_url: str | None = None,
        cmk_key_name: str | None = None,
        cmk_key_version: str | None = None,
        vnet_name: str | None = None,
        subnet_name: str | None = None,
    ) -> AciServiceDeploymentConfiguration:
        """How one container is to run."""
        return AciServiceDeploymentConfiguration(**locals())

    def update(
        self,
        image: Any = None,
        tags: dict[str, str] | None = None,
        properties: dict[str, str] | None = None,
        description: str | None = None,
        auth_enabled: bool | None = None,
        ssl_enabled: bool | None = None,
        ssl_cert_pem_file: str | None = None,
        ssl_key_pem_file: str | None = None,
        ssl_cname: str | None = None,
        enable_app_insights: bool | None = None,
        models: list[Any] | None = None,
        inference_config: Any = None,
    ) -> None:
        """Begin to change it; what is ``None`` stays. ``wait_for_deployment`` waits for it."""
        given = {key: value for key, value in locals().items() if key != "self"}
        self._check_update(given)
        # The rules of a new configuration hold for a changed one.
        AciServiceDeploymentConfiguration(
            ssl_enabled=ssl_enabled, ssl_cert_pem_file=ssl_cert_pem_file, ssl_key_pem_file=ssl_key_pem_file,
            ssl_cname=ssl_cname, enable_app_insights=enable_app_insights,
        )  # fmt: skip
        self._begin_update(given, {}, {})

    @property
    def location(self) -> str:
        """As it was named; it runs on this machine in any case."""
        return str(self._settings.get("location") or "local")

    @property
    def ssl_enabled(self) -> bool:
        """Never: TLS is a reverse proxy's affair here."""
        return False

    @property
    def cname(self) -> None:
        """It has none."""
        return

    def get_token(self) -> Any:
        """ACI has none, as in the original."""
        raise NotImplementedError("ACI web services do not support Token Authentication.")

    def serialize(self) -> dict[str, Any]:
        """As plain data."""
        return {**super().serialize(), "modelDetails": [model.serialize() for model in self.models]}
