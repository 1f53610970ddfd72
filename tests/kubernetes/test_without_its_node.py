"""A node that goes away: among the last of the tests by name, because nothing else can run meanwhile."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from jupyter_mldeploy.errors import ScoringFailed
from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.targets.kubernetes.watching import Watches

from ..contract.conftest import Deploy
from ..infra.cluster import SCRIPT, TestCluster
from .under_test import KubernetesUnderTest


@pytest.fixture
def kubelet(cluster: TestCluster, target: KubernetesUnderTest) -> Iterator[str]:
    """The kubelet of the tests' own cluster; the name of its node. It runs again afterwards."""
    if not cluster.ours:
        pytest.skip("the kubelet of somebody's cluster is not stopped")
    (node,) = target.cluster.raw("/api/v1/nodes")["items"]
    name = str(node["metadata"]["name"])
    yield name
    subprocess.run([SCRIPT, "start", "kubelet"], check=True, capture_output=True, stdin=subprocess.DEVNULL)
    with Watches(target.cluster) as watches:
        watches.add("Node", fields=f"metadata.name={name}")
        while (seen := watches.next(120)) is not None:
            conditions = (seen.object.get("status") or {}).get("conditions") or ()
            if any((one["type"], one["status"]) == ("Ready", "True") for one in conditions):
                return
    raise AssertionError(f"{name} did not come back")


@pytest.mark.timeout(420)  # a node is given up after forty seconds
def test_a_node_that_no_longer_answers_is_named(deployed: Deploy, kubelet: str) -> None:
    made = deployed()
    seen = made.watch(cancel := Cancel())
    assert next(seen).state == "running"
    subprocess.run([SCRIPT, "kill", "kubelet"], check=True, capture_output=True)
    status = next(status for status in seen if status.state == "failed")
    assert f"its node {kubelet} does not answer" in status.message
    diagnosis = made.diagnose()
    assert diagnosis.cause == "node-not-ready"
    assert diagnosis.proof
    with pytest.raises(ScoringFailed, match=f"its node {kubelet} does not answer"):
        made.run({"x": 1})
    subprocess.run([SCRIPT, "start", "kubelet"], check=True, capture_output=True, stdin=subprocess.DEVNULL)
    assert any(status.state == "running" for status in seen)
    cancel.set()
    assert made.run({"x": 1})["sum"] == 2
