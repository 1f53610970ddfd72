"""What is done to a service that runs, besides reloading it: scale and address it, stop it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from jupyter_mldeploy.errors import TargetUnavailable
from jupyter_mldeploy.events import EventKind, Stage
from jupyter_mldeploy.spec import ServiceSpec
from jupyter_mldeploy.targets.base import Work
from jupyter_mldeploy.targets.kubernetes import applying, verdicts
from jupyter_mldeploy.targets.kubernetes.client import Cluster
from jupyter_mldeploy.targets.kubernetes.manifests.pods import ADMIN_TOKEN
from jupyter_mldeploy.targets.kubernetes.outside import choose_class
from jupyter_mldeploy.targets.kubernetes.rollout import Rollout
from jupyter_mldeploy.targets.kubernetes.verdicts import Verdict

__all__ = ["await_replicas", "scale", "stop"]

STOP_SECONDS = 60.0
NODE_SECONDS = 300.0


def scale(cluster: Cluster, wanted: ServiceSpec) -> None:
    """Change the number of replicas or its bounds, and the addresses outside. The release stays: its pods are the same."""
    live = applying.find_live(cluster, wanted.name)
    if live is None or live.release is None:
        raise TargetUnavailable(f"There is no service {wanted.name!r} in namespace {cluster.namespace!r}.")
    autoscale = wanted.autoscale
    fixed = autoscale.minimum == autoscale.maximum
    spec = replace(live.release.spec, autoscale=autoscale, placement=wanted.placement)
    kept = wanted.placement.ingress == live.release.spec.placement.ingress
    release = replace(
        live.release,
        spec=spec,
        keda=not fixed and applying.has_keda(cluster),
        ingress_class=live.release.ingress_class if kept else choose_class(cluster) if wanted.placement.ingress else "",
    )
    replicas = autoscale.minimum if fixed else min(release.most, max(autoscale.minimum, live.replicas))
    keys = applying.read_keys(cluster, release)
    applying.apply_release(cluster, release, keys, replicas, live, config=False)


def stop(cluster: Cluster, service: str) -> None:
    """No replica, and no autoscaler that would bring one back; everything else stays."""
    live = applying.find_live(cluster, service)
    if live is None:
        return
    for kind in applying.AUTOSCALERS:
        applying.remove_ours(cluster, kind, service)
    if live.replicas:
        # Applied, not patched: the next apply would otherwise take the number for somebody else's.
        if live.release is not None:
            keys = applying.read_keys(cluster, live.release)
            applying.apply_release(cluster, live.release, keys, 0, live, config=False)
        else:
            cluster.merge("Deployment", service, {"spec": {"replicas": 0}})
    applying.await_no_pods(cluster, service, STOP_SECONDS)


def await_replicas(cluster: Cluster, work: Work) -> None:
    """Wait until as many replicas are ready as the cluster now wants."""
    live = applying.find_live(cluster, work.spec.name)
    if live is None:
        return
    token = applying.read_keys(cluster, live.release).get(ADMIN_TOKEN, "")

    def tell(message: str, **facts: Any) -> None:
        work.emit(Stage.READY, EventKind.PROGRESS, message, **facts)

    rollout = Rollout(cluster, work.spec.name, live.revision, token, tell=tell, log=_unheard)
    rollout.generation = int(live.deployment["metadata"]["generation"])
    try:
        rollout.until(lambda: rollout.complete, work.spec.init_timeout + NODE_SECONDS, lambda: _late(rollout))
    finally:
        rollout.close()


def _late(rollout: Rollout) -> Verdict:
    said = next((text for pod in rollout.pods if (text := verdicts.unschedulable(pod))), "")
    message = f"{rollout.ready} of {rollout.wanted} replicas became ready" + (f": {said}" if said else "")
    return Verdict(stage="ready", reason="Unschedulable" if said else "NotReady", message=message)


def _unheard(*_: object) -> None:
    """Nobody listens."""
