"""What has changed between two specifications of a service, and the least that must be done about it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from jupyter_mldeploy.spec import Environment, Placement, Resources, ServiceSpec, show_memory

__all__ = ["Change", "compare"]

Kind = Literal["created", "unchanged", "reloaded", "scaled", "updated", "prepared"]


@dataclass(frozen=True)
class Change:
    """The least that is needed, and why.

    Attributes:
        kind: ``created`` (nothing of it runs), ``unchanged``, ``reloaded`` (script only), ``scaled`` (only the number of
            replicas or the addresses), ``updated`` (new workers) or ``prepared`` (built, nothing of it was started or changed).
        reasons: What changed, each a few words.
    """

    kind: Kind
    reasons: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.kind} ({', '.join(self.reasons)})" if self.reasons else self.kind


def compare(old: ServiceSpec, new: ServiceSpec, old_source: str, new_source: str, in_image: str = "") -> Change:
    """What must be done so that a running ``old`` becomes ``new``.

    Args:
        old, new: The specifications.
        old_source, new_source: Digests of the files of their source directories.
        in_image: Hash of the script in the image, where that one is wanted.
    """
    beyond_reload = [
        reason
        for changed, reason in (
            (_models(old) != _models(new), f"models {_list(old)} → {_list(new)}"),
            (_environment(old).hash != _environment(new).hash, f"environment: {_packages(old, new)}"),
            (old_source != new_source, "files of the source directory changed"),
            (_file(old) != _file(new), f"script {_file(old)} → {_file(new)}"),
            (old.resources != new.resources, _amounts(old.resources, new.resources)),
            (new.port is not None and old.port != new.port, f"port {old.port or 'any'} → {new.port}"),
            (old.scoring_timeout != new.scoring_timeout, f"scoring time-out → {new.scoring_timeout:g} s"),
            (old.max_request_wait != new.max_request_wait, f"longest wait → {new.max_request_wait:g} s"),
            (old.init_timeout != new.init_timeout, f"init() time-out → {new.init_timeout:g} s"),
            (_aim(old) != _aim(new), f"target utilisation → {_aim(new):g}"),
            (old.image != new.image, f"image → {new.image or 'built from the environment'}"),
            (in_image not in {"", old.inference.script.hash}, "script → that of the image"),
            (old.target != new.target, "context or namespace changed"),
            (old.env != new.env, f"variables {_changed_variables(old, new)} changed"),
            (old.keys != new.keys, "scoring keys changed" if new.keys else "no scoring keys any more"),
            (_place(old) != _place(new), "place on the cluster changed"),
        )
        if changed
    ]
    script = ["script changed"] if old.inference.script.hash != new.inference.script.hash else []
    scale = [f"replicas → {_bounds(new)}"] if _bounds(old) != _bounds(new) else []
    scale += _addresses(old.placement, new.placement)
    if beyond_reload or (script and scale):
        return Change("updated", tuple(script + beyond_reload + scale))
    if script:
        return Change("reloaded", tuple(script))
    return Change("scaled", tuple(scale)) if scale else Change("unchanged")


def _environment(spec: ServiceSpec) -> Environment:
    return spec.inference.environment


def _file(spec: ServiceSpec) -> str:
    return spec.inference.script.file_name


def _packages(old: ServiceSpec, new: ServiceSpec) -> str:
    """What comes and goes: ``+ pandas==2.2, - numpy``; the names where that is not what differs."""
    before, after = ({*env.requirements, *env.conda, *env.apt} for env in (_environment(old), _environment(new)))
    python = [
        f"Python {new_python}"
        for old_python, new_python in (
            (_environment(old).python, _environment(new).python),
            (_environment(old).interpreter, _environment(new).interpreter),
        )
        if old_python != new_python and new_python
    ]
    said = [*python, *(f"+ {one}" for one in sorted(after - before)), *(f"- {one}" for one in sorted(before - after))]
    shown = said[:4] + [f"and {len(said) - 4} more"] * (len(said) > 4)
    return ", ".join(shown) or f"{_environment(old).name} → {_environment(new).name}"


def _amounts(old: Resources, new: Resources) -> str:
    pairs = (
        ("cpu", old.cpu and f"{old.cpu:g}", new.cpu and f"{new.cpu:g}"),
        ("memory", old.memory and show_memory(old.memory), new.memory and show_memory(new.memory)),
        ("GPUs", str(old.gpus), str(new.gpus)),
    )
    return ", ".join(f"{what} {a or 'unlimited'} → {b or 'unlimited'}" for what, a, b in pairs if a != b)


def _place(spec: ServiceSpec) -> Placement:
    """What pods see of it."""
    return replace(spec.placement, ingress=None, load_balancer=False)


def _addresses(old: Placement, new: Placement) -> list[str]:
    said = [f"ingress → {new.ingress or 'none'}"] if old.ingress != new.ingress else []
    return said + (
        [f"load balancer → {'yes' if new.load_balancer else 'no'}"] * (old.load_balancer != new.load_balancer)
    )


def _aim(spec: ServiceSpec) -> float:
    return spec.autoscale.target_utilization


def _models(spec: ServiceSpec) -> frozenset[str]:
    return frozenset(str(model) for model in spec.models)


def _list(spec: ServiceSpec) -> str:
    return "+".join(str(model) for model in spec.models) or "none"


def _changed_variables(old: ServiceSpec, new: ServiceSpec) -> str:
    return ", ".join(sorted({variable.name for variable in set(old.env) ^ set(new.env)}))


def _bounds(spec: ServiceSpec) -> str:
    low, high = spec.autoscale.minimum, spec.autoscale.maximum
    return str(low) if low == high else f"{low}:{high if high is not None else 'auto'}"
