"""What a cluster refuses or ends: said at once, with what proves it, and nothing left behind."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_mldeploy import services
from jupyter_mldeploy.errors import (
    Conflict,
    DeploymentFailed,
    MLDeployError,
    OperationInProgress,
    ScoringFailed,
    TargetUnavailable,
)
from jupyter_mldeploy.events import Event, EventKind
from jupyter_mldeploy.targets.kubernetes.lease import OperationLease

from ..contract.conftest import Deploy, Heard
from ..contract.scripts import ADDING, edited
from ..infra.cluster import TestCluster
from .conftest import Namespaces
from .under_test import KubernetesUnderTest

IN_INIT = '    print("init ran")'


def failing(deployed: Deploy, *args: Any, **wishes: Any) -> DeploymentFailed:
    """Deploy what must fail; the error, after what is true of every failure."""
    with pytest.raises(DeploymentFailed) as failed:
        deployed(*args, **wishes)
    assert "\n" not in failed.value.summary
    assert failed.value.diagnosis is not None
    assert failed.value.diagnosis.cause
    assert failed.value.diagnosis.proof
    return failed.value


def test_a_crash_in_init(deployed: Deploy, target: KubernetesUnderTest) -> None:
    error = failing(deployed, edited(ADDING, IN_INIT, "    os._exit(3)"))
    assert error.stage == "init"
    assert "exit" in error.summary
    assert target.leftovers() == []


def test_a_failure_is_told_before_it_is_cleaned_up(deployed: Deploy, target: KubernetesUnderTest) -> None:
    told = []

    def sink(event: Event) -> None:
        if event.kind is EventKind.EXPLAINED:
            assert isinstance(event.error, DeploymentFailed)
            assert event.error.diagnosis is not None
            told.append((event.stage, event.error.diagnosis.cause, len(target.objects("Deployment", "adder"))))

    error = failing(deployed, edited(ADDING, IN_INIT, '    raise ValueError("as asked")'), sink=sink)
    assert error.diagnosis is not None
    assert told == [("init", error.diagnosis.cause, 1)]
    assert target.objects("Deployment", "adder") == []


def test_out_of_memory_in_init(deployed: Deploy, target: KubernetesUnderTest) -> None:
    grows = "    global kept\n    kept = [b'x' * 2**20 for _ in range(2000)]"
    error = failing(deployed, edited(ADDING, IN_INIT, grows), memory="256Mi")
    assert error.diagnosis is not None
    assert error.diagnosis.cause == "container-oom-killed"
    assert target.leftovers() == []


def test_out_of_memory_in_run_costs_that_request_only(deployed: Deploy) -> None:
    grows = "        kept = [b'x' * 2**20 for _ in range(2000)]"
    made = deployed(edited(ADDING, '        raise ValueError("run was told to fail")', grows), memory="256Mi")
    with pytest.raises(ScoringFailed) as failed:
        made.run({"fail": True})
    assert failed.value.diagnosis is not None
    assert failed.value.diagnosis.cause == "container-oom-killed"
    assert made.run({"x": 1})["sum"] == 2


def test_an_image_that_is_not_there(deployed: Deploy, target: KubernetesUnderTest) -> None:
    error = failing(deployed, from_image="127.0.0.1:5000/mldeploy-tests/nothing:1")
    assert error.stage == "launch"
    assert "127.0.0.1:5000/mldeploy-tests/nothing:1" in error.summary
    assert target.leftovers() == []


def test_a_registry_that_wants_a_password(deployed: Deploy, target: KubernetesUnderTest, cluster: TestCluster) -> None:
    if not cluster.ours:
        pytest.skip("that registry is on this machine")
    error = failing(deployed, from_image="127.0.0.1:5002/mldeploy-tests/nothing:1")
    assert error.stage == "launch"
    seen = str(error.evidence)
    assert any(words in seen for words in ("authorization failed", "401", "no basic auth credentials")), seen
    assert target.leftovers() == []


def test_an_image_without_a_server(deployed: Deploy, target: KubernetesUnderTest, cluster: TestCluster) -> None:
    if not cluster.ours:
        pytest.skip("that image is on this machine")
    error = failing(deployed, from_image="docker.io/mldeploy-test/pause:1")
    assert error.stage == "launch"
    assert "127" in error.summary
    assert target.leftovers() == []


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        ({"memory": "900Gi"}, "memory"),
        ({"cpu": 900}, "cpu"),
        ({"gpus": 1}, "nvidia.com/gpu"),
    ],
    ids=["memory", "cpu", "gpu"],
)
def test_what_no_node_has(deployed: Deploy, target: KubernetesUnderTest, wishes: dict[str, Any], said: str) -> None:
    error = failing(deployed, **wishes)
    assert error.stage == "schedule"
    assert f"Insufficient {said}" in error.summary
    assert target.leftovers() == []


def test_an_update_that_fits_nowhere_leaves_the_old_version_whole(deployed: Deploy) -> None:
    made = deployed()
    before = made.run({"x": 1})
    with pytest.raises(DeploymentFailed, match="Insufficient memory"):
        made.update(memory="900Gi")
    assert made.run({"x": 1}) == before
    assert made.state == "running"
    assert made.spec.resources.memory is None


def refuse(target: KubernetesUnderTest, kind: str, spec: dict[str, Any]) -> None:
    body = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "tight"}, "spec": spec}
    path = f"/api/v1/namespaces/{target.namespace}/{kind.lower()}s"
    target.cluster._json("POST", path, body=body, what=f"make a {kind}")


def test_a_quota(deployed: Deploy, target: KubernetesUnderTest, namespaces: Namespaces) -> None:
    namespaces.use()
    refuse(target, "ResourceQuota", {"hard": {"limits.memory": "100Mi"}})
    error = failing(deployed, memory="200Mi")
    assert error.stage == "schedule"
    assert "exceeded quota: tight" in error.summary
    assert target.leftovers() == []


def test_a_scaling_that_cannot_be_met_is_said_and_taken_back(
    deployed: Deploy, target: KubernetesUnderTest, namespaces: Namespaces
) -> None:
    namespaces.use()
    made = deployed(memory="128Mi")
    refuse(target, "ResourceQuota", {"hard": {"limits.memory": "300Mi"}})
    with pytest.raises(DeploymentFailed, match="exceeded quota: tight") as failed:
        made.scale(3)
    assert failed.value.diagnosis is not None
    assert failed.value.diagnosis.cause == "quota-exceeded"
    assert made.spec.autoscale.minimum == 1
    assert any(status.ready == 1 == len(status.replicas) for status in made.watch())
    assert made.run({"x": 1})["sum"] == 2


def test_a_limit_range(deployed: Deploy, target: KubernetesUnderTest, namespaces: Namespaces) -> None:
    namespaces.use()
    refuse(target, "LimitRange", {"limits": [{"type": "Container", "max": {"memory": "100Mi"}}]})
    error = failing(deployed, memory="200Mi")
    assert "maximum memory usage per Container is 100Mi" in error.summary
    assert target.leftovers() == []


def test_a_namespace_that_is_not_there(deployed: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TargetUnavailable, match='namespaces "not-there-at-all" not found') as refused:
        deployed(namespace="not-there-at-all")
    assert "kubectl create namespace not-there-at-all" in refused.value.hint
    assert services() == []


def test_a_namespace_that_is_being_deleted(
    deployed: Deploy, target: KubernetesUnderTest, namespaces: Namespaces
) -> None:
    name = namespaces.use()
    held = {"name": "held", "namespace": name, "finalizers": ["mldeploy.test/held"]}
    target.cluster.create("ConfigMap", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": held})
    target.cluster.delete("Namespace", name)
    try:
        with pytest.raises(TargetUnavailable, match="is being terminated"):
            deployed()
    finally:
        target.cluster.merge("ConfigMap", "held", {"metadata": {"finalizers": None}})
    assert services() == []


def test_a_name_that_is_somebody_elses(deployed: Deploy, target: KubernetesUnderTest) -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "adder"}}
    target.cluster.create("ServiceAccount", account)
    try:
        with pytest.raises((Conflict, DeploymentFailed), match="somebody else's"):
            deployed()
        assert target.cluster.find("ServiceAccount", "adder") is not None
    finally:
        target.cluster.delete("ServiceAccount", "adder")


def test_an_operation_of_another_machine(deployed: Deploy, target: KubernetesUnderTest) -> None:
    refused = pytest.raises(OperationInProgress, match=r"Another operation on 'adder' is running \(deployment")
    with OperationLease(target.cluster, "adder", "deployment").held(), refused:
        deployed()
    assert services() == []
    assert deployed().state == "running"


def test_a_lease_of_a_process_that_died_holds_nobody_up(deployed: Deploy, target: KubernetesUnderTest) -> None:
    lease = OperationLease(target.cluster, "adder", "deployment")
    lease.acquire()
    found = target.cluster.get("Lease", "adder-operation")
    annotations = found["metadata"]["annotations"]
    machine = annotations["jupyter-mldeploy/holder"].partition(" ")[0]
    dead = {**annotations, "jupyter-mldeploy/holder": f"{machine} 999999999 1.00"}
    target.cluster.merge("Lease", "adder-operation", {"metadata": {"annotations": dead}})
    assert deployed().run({"x": 1})["sum"] == 2
    lease.release()


def test_a_script_too_large_to_be_live(deployed: Deploy) -> None:
    with pytest.raises(MLDeployError, match="at most 1 048 576"):
        deployed(ADDING + "#" * 2**20)
    assert services() == []


def test_stages_are_told_with_each_pods_way(deployed: Deploy, heard: Heard) -> None:
    deployed(replicas=2, sink=heard)
    assert [line for line in heard.ended if not line.startswith("register")] == [
        "build finished",
        "push finished",
        "schedule finished",
        "launch finished",
        "init finished",
        "ready finished",
    ]
    told = [event.message for event in heard.events if event.kind == "progress"]
    assert len({line.partition(":")[0] for line in told if line.endswith(": ready")}) == 2
