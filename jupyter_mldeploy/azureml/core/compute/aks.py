"""``AksCompute``: a context of the kubeconfig, by its own name or by the one it was attached under."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from jupyter_mldeploy.azureml.core.compute.compute import ComputeTarget
from jupyter_mldeploy.azureml.exceptions import ComputeTargetException
from jupyter_mldeploy.azureml.facade import Facade, facade
from jupyter_mldeploy.azureml.values import told_of

if TYPE_CHECKING:
    from jupyter_mldeploy.azureml.core.workspace import Workspace
    from jupyter_mldeploy.spec import Target

__all__ = ["AksCompute", "KubernetesCompute"]


_TLS = "leave it out, and put an Ingress with a certificate in front of the services"


@facade(ComputeTargetException)
class AksAttachConfiguration(Facade):
    """Which cluster is meant."""

    REFUSED: ClassVar[dict[str, str]] = {"enable_ssl": _TLS}

    def __init__(self, cluster_name: str | None, resource_id: str | None) -> None:
        self.cluster_name = cluster_name or (resource_id or "").rstrip("/").rpartition("/")[2]
        self.resource_id = resource_id

    def validate_configuration(self) -> None:
        """Raise for a configuration that names no cluster."""
        self.context()

    def context(self) -> str:
        """``az aks get-credentials`` calls a context after its cluster."""
        if not self.cluster_name:
            raise ComputeTargetException("Name a cluster_name or a resource_id.")
        return self.cluster_name


@facade(ComputeTargetException)
class AksProvisioningConfiguration(Facade):
    """Of a cluster that would be made; anything can be set on it."""

    REFUSED: ClassVar[dict[str, str]] = {"enable_ssl": _TLS}

    def __init__(self, **given: Any) -> None:
        for key, value in given.items():
            setattr(self, key, value)

    def validate_configuration(self) -> None:
        """Nothing is made of it."""


@facade(ComputeTargetException)
class AksCompute(ComputeTarget):
    """See the module."""

    REFUSED: ClassVar[dict[str, str]] = {
        "update": "the cluster is configured with kubectl",
        "get_credentials": "they are in your kubeconfig",
    }

    class ClusterPurpose:
        """Of a cluster; makes no difference here."""

        FAST_PROD = "FastProd"
        DEV_TEST = "DevTest"

    def __init__(self, workspace: Workspace, name: str) -> None:
        super().__init__(workspace, name)
        known = workspace.book.section("compute").get(name)
        self.type = "AKS"
        self.context = str(known["context"]) if known else name
        contexts = _contexts()
        if known is None and name not in contexts:
            there = f"Your kubeconfig has {', '.join(contexts)}." if contexts else "Your kubeconfig has none."
            raise ComputeTargetException(
                f"ComputeTargetNotFound: Compute Target with name {name} not found in provided workspace.",
                hint=f"Name a context of your kubeconfig. {there}",
            )
        self.provisioning_state = "Succeeded"
        self.provisioning_errors: list[str] = []

    def target(self, namespace: str | None = None) -> Target:
        """As the package's own."""
        from jupyter_mldeploy.config import settings
        from jupyter_mldeploy.spec import Target, TargetKind

        return Target(TargetKind.KUBERNETES, self.context, namespace or settings().namespace or None)

    @staticmethod
    def attach(workspace: Workspace, name: str, resource_id: str) -> AksCompute:
        """By the cluster's resource id, which ends with its name."""
        found: AksCompute = ComputeTarget.attach(workspace, name, AksAttachConfiguration(None, resource_id))
        return found

    @staticmethod
    def attach_configuration(
        resource_group: str | None = None, cluster_name: str | None = None, resource_id: str | None = None,
        cluster_purpose: str | None = None, load_balancer_type: str | None = None, load_balancer_subnet: str | None = None,
    ) -> Any:  # fmt: skip
        """Of a cluster that there is; ``cluster_name`` is the name of its context."""
        return AksAttachConfiguration(cluster_name, resource_id)

    @staticmethod
    def provisioning_configuration(
        agent_count: int | None = None, vm_size: str | None = None, ssl_cname: str | None = None,
        ssl_cert_pem_file: str | None = None, ssl_key_pem_file: str | None = None, location: str | None = None,
        vnet_resourcegroup_name: str | None = None, vnet_name: str | None = None, subnet_name: str | None = None,
        service_cidr: str | None = None, dns_service_ip: str | None = None, docker_bridge_cidr: str | None = None,
        cluster_purpose: str | None = None, load_balancer_type: str | None = None, load_balancer_subnet: str | None = None,
    ) -> AksProvisioningConfiguration:  # fmt: skip
        """Of a cluster that would be made; see ``ComputeTarget.create``."""
        return AksProvisioningConfiguration(**locals())

    def refresh_state(self) -> None:
        """Nothing is kept."""

    def delete(self) -> None:
        """Refused: see ``detach``."""
        super().delete()

    def detach(self) -> None:
        """Take the name out of the workspace."""
        super().detach()

    def serialize(self) -> dict[str, Any]:
        """As plain data."""
        return {**super().serialize(), "computeType": "AKS", "context": self.context}

    @staticmethod
    def deserialize(workspace: Workspace, object_dict: dict[str, Any]) -> AksCompute:
        """The cluster that ``serialize`` told of."""
        return AksCompute(workspace, told_of("AksCompute", object_dict, "name"))


class KubernetesCompute(AksCompute):
    """Any cluster."""


def _contexts() -> list[str]:
    from kubernetes import config

    from jupyter_mldeploy.targets.kubernetes.connection import kubeconfig

    try:
        contexts, _ = config.list_kube_config_contexts(config_file=kubeconfig())  # type: ignore[no-untyped-call]
    except (config.ConfigException, OSError):
        return []
    return [str(context["name"]) for context in contexts]
