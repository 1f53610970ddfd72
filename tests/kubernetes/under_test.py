"""The Kubernetes target as the contract suite sees it."""

from __future__ import annotations

import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from jupyter_mldeploy import Service
from jupyter_mldeploy.targets.kubernetes.applying import await_no_pods
from jupyter_mldeploy.targets.kubernetes.kinds import CREATED
from jupyter_mldeploy.targets.kubernetes.names import selector_text
from jupyter_mldeploy.targets.kubernetes.watching import Watches

from ..container.under_test import ContainerGate
from ..contract.scripts import Gate
from ..contract.target_under_test import TargetUnderTest
from ..infra.cluster import shared_namespace, the_cluster

__all__ = ["KubernetesUnderTest"]

KINDS = ("Deployment", "ReplicaSet", "Pod", "Lease", *(kind for kind in CREATED if kind != "ScaledObject"))


class KubernetesUnderTest(TargetUnderTest):
    """Pods in a namespace of the tests' own, which its tests use one after the other."""

    name = "kubernetes"
    other = "local"
    not_here: ClassVar[dict[str, str]] = {
        "test_a_port_in_use_is_named_with_its_owner": "a service has no port of this machine there",
        "test_an_update_to_a_port_in_use_leaves_the_old_version_whole": "a service has no port of this machine there",
        "test_another_port_is_taken": "a service has no port of this machine there",
        "test_interrupting_an_update_leaves_the_old_version_whole[kubernetes-port": "a service has no port there",
        "test_values_that_cannot_be_right[kubernetes-namespace": "it has namespaces",
        "test_the_log_of_a_build": "an image is built there",
        "test_a_full_disk_is_said_and_nothing_is_left[kubernetes-8192": "the same files as with 0 and 32768 bytes free",
        "test_a_full_disk_is_said_and_nothing_is_left[kubernetes-16384": "the same files as with 0 and 32768 bytes free",
        "test_a_killed_server_is_shown_as_dead_with_what_is_known": "whoever deletes pods deletes their logs",
        "test_a_killed_service_is_started_again": "whoever deletes pods deletes their logs",
    }
    """Tests of what the target does not have, by how they begin, and why."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        found = the_cluster()
        self.namespace = shared_namespace()
        self.cluster = found.connect(self.namespace)
        self.environ = found.environ(self.namespace)

    def leftovers(self) -> list[str]:
        """Objects of services without a record, and pods of any that do not end."""
        kept = {path.parent.name for path in self.home.glob("services/*/service.json*")}
        found = []
        for kind in KINDS:
            for one in self.cluster.list(kind, labels=selector_text()):
                service = one["metadata"]["labels"]["app.kubernetes.io/instance"]
                if service not in kept or (kind == "Pod" and not one["metadata"].get("deletionTimestamp")):
                    found.append(f"{kind} {one['metadata']['name']}")
        return found

    def kill(self, service: Service) -> None:
        """What runs ends by itself only to be started again: what can end a service is somebody with rights to."""
        self.await_no_workers(service)

    def await_no_workers(self, service: Service) -> None:
        self.hasten()
        assert await_no_pods(self.cluster, service.name, 60)

    def hasten(self) -> None:
        """Pods end at once instead of after what they were promised, and none comes in their place."""
        for kind in ("Deployment", "ReplicaSet"):
            self.cluster.delete_all(kind, selector_text())
        self.cluster.delete_all("Pod", selector_text(), gracePeriodSeconds=0)

    def await_handover(self, service: Service) -> None:
        there: set[str] = set()
        with Watches(self.cluster) as watches:
            watches.add("Pod", labels=selector_text(service.name))
            synced = False
            while not synced or len(there) != len(service.status().replicas):
                seen = watches.next(60)
                assert seen is not None, there
                synced |= seen.change == "synced"
                if seen.object:
                    name = str(seen.object["metadata"]["name"])
                    (there.discard if seen.change == "deleted" else there.add)(name)

    def address(self, service: Service) -> str:
        """Its Service's own address, once this node's kube-proxy knows it, of which no event tells."""
        address = str(self.cluster.get("Service", service.name)["spec"]["clusterIP"])
        for _ in range(600):
            with suppress(OSError), urllib.request.urlopen(f"http://{address}/", timeout=10) as answer:
                if answer.read() == b"Healthy":
                    return f"http://{address}/score"
            self.cluster.wait(0.1)
        raise AssertionError(f"{address} is not served")

    def gate(self, folder: Path) -> Gate:
        return ContainerGate(folder)

    def objects(self, kind: str, service: str) -> list[dict[str, Any]]:
        return self.cluster.list(kind, labels=selector_text(service))
