"""Giving every replica an edited script: all of them, or none.

The running pods are told at once. Only what all of them took is written to the ConfigMap, so that no new pod ever starts with a
script that was refused; pods that came in between are told afterwards.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from jupyter_mldeploy.errors import Cancelled, TargetUnavailable
from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.spec import Script
from jupyter_mldeploy.targets.base import Receipt
from jupyter_mldeploy.targets.control import RuntimeGone
from jupyter_mldeploy.targets.kubernetes import verdicts
from jupyter_mldeploy.targets.kubernetes.applying import Live, find_live, read_keys
from jupyter_mldeploy.targets.kubernetes.client import PATIENCE, Cluster
from jupyter_mldeploy.targets.kubernetes.manifests import check_size, config_map, owned_by
from jupyter_mldeploy.targets.kubernetes.manifests.all import deployment as deployment_of
from jupyter_mldeploy.targets.kubernetes.manifests.pods import ADMIN_TOKEN
from jupyter_mldeploy.targets.kubernetes.names import (
    ANNOTATION_RELEASE,
    ANNOTATION_SCRIPT,
    ANNOTATION_SPEC,
    selector_text,
)
from jupyter_mldeploy.targets.kubernetes.runtime_proxy import RuntimeProxy

__all__ = ["Refusal", "reload_service"]

MOST_ROUNDS = 5


class Refusal(Exception):
    """A replica did not take the script; all run the old one.

    Attributes:
        pod: Which.
        failure: The runtime's report.
    """

    def __init__(self, pod: str, message: str, failure: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.pod = pod
        self.message = message
        self.failure = failure


@dataclass(frozen=True)
class _Runtimes:
    """The runtimes of a service's pods, and how long they may take."""

    cluster: Cluster
    token: str
    timeout: float

    def of(self, pod: str) -> RuntimeProxy:
        return RuntimeProxy.of_pod(self.cluster, pod, self.token)


@dataclass
class _Told:
    """What the pods have answered."""

    took: dict[str, str] = field(default_factory=dict)  # pod → mode
    refused: list[Refusal] = field(default_factory=list)
    silent: dict[str, str] = field(default_factory=dict)  # pod → why


def reload_service(cluster: Cluster, service: str, script: Script, sample: str | None, init_timeout: float) -> Receipt:
    """Let every replica take a script. The cluster's cancel interrupts it.

    Raises:
        Refusal: One did not.
        Cancelled: It was interrupted; all run the old script.
        TargetUnavailable: The service is not there.
    """
    began = time.monotonic()
    live = find_live(cluster, service)
    if live is None or live.release is None:
        raise TargetUnavailable(f"There is no service {service!r} in namespace {cluster.namespace!r}.")
    spec = live.release.spec
    release = replace(live.release, spec=replace(spec, inference=replace(spec.inference, script=script)))
    check_size(release)
    token = read_keys(cluster, live.release).get(ADMIN_TOKEN, "")
    body: dict[str, Any] = {"script": script.text, **({} if sample is None else {"sample": sample})}
    told = _Told()
    runtimes = _Runtimes(cluster, token, init_timeout + 30)
    written = False
    try:
        _tell(runtimes, _ready(cluster, service), body, told)
        _check(cluster, service, told)
        _write(cluster, live, config_map(release), deployment_of(release, None)["metadata"]["annotations"])
        written = True
        for _ in range(MOST_ROUNDS):
            missed = _of_another_script(runtimes, service, script.hash)
            if not missed:
                break
            # The sample was answered by the others; a pod that just came may still be busy with its own init().
            _tell(runtimes, missed, {"script": script.text}, told)
            _check(cluster, service, told)
    except BaseException:
        _go_back(runtimes, live, told, written=written)
        raise
    there = set(_ready(cluster, service)) & set(told.took)
    modes = {told.took[pod] for pod in there}
    mode = "new-workers" if "new-workers" in modes else "in-place" if "in-place" in modes else "unchanged"
    return Receipt(mode=mode, script=script.hash, replicas=tuple(sorted(there)), seconds=time.monotonic() - began)


def _ready(cluster: Cluster, service: str) -> list[str]:
    pods = cluster.list("Pod", labels=selector_text(service))
    return [str(pod["metadata"]["name"]) for pod in pods if verdicts.is_ready(pod)]


def _of_another_script(runtimes: _Runtimes, service: str, wanted: str) -> list[str]:
    """Pods that run and say that they have another script: they started with the old ConfigMap."""

    def ask(pod: str) -> bool:
        try:
            return runtimes.of(pod).status().get("script") != wanted
        except RuntimeGone:
            return False

    pods = runtimes.cluster.list("Pod", labels=selector_text(service))
    names = [
        str(pod["metadata"]["name"])
        for pod in pods
        if verdicts.is_started(pod) and not pod["metadata"].get("deletionTimestamp")
    ]
    if not names:
        return []
    with ThreadPoolExecutor(min(16, len(names)), "mldeploy-receipts") as pool:
        return [name for name, other in zip(names, pool.map(ask, names), strict=True) if other]


def _tell(runtimes: _Runtimes, pods: list[str], body: Mapping[str, Any], told: _Told) -> None:
    def one(pod: str) -> None:
        try:
            status, answer = runtimes.of(pod).reload(body, runtimes.timeout, runtimes.cluster.cancel)
        except (RuntimeGone, Cancelled) as error:
            told.silent[pod] = str(error)
            return
        if status == 200:
            told.took[pod] = str(answer.get("mode", ""))
        else:
            message = str(answer.get("message") or f"HTTP {status}")
            told.refused.append(Refusal(pod, message, answer.get("failure") or {}))

    if pods:
        with ThreadPoolExecutor(min(32, len(pods)), "mldeploy-reload") as pool:
            list(pool.map(one, pods))
    runtimes.cluster.cancel.check()


def _check(cluster: Cluster, service: str, told: _Told) -> None:
    """A pod that is silent because it is ending does not count; one that is ready and silent refuses."""
    if told.refused:
        raise told.refused[0]
    if told.silent:
        ready = set(_ready(cluster, service))
        for pod, why in told.silent.items():
            if pod in ready:
                raise Refusal(pod, f"it did not answer ({why})", {})
        told.silent.clear()
    if not told.took:
        raise Refusal("", "no replica is ready", {})


def _write(cluster: Cluster, live: Live, made: dict[str, Any], annotations: Mapping[str, str]) -> None:
    """New pods start with this from now on; the Deployment's pods stay, because their template has not changed."""
    made["metadata"]["namespace"] = cluster.namespace
    cluster.apply(owned_by([made], live.uid)[0])
    changed = {key: annotations[key] for key in (ANNOTATION_SCRIPT, ANNOTATION_SPEC, ANNOTATION_RELEASE)}
    cluster.merge("Deployment", str(live.deployment["metadata"]["name"]), {"metadata": {"annotations": changed}})


def _go_back(runtimes: _Runtimes, live: Live, told: _Told, *, written: bool) -> None:
    """Those that took the new script get the old one again."""
    assert live.release is not None
    calm = Cluster(runtimes.cluster.target, Cancel(), PATIENCE)  # what was interrupted is taken back all the same
    if written:
        _write(calm, live, config_map(live.release), live.deployment["metadata"]["annotations"])
    _tell(replace(runtimes, cluster=calm), sorted(told.took), {"script": live.script}, _Told())
