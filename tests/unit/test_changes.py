"""The least that is needed between two specifications, and how it is said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from jupyter_mldeploy.changes import compare
from jupyter_mldeploy.spec import (
    Autoscale,
    Environment,
    InferenceConfig,
    ModelRef,
    Placement,
    Resources,
    Script,
    ServiceSpec,
    Target,
    TargetKind,
)

ENVIRONMENT = Environment(name="mine", python="3.11", requirements=("numpy==1.26", "pandas==2.2"))
INFERENCE = InferenceConfig(Script("def init(): pass\ndef run(data): pass\n"), environment=ENVIRONMENT)
SPEC = ServiceSpec(name="iris", inference=INFERENCE, resources=Resources(memory=1024**3))


def made_of(**changes: Any) -> dict[str, Any]:
    return {"inference": replace(INFERENCE, **changes)}


def environment(**changes: Any) -> dict[str, Any]:
    return made_of(environment=replace(ENVIRONMENT, **changes))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "unchanged"),
        ({"sample": "{}"}, "unchanged"),
        (made_of(script=Script("def init(): pass\ndef run(data): return 1\n")), "reloaded (script changed)"),
        ({"autoscale": Autoscale(3, 3)}, "scaled (replicas → 3)"),
        ({"autoscale": Autoscale(1, 4)}, "scaled (replicas → 1:4)"),
        ({"autoscale": Autoscale(1, 1, 0.5)}, "updated (target utilisation → 0.5)"),
        ({"models": (ModelRef("clf", 2),)}, "updated (models none → clf:2)"),
        ({"port": 8080}, "updated (port any → 8080)"),
        ({"scoring_timeout": 5.0}, "updated (scoring time-out → 5 s)"),
        ({"resources": Resources(cpu=0.5)}, "updated (cpu unlimited → 0.5, memory 1Gi → unlimited)"),
        ({"resources": Resources(memory=1024**3, gpus=1)}, "updated (GPUs 0 → 1)"),
        (
            environment(requirements=("numpy==1.26", "pandas==2.3")),
            "updated (environment: + pandas==2.3, - pandas==2.2)",
        ),
        (environment(python="3.12"), "updated (environment: Python 3.12)"),
        (environment(name="yours"), "unchanged"),
        (environment(interpreter="/opt/b/bin/python"), "updated (environment: Python /opt/b/bin/python)"),
        (environment(base_image="ours", name="yours"), "updated (environment: mine → yours)"),
        (
            {**environment(requirements=tuple(f"p{n}" for n in range(9)))},
            "updated (environment: + p0, + p1, + p2, + p3, and 7 more)",
        ),
    ],
)
def test_a_change_is_named(changes: dict[str, Any], said: str) -> None:
    assert str(compare(SPEC, replace(SPEC, **changes), "", "")) == said


@pytest.mark.parametrize(
    ("placement", "said"),
    [
        (Placement(ingress="iris.example.org"), "scaled (ingress → iris.example.org)"),
        (Placement(load_balancer=True), "scaled (load balancer → yes)"),
        (Placement(node_selector=(("disk", "ssd"),)), "updated (place on the cluster changed)"),
    ],
)
def test_only_what_pods_see_makes_new_ones(placement: Placement, said: str) -> None:
    on_a_cluster = replace(SPEC, target=Target(TargetKind.KUBERNETES))
    assert str(compare(on_a_cluster, replace(on_a_cluster, placement=placement), "", "")) == said


def test_files_of_the_source_directory_need_new_workers() -> None:
    assert str(compare(SPEC, SPEC, "one", "two")) == "updated (files of the source directory changed)"


def test_script_and_replicas_at_once_are_an_update() -> None:
    both = replace(SPEC, autoscale=Autoscale(2, 2), **made_of(script=Script("def init(): 1\ndef run(data): 2\n")))
    assert str(compare(SPEC, both, "", "")) == "updated (script changed, replicas → 2)"
