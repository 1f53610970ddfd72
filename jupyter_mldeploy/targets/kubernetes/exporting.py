"""The objects of a service as they would be written by hand, for a repository: kustomize, Helm or GitOps can take over."""

from __future__ import annotations

from typing import Any

from jupyter_mldeploy.errors import NotFound, TargetUnavailable
from jupyter_mldeploy.records import Record
from jupyter_mldeploy.spec import Target, TargetKind
from jupyter_mldeploy.targets.kubernetes.applying import find_live
from jupyter_mldeploy.targets.kubernetes.client import Cluster
from jupyter_mldeploy.targets.kubernetes.manifests import manifests

__all__ = ["objects_of"]


def objects_of(record: Record) -> list[dict[str, Any]]:
    """What runs now, without the Secret: a token does not belong into a repository.

    Raises:
        TargetUnavailable: The service is not on a cluster, or that cannot be reached.
        NotFound: Its Deployment is gone.
    """
    wanted = record.spec.target
    if wanted.kind is not TargetKind.KUBERNETES:
        raise TargetUnavailable(
            f"The service {record.name!r} is on the {wanted} target, which has no objects.",
            "Deploy it with --target kubernetes first.",
        )
    context = record.details.get("context") or wanted.context
    namespace = record.details.get("namespace") or wanted.namespace
    cluster = Cluster(Target(TargetKind.KUBERNETES, context or None, namespace or None))
    live = find_live(cluster, record.name)
    if live is None or live.release is None:
        raise NotFound(f"There is no Deployment of {record.name!r} in namespace {cluster.namespace!r}.")
    return manifests(live.release, cluster.namespace)
