"""The cluster of the tests: one that was named, or that of ``cluster.sh``, or a reason why there is none.

Nobody's own cluster is ever touched because it happens to be the current context: only a context that is named by
``MLDEPLOY_TEST_CONTEXT`` is used, and there only namespaces that are made here.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from jupyter_mldeploy.errors import MLDeployError
from jupyter_mldeploy.spec import Target, TargetKind
from jupyter_mldeploy.targets.kubernetes.client import Cluster

from .engine import the_engine
from .required import IN_CI, required

__all__ = ["CONTEXT", "SCRIPT", "TestCluster", "namespace", "shared_namespace", "the_cluster"]

SCRIPT = Path(__file__).with_name("cluster.sh")
STATE = Path(os.environ.get("MLDEPLOY_INFRA_DIR", "/var/tmp/mldeploy-infra")) / "cluster"
CONTEXT = "mldeploy-test"


@dataclass(frozen=True)
class TestCluster:
    """A cluster that answers.

    Attributes:
        context: Name of the kubeconfig context.
        kubeconfig: The file that has it.
        registry: What images are pushed to, and the cluster pulls from.
        ours: Whether ``cluster.sh`` made it: only then may its parts be stopped.
    """

    __test__ = False

    context: str
    kubeconfig: str
    registry: str
    ours: bool

    def connect(self, place: str = "default") -> Cluster:
        """One namespace of it."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("KUBECONFIG", self.kubeconfig)
            return Cluster(Target(TargetKind.KUBERNETES, self.context, place))

    def environ(self, place: str) -> dict[str, str]:
        """What the package's settings must be to deploy to a namespace of it."""
        return {
            "KUBECONFIG": self.kubeconfig,
            "MLDEPLOY_BASE_IMAGE": the_engine().base,
            "MLDEPLOY_REGISTRY": self.registry,
            "MLDEPLOY_CONTEXT": self.context,
            "MLDEPLOY_NAMESPACE": place,
        }


def the_cluster() -> TestCluster:
    """The cluster; skips the test with the reason where there is none, and fails it in CI."""
    return required(_look())


@cache
def _look() -> TestCluster | str:
    context = os.environ.get("MLDEPLOY_TEST_CONTEXT", "")
    if context in {"", CONTEXT}:
        found = TestCluster(
            CONTEXT, str(STATE / "conf" / "admin.kubeconfig"), "127.0.0.1:5000/mldeploy-tests", ours=True
        )
        if IN_CI:
            done = subprocess.run([SCRIPT, "up"], capture_output=True, text=True, check=False)
            if done.returncode != 0:
                return f"tests/infra/cluster.sh up failed: {done.stderr}"
        elif not Path(found.kubeconfig).is_file():
            return (
                "needs a Kubernetes cluster (tests/infra/cluster.sh up, or name a context with MLDEPLOY_TEST_CONTEXT)"
            )
    else:
        registry = os.environ.get("MLDEPLOY_TEST_CLUSTER_REGISTRY", "")
        if not registry:
            return "needs MLDEPLOY_TEST_CLUSTER_REGISTRY, which this machine can push to and that cluster can pull from"
        kubeconfig = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
        found = TestCluster(context, kubeconfig, registry, ours=False)
    try:
        found.connect().raw("/version")
    except MLDeployError as error:
        return f"needs the cluster {found.context!r} (tests/infra/cluster.sh up): {error.summary}"
    return found


@contextmanager
def namespace(cluster: TestCluster, name: str = "", **labels: str) -> Iterator[str]:
    """A namespace of the tests' own, for the length of a block; one that a former run left is taken away first."""
    name = name or f"mldeploy-test-{uuid.uuid4().hex[:8]}"
    api = cluster.connect(name)
    while api.delete("Namespace", name):
        api.wait(0.5)
    api.create("Namespace", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    try:
        yield name
    finally:
        api.delete("Namespace", name)


@cache
def shared_namespace() -> str:
    """One namespace for all tests of this process that do not mind each other; removed when the process ends."""
    stack = ExitStack()
    name = stack.enter_context(namespace(the_cluster(), **{"pod-security.kubernetes.io/enforce": "restricted"}))
    atexit.register(_close, stack)  # after the client has: it removes its certificates' files then
    return name


def _close(stack: ExitStack) -> None:
    with suppress(MLDeployError):
        stack.close()
