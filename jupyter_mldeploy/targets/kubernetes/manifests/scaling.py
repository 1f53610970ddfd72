"""How a release grows: by the runtime's own utilisation where KEDA is installed, by CPU otherwise."""

from __future__ import annotations

from typing import Any

from jupyter_mldeploy.targets.kubernetes.names import PORT, labels
from jupyter_mldeploy.targets.kubernetes.release import Release

__all__ = ["disruption_budget", "horizontal_autoscaler", "scaled_object"]

_BEHAVIOR = {
    # The documents: adding replicas is eager (about a second), taking them away conservative (about a minute).
    "scaleUp": {
        "stabilizationWindowSeconds": 0,
        "policies": [{"type": "Pods", "value": 100, "periodSeconds": 15}],
    },
    "scaleDown": {
        "stabilizationWindowSeconds": 60,
        "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
    },
}


def scaled_object(release: Release, namespace: str) -> dict[str, Any]:
    """``replicas = ceil(sum of the pods' busy and queued requests / target)``, asked of every pod, once a second.

    The modifier computes the number itself: without it the autoscaler leaves a dead band of ten per cent. KEDA asks the pods
    behind the Service, so the port is the pods'.
    """
    name = release.name
    target = release.spec.autoscale.target_utilization
    trigger = {
        "type": "metrics-api",
        "name": "utilization",
        "metricType": "AverageValue",
        "metadata": {
            "url": f"http://{name}.{namespace}.svc:{PORT}/metrics",
            "format": "prometheus",
            "valueLocation": "mldeploy_utilization",
            "targetValue": f"{target:g}",
            "aggregateFromKubeServiceEndpoints": "true",
            "aggregationType": "sum",
            "timeout": "1s",
        },
    }
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": name, "labels": labels(name)},
        "spec": {
            "scaleTargetRef": {"name": name},
            "minReplicaCount": release.spec.autoscale.minimum,
            "maxReplicaCount": release.most,
            "pollingInterval": 1,
            "advanced": {
                "scalingModifiers": {
                    "formula": f"ceil(utilization / {target:g} - 0.001)",
                    "target": "1",
                    "metricType": "AverageValue",
                },
                "horizontalPodAutoscalerConfig": {"name": name, "behavior": _BEHAVIOR},
            },
            "triggers": [trigger],
        },
    }


def horizontal_autoscaler(release: Release) -> dict[str, Any]:
    """Scaling by CPU, as a share of what was requested: the nearest to it where nothing else is installed."""
    name = release.name
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name, "labels": labels(name)},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": release.spec.autoscale.minimum,
            "maxReplicas": release.most,
            "behavior": _BEHAVIOR,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {
                        "name": "cpu",
                        "target": {
                            "type": "Utilization",
                            "averageUtilization": round(release.spec.autoscale.target_utilization * 100),
                        },
                    },
                }
            ],
        },
    }


def disruption_budget(release: Release, chosen: dict[str, str]) -> dict[str, Any]:
    """A node may be emptied of all but one replica at a time."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": release.name, "labels": labels(release.name)},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": chosen}},
    }
