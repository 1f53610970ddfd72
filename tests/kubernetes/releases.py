"""Releases of the golden files."""

from __future__ import annotations

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
    Toleration,
    Variable,
)
from jupyter_mldeploy.targets.kubernetes.release import Release

__all__ = ["RELEASES", "release"]

DIGEST = "registry.example/team/iris@sha256:" + "0123456789abcdef" * 4
TEXT = "def init():\n    pass\n\ndef run(data):\n    return data\n"


def release(**wishes: object) -> Release:
    """A release of ``iris`` that differs from the plain one in these fields of its specification, or of itself."""
    own = {
        name: wishes.pop(name) for name in ("revision", "keda", "source", "birth", "ingress_class") if name in wishes
    }
    inference = InferenceConfig(
        Script(str(wishes.pop("text", TEXT))),
        environment=Environment(name="iris", python="3.11", requirements=("scikit-learn==1.5.2",)),
    )
    fields: dict[str, object] = {"name": "iris", "inference": inference, "target": Target(TargetKind.KUBERNETES)}
    spec = ServiceSpec(**(fields | wishes))  # type: ignore[arg-type]
    return Release(spec=spec, image=DIGEST, **own)  # type: ignore[arg-type]


RELEASES = {
    "plain": release(),
    "full": release(
        revision=7,
        ingress_class="nginx",
        autoscale=Autoscale(3, 3),
        resources=Resources(cpu=0.5, memory=512 * 1024**2, gpus=1),
        models=(ModelRef("iris", 2),),
        scoring_timeout=10.0,
        init_timeout=120.0,
        source="ab" * 32,
        env=(Variable("LEVEL", "0a1b2c3d"), Variable("URL", "4e5f6a7b")),
        placement=Placement(
            node_selector=(("disktype", "ssd"),),
            tolerations=(Toleration("gpu", "yes", "NoSchedule"), Toleration("spot")),
            pull_secrets=("registry",),
            ingress="iris.example.org",
        ),
    ),
    "keda": release(autoscale=Autoscale(1, 4), keda=True, placement=Placement(load_balancer=True)),
    "cpu": release(autoscale=Autoscale(2, 5, 0.5), resources=Resources(cpu=1)),
}
