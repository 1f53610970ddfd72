"""Pods that a real scheduler and a real kubelet refuse, kill or wait for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["PODS", "Pod"]


@dataclass(frozen=True)
class Pod:
    """A pod of one container, and the cause that must be named for what becomes of it.

    Attributes:
        cause: Slug of the cause.
        until: The event (``Reason: message``, a pattern) that says that it has failed; ``Ended`` for the end of the container.
        container, pod: What its specification has besides.
        beside: Other objects.
        times: How often the event must have come.
    """

    cause: str
    until: str
    container: Mapping[str, Any] = field(default_factory=dict)
    pod: Mapping[str, Any] = field(default_factory=dict)
    beside: Sequence[Mapping[str, Any]] = ()
    times: int = 1

    def objects(self, image: str) -> list[Mapping[str, Any]]:
        """It and what stands beside it, for ``kubectl apply``."""
        container = {"name": "scorer", "image": image, "imagePullPolicy": "Never", **self.container}
        spec = {"containers": [container], "terminationGracePeriodSeconds": 0, **self.pod}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "gallery"}, "spec": spec}
        return [*self.beside, pod]


def _env(kind: str, name: str, key: str) -> Mapping[str, Any]:
    return {"env": [{"name": "VALUE", "valueFrom": {f"{kind}KeyRef": {"name": name, "key": key}}}]}


def _volume(name: str, source: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"volumes": [{"name": name, **source}]}


def _mounted(name: str) -> Mapping[str, Any]:
    return {"volumeMounts": [{"name": name, "mountPath": "/srv/mounted"}]}


def _python(code: str, **more: Any) -> Mapping[str, Any]:
    return {"command": ["python3", "-c", code], **more}


def _object(kind: str, name: str, **content: Any) -> Mapping[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **content}


def _scaled(name: str) -> Sequence[Mapping[str, Any]]:
    """A deployment of a pod that requests nothing, and an autoscaler for it."""
    labels = {"app": name}
    container = {"name": "scorer", "image": "mldeploy-test/pause:1", "imagePullPolicy": "Never"}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    deployment = _object(
        "Deployment",
        name,
        spec={"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": spec}},
    )
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    metric = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}},
    }
    scaler = _object(
        "HorizontalPodAutoscaler", name, spec={"scaleTargetRef": target, "maxReplicas": 2, "metrics": [metric]}
    )
    return [{**deployment, "apiVersion": "apps/v1"}, {**scaler, "apiVersion": "autoscaling/v2"}]


_ONCE = {"restartPolicy": "Never"}
_FAILING: Mapping[str, Any] = {"exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 2}
PODS = (
    # The scheduler
    Pod("insufficient-cpu-memory", "FailedScheduling", {"resources": {"requests": {"cpu": "999"}}}),
    Pod("insufficient-gpu", "FailedScheduling", {"resources": {"limits": {"nvidia.com/gpu": 1}}}),
    Pod("node-selector-mismatch", "FailedScheduling", pod={"nodeSelector": {"gallery": "of-another-day"}}),
    Pod(
        "pvc-not-found",
        "FailedScheduling",
        pod=_volume("models", {"persistentVolumeClaim": {"claimName": "of-another-day"}}),
    ),
    Pod(
        "pvc-unbound",
        "FailedScheduling: .*unbound",  # before it the scheduler may not have heard of the claim
        pod=_volume("models", {"persistentVolumeClaim": {"claimName": "models"}}),
        beside=[
            _object(
                "PersistentVolumeClaim",
                "models",
                spec={"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
            )
        ],
    ),
    # What the pod refers to
    Pod("secret-missing", "Failed: Error: secret", _env("secret", "of-another-day", "key")),
    Pod(
        "secret-missing",
        "FailedMount",
        _mounted("keys"),
        _volume("keys", {"secret": {"secretName": "of-another-day"}}),
    ),
    Pod(
        "secret-key-missing",
        "Failed: Error: couldn't find key",
        _env("secret", "keys", "of-another-day"),
        beside=[_object("Secret", "keys", stringData={"key": "gallery"})],
    ),
    Pod("configmap-missing", "Failed: Error: configmap", _env("configMap", "of-another-day", "key")),
    Pod(
        "configmap-missing",
        "FailedMount",
        _mounted("settings"),
        _volume("settings", {"configMap": {"name": "of-another-day"}}),
    ),
    # Images
    Pod("image-not-on-node", "ErrImageNeverPull", {"image": "mldeploy-gallery/no-such-image:1"}),
    Pod(
        "image-not-found",
        "Failed: Failed to pull",
        {"image": "127.0.0.1:5000/mldeploy-gallery/no-such-image:1", "imagePullPolicy": "Always"},
    ),
    Pod(
        "image-pull-network",
        "Failed: Failed to pull",
        {"image": "127.0.0.1:1/mldeploy-gallery/image:1", "imagePullPolicy": "Always"},
    ),
    Pod("image-name-invalid", "InspectFailed", {"image": "Mldeploy-Gallery/Upper:1"}),
    # The container
    Pod("command-not-found", "Failed: Error", {"command": ["no-such-program"]}),
    Pod("entrypoint-not-executable", "Failed: Error", {"command": ["/etc/passwd"]}),
    Pod("liveness-probe-killed", "Killing", {"livenessProbe": _FAILING}),
    Pod("readiness-probe-failing", "Unhealthy", {"readinessProbe": _FAILING}, times=5),
    Pod(
        "container-oom-killed",
        "Ended",
        _python("b'x' * 2**30", resources={"limits": {"memory": "64Mi"}}),
        _ONCE,
    ),
    Pod(
        "read-only-filesystem",
        "Ended",
        _python("open('/srv/cache', 'w')", securityContext={"readOnlyRootFilesystem": True}),
        _ONCE,
    ),
    Pod(
        "file-permission-denied",
        "Ended",
        _python("open('/srv/cache', 'w')", securityContext={"runAsUser": 1000}),
        _ONCE,
    ),
    Pod("segfault", "Ended", _python("import ctypes; ctypes.string_at(0)"), _ONCE),
    Pod("module-not-found", "Ended", _python("import catboost"), _ONCE),
    # The autoscaler: it speaks once there are metrics
    Pod("hpa-missing-requests", "FailedGetResourceMetric: .*missing request", beside=_scaled("gallery-scaled")),
)
"""In a namespace each."""
