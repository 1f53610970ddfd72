"""A service as it is drawn: one look at it, kept."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.errors import NotFound
from jupyter_mldeploy.notebook.language import later

if TYPE_CHECKING:
    from jupyter_mldeploy.api import Service
    from jupyter_mldeploy.targets.base import Status

__all__ = ["ServiceView", "look"]


@dataclass(frozen=True, kw_only=True)
class ServiceView:
    """What is known of a service at one moment, ``seen`` in seconds since the epoch."""

    name: str
    target: str
    status: Status
    models: tuple[str, ...] = ()
    origin: str = ""
    edited: bool = False
    script_gone: bool = False
    sample: str | None = None
    gone: bool = False
    seen: float = field(default_factory=time.time)

    @property
    def mark(self) -> str:
        """What is to be known of the script's file, in few words."""
        if self.script_gone:
            return later("the script's file is gone")
        return later("edited, not reloaded") if self.edited else ""

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        status = self.status
        return {
            "version": 1,
            "service": self.name,
            "target": self.target,
            "state": status.state,
            "message": str(status.message),
            "uri": status.scoring_uri,
            "script": status.script,
            "models": list(self.models),
            "edited": self.edited,
            "script_gone": self.script_gone,
            "seen": round(self.seen, 3),
            "replicas": [vars(replica) for replica in status.replicas],
        }


def look(service: Service, status: Status | None = None) -> ServiceView:
    """Look at a service; ``status`` if it was looked at just now. A service that is deleted is a view too."""
    from jupyter_mldeploy.targets.base import Status

    try:
        spec = service.spec
        return ServiceView(
            name=service.name,
            target=str(spec.target),
            status=status or service.status(),
            models=tuple(str(model) for model in spec.models),
            origin=spec.inference.script.origin,
            edited=service.edited,
            script_gone=spec.inference.script.is_gone,
            sample=spec.sample,
        )
    except NotFound:
        return ServiceView(
            name=service.name, target="", status=Status(state="stopped", message=later("It was deleted.")), gone=True
        )
