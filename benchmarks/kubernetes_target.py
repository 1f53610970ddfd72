"""The Kubernetes target beside Kubernetes itself: ``python benchmarks/kubernetes_target.py``.

Needs the cluster of ``tests/infra/cluster.sh up`` (or KUBECONFIG, MLDEPLOY_REGISTRY, MLDEPLOY_BASE_IMAGE of another). Everything
happens in a namespace of its own, which is removed. Ratios are of one run, alternating.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from jupyter_mldeploy import Service, deploy
from jupyter_mldeploy.errors import DeploymentFailed
from jupyter_mldeploy.events import Event
from jupyter_mldeploy.spec import Target, TargetKind
from jupyter_mldeploy.targets.kubernetes.applying import await_no_pods, has_keda
from jupyter_mldeploy.targets.kubernetes.client import Cluster
from jupyter_mldeploy.targets.kubernetes.verdicts import is_ready
from jupyter_mldeploy.targets.kubernetes.watching import Watches

NAMESPACE = "mldeploy-benchmark"
SCRIPT = 'def init():\n    print("init ran")\n\ndef run(data):\n    return "one"\n'
WAITS = "import time\n\ndef init():\n    pass\n\ndef run(data):\n    time.sleep(0.2)\n    return 1\n"
RUNS = 5


@contextmanager
def place() -> Iterator[Cluster]:
    state = Path(os.environ.get("MLDEPLOY_INFRA_DIR", "/var/tmp/mldeploy-infra"))
    os.environ.setdefault("KUBECONFIG", str(state / "cluster" / "conf" / "admin.kubeconfig"))
    os.environ.setdefault("MLDEPLOY_REGISTRY", "127.0.0.1:5000/mldeploy-tests")
    os.environ.setdefault("MLDEPLOY_BASE_IMAGE", "mldeploy-test/python:3.11")
    os.environ["MLDEPLOY_NAMESPACE"] = NAMESPACE
    cluster = Cluster(Target(TargetKind.KUBERNETES, namespace=NAMESPACE))
    while cluster.delete("Namespace", NAMESPACE):
        cluster.wait(0.5)
    cluster.create("Namespace", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    with tempfile.TemporaryDirectory() as home:
        os.environ["MLDEPLOY_HOME"] = home
        try:
            yield cluster
        finally:
            cluster.delete("Namespace", NAMESPACE)


def await_ready(cluster: Cluster, replicas: int) -> None:
    """Return when so many pods are ready."""
    ready: set[str] = set()
    with Watches(cluster) as watches:
        watches.add("Pod", labels="app.kubernetes.io/managed-by=jupyter-mldeploy")
        while len(ready) < replicas:
            seen = watches.next(120)
            if seen is None:
                raise SystemExit("the pods did not become ready")
            if seen.object:
                (ready.add if is_ready(seen.object) else ready.discard)(seen.object["metadata"]["name"])


def applied(cluster: Cluster, objects: list[dict[str, object]]) -> float:
    """Seconds that the same objects take, applied one after the other, until all pods are ready."""
    began = time.monotonic()
    for one in objects:
        cluster.apply(one)
    await_ready(cluster, 2)
    return time.monotonic() - began


def plain(cluster: Cluster, made: Service) -> list[dict[str, object]]:
    """The objects of a service as ``manifests`` makes them."""
    from jupyter_mldeploy.targets.kubernetes.applying import find_live, read_keys
    from jupyter_mldeploy.targets.kubernetes.manifests import manifests

    live = find_live(cluster, made.name)
    assert live is not None
    assert live.release is not None
    return manifests(live.release, NAMESPACE, keys=read_keys(cluster, live.release))


def deployments(cluster: Cluster, script: Path) -> None:
    script.write_text(SCRIPT)
    made = deploy(script, "one", target="kubernetes", replicas=2)  # builds, pushes and pulls
    objects = plain(cluster, made)
    made.delete()
    ours, theirs = [], []
    for _ in range(RUNS):
        began = time.monotonic()
        deploy(script, "one", target="kubernetes", replicas=2)
        ours.append(time.monotonic() - began)
        made.delete()
        theirs.append(applied(cluster, objects))
        for kind in ("Deployment", "ConfigMap", "Secret", "Service", "ServiceAccount", "PodDisruptionBudget"):
            for one in objects:
                if one["kind"] == kind:
                    cluster.delete(kind, one["metadata"]["name"])  # type: ignore[index]
        await_no_pods(cluster, "one", 60)
    a, b = statistics.median(ours), statistics.median(theirs)
    print(f"deploy, image present, 2 replicas: {a:.2f} s; the same objects applied: {b:.2f} s; ratio {a / b:.2f}")


def reloads(script: Path) -> None:
    script.write_text(SCRIPT)
    made = deploy(script, "two", target="kubernetes", replicas=3)
    times = []
    for number in range(10):
        script.write_text(SCRIPT.replace("one", f"edit {number}"))
        began = time.monotonic()
        receipt = made.reload()
        times.append(time.monotonic() - began)
        assert len(receipt.replicas) == 3
    print(f"reload of 3 replicas to the last receipt: median {statistics.median(times):.2f} s, most {max(times):.2f} s")
    made.delete()


def failures(script: Path) -> None:
    """From the moment the pod's runtime has failed, by its own clock (this machine's), to the diagnosis."""
    text = SCRIPT.replace('print("init ran")', 'import time; raise RuntimeError(f"at {time.time()}")')
    times = []
    for _ in range(RUNS):
        script.write_text(text)
        try:
            deploy(script, "three", target="kubernetes")
        except DeploymentFailed as error:
            # With the removal of what was made, which is done before the error is seen.
            whole = time.time() - float(error.summary.partition("at ")[2].split(" ")[0].rstrip("()"))
            times.append(whole)
    print(
        f"init() that raises, to the end of the cell (what was made is removed): median {statistics.median(times):.2f} s"
    )
    told: list[float] = []

    def sink(event: Event) -> None:
        if event.kind == "explained":
            told.append(time.time() - float(event.message.partition("at ")[2].split(" ")[0].rstrip("()")))

    for _ in range(RUNS):
        try:
            deploy(script, "three", target="kubernetes", sink=sink)
        except DeploymentFailed:
            continue
    print(f"init() that raises, to its diagnosis in the panel: median {statistics.median(told):.2f} s")


def scaling(cluster: Cluster, script: Path) -> None:
    if not has_keda(cluster):
        print("autoscaling: no KEDA there")
        return
    script.write_text(WAITS)
    made = deploy(script, "four", target="kubernetes", autoscale="1:4")
    end = threading.Event()

    def ask() -> None:
        while not end.is_set():
            made.answer("{}")

    threads = [threading.Thread(target=ask) for _ in range(2)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for status in made.watch():
        if status.ready == 3:
            break
    up = time.monotonic() - began
    end.set()
    for thread in threads:
        thread.join()
    began = time.monotonic()
    for status in made.watch():
        if len(status.replicas) == 1:
            break
    print(f"load of 2 to 3 replicas ready: {up:.1f} s; back to 1 after it ends: {time.monotonic() - began:.1f} s")
    made.delete()


def main() -> None:
    with place() as cluster, tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "score.py"
        print(json.dumps({"load average": os.getloadavg()[0], "processors": os.cpu_count()}))
        deployments(cluster, script)
        reloads(script)
        failures(script)
        scaling(cluster, script)


if __name__ == "__main__":
    main()
