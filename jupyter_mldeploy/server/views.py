"""What is told of services, models and images: plain data, without secrets."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.errors import MLDeployError, NotFound, RecordDamaged

if TYPE_CHECKING:
    from jupyter_mldeploy.api import Service
    from jupyter_mldeploy.images.build_log import ImageEntry
    from jupyter_mldeploy.records import Record, Records
    from jupyter_mldeploy.targets.base import Status

__all__ = ["image_view", "look", "summary_of"]

UNKNOWN = "unknown"
"""State of a service that could not be looked at."""


def look(service: Service, records: Records, status: Status | None = None) -> dict[str, Any]:
    """Look at a service, or at a status of it that was seen just now.

    Raises:
        NotFound: There is none of that name.
    """
    try:
        record = service.record
    except RecordDamaged as error:
        return {**summary_of(service.name), "state": "failed", "message": error.summary}
    view = summary_of(record.name, record)
    view["busy"] = records.is_busy(record.name)
    try:
        seen = status or service.status()
    except NotFound:
        raise
    except MLDeployError as error:
        return {**view, "state": UNKNOWN, "message": error.summary, "hint": error.hint}
    return {
        **view,
        # Between two operations of a deployment nothing answers yet: the record knows better what goes on.
        "state": "deploying" if view["busy"] and record.state == "deploying" else seen.state,
        "message": seen.message,
        "uri": seen.scoring_uri,
        "script": seen.script or record.spec.inference.script.hash,
        "edited": service.edited,
        "ready": seen.ready,
        "replicas": [asdict(replica) for replica in seen.replicas],
        "utilization": round(seen.utilization, 3),
        "requests": seen.requests,
        "errors": seen.errors,
    }


def summary_of(name: str, record: Record | None = None) -> dict[str, Any]:
    """What is known without looking."""
    view: dict[str, Any] = {
        "name": name, "target": "", "kind": "", "state": UNKNOWN, "busy": False, "message": "", "hint": "", "uri": "",
        "script": "", "origin": "", "path": None, "edited": False, "models": [], "sample": None, "minimum": 0, "maximum": 0,
        "ready": 0, "replicas": [], "utilization": 0.0, "requests": 0, "errors": 0, "revision": 0, "updated": 0.0,
        "memory": None, "cpu": None, "failure": "",
    }  # fmt: skip
    if record is None:
        return view
    spec = record.spec
    view.update(
        target=str(spec.target),
        kind=str(spec.target.kind),
        state=record.state,
        origin=spec.inference.script.origin,
        path=spec.inference.script.path,
        models=[str(model) for model in spec.models],
        sample=spec.sample,
        minimum=spec.autoscale.minimum,
        maximum=spec.autoscale.maximum,
        revision=record.revision,
        updated=record.updated,
        memory=spec.resources.memory,
        cpu=spec.resources.cpu,
        failure=record.failure,
    )
    return view


def image_view(entry: ImageEntry) -> dict[str, Any]:
    """One build."""
    return {
        "reference": entry.reference,
        "service": entry.service,
        "state": entry.state,
        "built": entry.built,
        "seconds": entry.seconds,
        "digest": entry.digest,
        "cached": sum(bool(step.get("cached")) for step in entry.steps),
        "steps": len(entry.steps),
    }
