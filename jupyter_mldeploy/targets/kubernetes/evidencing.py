"""What a cluster can show of a failure, gathered while its objects are still there; and kept for when they are not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_mldeploy.errors import MLDeployError
from jupyter_mldeploy.evidence import Evidence, read_log
from jupyter_mldeploy.records import Record, write_aside
from jupyter_mldeploy.spec import Resources, show_memory
from jupyter_mldeploy.targets.base import LogQuery
from jupyter_mldeploy.targets.kubernetes import verdicts
from jupyter_mldeploy.targets.kubernetes.client import Cluster
from jupyter_mldeploy.targets.kubernetes.fates import fate_of
from jupyter_mldeploy.targets.kubernetes.kinds import collection
from jupyter_mldeploy.targets.kubernetes.logs import read_logs
from jupyter_mldeploy.targets.kubernetes.names import ANNOTATION_REVISION, CONTAINER, selector_text

__all__ = ["FAILURE_FILE", "LOG_FILE", "PREVIOUS_FILE", "evidence_of", "keep", "keep_logs", "kept"]

LOG_FILE = "run.log"
"""Log of a service that has no pods: of its last failure, or of its life before it was stopped."""
PREVIOUS_FILE = "run.previous.log"
"""The same, once it runs again."""
FAILURE_FILE = "failure.json"
LOG_BYTES = 200_000
LOG_LINES = 5_000
_KEPT = ("k8s_reason", "k8s_events", "exit_code", "oom_killed", "failure", "previous_log", "stage")


def evidence_of(cluster: Cluster | None, record: Record, stage: str, folder: Path, **known: Any) -> Evidence:
    """Collect what there is to see.

    Args:
        cluster: Where; ``None`` if it cannot be reached.
        record: Of the service.
        stage: Where it failed.
        folder: Of the service, where the last failure was kept.
        known: Fields the caller knows already; ``pod`` names the one to look at.
    """
    spec = record.spec
    pod_name = str(known.pop("pod", ""))
    failure: Mapping[str, Any] = known.get("failure") or {}
    seen: dict[str, Any] = {}
    if cluster is not None:
        with suppress(MLDeployError, TimeoutError):
            seen = _seen(cluster, record, pod_name, ending=failure.get("kind") != "gone")
    if not seen and failure.get("kind") != "gone":  # it ran since
        seen = kept(folder)
    facts = {"namespace": cluster.namespace, "context": cluster.context} if cluster else {}
    facts["image"] = str(record.details.get("image", ""))
    if spec.resources.memory:
        facts["limit"] = show_memory(spec.resources.memory)
    if requested := _requested(spec.resources):
        facts["asked"] = requested
    filled = {
        **seen,
        "script": spec.inference.script.text,
        "script_name": spec.inference.script.origin,
        "requirements": spec.inference.environment.requirements,
        "memory_limit": spec.resources.memory,
        "facts": {key: value for key, value in facts.items() if value},
    }
    if failure.get("oom"):
        filled["oom_killed"] = True
    if failure.get("exit_code") is not None:
        filled["exit_code"] = failure["exit_code"]
    filled |= {key: value for key, value in known.items() if value not in (None, "", (), {})}
    filled.pop("stage", None)
    return Evidence(stage=stage, target="kubernetes", service=record.name, **filled)


def _requested(resources: Resources) -> str:
    parts = [f"{resources.cpu:g} CPU" if resources.cpu else ""]
    parts += [show_memory(resources.memory) if resources.memory else ""]
    parts += [f"{resources.gpus} GPU" if resources.gpus else ""]
    return ", ".join(part for part in parts if part)


def keep(evidence: Evidence, folder: Path) -> None:
    """Keep what a failed deployment showed: its pods are taken away."""
    told = {name: getattr(evidence, name) for name in _KEPT}
    write_aside(folder / LOG_FILE, (evidence.log or evidence.previous_log).encode("utf-8", "replace"), mode=0o600)
    write_aside(folder / FAILURE_FILE, json.dumps(told).encode(), mode=0o600)


def keep_logs(cluster: Cluster, service: str, folder: Path) -> None:
    """Keep what the pods have printed: stopping a service takes them away."""
    with suppress(MLDeployError, TimeoutError):
        query = LogQuery(lines=LOG_LINES)
        text = "".join(f"{line.text}\n" for line in read_logs(cluster, service, query))
        if text:
            write_aside(folder / LOG_FILE, text.encode("utf-8", "replace"), mode=0o600)


def kept(folder: Path) -> dict[str, Any]:
    """What was kept of the last failure."""
    try:
        told: dict[str, Any] = json.loads((folder / FAILURE_FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    told["k8s_events"] = tuple(told.get("k8s_events") or ())
    return {**told, "log": read_log(folder / LOG_FILE, LOG_BYTES)}


def _seen(cluster: Cluster, record: Record, pod_name: str, *, ending: bool) -> dict[str, Any]:
    """What one pod shows, the one of most interest.

    Args:
        cluster: Where.
        record: Of the service.
        pod_name: Of the pod, if it is known.
        ending: Whether pods that are all told to end show why it failed.
    """
    pods = cluster.list("Pod", labels=selector_text(record.name))
    if not pods or not (ending or any(not pod["metadata"].get("deletionTimestamp") for pod in pods)):
        return _without_pods(cluster, record)
    revision = str(record.details.get("revision", ""))

    def interest(pod: Mapping[str, Any]) -> tuple[bool, bool, bool]:
        labels = pod["metadata"].get("labels") or {}
        named = str(pod["metadata"]["name"]) == pod_name
        return named, not verdicts.is_ready(pod), str(labels.get(ANNOTATION_REVISION)) == revision

    pod = max(pods, key=interest)
    name = str(pod["metadata"]["name"])
    verdict = None if verdicts.is_ready(pod) else fate_of(cluster, pod)
    status: Mapping[str, Any] = next(iter((pod.get("status") or {}).get("containerStatuses") or ()), {})
    found: dict[str, Any] = {"log": _log(cluster, name), "k8s_events": _events(cluster, name, pod)}
    if verdict and verdicts.is_cut_off(pod):
        found["k8s_events"] += (f"{verdict.reason}: {verdict.message}",)
    if int(status.get("restartCount") or 0) > 0:
        found["previous_log"] = _log(cluster, name, previous=True)
    if verdict:
        found["k8s_reason"] = verdict.reason
        if verdict.exit_code is not None:
            found |= {"exit_code": verdict.exit_code, "oom_killed": verdict.oom_killed}
    elif verdicts.unschedulable(pod):
        found["k8s_reason"] = "Unschedulable"
    return found


def _without_pods(cluster: Cluster, record: Record) -> dict[str, Any]:
    for one in cluster.list("ReplicaSet", labels=selector_text(record.name)):
        verdict = verdicts.replica_set_verdict(one)
        if verdict is not None:
            return {"k8s_reason": verdict.reason, "k8s_events": (verdict.message,)}
    return {}


def _log(cluster: Cluster, pod: str, *, previous: bool = False) -> str:
    query = {"container": CONTAINER, "tailLines": "2000", "limitBytes": str(LOG_BYTES)}
    if previous:
        query["previous"] = "true"
    reply = cluster.send("GET", f"{collection('Pod', cluster.namespace)}/{pod}/log", query=query, timeout=10.0)
    return reply.text if reply.status == 200 else ""


def _events(cluster: Cluster, name: str, pod: Mapping[str, Any]) -> tuple[str, ...]:
    found = cluster.list("Event", fields=f"involvedObject.kind=Pod,involvedObject.name={name}")
    found.sort(
        key=lambda event: str(
            event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp")
        )
    )
    lines = [f"{event.get('reason', '')}: {str(event.get('message') or '').strip()}" for event in found]
    status = pod.get("status") or {}
    waiting = [(one.get("state") or {}).get("waiting") or {} for one in status.get("containerStatuses") or ()]
    unmet = [one for one in status.get("conditions") or () if one.get("status") == "False"]
    lines += [f"{one.get('reason', '')}: {one['message']}" for one in (*unmet, *waiting) if one.get("message")]
    return tuple(dict.fromkeys(lines))
