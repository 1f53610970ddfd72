"""What Kubernetes' own words about a pod mean for somebody who waits for it. Pure.

A verdict is something that waiting does not mend.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from jupyter_mldeploy.targets.kubernetes.names import CONTAINER

__all__ = [
    "KILLED",
    "Verdict",
    "against_rules",
    "fits_no_node",
    "is_cut_off",
    "is_ready",
    "is_scheduled",
    "is_started",
    "pod_verdict",
    "quantity",
    "replica_set_verdict",
    "unschedulable",
    "way",
    "with_events",
]

Object = Mapping[str, Any]

_FINAL_PULL = re.compile(
    r"not found|manifest unknown|name unknown|unauthorized|authorization failed|forbidden|denied|no basic auth|"
    r"authentication required|invalid reference|no match for platform|no matching manifest|x509|HTTP response to HTTPS",
    re.IGNORECASE,
)
_BROKEN_START = {
    "CreateContainerConfigError", "CreateContainerError", "RunContainerError", "ErrImageNeverPull", "InvalidImageName",
    "ImageInspectError", "CrashLoopBackOff", "PreCreateHookError", "PreStartHookError", "PostStartHookError",
}  # fmt: skip


_KILLED_FOR_PROBE = re.compile(r"^Killing: .*failed (?P<probe>liveness|startup) probe", re.IGNORECASE)
KILLED = (137, 143)
"""Exit codes of what was ended by somebody else."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Something that cannot get better by waiting.

    Attributes:
        stage: The stage that it ends.
        reason: Kubernetes' own word: ``Unschedulable``, ``ImagePullBackOff``, ``OOMKilled``, …
        message: Why, in one sentence.
        pod: Whose, or ``""``.
        exit_code: Of the container, if it has ended.
    """

    stage: str
    reason: str
    message: str
    pod: str = ""
    exit_code: int | None = None

    @property
    def oom_killed(self) -> bool | None:
        """Whether the memory limit ended it; ``None`` where no container has ended."""
        return self.reason == "OOMKilled" if self.exit_code is not None else None


def pod_verdict(pod: Object) -> Verdict | None:
    """What is hopeless about a pod by itself."""
    name = str(pod["metadata"]["name"])
    status = pod.get("status") or {}
    if status.get("phase") == "Failed":
        reason = str(status.get("reason") or "Failed")
        ended = _ended(_container(pod))
        message = str(status.get("message") or f"The pod failed: {reason}")
        return Verdict(stage="launch", reason=reason, message=message, pod=name, exit_code=ended.get("exitCode"))
    container = _container(pod)
    waiting = (container.get("state") or {}).get("waiting") or {}
    reason, message = str(waiting.get("reason") or ""), str(waiting.get("message") or "")
    if reason in {"ErrImagePull", "ImagePullBackOff"}:
        # A registry that is away may come back; a second failure to reach it is told, a final answer at once.
        if reason == "ImagePullBackOff" or _FINAL_PULL.search(message):
            image = str(container.get("image") or "")
            said = f"the image {image} cannot be pulled" + (f": {message}" if message else "")
            return Verdict(stage="launch", reason=reason, message=said, pod=name)
        return None
    if ended := _ended(container):
        return _after_end(name, ended, reason)
    if reason in _BROKEN_START:
        return Verdict(stage="launch", reason=reason, message=message or reason, pod=name)
    return None


def _after_end(name: str, ended: Object, waiting: str) -> Verdict:
    """A server of ours ends only when it was killed or could not start; it would end again."""
    code = int(ended.get("exitCode", 0))
    why = str(ended.get("reason") or "")
    if why == "OOMKilled":
        message = "the container went over its memory limit and was killed"
    elif code > 128:
        message = f"the container was ended by signal {code - 128}"
    else:
        message = f"the container ended with exit code {code}"
    said = str(ended.get("message") or "").strip().splitlines()
    message += f": {said[-1]}" if said and why != "OOMKilled" else ""
    reason = why if why in {"OOMKilled", "ContainerCannotRun", "StartError"} else waiting or why or "Error"
    return Verdict(stage="launch", reason=reason, message=message, pod=name, exit_code=code)


def with_events(verdict: Verdict, events: Iterable[str]) -> Verdict:
    """The same, told apart from an end for its memory where the kubelet says that it was a probe's.

    Args:
        verdict: Of a pod.
        events: What was said of the pod, each ``REASON: MESSAGE``.
    """
    if verdict.exit_code not in KILLED or verdict.oom_killed:
        return verdict
    for event in events:
        if match := _KILLED_FOR_PROBE.search(event):
            probe = match["probe"].lower()
            message = f"its server did not answer the {probe} probe and was killed for that, not for its memory"
            return replace(verdict, message=message)
    return verdict


def replica_set_verdict(replica_set: Object) -> Verdict | None:
    """Whether pods may not even be made: a quota, a limit range, Pod Security, an admission webhook."""
    for condition in (replica_set.get("status") or {}).get("conditions") or ():
        if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True":
            reason = str(condition.get("reason") or "FailedCreate")
            return Verdict(stage="schedule", reason=reason, message=str(condition.get("message") or reason))
    return None


def unschedulable(pod: Object) -> str:
    """The scheduler's sentence on why no node takes a pod, or ``""``."""
    condition = _condition(pod, "PodScheduled")
    if condition.get("status") == "False" and condition.get("reason") == "Unschedulable":
        return str(condition.get("message") or "no node takes the pod")
    return ""


