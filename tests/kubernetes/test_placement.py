"""Where pods may run, what their image is pulled with, and how requests come in from outside."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from jupyter_mldeploy.errors import Cancelled, DeploymentFailed, TargetUnavailable
from jupyter_mldeploy.events import Cancel, Event, EventKind, Stage
from jupyter_mldeploy.images.engine import connect

from ..contract.conftest import Deploy, Heard
from ..infra.cluster import TestCluster
from .under_test import KubernetesUnderTest

PRIVATE = "127.0.0.1:5002"
LOGIN = {"username": "tester", "password": "correct horse"}


def pod_of(target: KubernetesUnderTest) -> dict[str, Any]:
    (pod,) = target.objects("Pod", "adder")
    return pod


@contextmanager
def object_of_the_cluster(target: KubernetesUnderTest, path: str, made: dict[str, Any]) -> Iterator[None]:
    """An object that belongs to no namespace, for the length of a block."""
    target.cluster._json("POST", path, body=made, what=f"make a {made['kind']}")
    try:
        yield
    finally:
        target.cluster._json("DELETE", f"{path}/{made['metadata']['name']}", what=f"delete a {made['kind']}")


def test_pods_go_to_nodes_with_the_label(deployed: Deploy, target: KubernetesUnderTest) -> None:
    made = deployed(node_selector=["kubernetes.io/os=linux"], tolerations=["gpu=yes:NoSchedule"])
    assert made.run({"x": 1})["sum"] == 2
    spec = pod_of(target)["spec"]
    assert spec["nodeSelector"] == {"kubernetes.io/os": "linux"}
    assert {"key": "gpu", "operator": "Equal", "value": "yes", "effect": "NoSchedule"} in spec["tolerations"]


def test_a_label_that_no_node_has_is_said_at_once(deployed: Deploy, target: KubernetesUnderTest) -> None:
    with pytest.raises(DeploymentFailed, match="didn't match Pod's node affinity/selector") as failed:
        deployed(node_selector={"disktype": "none-such"})
    assert failed.value.stage == "schedule"
    assert target.leftovers() == []


def test_a_taint_keeps_pods_away_unless_they_put_up_with_it(
    deployed: Deploy, target: KubernetesUnderTest, heard: Heard
) -> None:
    """A node that nobody serves: it takes pods, and that is as far as they come."""
    name = f"tainted-{uuid.uuid4().hex[:6]}"
    node = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"mldeploy-test": name}},
        "spec": {"taints": [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]},
        "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "10"}},
    }
    not_served = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]
    cancel = Cancel()

    def listen(event: Event) -> None:
        heard(event)
        if (event.stage, event.kind) == (Stage.SCHEDULE, EventKind.FINISHED):
            target.cluster.delete_all("Pod", "app.kubernetes.io/instance=adder", gracePeriodSeconds=0)
            cancel.set()

    with object_of_the_cluster(target, "/api/v1/nodes", node):
        wishes = {"node_selector": [f"mldeploy-test={name}"], "sink": listen, "cancel": cancel}
        with pytest.raises(DeploymentFailed, match="untolerated taint"):
            deployed(tolerations=not_served, **wishes)
        with pytest.raises(Cancelled):
            deployed(tolerations=[*not_served, "gpu=yes:NoSchedule"], **wishes)
        target.hasten()
    assert [event.data["nodes"] for event in heard.events if event.data.get("nodes")] == [[name]]


@pytest.fixture
def private_image(deployed: Deploy, cluster: TestCluster) -> Iterator[str]:
    """An image of a service, in a registry that wants a password."""
    if not cluster.ours:
        pytest.skip("that registry is on this machine")
    made = deployed(name="donor")
    repository, tag = f"{PRIVATE}/mldeploy-tests/{uuid.uuid4().hex[:8]}", "1"
    engine = connect()
    engine.api.tag(str(made.record.details["image"]), repository, tag)
    said = engine.api.push(repository, tag, auth_config=LOGIN)
    assert "errorDetail" not in said, said
    made.delete()
    yield f"{repository}:{tag}"
    engine.api.remove_image(f"{repository}:{tag}")


def test_an_image_is_pulled_with_a_secret(deployed: Deploy, target: KubernetesUnderTest, private_image: str) -> None:
    with pytest.raises(TargetUnavailable, match="has no Secret 'private' to pull the image with"):
        deployed(from_image=private_image, pull_secrets=["private"])
    with pytest.raises(DeploymentFailed, match="cannot be pulled"):
        deployed(from_image=private_image)
    login = base64.b64encode(json.dumps({"auths": {PRIVATE: LOGIN}}).encode()).decode()
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/dockerconfigjson",
        "metadata": {"name": "private"},
        "data": {".dockerconfigjson": login},
    }
    target.cluster.create("Secret", secret)
    try:
        made = deployed(from_image=private_image, pull_secrets=["private"])
        assert made.run({"x": 1})["sum"] == 2
        made.delete()
        assert target.cluster.find("Secret", "private") is not None
    finally:
        target.cluster.delete("Secret", "private")


def give_address(target: KubernetesUnderTest, kind: str, address: dict[str, str]) -> None:
    """What a controller does that has taken it up."""
    group = "/api/v1" if kind == "services" else "/apis/networking.k8s.io/v1"
    path = f"{group}/namespaces/{target.namespace}/{kind}/adder/status"
    body = json.dumps({"status": {"loadBalancer": {"ingress": [address]}}}).encode()
    reply = target.cluster.send("PATCH", path, body=body, headers={"Content-Type": "application/merge-patch+json"})
    assert reply.status == 200, reply.text


def test_an_ingress_says_what_is_missing_until_a_controller_has_taken_it_up(
    deployed: Deploy, target: KubernetesUnderTest, heard: Heard
) -> None:
    inside = "http://adder." + target.namespace + ".svc/score"
    made = deployed(ingress="adder.example.org", sink=heard)
    status = made.status()
    assert (status.state, status.scoring_uri) == ("running", inside)
    assert "the cluster has no ingress class" in status.message
    assert any("the cluster has no ingress class" in event.message for event in heard.events)
    (found,) = target.objects("Ingress", "adder")
    assert found["spec"]["rules"][0]["host"] == "adder.example.org"

    only = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressClass",
        "metadata": {"name": f"only-{uuid.uuid4().hex[:6]}"},
        "spec": {"controller": "example.org/nobody"},
    }
    with object_of_the_cluster(target, "/apis/networking.k8s.io/v1/ingressclasses", only):
        assert "none of its ingress classes" in made.status().message
        pods = {replica.name for replica in made.status().replicas}
        made.update(ingress="adder.example.com")
        assert {replica.name for replica in made.status().replicas} == pods, "another address needs no other pods"
        (found,) = target.objects("Ingress", "adder")
        assert found["spec"]["ingressClassName"] == only["metadata"]["name"]
        assert "has not taken it up" in made.status().message
        seen = made.watch(cancel := Cancel())
        assert next(seen).scoring_uri == inside
        give_address(target, "ingresses", {"ip": "192.0.2.7"})
        assert next(one for one in seen if one.scoring_uri != inside).scoring_uri == "http://adder.example.com/score"
        cancel.set()
        assert made.status().message == ""
    made.update(ingress="")
    assert target.objects("Ingress", "adder") == []
    assert made.scoring_uri == inside


def test_a_load_balancer_has_an_address_once_the_cluster_gives_one(
    deployed: Deploy, target: KubernetesUnderTest
) -> None:
    made = deployed(load_balancer=True)
    assert made.run({"x": 1})["sum"] == 2
    assert "no address outside yet" in made.status().message
    give_address(target, "services", {"ip": "192.0.2.8"})
    status = made.status()
    assert (status.scoring_uri, status.message) == ("http://192.0.2.8/score", "")
    made.update(load_balancer=False)
    (found,) = target.objects("Service", "adder")
    assert found["spec"]["type"] == "ClusterIP"
    assert made.scoring_uri == f"http://adder.{target.namespace}.svc/score"
