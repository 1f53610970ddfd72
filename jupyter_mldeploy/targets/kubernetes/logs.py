"""Logs of all replicas, merged by time, across restarts and new pods."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from jupyter_mldeploy.errors import Cancelled
from jupyter_mldeploy.targets.base import LogLine, LogQuery
from jupyter_mldeploy.targets.kubernetes import verdicts
from jupyter_mldeploy.targets.kubernetes.client import Cluster
from jupyter_mldeploy.targets.kubernetes.faults import Refused, Unreachable
from jupyter_mldeploy.targets.kubernetes.kinds import collection
from jupyter_mldeploy.targets.kubernetes.names import CONTAINER, selector_text
from jupyter_mldeploy.targets.kubernetes.watching import Seen, Watches

__all__ = ["read_logs"]


@dataclass(frozen=True, order=True)
class Stamped:
    """A line with the time at which the node took it in."""

    time: str
    replica: str
    text: str


def read_logs(cluster: Cluster, service: str, query: LogQuery) -> Iterator[LogLine]:
    """Lines as the query wants them; with ``follow`` until the cluster's cancel is set or the service is gone."""
    chosen = _Choice(query)
    pods = [pod for pod in cluster.list("Pod", labels=selector_text(service)) if chosen.takes(_name(pod))]
    last: dict[str, str] = {}
    merged = []
    for stamped in _read_all(cluster, [_name(pod) for pod in pods], query):
        last[stamped.replica] = stamped.time
        if chosen.wants(stamped.text):
            merged.append(stamped)
    if query.lines is not None:
        merged = merged[-query.lines :] if query.lines else []
    for line in merged:
        yield LogLine(text=line.text, replica=f"{service}/{line.replica}")
    if query.follow and not query.previous:
        with suppress(Cancelled):
            yield from _follow(cluster, service, chosen, last)


def _read_all(cluster: Cluster, pods: list[str], query: LogQuery) -> Iterator[Stamped]:
    if not pods:
        return iter(())
    with ThreadPoolExecutor(min(8, len(pods)), "mldeploy-logs") as pool:
        parts = list(pool.map(lambda pod: list(_read(cluster, pod, query)), pods))
    return heapq.merge(*parts, key=lambda line: line.time)


def _read(cluster: Cluster, pod: str, query: LogQuery) -> Iterator[Stamped]:
    asked = {"container": CONTAINER, "timestamps": "true"}
    if query.lines is not None and not query.grep:
        asked["tailLines"] = str(max(1, query.lines))
    if query.since:
        asked["sinceSeconds"] = str(max(1, round(query.since)))
    if query.previous:
        asked["previous"] = "true"
    reply = cluster.send("GET", _path(cluster, pod), query=asked)
    if reply.status in {401, 403}:
        raise Refused(reply.status, reply.text, what=f"show the log of pod {pod!r}")
    if reply.status == 200:
        for line in reply.body.split(b"\n"):
            if line:
                yield _stamped(pod, line)


class _Choice:
    """What of a log is wanted."""

    def __init__(self, query: LogQuery) -> None:
        self._replica = query.replica
        self._needle = query.grep.casefold() if query.grep else ""

    def takes(self, pod: str) -> bool:
        return self._replica is None or pod == self._replica or pod.endswith(f"-{self._replica}")

    def wants(self, text: str) -> bool:
        return not self._needle or self._needle in text.casefold()


def _follow(cluster: Cluster, service: str, chosen: _Choice, last: Mapping[str, str]) -> Iterator[LogLine]:
    """What comes from now on: each pod's stream in a thread; a container that starts again begins another."""
    heard: dict[str, _Stream] = {}
    there = False
    with Watches(cluster) as watches:
        watches.add("Pod", labels=selector_text(service))
        watches.add("Deployment", fields=f"metadata.name={service}")
        while True:
            seen = watches.next(None)
            if seen is None or seen.change == "refused":
                continue
            if seen.kind == "Line":
                text = str(seen.object["text"])
                if chosen.wants(text):
                    yield LogLine(text=text, replica=f"{service}/{seen.object['replica']}")
            elif seen.kind == "Deployment":
                there = bool(seen.object) or there
                if seen.change == "deleted" or not there:  # or it was gone before
                    return
            elif seen.kind == "Pod" and seen.object and seen.change != "deleted":
                name = _name(seen.object)
                if chosen.takes(name) and verdicts.is_started(seen.object):
                    stream = heard.setdefault(name, _Stream(cluster, name, watches, last.get(name, "")))
                    stream.ensure()


class _Stream:
    """The log of one pod as it grows; begun again where it ended, when a container started again or a connection broke."""

    def __init__(self, cluster: Cluster, pod: str, watches: Watches, last: str) -> None:
        self._cluster = cluster
        self._pod = pod
        self._watches = watches
        self._last = last
        self._lock = threading.Lock()
        self._running = False

    def ensure(self) -> None:
        """Begin to read unless it is being read."""
        with self._lock:
            if self._running:
                return
            self._running = True
        threading.Thread(target=self._run, name="mldeploy-log", daemon=True).start()

    def _run(self) -> None:
        delay = 0.2
        while not self._watches.closed.is_set():
            try:
                self._read()
                break
            except Refused:
                break  # the pod is gone, or its container waits for its next start, of which the watch tells
            except (Unreachable, TimeoutError):
                self._watches.closed.wait(delay)
                delay = min(5.0, delay * 2)
        with self._lock:
            self._running = False

    def _read(self) -> None:
        asked = {"container": CONTAINER, "timestamps": "true", "follow": "true"}
        if self._last:
            asked["sinceTime"] = self._last  # to the second: what was told already is left out below
        path = _path(self._cluster, self._pod)
        with self._cluster.lines(path, asked) as (lines, response), self._watches.reading(response):
            for raw in lines:
                line = _stamped(self._pod, raw)
                if line.time > self._last:
                    self._last = line.time
                    self._watches.put(Seen("Line", "said", {"text": line.text, "replica": line.replica}))


def _stamped(pod: str, line: bytes) -> Stamped:
    """The node writes ``2026-11-21T12:00:00.123456789Z `` before each line; nanoseconds may be shorter."""
    stamp, _, text = line.decode("utf-8", "backslashreplace").rstrip("\r").partition(" ")
    whole, _, part = stamp.rstrip("Z").partition(".")
    return Stamped(f"{whole}.{part:0<9}Z", pod, text)


def _path(cluster: Cluster, pod: str) -> str:
    return f"{collection('Pod', cluster.namespace)}/{pod}/log"


def _name(pod: Mapping[str, Any]) -> str:
    return str(pod["metadata"]["name"])
