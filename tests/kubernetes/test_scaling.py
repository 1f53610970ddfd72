"""The number of replicas follows the load, or what was asked for."""

from __future__ import annotations

import pytest

from jupyter_mldeploy import Service
from jupyter_mldeploy.targets.kubernetes.applying import has_keda

from ..contract.conftest import Deploy
from .load import Load
from .under_test import KubernetesUnderTest

WAITS = """\
import time

def init():
    pass

def run(data):
    time.sleep(0.3)
    return "waited"
"""


def settled(made: Service, replicas: int) -> bool:
    return any(status.ready == replicas == len(status.replicas) for status in made.watch())


def names(target: KubernetesUnderTest, kind: str) -> list[str]:
    return [str(one["metadata"]["name"]) for one in target.objects(kind, "adder")]


def test_replicas_follow_the_load_by_the_documents_formula(deployed: Deploy, target: KubernetesUnderTest) -> None:
    """Two requests at a time are ceil(2 / 0.7) = 3 replicas."""
    if not has_keda(target.cluster):
        pytest.skip("needs KEDA in the cluster")
    made = deployed(WAITS, autoscale="1:5")
    assert names(target, "ScaledObject") == ["adder"]
    assert made.status().ready == 1
    with Load(target.address(made), b"{}") as load:
        assert settled(made, 3)
        load.await_answers(10)
        assert made.status().ready == 3
    assert load.failures == []


def test_a_fixed_number_has_no_autoscaler_and_bounds_have_one(deployed: Deploy, target: KubernetesUnderTest) -> None:
    made = deployed(replicas=2)
    kind = "ScaledObject" if has_keda(target.cluster) else "HorizontalPodAutoscaler"
    assert names(target, "PodDisruptionBudget") == ["adder"]
    assert names(target, "HorizontalPodAutoscaler") == []
    made.scale(autoscale="1:3")
    assert names(target, kind) == ["adder"]
    made.scale(1)
    assert names(target, kind) == []
    assert names(target, "PodDisruptionBudget") == []
    assert settled(made, 1)
    assert made.run({"x": 1})["sum"] == 2


def test_a_stopped_service_is_not_woken_by_its_autoscaler(deployed: Deploy, target: KubernetesUnderTest) -> None:
    made = deployed(autoscale="1:3")
    made.stop()
    assert made.state == "stopped"
    assert names(target, "ScaledObject") == names(target, "HorizontalPodAutoscaler") == []
    made.start()
    assert made.status().ready == 1
