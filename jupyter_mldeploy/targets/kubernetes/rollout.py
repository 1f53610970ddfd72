"""Following a release until it runs: what Kubernetes and the pods' runtimes say of it, as it is said.

Deployment, ReplicaSets and pods are watched by selector, events by pod; the runtimes of the first pods tell of ``init()``
through the API server's proxy. Nothing is asked in a loop.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from jupyter_mldeploy.events import Stage
from jupyter_mldeploy.targets.control import RuntimeGone
from jupyter_mldeploy.targets.kubernetes import verdicts
from jupyter_mldeploy.targets.kubernetes.capacity import more_may_come, nodes_of
from jupyter_mldeploy.targets.kubernetes.client import Cluster
from jupyter_mldeploy.targets.kubernetes.faults import Refused, Unreachable
from jupyter_mldeploy.targets.kubernetes.kinds import collection
from jupyter_mldeploy.targets.kubernetes.names import ANNOTATION_REVISION, CONTAINER, selector_text
from jupyter_mldeploy.targets.kubernetes.runtime_proxy import RuntimeProxy
from jupyter_mldeploy.targets.kubernetes.verdicts import Verdict
from jupyter_mldeploy.targets.kubernetes.watching import Seen, Watches

__all__ = ["Hopeless", "Rollout"]

PODS_FOLLOWED = 3
"""Pods whose runtime and events are listened to; the others are the same."""

_ACCESS = re.compile(r"\S+ \S+ \w \[\d+\] access \[")
"""Requests that the first new pod answers: they are no part of the deployment."""

Tell = Callable[..., None]


class Hopeless(Exception):
    """Waiting does not help.

    Attributes:
        verdict: Why.
        failure: The runtime's own report, where ``init()`` failed.
        events: What Kubernetes said of the pod, oldest first.
    """

    def __init__(
        self, verdict: Verdict, failure: Mapping[str, Any] | None = None, events: tuple[str, ...] = ()
    ) -> None:
        super().__init__(verdict.message)
        self.verdict = verdict
        self.failure: Mapping[str, Any] = failure or {}
        self.events = events


class Rollout:
    """One release on its way.

    Args:
        cluster: Where; its cancel ends the waiting.
        service: Name of the service.
        revision: Of the release.
        token: Admin token of its runtimes.
        tell: Hears progress: a message, and facts by name.
        log: Hears the lines that the first pod prints.
    """

    def __init__(
        self, cluster: Cluster, service: str, revision: int, token: str, *, tell: Tell, log: Callable[[str], None]
    ) -> None:
        self._cluster = cluster
        self._service = service
        self.revision = revision
        self.stage = Stage.SCHEDULE
        self._token = token
        self._tell = tell
        self._log = log
        self._deployment: Mapping[str, Any] = {}
        self.generation = 0
        self._sets: dict[str, Mapping[str, Any]] = {}
        self._pods: dict[str, Mapping[str, Any]] = {}
        self._ways: dict[str, str] = {}
        self._events: dict[str, list[str]] = {}
        self._followed: set[str] = set()
        self._nodes: list[Mapping[str, Any]] | None = None
        self._watches = Watches(cluster)
        self._watches.add("Deployment", fields=f"metadata.name={service}")
        self._watches.add("ReplicaSet", labels=selector_text(service))
        self._watches.add("Pod", labels=selector_text(service))

    def close(self) -> None:
        """Stop watching."""
        self._watches.close()

    # -- what is there ---------------------------------------------------------------------------------------------

    @property
    def wanted(self) -> int:
        """Replicas that the Deployment asks for now."""
        return int((self._deployment.get("spec") or {}).get("replicas") or 0)

    @property
    def pods(self) -> list[Mapping[str, Any]]:
        """The release's pods that are not ending."""
        return [
            pod for pod in self._pods.values() if self._is_ours(pod) and not pod["metadata"].get("deletionTimestamp")
        ]

    @property
    def ready(self) -> int:
        return sum(verdicts.is_ready(pod) for pod in self.pods)

    @property
    def complete(self) -> bool:
        """Whether every replica is of this release and ready, and none of another is left in service."""
        status = self._deployment.get("status") or {}
        wanted = self.wanted
        return (
            int(status.get("observedGeneration") or 0) >= self.generation
            and int(self._deployment.get("metadata", {}).get("generation") or 0) >= self.generation
            and int(status.get("updatedReplicas") or 0) == wanted
            and int(status.get("availableReplicas") or 0) == wanted
            and int(status.get("replicas") or 0) == wanted
            and self.ready >= wanted
        )

    def has(self, how: Callable[[Mapping[str, Any]], bool], least: int) -> bool:
        """Whether all pods of the release are so, and at least so many."""
        pods = self.pods
        return len(pods) >= least and all(how(pod) for pod in pods)

    # -- waiting ---------------------------------------------------------------------------------------------------

    def until(self, done: Callable[[], bool], seconds: float, late: Callable[[], Verdict]) -> None:
        """Wait until ``done``.

        Args:
            done: Asked after everything that is seen.
            seconds: Longest time; begins anew whenever another pod is ready.
            late: The verdict once that has passed.

        Raises:
            Hopeless: Something was seen that waiting does not mend, or the time has passed.
            Cancelled: The operation was asked to end.
        """
        deadline, ready = time.monotonic() + seconds, self.ready
        while True:
            self._judge()
            if done():
                return
            seen = self._watches.next(deadline - time.monotonic())
            if seen is None:
                if time.monotonic() >= deadline:
                    raise self._hopeless(late())
                continue
            self._take(seen)
            if self.ready > ready:
                deadline, ready = time.monotonic() + seconds, self.ready

    def _take(self, seen: Seen) -> None:
        if seen.change == "refused" and seen.kind in {"Deployment", "ReplicaSet", "Pod"}:
            assert seen.error is not None
            raise seen.error
        name = str((seen.object.get("metadata") or {}).get("name") or "")
        match seen.kind:
            case "Deployment" if seen.object:
                self._deployment = {} if seen.change == "deleted" else seen.object
            case "ReplicaSet" if seen.object:
                self._sets.pop(name, None)
                if seen.change != "deleted":
                    self._sets[name] = seen.object
            case "Pod" if seen.object:
                self._take_pod(name, seen)
            case "Event" if seen.object:
                self._take_event(seen.object)
            case "Runtime":
                self._take_report(seen.object)
            case "Line" if not _ACCESS.match(str(seen.object["line"])):
                self._log(str(seen.object["line"]))

    def _take_pod(self, name: str, seen: Seen) -> None:
        if seen.change == "deleted":
            self._pods.pop(name, None)
            return
        self._pods[name] = seen.object
        if not self._is_ours(seen.object):
            return
        if name not in self._followed and len(self._followed) < PODS_FOLLOWED:
            self._followed.add(name)
            self._watches.add("Event", fields=f"involvedObject.kind=Pod,involvedObject.name={name}")
        if name in self._followed and verdicts.is_started(seen.object) and not verdicts.is_ready(seen.object):
            self._listen(name)
        told = verdicts.way(seen.object)
        if told != self._ways.get(name) and told != "init() runs":  # of which the runtime tells itself
            self._ways[name] = told
            self._say(name, told)

    def _take_event(self, event: Mapping[str, Any]) -> None:
        pod = str((event.get("involvedObject") or {}).get("name") or "")
        message = str(event.get("message") or "").strip()
        kept = self._events.setdefault(pod, [])
        line = f"{event.get('reason', '')}: {message}"
        if line not in kept:
            kept.append(line)
            if event.get("reason") in {
                "Pulling",
                "Pulled",
                "FailedMount",
                "FailedCreatePodSandBox",
                "TriggeredScaleUp",
            }:
                self._say(pod, message[:200])

    def _take_report(self, report: Mapping[str, Any]) -> None:
        pod, event = str(report["pod"]), report["event"]
        if event["kind"] == "init_started":
            self._say(pod, "init() runs")
        failure = event.get("failure") or {}
        # A pod that is ready has had its init(): what it tells besides is of a reload that it refused, long ago perhaps.
        waited_for = pod in self._pods and not verdicts.is_ready(self._pods[pod])
        if event["kind"] == "failure" and failure.get("stage") != "run" and waited_for:
            code = failure.get("exit_code")
            message = str(failure.get("message") or "init() failed")
            verdict = Verdict(stage="init", reason="InitFailed", message=message, pod=pod, exit_code=code)
            raise self._hopeless(verdict, failure)

    def _say(self, pod: str, what: str) -> None:
        self._tell(f"{pod}: {what}", replica=pod, replicas=self.wanted, ready=self.ready)

    def _is_ours(self, pod: Mapping[str, Any]) -> bool:
        return str((pod["metadata"].get("labels") or {}).get(ANNOTATION_REVISION)) == str(self.revision)

    # -- judging ---------------------------------------------------------------------------------------------------

    def _judge(self) -> None:
        for pod in self.pods:
            verdict = verdicts.pod_verdict(pod) or self._no_node(pod)
            if verdict is not None:
                raise self._hopeless(verdicts.with_events(verdict, self._events.get(verdict.pod, ())))
        for one in self._sets.values():
            labels = ((one.get("spec") or {}).get("template") or {}).get("metadata", {}).get("labels") or {}
            if str(labels.get(ANNOTATION_REVISION)) == str(self.revision):
                verdict = verdicts.replica_set_verdict(one)
                if verdict is not None:
                    raise self._hopeless(verdict)

    def _no_node(self, pod: Mapping[str, Any]) -> Verdict | None:
        """Unschedulable is final where no node could take the pod even if it were empty, and no more nodes may come."""
        said = verdicts.unschedulable(pod)
        if not said:
            return None
        name = str(pod["metadata"]["name"])
        self._events.setdefault(name, [])
        if self._nodes is None:
            self._nodes = nodes_of(self._cluster)
        final = verdicts.against_rules(said) or (bool(self._nodes) and bool(verdicts.fits_no_node(pod, self._nodes)))
        refused = any(line.startswith("NotTriggerScaleUp") for line in self._events[name])
        if refused or (final and not more_may_come(self._cluster)):
            return Verdict(stage="schedule", reason="Unschedulable", message=said, pod=name)
        if self._ways.get(name) != said:
            self._ways[name] = said
            self._say(name, f"waiting for a node: {said}")
        return None

    def _hopeless(self, verdict: Verdict, failure: Mapping[str, Any] | None = None) -> Hopeless:
        return Hopeless(verdict, failure, tuple(self._events.get(verdict.pod, ())))

    # -- the runtimes ----------------------------------------------------------------------------------------------

    def _listen(self, pod: str) -> None:
        if f"{pod} listens" in self._followed:
            return
        self._followed.add(f"{pod} listens")
        threading.Thread(target=self._hear_runtime, args=(pod,), name="mldeploy-runtime", daemon=True).start()
        if len([mark for mark in self._followed if mark.endswith(" listens")]) == 1:
            threading.Thread(target=self._hear_log, args=(pod,), name="mldeploy-log", daemon=True).start()

    def _hear_runtime(self, pod: str) -> None:
        """Until the port listens a connection is refused; then the runtime tells everything from its first event on."""
        proxy, delay, closed, since = RuntimeProxy.of_pod(self._cluster, pod, self._token), 0.1, self._watches.closed, 0
        while not closed.is_set():
            try:
                for event in proxy.events(since, self._watches):
                    since = int(event.get("event") or since)
                    self._watches.put(Seen("Runtime", "said", {"pod": pod, "event": event}))
                return
            except RuntimeGone:
                closed.wait(delay)
                delay = min(1.0, delay * 1.5)

    def _hear_log(self, pod: str) -> None:
        path = f"{collection('Pod', self._cluster.namespace)}/{pod}/log"
        query = {"container": CONTAINER, "follow": "true"}
        try:
            with self._cluster.lines(path, query) as (lines, response), self._watches.reading(response):
                for line in lines:
                    text = line.decode("utf-8", "backslashreplace")
                    self._watches.put(Seen("Line", "said", {"line": text}))
        except (Refused, Unreachable, TimeoutError):
            return
