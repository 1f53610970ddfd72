"""A server that no longer answers is killed for that, and told apart from one that ran out of memory."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from jupyter_mldeploy.events import Cancel

from ..contract.conftest import Deploy
from ..infra.cluster import TestCluster
from .under_test import KubernetesUnderTest

# /tmp outlives a container of a pod, so that its second life can be told from the first, and looked at in its init().
FROZEN = """\
import os, threading

def init():
    if os.path.exists("/tmp/once"):
        threading.Event().wait()
    open("/tmp/once", "w").close()

def run(data):
    return "here"
"""


def servers_of(pod: dict[str, Any]) -> list[int]:
    """Process numbers of a pod's server, on the node that this machine is."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            mine = str(pod["metadata"]["uid"]) in (path / "cgroup").read_text()
            if mine and b"launch.py" in (path / "cmdline").read_bytes():
                found.append(int(path.name))
        except OSError:
            continue
    return found


@pytest.mark.timeout(240)
def test_a_server_that_does_not_answer_is_told_apart_from_one_out_of_memory(
    deployed: Deploy, target: KubernetesUnderTest, cluster: TestCluster
) -> None:
    if not cluster.ours:
        pytest.skip("the server is frozen from this machine, which must be the node")
    made = deployed(FROZEN, memory="256Mi")
    # A probe that gives up sooner than ours, so that nobody waits for a minute.
    soon = [{"name": "scoring", "livenessProbe": {"periodSeconds": 1, "timeoutSeconds": 1, "failureThreshold": 2}}]
    change = {"spec": {"template": {"spec": {"containers": soon}}}}
    path = f"/apis/apps/v1/namespaces/{target.namespace}/deployments/adder"
    strategic = "application/strategic-merge-patch+json"
    target.cluster._json("PATCH", path, body=change, content=strategic, what="hasten the probe")
    seen = made.watch(cancel := Cancel())
    hastened = next(
        pod
        for status in seen
        if status.state == "running" and len(status.replicas) == 1
        for pod in target.objects("Pod", "adder")
        if pod["spec"]["containers"][0]["livenessProbe"]["periodSeconds"] == 1
    )
    (server,) = servers_of(hastened)
    os.kill(server, signal.SIGSTOP)
    status = next(status for status in seen if "liveness" in status.message)
    cancel.set()
    assert "did not answer the liveness probe and was killed for that, not for its memory" in status.message
    diagnosis = made.diagnose()
    assert diagnosis.cause == "liveness-probe-killed"
    assert diagnosis.proof
