"""What has changed between two specifications of a service, and the least that must be done about it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jupyter_mldeploy.spec import ServiceSpec

__all__ = ["Change", "compare"]

Kind = Literal["created", "unchanged", "reloaded", "scaled", "updated", "prepared"]


@dataclass(frozen=True)
class Change:
    """The least that is needed, and why.

    Attributes:
        kind: ``created`` (nothing of it runs), ``unchanged``, ``reloaded`` (script only), ``scaled`` (number of replicas only)
            ``updated`` (new workers) or ``prepared`` (built, nothing of it was started or changed).
        reasons: What changed, each a few words.
    """

    kind: Kind
    reasons: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.kind} ({', '.join(self.reasons)})" if self.reasons else self.kind


def compare(old: ServiceSpec, new: ServiceSpec, old_source: str, new_source: str) -> Change:
    """What must be done so that a running ``old`` becomes ``new``.

    Args:
        old, new: The specifications.
        old_source, new_source: Digests of the files of their source directories.
    """
    beyond_reload = [
        reason
        for changed, reason in (
            (_models(old) != _models(new), f"models {_list(old)} → {_list(new)}"),
            (old.inference.environment.hash != new.inference.environment.hash, "environment changed"),
            (old_source != new_source, "files of the source directory changed"),
            (old.inference.script.file_name != new.inference.script.file_name, "script renamed"),
            (old.resources != new.resources, "resources changed"),
            (new.port is not None and old.port != new.port, f"port {old.port or 'any'} → {new.port}"),
            (old.scoring_timeout != new.scoring_timeout, f"scoring time-out → {new.scoring_timeout:g} s"),
            (old.max_request_wait != new.max_request_wait, f"longest wait → {new.max_request_wait:g} s"),
            (old.init_timeout != new.init_timeout, f"init() time-out → {new.init_timeout:g} s"),
            (old.autoscale.target_utilization != new.autoscale.target_utilization, "target utilisation changed"),
            (old.image != new.image, f"image → {new.image or 'built from the environment'}"),
            (old.target != new.target, "context or namespace changed"),
        )
        if changed
    ]
    script = ["script changed"] if old.inference.script.hash != new.inference.script.hash else []
    scale = [f"replicas → {_bounds(new)}"] if _bounds(old) != _bounds(new) else []
    if beyond_reload or (script and scale):
        return Change("updated", tuple(script + beyond_reload + scale))
    if script:
        return Change("reloaded", tuple(script))
    return Change("scaled", tuple(scale)) if scale else Change("unchanged")


def _models(spec: ServiceSpec) -> frozenset[str]:
    return frozenset(str(model) for model in spec.models)


def _list(spec: ServiceSpec) -> str:
    return "+".join(str(model) for model in spec.models) or "none"


def _bounds(spec: ServiceSpec) -> str:
    low, high = spec.autoscale.minimum, spec.autoscale.maximum
    return str(low) if low == high else f"{low}:{high if high is not None else 'auto'}"
