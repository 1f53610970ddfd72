"""What the cluster's nodes have, and whether it may get more of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jupyter_mldeploy.targets.kubernetes.client import Cluster
from jupyter_mldeploy.targets.kubernetes.faults import Refused

__all__ = ["more_may_come", "nodes_of"]


def nodes_of(cluster: Cluster) -> list[Mapping[str, Any]]:
    """The nodes that pods may go to; empty where the user may not look at them."""
    try:
        found = cluster.list("Node")
    except Refused:
        return []
    return [node for node in found if not (node.get("spec") or {}).get("unschedulable")]


def more_may_come(cluster: Cluster) -> bool:
    """Whether something adds nodes when pods wait: then a pod that fits nowhere now may fit somewhere soon."""
    for path in ("/api/v1/namespaces/kube-system/configmaps/cluster-autoscaler-status", "/apis/karpenter.sh"):
        try:
            cluster.raw(path)
        except Refused:
            continue
        return True
    return False
