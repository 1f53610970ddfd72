"""What the user must be allowed to do, asked of the cluster before anything is applied there."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from jupyter_mldeploy.errors import TargetUnavailable
from jupyter_mldeploy.targets.kubernetes.client import Cluster
from jupyter_mldeploy.targets.kubernetes.kinds import RESOURCES

__all__ = ["check_namespace", "check_pull_secrets", "check_rights", "missing_rights", "rights_needed"]

_MADE = ("get", "list", "create", "patch", "delete")
# Removing by a selector (deletecollection) is used where nothing else would do: pods, and Secrets, which nobody need list.
_ALWAYS: dict[str, tuple[str, ...]] = {
    "Deployment": (*_MADE, "watch"),
    "Service": ("get", "create", "patch", "delete"),
    "Secret": ("get", "create", "patch", "deletecollection"),
    "ConfigMap": _MADE,
    "ServiceAccount": ("get", "create", "patch", "delete"),
    "Lease": ("get", "create", "update", "delete"),
    "Pod": ("get", "list", "watch", "deletecollection"),
    "ReplicaSet": ("list", "watch"),
    "Event": ("list", "watch"),
}
_PARTS = (
    ("pods", "log", "get"),
    ("pods", "proxy", "get"),
    ("pods", "proxy", "create"),
    ("services", "proxy", "create"),
)

Right = tuple[str, str, str, str]
"""API group, plural, subresource, verb."""


def rights_needed(kinds: Iterable[str]) -> list[Right]:
    """Every right that deploying objects of these kinds takes."""
    wanted = dict(_ALWAYS)
    for kind in kinds:
        watched = ("list", "watch") if kind == "ScaledObject" else ()  # its removal is awaited
        wanted.setdefault(kind, ("get", *watched, "create", "patch", "delete"))
    found = []
    for kind, verbs in wanted.items():
        path, plural = RESOURCES[kind]
        group = path.split("/")[1] if path.startswith("apis/") else ""
        found += [(group, plural, "", verb) for verb in verbs]
    return found + [("", plural, part, verb) for plural, part, verb in _PARTS]


def missing_rights(cluster: Cluster, rights: list[Right]) -> list[Right]:
    """Those of them that the user does not have. Whoever may do everything is asked one question only."""
    if _allowed(cluster, ("*", "*", "*", "*")):
        return []
    with ThreadPoolExecutor(8, "mldeploy-rights") as pool:
        answers = list(pool.map(lambda right: _allowed(cluster, right), rights))
    return [right for right, allowed in zip(rights, answers, strict=True) if not allowed]


def check_rights(cluster: Cluster, kinds: Iterable[str]) -> None:
    """Raise ``TargetUnavailable`` that names each verb that is missing."""
    missing = missing_rights(cluster, rights_needed(kinds))
    if not missing:
        return
    verbs: dict[str, list[str]] = {}
    for group, plural, part, verb in missing:
        name = plural + (f"/{part}" if part else "") + (f".{group}" if group else "")
        verbs.setdefault(name, []).append(verb)
    named = "; ".join(f"{', '.join(some)} {name}" for name, some in verbs.items())
    raise TargetUnavailable(
        f"Your rights in namespace {cluster.namespace!r} do not suffice for a deployment: missing are {named}.",
        "Ask whoever runs the cluster for a Role with them, or choose another namespace with --namespace.",
    )


def check_namespace(cluster: Cluster) -> None:
    """Raise ``TargetUnavailable`` if the namespace does not exist or is being deleted.

    Where the user may not look at namespaces, the first request inside it will tell.
    """
    from jupyter_mldeploy.targets.kubernetes.faults import Refused

    try:
        found = cluster.find("Namespace", cluster.namespace)
    except Refused as error:
        if error.status == 403:
            return
        raise
    if found is None:
        raise TargetUnavailable(
            f'namespaces "{cluster.namespace}" not found: the cluster has no such namespace.',
            f"Make it with `kubectl create namespace {cluster.namespace}`, or choose another with --namespace.",
        )
    if (found.get("status") or {}).get("phase") == "Terminating":
        raise TargetUnavailable(
            f"The namespace {cluster.namespace!r} is being terminated; nothing new can be made in it.",
            "Wait until it is gone and make it again, or choose another with --namespace.",
        )


def check_pull_secrets(cluster: Cluster, names: Iterable[str]) -> None:
    """Raise ``TargetUnavailable`` for a Secret that is not there, or that no image can be pulled with.

    A kubelet that does not find one tries without, and what it then says is not that.
    """
    for name in names:
        found = cluster.find("Secret", name)
        if found is None:
            raise TargetUnavailable(
                f"The namespace {cluster.namespace!r} has no Secret {name!r} to pull the image with.",
                f"Make it with `kubectl create secret docker-registry {name} -n {cluster.namespace} …`.",
            )
        if not str(found.get("type", "")).startswith("kubernetes.io/dockerc"):
            raise TargetUnavailable(
                f"The Secret {name!r} is of type {found.get('type')}, which images cannot be pulled with.",
                "Name one that `kubectl create secret docker-registry` made.",
            )


def _allowed(cluster: Cluster, right: Right) -> bool:
    group, plural, part, verb = right
    attributes: dict[str, Any] = {"namespace": cluster.namespace, "group": group, "resource": plural, "verb": verb}
    if part:
        attributes["subresource"] = part
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    answer = cluster.ask("SelfSubjectAccessReview", review)
    return bool((answer.get("status") or {}).get("allowed"))
