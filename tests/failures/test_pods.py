"""Pods that fail on a real cluster; its events, states and logs are the evidence."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest

from jupyter_mldeploy.diagnosis import diagnose
from jupyter_mldeploy.evidence import Evidence

from ..infra.cluster import TestCluster, namespace, the_cluster
from .gallery.pods import PODS, Pod
from .test_commands import needs

IMAGE = "mldeploy-test/pause:1"
"""What a node of ``cluster.sh`` has: Python, asleep."""
LINE = 'jsonpath={.reason}: {.message}{"\\n"}'


@pytest.mark.cluster
@pytest.mark.timeout(240)
@pytest.mark.parametrize("pod", PODS, ids=[f"{pod.cause}-{pod.until.split(':')[0]}" for pod in PODS])
def test_it_fails_as_a_pod(pod: Pod) -> None:
    needs("kubectl")
    cluster = the_cluster()
    if not cluster.ours:
        pytest.skip("the nodes of another cluster do not have the image")
    with namespace(cluster) as place:
        objects = {"apiVersion": "v1", "kind": "List", "items": pod.objects(IMAGE)}
        kubectl(cluster, place, "wait", "--for=create", "serviceaccount/default", "--timeout=100s")
        kubectl(cluster, place, "apply", "-f", "-", said=json.dumps(objects))
        if pod.until == "Ended":
            kubectl(cluster, place, "wait", "--for=jsonpath={.status.phase}=Failed", "pod/gallery", "--timeout=200s")
        else:
            wait_for_event(cluster, place, pod)
        seen = evidence(cluster, place)
    answer = diagnose(seen)
    assert answer.cause == pod.cause, seen
    assert answer.proof
    assert answer.steps


def wait_for_event(cluster: TestCluster, place: str, pod: Pod) -> None:
    """Read events as they come until the one that is waited for has come often enough."""
    command = ["kubectl", *context(cluster, place), "get", "events", "--watch", "-o", LINE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        seen = 0
        for line in watching.stdout:
            seen += bool(re.match(pod.until, line))
            if seen >= pod.times:
                break
        watching.kill()


def evidence(cluster: TestCluster, place: str) -> Evidence:
    """Events, the container's state and its log, as a target collects them."""
    events = sorted(read(cluster, place, "events")["items"], key=lambda event: event["metadata"]["creationTimestamp"])
    status = read(cluster, place, "pod/gallery")["status"]
    state: Mapping[str, Any] = next(iter(status.get("containerStatuses", [])), {}).get("state", {})
    ended, waiting = state.get("terminated", {}), state.get("waiting", {})
    log = kubectl(cluster, place, "logs", "gallery", check=False) if ended else ""
    return Evidence(
        stage="init" if ended else "schedule",
        target="kubernetes",
        log=log,
        exit_code=ended.get("exitCode"),
        oom_killed=ended["reason"] == "OOMKilled" if ended else None,
        k8s_reason=waiting.get("reason", ""),
        k8s_events=tuple(f"{event['reason']}: {event['message']} (x{event.get('count') or 1})" for event in events),
    )


def read(cluster: TestCluster, place: str, what: str) -> Any:
    return json.loads(kubectl(cluster, place, "get", what, "-o", "json"))


def kubectl(cluster: TestCluster, place: str, *arguments: str, said: str = "", check: bool = True) -> str:
    done = subprocess.run(
        ["kubectl", *context(cluster, place), *arguments], input=said, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 or not check, done.stderr
    return done.stdout


def context(cluster: TestCluster, place: str) -> list[str]:
    return ["--kubeconfig", cluster.kubeconfig, "--context", cluster.context, "--namespace", place]