def fits_no_node(pod: Object, nodes: Iterable[Object]) -> str:
    """What a pod asks for that no node has, even were it empty: ``"nvidia.com/gpu: 1 asked, no node has more than 0"``."""
    asked: dict[str, float] = {}
    for container in (pod.get("spec") or {}).get("containers") or ():
        for resource, amount in ((container.get("resources") or {}).get("requests") or {}).items():
            asked[resource] = asked.get(resource, 0.0) + quantity(amount)
    there = [(node.get("status") or {}).get("allocatable") or {} for node in nodes]
    for resource, amount in asked.items():
        most = max((quantity(node.get(resource, "0")) for node in there), default=0.0)
        if amount > most:
            return f"{resource}: {amount:g} asked, no node has more than {most:g}"
    return ""


_OF_THE_NODES = re.compile(r"didn't match|didn't satisfy|untolerated taint|had taint")
_PASSING = re.compile(
    r"Insufficient|not-?ready|unreachable|pressure|Too many pods|volume|unschedulable|uninitialized", re.IGNORECASE
)


def against_rules(said: str) -> bool:
    """Whether the scheduler names rules only (selectors, affinities, taints), nothing that passes by itself."""
    return bool(_OF_THE_NODES.search(said)) and not _PASSING.search(said)


_UNITS = {
    "": 1.0, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "n": 1e-9, "u": 1e-6,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50,
}  # fmt: skip


def quantity(text: str) -> float:
    """A Kubernetes quantity as a number."""
    match = re.fullmatch(r"([\d.]+(?:[eE][+-]?\d+)?)([a-zA-Z]{0,2})", str(text).strip())
    return float(match[1]) * _UNITS.get(match[2], 1.0) if match else 0.0


def is_scheduled(pod: Object) -> bool:
    """Whether a node has taken it."""
    return _condition(pod, "PodScheduled").get("status") == "True"


def is_started(pod: Object) -> bool:
    """Whether its container runs."""
    return bool((_container(pod).get("state") or {}).get("running"))


def is_cut_off(pod: Object) -> bool:
    """Whether its container was well when its node was last heard of, and it is taken out of service all the same."""
    well = _condition(pod, "ContainersReady").get("status") == "True"
    return well and _condition(pod, "Ready").get("status") != "True" and not pod["metadata"].get("deletionTimestamp")


def is_ready(pod: Object) -> bool:
    """Whether it takes requests."""
    return _condition(pod, "Ready").get("status") == "True" and not pod["metadata"].get("deletionTimestamp")


def way(pod: Object) -> str:
    """How far a pod has come, in a few words."""
    container = _container(pod)
    if pod["metadata"].get("deletionTimestamp"):
        return "ending"
    if is_ready(pod):
        return "ready"
    if is_started(pod):
        return "init() runs"
    if not is_scheduled(pod):
        return "waiting for a node"
    waiting = (container.get("state") or {}).get("waiting") or {}
    node = str((pod.get("spec") or {}).get("nodeName") or "")
    reason = str(waiting.get("reason") or "")
    return f"starting on {node}" if reason in {"", "ContainerCreating", "PodInitializing"} else reason


def _condition(pod: Object, kind: str) -> Object:
    for condition in (pod.get("status") or {}).get("conditions") or ():
        if condition.get("type") == kind:
            found: Object = condition
            return found
    return {}


def _container(pod: Object) -> Object:
    for container in (pod.get("status") or {}).get("containerStatuses") or ():
        if container.get("name") == CONTAINER:
            found: Object = container
            return found
    return {}


def _ended(container: Object) -> Object:
    """How its present or its last life ended, if one has."""
    for state in (container.get("state") or {}, container.get("lastState") or {}):
        if state.get("terminated"):
            found: Object = state["terminated"]
            return found
    return {}
