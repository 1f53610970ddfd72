"""What is hopeless about a pod, where the pod itself does not say it all: its events and its node are asked too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jupyter_mldeploy.targets.kubernetes import verdicts
from jupyter_mldeploy.targets.kubernetes.client import Cluster
from jupyter_mldeploy.targets.kubernetes.faults import Refused
from jupyter_mldeploy.targets.kubernetes.verdicts import Verdict

__all__ = ["fate_of"]

Object = Mapping[str, Any]


def fate_of(cluster: Cluster, pod: Object) -> Verdict | None:
    """The verdict on a pod that is not ready; ``None`` where waiting may help."""
    verdict = verdicts.pod_verdict(pod)
    if verdict is None:
        return _of_its_node(cluster, pod) if verdicts.is_cut_off(pod) else None
    if verdict.exit_code not in verdicts.KILLED or verdict.oom_killed:
        return verdict
    chosen = f"involvedObject.kind=Pod,involvedObject.uid={pod['metadata']['uid']},reason=Killing"
    events = cluster.list("Event", fields=chosen)
    return verdicts.with_events(verdict, (f"Killing: {event.get('message', '')}" for event in events))


def _of_its_node(cluster: Cluster, pod: Object) -> Verdict | None:
    """A pod whose node no longer tells of it; Kubernetes makes another one elsewhere after five minutes."""
    name = str((pod.get("spec") or {}).get("nodeName") or "")
    try:
        node = cluster.find("Node", name)
    except Refused:  # most people may not look at nodes
        why = "its node does not answer"
    else:
        conditions = ((node or {}).get("status") or {}).get("conditions") or ()
        ready: Object = next((one for one in conditions if one.get("type") == "Ready"), {})
        if node is not None and ready.get("status") == "True":
            return None
        said = str(ready.get("message") or "").rstrip(".")
        why = f"its node {name} does not answer ({said})" if node is not None else f"its node {name} is gone"
    return Verdict(stage="run", reason="NodeNotReady", message=why, pod=str(pod["metadata"]["name"]))
