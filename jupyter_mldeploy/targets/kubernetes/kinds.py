"""The kinds of objects that are used, and where the API has them. Nothing is discovered: these paths are the API's promise."""

from __future__ import annotations

__all__ = ["CREATED", "RESOURCES", "collection"]

RESOURCES: dict[str, tuple[str, str]] = {
    "Namespace": ("api/v1", "namespaces"),
    "Node": ("api/v1", "nodes"),
    "Pod": ("api/v1", "pods"),
    "Event": ("api/v1", "events"),
    "Service": ("api/v1", "services"),
    "Secret": ("api/v1", "secrets"),
    "ConfigMap": ("api/v1", "configmaps"),
    "ServiceAccount": ("api/v1", "serviceaccounts"),
    "Deployment": ("apis/apps/v1", "deployments"),
    "ReplicaSet": ("apis/apps/v1", "replicasets"),
    "HorizontalPodAutoscaler": ("apis/autoscaling/v2", "horizontalpodautoscalers"),
    "PodDisruptionBudget": ("apis/policy/v1", "poddisruptionbudgets"),
    "Lease": ("apis/coordination.k8s.io/v1", "leases"),
    "IngressClass": ("apis/networking.k8s.io/v1", "ingressclasses"),
    "Ingress": ("apis/networking.k8s.io/v1", "ingresses"),
    "ScaledObject": ("apis/keda.sh/v1alpha1", "scaledobjects"),
}
"""Kind → group and version, plural."""

CREATED = (
    "ScaledObject", "HorizontalPodAutoscaler", "Ingress", "PodDisruptionBudget", "Service", "ConfigMap", "Secret",
    "ServiceAccount",
)  # fmt: skip
"""What a service is made of besides its Deployment, in the order of removal: first what would bring pods back."""


def collection(kind: str, namespace: str | None) -> str:
    """Path of all objects of a kind in a namespace (``None`` for kinds that have none)."""
    group, plural = RESOURCES[kind]
    return f"/{group}/{plural}" if namespace is None else f"/{group}/namespaces/{namespace}/{plural}"
