"""What is true of a service now: its objects, and what the runtime of each pod tells."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any

from jupyter_mldeploy.errors import Cancelled
from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.targets.base import ReplicaStatus, Status
from jupyter_mldeploy.targets.control import RuntimeGone
from jupyter_mldeploy.targets.kubernetes import verdicts
from jupyter_mldeploy.targets.kubernetes.applying import read_keys
from jupyter_mldeploy.targets.kubernetes.client import Cluster
from jupyter_mldeploy.targets.kubernetes.fates import fate_of
from jupyter_mldeploy.targets.kubernetes.manifests.pods import ADMIN_TOKEN
from jupyter_mldeploy.targets.kubernetes.names import ANNOTATION_REVISION, ANNOTATION_SCRIPT, selector_text
from jupyter_mldeploy.targets.kubernetes.outside import Outside, look_outside, watched_outside
from jupyter_mldeploy.targets.kubernetes.release import Release
from jupyter_mldeploy.targets.kubernetes.runtime_proxy import RuntimeProxy
from jupyter_mldeploy.targets.kubernetes.watching import Watches

__all__ = ["has_pods", "reports_of", "scoring_uri", "status_of", "watch_status", "way_in"]

Object = Mapping[str, Any]

ASKED = 50
"""Pods whose runtimes are asked for a status; beyond that the objects alone are told."""
QUIET_SECONDS = 0.2
"""Changes that come within this time are told as one."""


def has_pods(cluster: Cluster, service: str) -> bool:
    """Whether there is a replica, whatever its state."""
    return bool(cluster.list("Pod", labels=selector_text(service)))


def scoring_uri(cluster: Cluster, service: str) -> str:
    """Where requests go from inside the cluster."""
    return f"http://{service}.{cluster.namespace}.svc/score"


def way_in(cluster: Cluster, service: str) -> str:
    """Where requests go from outside the cluster, or what is missing for that; ``""`` where it is not wanted."""
    deployment = cluster.find("Deployment", service)
    outside = look_outside(cluster, Release.from_objects(deployment) if deployment else None)
    return outside.uri or outside.said


def reports_of(cluster: Cluster, pods: Iterable[Object], token: str) -> dict[str, dict[str, Any]]:
    """The status of each pod's runtime, by the pod's name; of those that answer."""

    def ask(name: str) -> dict[str, Any]:
        try:
            return RuntimeProxy.of_pod(cluster, name, token).status()
        except RuntimeGone:
            return {}

    names = [str(pod["metadata"]["name"]) for pod in pods if verdicts.is_started(pod)][:ASKED]
    if not names:
        return {}
    with ThreadPoolExecutor(min(16, len(names)), "mldeploy-status") as pool:
        told = dict(zip(names, pool.map(ask, names), strict=True))
    return {name: report for name, report in told.items() if report}


def status_of(cluster: Cluster, service: str) -> Status | None:
    """The service as it is now; ``None`` where there is none."""
    deployment = cluster.find("Deployment", service)
    if deployment is None:
        return None
    pods = [
        pod
        for pod in cluster.list("Pod", labels=selector_text(service))
        if not pod["metadata"].get("deletionTimestamp")
    ]
    release = Release.from_objects(deployment)
    token = read_keys(cluster, release).get(ADMIN_TOKEN, "")
    outside = look_outside(cluster, release)
    reports = reports_of(cluster, pods, token)
    ends = {str(pod["metadata"]["name"]): fate_of(cluster, pod) for pod in pods if not verdicts.is_ready(pod)}
    way_in = replace(outside, uri=outside.uri or scoring_uri(cluster, service))
    return _put_together(deployment, pods, ends, reports, way_in)


def _put_together(
    deployment: Object,
    pods: Sequence[Object],
    ends: Mapping[str, verdicts.Verdict | None],
    reports: Mapping[str, dict[str, Any]],
    way_in: Outside,
) -> Status:
    annotations = deployment["metadata"].get("annotations") or {}
    current = str(annotations.get(ANNOTATION_REVISION))
    wanted = int((deployment.get("spec") or {}).get("replicas") or 0)
    ready = sum(verdicts.is_ready(pod) for pod in pods)
    if wanted == 0:
        return Status(state="stopped", message="It was stopped.")
    failure: Mapping[str, Any] = {}
    troubles: list[str] = []
    for pod in pods:
        report = reports.get(str(pod["metadata"]["name"]), {})
        if not verdicts.is_ready(pod):
            verdict = ends.get(str(pod["metadata"]["name"]))
            said = (report.get("failure") or {}).get("message") if report.get("state") == "failed" else None
            said = said or (verdict.message if verdict else verdicts.unschedulable(pod))
            if said:
                troubles.append(f"{pod['metadata']['name']}: {said}")
        failure = failure or report.get("failure") or {}
    state = _state(wanted, ready, bool(troubles), pods, current)
    recent = sorted(
        ({**row, "replica": pod} for pod, report in reports.items() for row in report.get("recent", ())),
        key=lambda row: float(row.get("time") or 0),
    )
    asked = [report for report in reports.values() if report.get("state") in {"ready", "degraded"}]
    utilization = sum(float(report.get("utilization") or 0) for report in asked) / max(1, len(asked))
    return Status(
        state=state,
        message=troubles[0] if troubles and state != "running" else way_in.said,
        replicas=tuple(_replica(pod, reports.get(str(pod["metadata"]["name"]), {})) for pod in pods),
        scoring_uri=way_in.uri,
        script=str(annotations.get(ANNOTATION_SCRIPT, "")),
        utilization=utilization,
        requests=sum(int(report.get("requests") or 0) for report in reports.values()),
        errors=sum(int(report.get("errors") or 0) for report in reports.values()),
        recent=tuple(recent[-20:]),
        limits=_limits(deployment),
        failure=failure,
        last_failure=max((report.get("last_failure") or {} for report in reports.values()), key=_time, default={}),
    )


def _time(failure: Mapping[str, Any]) -> float:
    return float(failure.get("time") or 0)


def _state(wanted: int, ready: int, trouble: bool, pods: Sequence[Object], current: str) -> str:
    of_current = [pod for pod in pods if str((pod["metadata"].get("labels") or {}).get(ANNOTATION_REVISION)) == current]
    if ready >= wanted and all(verdicts.is_ready(pod) for pod in of_current):
        return "running"
    if ready:
        return "degraded"
    return "failed" if trouble else "deploying"


def _replica(pod: Object, report: Mapping[str, Any]) -> ReplicaStatus:
    worker: Mapping[str, Any] = next(iter(report.get("replicas") or ()), {})
    state = str(worker.get("state") or "") if verdicts.is_ready(pod) else verdicts.way(pod)
    return ReplicaStatus(
        name=str(pod["metadata"]["name"]),
        state=state or "ready",
        script=str(report.get("script") or ""),
        requests=int(report.get("requests") or 0),
        errors=int(report.get("errors") or 0),
        p50_ms=worker.get("p50_ms"),
        p99_ms=worker.get("p99_ms"),
        memory_bytes=worker.get("memory_bytes"),
    )


def _limits(deployment: Object) -> dict[str, str]:
    """A cluster enforces what it was asked for."""
    containers = deployment["spec"]["template"]["spec"]["containers"]
    limits = (containers[0].get("resources") or {}).get("limits") or {}
    return {name: "enforced" if name in limits else "none" for name in ("memory", "cpu")}


def watch_status(cluster: Cluster, service: str, cancel: Cancel) -> Iterator[Status | None]:
    """The status now and after each change of its objects; ends when it was stopped, with ``None`` once it is gone."""
    with Watches(cluster) as watches, suppress(Cancelled):
        watches.add("Deployment", fields=f"metadata.name={service}")
        watches.add("Pod", labels=selector_text(service))
        deployment = cluster.find("Deployment", service)
        for kind in watched_outside(Release.from_objects(deployment) if deployment else None):
            watches.add(kind, fields=f"metadata.name={service}")
        last: Status | None = None
        while not cancel.is_set:
            status = status_of(cluster, service)
            if status != last or status is None:
                yield status
            if status is None or status.state == "stopped":
                return
            last = status
            watches.next(None)
            until = time.monotonic() + QUIET_SECONDS
            while (left := until - time.monotonic()) > 0:
                watches.next(left)
