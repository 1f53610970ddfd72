"""Bringing a release's objects into a namespace, and out of it again."""

from __future__ import annotations

import base64
import secrets as random_secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from jupyter_mldeploy.errors import Conflict, MLDeployError
from jupyter_mldeploy.targets.kubernetes.client import Cluster
from jupyter_mldeploy.targets.kubernetes.faults import Refused
from jupyter_mldeploy.targets.kubernetes.kinds import CREATED
from jupyter_mldeploy.targets.kubernetes.manifests import kinds_needed, manifests, owned_by
from jupyter_mldeploy.targets.kubernetes.manifests.config import SCRIPT_KEY
from jupyter_mldeploy.targets.kubernetes.manifests.pods import ADMIN_TOKEN
from jupyter_mldeploy.targets.kubernetes.names import (
    ANNOTATION_REVISION,
    selector,
    selector_text,
)
from jupyter_mldeploy.targets.kubernetes.release import Release, with_script
from jupyter_mldeploy.targets.kubernetes.watching import Watches

__all__ = [
    "AUTOSCALERS",
    "Live",
    "apply_release",
    "await_no_pods",
    "check_names",
    "find_live",
    "has_keda",
    "new_keys",
    "prune",
    "read_keys",
    "remove_all",
    "remove_ours",
    "remove_unneeded",
]

FIRST = ("ServiceAccount", "Secret", "ConfigMap")
"""What pods need to start, so it is there before them; its owner is known only afterwards."""
AUTOSCALERS = ("ScaledObject", "HorizontalPodAutoscaler")
FINALIZE_SECONDS = 10.0
OPTIONAL = (*AUTOSCALERS, "PodDisruptionBudget", "Ingress")
"""What a service may be without."""


class Live:
    """A service as it is in the cluster.

    Attributes:
        deployment: The object.
        release: What it was made from; ``None`` if that cannot be read.
        script: Text of the live script.
    """

    def __init__(self, deployment: Mapping[str, Any], release: Release | None, script: str) -> None:
        self.deployment = deployment
        self.release = release
        self.script = script

    @property
    def uid(self) -> str:
        return str(self.deployment["metadata"]["uid"])

    @property
    def replicas(self) -> int:
        """What the Deployment asks for."""
        return int((self.deployment.get("spec") or {}).get("replicas") or 0)

    @property
    def revision(self) -> int:
        annotations = self.deployment["metadata"].get("annotations") or {}
        text = str(annotations.get(ANNOTATION_REVISION) or "0")
        return int(text) if text.isdecimal() else 0


def find_live(cluster: Cluster, service: str) -> Live | None:
    """The service as it is, or ``None``; a Deployment of somebody else's is none."""
    found = cluster.find("Deployment", service)
    if found is None or not is_ours(found, service):
        return None
    release = Release.from_objects(found)
    config = cluster.find("ConfigMap", release.config_name) if release else None
    script = str(((config or {}).get("data") or {}).get(SCRIPT_KEY) or "")
    if release is not None:
        release = replace(release, spec=with_script(release.spec, script))
    return Live(found, release, script)


def read_keys(cluster: Cluster, release: Release | None) -> dict[str, str]:
    """Content of the Secret of a release; empty where there is none."""
    found = cluster.find("Secret", release.keys_name) if release else None
    data = (found or {}).get("data") or {}
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def new_keys() -> dict[str, str]:
    """Content of a new Secret."""
    return {ADMIN_TOKEN: random_secrets.token_urlsafe(24)}


def has_keda(cluster: Cluster) -> bool:
    """Whether the cluster scales by what services say of themselves."""
    try:
        cluster.raw("/apis/keda.sh/v1alpha1")
    except Refused:
        return False
    return True


def apply_release(
    cluster: Cluster,
    release: Release,
    keys: Mapping[str, str],
    replicas: int,
    live: Live | None,
    *,
    config: bool = True,
) -> Mapping[str, Any]:
    """Apply every object of a release and return the Deployment.

    Args:
        cluster: Where.
        release: What is wanted.
        keys: Content of the Secret.
        replicas: What the Deployment asks for.
        live: The service as it was, or ``None``.
        config: Whether its ConfigMap is written too; not when going back to a release whose script was reloaded since.
    """
    made = manifests(release, cluster.namespace, replicas=replicas, keys=keys)
    if not config:
        made = [one for one in made if one["kind"] != "ConfigMap"]
    if replicas == 0:  # an autoscaler would not leave it so
        made = [one for one in made if one["kind"] not in AUTOSCALERS]
    if live is not None:
        made = owned_by(made, live.uid)
    # A quota or a policy may refuse the last of them: all are tried before the first is made.
    for one in made:
        if one["kind"] == "Deployment" or one["kind"] in AUTOSCALERS:
            cluster.apply(one, dry_run=True)
    applied: Mapping[str, Any] = {}
    for one in made:
        if one["kind"] in FIRST:
            cluster.apply(one)
    for one in made:
        if one["kind"] == "Deployment":
            applied = cluster.apply(one)
    late = [one for one in made if one["kind"] != "Deployment" and (live is None or one["kind"] not in FIRST)]
    for one in owned_by(late, str(applied["metadata"]["uid"])):
        cluster.apply(one)
    remove_unneeded(cluster, release, none=replicas == 0)
    return applied


