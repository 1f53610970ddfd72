"""A service on a real cluster while pods come and go: no request is lost, no replica differs, what was asked for comes back."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from jupyter_mldeploy import Service, service, services
from jupyter_mldeploy.config import MLDeploy
from jupyter_mldeploy.errors import Cancelled, DeploymentFailed, ReloadRefused
from jupyter_mldeploy.events import Cancel, Event, Stage
from jupyter_mldeploy.targets.base import LogQuery
from jupyter_mldeploy.targets.kubernetes.watching import Watches

from ..contract.conftest import Deploy, Result
from ..contract.scripts import ADDING, edited
from .conftest import Namespaces
from .load import Load
from .under_test import KubernetesUnderTest

InThread = Callable[[Callable[[], object]], Result]
HUNDRED = edited(ADDING, 'given["x"] + 1', 'given["x"] + 100')


def delete_pod(target: KubernetesUnderTest, name: str) -> None:
    """Delete a pod as an eviction would, and return when it is gone."""
    with Watches(target.cluster) as watches:
        watches.add("Pod", fields=f"metadata.name={name}")
        seen = watches.next(30)
        assert seen is not None
        target.cluster.delete("Pod", name)
        while seen is not None and seen.change != "deleted":
            seen = watches.next(60)
        assert seen is not None


def settled(made: Service, replicas: int) -> bool:
    return any(status.ready == replicas == len(status.replicas) for status in made.watch())


def test_a_pod_deleted_under_load_costs_no_request(deployed: Deploy, target: KubernetesUnderTest) -> None:
    made = deployed(replicas=2)
    with Load(target.address(made), b'{"x": 1}') as load:
        load.await_answers(20)
        delete_pod(target, made.status().replicas[0].name)
        assert settled(made, 2)
        load.await_answers(20)
    assert load.failures == []


def test_an_update_under_load_costs_no_request(deployed: Deploy, target: KubernetesUnderTest) -> None:
    made = deployed()
    with Load(target.address(made), b'{"x": 1}') as load:
        load.await_answers(20)
        made.update(memory="300Mi")
        load.await_answers(20)
    assert load.failures == []


def test_a_reload_under_load_costs_no_request_and_reaches_every_replica(
    deployed: Deploy, target: KubernetesUnderTest, script: Path
) -> None:
    made = deployed(replicas=3)
    with Load(target.address(made), b'{"x": 1}') as load:
        load.await_answers(20)
        script.write_text(HUNDRED)
        receipt = made.reload()
        before = len(load.answers)
        load.await_answers(30)
        after = [json.loads(answer)["sum"] for answer in load.answers[before + 2 :]]  # two were on their way
    assert load.failures == []
    assert set(after) == {101}
    assert len(receipt.replicas) == 3
    assert {replica.script for replica in made.status().replicas} == {receipt.script}


def test_a_pod_that_comes_after_a_reload_starts_with_the_new_script(
    deployed: Deploy, target: KubernetesUnderTest, script: Path
) -> None:
    made = deployed()
    script.write_text(HUNDRED)
    made.reload()
    first = made.status().replicas[0].name
    delete_pod(target, first)
    assert settled(made, 1)
    assert made.status().replicas[0].name != first
    assert made.run({"x": 1})["sum"] == 101


def test_pods_that_come_during_a_reload_run_the_new_script(
    deployed: Deploy, target: KubernetesUnderTest, script: Path, in_thread: InThread
) -> None:
    made = deployed(replicas=2)
    script.write_text(edited(HUNDRED, '    print("init ran")', "    import time; time.sleep(2)"))
    reloading = in_thread(made.reload)
    target.cluster.delete("Pod", made.status().replicas[0].name)
    receipt: Any = reloading.get()
    assert settled(made, 2)
    assert {replica.script for replica in made.status().replicas} == {receipt.script}


def test_one_replica_that_refuses_keeps_all_on_the_old_script(
    deployed: Deploy, target: KubernetesUnderTest, script: Path
) -> None:
    made = deployed(replicas=3)
    chosen = made.status().replicas[1].name
    refuses = f'    if os.environ["HOSTNAME"] == {chosen!r}: raise RuntimeError("not on this one")'
    script.write_text(edited(HUNDRED, '    print("init ran")', refuses))
    before = made.status().script
    with pytest.raises(ReloadRefused, match="not on this one") as refused:
        made.reload()
    assert chosen in refused.value.summary
    assert {replica.script for replica in made.status().replicas} == {before}
    assert made.run({"x": 1})["sum"] == 2
    delete_pod(target, chosen)  # and a new pod starts with the old one too
    assert settled(made, 3)
    assert {replica.script for replica in made.status().replicas} == {before}


def test_a_failed_update_goes_back_and_tells_of_the_new_version(
    deployed: Deploy, target: KubernetesUnderTest, script: Path
) -> None:
    made = deployed(replicas=2)
    names = {replica.name for replica in made.status().replicas}
    script.write_text(edited(ADDING, '    print("init ran")', '    raise RuntimeError("no such luck")'))
    with Load(target.address(made), b'{"x": 1}') as load:
        load.await_answers(10)
        with pytest.raises(DeploymentFailed, match="no such luck") as failed:
            made.update(memory="300Mi", script=script)
        load.await_answers(10)
    assert failed.value.diagnosis is not None
    assert load.failures == []
    assert {replica.name for replica in made.status().replicas} == names
    [kept] = target.objects("ConfigMap", "adder")
    assert kept["metadata"]["name"].startswith("adder-config-1-")


def test_logs_of_all_replicas_are_merged_by_time(deployed: Deploy) -> None:
    made = deployed(replicas=2)
    for number in range(12):
        made.run({"x": number})
    lines = list(made.follow(LogQuery(grep="scored")))
    # The node stamps a line when it has read it, so neighbours of two pods may have changed places, but no more than that.
    numbers = [int(line.text.rpartition("scored ")[2]) for line in lines]
    assert sorted(numbers) == list(range(12))
    assert max(abs(number - place) for place, number in enumerate(numbers)) < 6
    assert {line.replica for line in lines} == {f"adder/{replica.name}" for replica in made.status().replicas}


def test_a_log_is_followed_into_new_pods(deployed: Deploy, target: KubernetesUnderTest, in_thread: InThread) -> None:
    made = deployed()
    cancel = Cancel()
    seen: list[str] = []

    def follow() -> None:
        for line in made.follow(LogQuery(follow=True, grep="scored"), cancel):
            seen.append(line.replica)
            if len(set(seen)) == 2:
                return

    made.run({"x": 1})
    following = in_thread(follow)
    delete_pod(target, made.status().replicas[0].name)
    assert settled(made, 1)
    made.run({"x": 2})
    following.get()
    assert len(set(seen)) == 2


MOMENTS = [(stage, kind) for stage in (Stage.PUSH, Stage.SCHEDULE) for kind in ("started", "finished")]


@pytest.mark.parametrize(("stage", "kind"), MOMENTS, ids=[f"{stage} {kind}" for stage, kind in MOMENTS])
def test_interrupting_in_stages_of_its_own_leaves_nothing(
    deployed: Deploy, target: KubernetesUnderTest, stage: Stage, kind: str
) -> None:
    cancel = Cancel()

    def sink(event: Event) -> None:
        if (event.stage, event.kind) == (stage, kind):
            cancel.set()

    with pytest.raises(Cancelled):
        deployed(sink=sink, cancel=cancel, replicas=2)
    assert services() == []
    assert target.leftovers() == []


def test_another_machine_finds_the_service_by_its_objects(
    deployed: Deploy, target: KubernetesUnderTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = deployed(sample={"x": 1}, memory="300Mi")
    monkeypatch.setenv("MLDEPLOY_HOME", str(tmp_path / "other"))
    MLDeploy.clear_instance()
    found = service("adder")
    assert found.run({"x": 1})["sum"] == 2
    assert found.state == "running"
    assert found.spec.inference.script.hash == made.spec.inference.script.hash
    assert found.spec.resources == made.spec.resources
    found.scale(2)
    assert settled(found, 2)


def make_pods_of_others(target: KubernetesUnderTest, count: int) -> None:
    """Pods that wait for a node for ever."""
    restricted = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    container = {"name": "idle", "image": "registry.example/idle:1", "securityContext": restricted}
    spec = {
        "containers": [container],
        "nodeSelector": {"mldeploy-test": "no-such-node"},
        "schedulingGates": [{"name": "example.org/never"}],
    }

    def make(number: int) -> None:
        metadata = {"name": f"other-{number}", "labels": {"app": "other"}}
        target.cluster.create("Pod", {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(make, range(count)))


def test_a_thousand_pods_of_others_are_not_looked_at(
    deployed: Deploy, target: KubernetesUnderTest, namespaces: Namespaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mldeploy.targets.kubernetes.client import Cluster

    namespaces.use()
    make_pods_of_others(target, 1000)
    asked: list[tuple[str, dict[str, str]]] = []
    send, stream = Cluster.send, Cluster.lines

    def sent(self: Cluster, method: str, path: str, **rest: Any) -> Any:
        if method == "GET":
            asked.append((path, dict(rest.get("query") or {})))
        return send(self, method, path, **rest)

    def streamed(self: Cluster, path: str, query: Any, *rest: Any, **more: Any) -> Any:
        asked.append((path, dict(query)))
        return stream(self, path, query, *rest, **more)

    monkeypatch.setattr(Cluster, "send", sent)
    monkeypatch.setattr(Cluster, "lines", streamed)
    made = deployed()
    made.status()
    made.logs()
    made.diagnose()
    made.stop()
    made.delete()
    whole = f"/namespaces/{target.namespace}/"
    lists = [(path, query) for path, query in asked if whole in path and path.rpartition(whole)[2].isalpha()]
    assert {path.rpartition("/")[2] for path, _ in lists} >= {"pods", "replicasets", "deployments", "events"}
    assert [one for one in lists if not {"labelSelector", "fieldSelector"} & one[1].keys()] == []


def test_the_objects_are_printed_for_a_repository(deployed: Deploy, target: KubernetesUnderTest, script: Path) -> None:
    made = deployed(replicas=2)
    words = [sys.executable, "-m", "jupyter_mldeploy.cli", "manifests", "adder"]
    told = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    assert str(script.parent) not in told.stdout, "no path of this machine belongs into a repository"
    assert "&id" not in told.stdout, "nothing is written as a reference to something else"
    assert re.search(
        r"^#   kubectl -n \S+ create secret generic adder-keys\S* --from-literal=admin-token=…$",
        told.stdout,
        re.MULTILINE,
    )
    objects = list(yaml.safe_load_all(told.stdout))
    assert [one["kind"] for one in objects] == [
        "ServiceAccount",
        "ConfigMap",
        "Deployment",
        "Service",
        "PodDisruptionBudget",
    ]
    before = target.cluster.get("Deployment", "adder")["spec"]
    for one in objects:
        target.cluster.apply(one)
    assert target.cluster.get("Deployment", "adder")["spec"] == before, "it is what runs"
    assert made.state == "running"


def test_what_was_printed_can_be_updated_where_it_was_applied(
    deployed: Deploy, target: KubernetesUnderTest, namespaces: Namespaces
) -> None:
    deployed(sample={"x": 1})
    words = [sys.executable, "-m", "jupyter_mldeploy.cli", "manifests", "adder"]
    told = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout
    found = re.search(r"create secret generic (\S+) --from-literal=(\S+)=…$", told, re.MULTILINE)
    assert found is not None
    before = target.namespace
    there = namespaces.use()
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": found[1]}, "stringData": {found[2]: "by hand"}}
    target.cluster.create("Secret", secret)
    for one in yaml.safe_load_all(told.replace(f"namespace: {before}", f"namespace: {there}")):
        target.cluster.apply(one)
    (target.home / "services" / "adder" / "service.json").unlink()
    (target.home / "services" / "adder" / "cluster.json").unlink()
    other = service("adder")
    assert other.record.place.namespace == there
    other.update(memory="150Mi")
    assert other.run({"x": 1})["sum"] == 2
    other.delete()
    namespaces.back(before)
    assert service("adder").run({"x": 1})["sum"] == 2
