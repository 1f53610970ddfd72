"""Every object of a release, in the order in which they are applied."""

from __future__ import annotations

import base64
import copy
from collections.abc import Iterable, Mapping
from typing import Any

from jupyter_mldeploy.spec import VALUES
from jupyter_mldeploy.targets.kubernetes.manifests.config import config_map
from jupyter_mldeploy.targets.kubernetes.manifests.pods import ADMIN_TOKEN, SCORING_KEYS, pod_template
from jupyter_mldeploy.targets.kubernetes.manifests.scaling import (
    disruption_budget,
    horizontal_autoscaler,
    scaled_object,
)
from jupyter_mldeploy.targets.kubernetes.names import (
    ANNOTATION_RELEASE,
    ANNOTATION_REVISION,
    ANNOTATION_SCRIPT,
    ANNOTATION_SPEC,
    labels,
    selector,
)
from jupyter_mldeploy.targets.kubernetes.release import Release

__all__ = ["kinds_needed", "manifests", "owned_by", "secret"]

REVISIONS_KEPT = 10


def manifests(
    release: Release, namespace: str, *, replicas: int | None = None, keys: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """The objects of a release.

    Args:
        release: What is wanted.
        namespace: Where.
        replicas: What the Deployment asks for; ``None``: a fixed number where there is one, else whatever the autoscaler says.
        keys: Content of the Secret; ``None`` leaves it out, for objects that are kept in a repository.
    """
    name = release.name
    if replicas is None and release.fixed:
        replicas = release.spec.autoscale.minimum
    objects = [_service_account(name), config_map(release), deployment(release, replicas), _service(release)]
    if keys is not None:
        objects.insert(1, secret(release, keys))
    if not release.fixed:
        objects.append(scaled_object(release, namespace) if release.keda else horizontal_autoscaler(release))
    if release.spec.placement.ingress:
        objects.append(_ingress(release, release.spec.placement.ingress))
    if release.most > 1:
        objects.append(disruption_budget(release, selector(name)))
    for made in objects:
        made["metadata"]["namespace"] = namespace
    return objects


def kinds_needed(release: Release) -> set[str]:
    """Kinds of the objects of a release: what another release leaves over is removed."""
    return {str(made["kind"]) for made in manifests(release, "", keys={})}


def owned_by(made: Iterable[Mapping[str, Any]], uid: str) -> list[dict[str, Any]]:
    """The same objects, all but the Deployment owned by it, so that deleting it deletes them."""
    found = []
    for one in made:
        copied = copy.deepcopy(dict(one))
        if copied["kind"] != "Deployment":
            name = copied["metadata"]["labels"]["app.kubernetes.io/instance"]
            owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name, "uid": uid}
            copied["metadata"]["ownerReferences"] = [owner]
        found.append(copied)
    return found


def deployment(release: Release, replicas: int | None) -> dict[str, Any]:
    """The Deployment. No old pod ends before a new one is ready."""
    name = release.name
    spec: dict[str, Any] = {
        "revisionHistoryLimit": REVISIONS_KEPT,
        "selector": {"matchLabels": selector(name)},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}},
        "template": pod_template(release),
    }
    if replicas is not None:
        spec["replicas"] = replicas
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": name,
            "labels": labels(name),
            "annotations": {
                ANNOTATION_REVISION: str(release.revision),
                ANNOTATION_SPEC: release.spec_hash,
                ANNOTATION_SCRIPT: release.spec.inference.script.hash,
                ANNOTATION_RELEASE: release.to_annotation(),
            },
        },
        "spec": spec,
    }


def secret(release: Release, keys: Mapping[str, str]) -> dict[str, Any]:
    """The Secret: the admin token, scoring keys where there are any, and the values of variables, also of other revisions."""
    known = {key: keys[key] for key in (ADMIN_TOKEN, SCORING_KEYS) if keys.get(key)}
    known |= {key: value for key, value in sorted(keys.items()) if key.startswith(VALUES)}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {"name": release.keys_name, "labels": labels(release.name)},
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in known.items()},
    }


def _service_account(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": name, "labels": labels(name)},
        "automountServiceAccountToken": False,
    }


def _service(release: Release) -> dict[str, Any]:
    name = release.name
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "labels": labels(name)},
        "spec": {
            "type": "LoadBalancer" if release.spec.placement.load_balancer else "ClusterIP",
            "selector": selector(name),
            "ports": [{"name": "http", "port": 80, "targetPort": "http"}],
        },
    }


def _ingress(release: Release, host: str) -> dict[str, Any]:
    backend = {"service": {"name": release.name, "port": {"name": "http"}}}
    rule = {"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    named = {"ingressClassName": release.ingress_class} if release.ingress_class else {}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": release.name, "labels": labels(release.name)},
        "spec": {**named, "rules": [rule]},
    }