def remove_unneeded(cluster: Cluster, release: Release, *, none: bool = False) -> None:
    """Remove what an earlier release had and this one has not; with ``none`` every autoscaler."""
    needed = kinds_needed(release) - (set(AUTOSCALERS) if none else set())
    for kind in OPTIONAL:
        if kind not in needed:
            remove_ours(cluster, kind, release.name)


def is_ours(found: Mapping[str, Any], service: str) -> bool:
    """Whether an object belongs to a service of this package."""
    there = found["metadata"].get("labels") or {}
    return all(there.get(key) == value for key, value in selector(service).items())


def remove_ours(cluster: Cluster, kind: str, service: str) -> None:
    """Remove an object of a service; one of the same name that is somebody else's stays."""
    try:
        found = cluster.find(kind, service)
    except Refused as error:
        if error.status == 403 and kind in OPTIONAL:
            return  # who may not look at them has not made any
        raise
    if found is not None and is_ours(found, service):
        cluster.delete(kind, service, preconditions={"uid": found["metadata"]["uid"]})
        if found["metadata"].get("finalizers"):  # KEDA's: until it has let go, it still scales
            await_none(cluster, service, FINALIZE_SECONDS, kind)


def check_names(cluster: Cluster, release: Release) -> None:
    """Look for objects of somebody else's that have the names of ours.

    Raises:
        Conflict: There is one.
    """
    for one in manifests(release, cluster.namespace, keys={}):
        name = one["metadata"]["name"]
        found = cluster.find(one["kind"], name)
        if release.birth and name == release.keys_name:
            continue  # nobody else has this name: made by hand for what `mldeploy manifests` printed
        if found is not None and not is_ours(found, release.name):
            raise Conflict(
                f"The namespace {cluster.namespace!r} has a {one['kind']} {name!r} of somebody else's.",
                "Choose another name or another namespace.",
            )


def prune(cluster: Cluster, service: str) -> None:
    """Remove the ConfigMaps of revisions that no ReplicaSet could go back to any more."""
    kept = set()
    for one in cluster.list("ReplicaSet", labels=selector_text(service)):
        kept.add(str((one["metadata"].get("labels") or {}).get(ANNOTATION_REVISION)))
    for one in cluster.list("ConfigMap", labels=selector_text(service)):
        revision = str((one["metadata"].get("labels") or {}).get(ANNOTATION_REVISION))
        if revision not in kept:
            cluster.delete("ConfigMap", str(one["metadata"]["name"]))


def remove_all(cluster: Cluster, service: str, *, grace: int | None, seconds: float) -> None:
    """Remove every object of a service and wait until its pods are gone.

    Args:
        cluster: Where.
        service: Name of the service.
        grace: Seconds that its pods get; ``None``: what they were promised.
        seconds: Longest time to wait for them.
    """
    chosen = selector_text(service)
    # By selector, also what an interrupted deployment had not given an owner yet; and what would make new pods first.
    for kind in (*AUTOSCALERS, "Deployment", *CREATED[2:]):
        if kind == "ConfigMap":
            for one in cluster.list(kind, labels=chosen):
                cluster.delete(kind, str(one["metadata"]["name"]))
        elif kind == "Secret":  # whose content nobody need be allowed to list
            cluster.delete_all(kind, chosen)
        else:
            remove_ours(cluster, kind, service)
    if grace is not None:
        cluster.delete_all("Pod", chosen, gracePeriodSeconds=grace)
    await_none(cluster, service, seconds, "Pod", "ReplicaSet")


def await_no_pods(cluster: Cluster, service: str, seconds: float) -> bool:
    """Wait until no pod of a service is left; whether that came about."""
    return await_none(cluster, service, seconds, "Pod")


def await_none(cluster: Cluster, service: str, seconds: float, *kinds: str) -> bool:
    """Wait until no object of these kinds is left; whether that came about."""
    there: set[tuple[str, str]] = set()
    synced: set[str] = set()
    until = time.monotonic() + seconds
    with suppress(MLDeployError), Watches(cluster) as watches:
        for kind in kinds:
            watches.add(kind, labels=selector_text(service))
        while (left := until - time.monotonic()) > 0:
            seen = watches.next(left)
            if seen is None or seen.change == "refused":
                return False
            if seen.change == "synced":
                synced.add(seen.kind)
            if seen.object:
                one = (seen.kind, str(seen.object["metadata"]["name"]))
                (there.discard if seen.change == "deleted" else there.add)(one)
            if synced == set(kinds) and not there:
                return True
    return False
