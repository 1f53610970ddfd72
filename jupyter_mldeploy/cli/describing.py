"""A service as it is now, as plain data and as lines of text."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.cli.showing import columns

if TYPE_CHECKING:
    from jupyter_mldeploy.api import Service
    from jupyter_mldeploy.records import Record
    from jupyter_mldeploy.targets.base import Receipt, Status

__all__ = ["describe", "headline", "receipt_to_json", "service_lines", "short"]


def describe(service: Service, record: Record, status: Status) -> dict[str, Any]:
    """Everything known of a service, as every verb's JSON has it."""
    spec = record.spec
    return {
        "name": record.name,
        "target": str(spec.target),
        "namespace": record.place.namespace or "",
        "state": status.state,
        "message": status.message,
        "scoring_uri": status.scoring_uri,
        "script": status.script or spec.inference.script.hash,
        "script_name": spec.inference.script.origin,
        "edited": service.edited,
        "script_gone": spec.inference.script.is_gone,
        "models": [str(model) for model in spec.models],
        "environment": {
            "name": spec.inference.environment.name,
            "hash": spec.inference.environment.hash,
            "python": str(record.details.get("python", "")),
        },
        "resources": asdict(spec.resources),
        "autoscale": asdict(spec.autoscale),
        "scoring_timeout": spec.scoring_timeout,
        "replicas": [asdict(replica) for replica in status.replicas],
        "ready": status.ready,
        "utilization": status.utilization,
        "requests": status.requests,
        "errors": status.errors,
        "recent": [dict(request) for request in status.recent],
        "limits": dict(status.limits),
        "failure": dict(status.failure),
        "revision": record.revision,
        "created": record.created,
        "updated": record.updated,
    }


def receipt_to_json(receipt: Receipt | None) -> dict[str, Any] | None:
    """Proof of what runs after a reload."""
    return asdict(receipt) if receipt is not None else None


def short(script: str) -> str:
    """A script's hash as people compare it."""
    return script[:7]


def headline(told: dict[str, Any]) -> str:
    """``iris · local · running · 1 of 1 replicas ready · http://127.0.0.1:43117/score``."""
    parts = [told["name"], told["target"], told["state"]]
    if told["replicas"]:
        parts.append(f"{told['ready']} of {len(told['replicas'])} replicas ready")
    return " · ".join([*parts, *filter(None, [told["scoring_uri"]])])


def service_lines(told: dict[str, Any]) -> list[str]:
    """A service in full."""
    lines = [headline(told)]
    if told["message"]:
        lines.append(f"  {told['message']}")
    facts = [
        "+".join(told["models"]),
        f"{told['script_name']} ({short(told['script'])})",
        f"environment {told['environment']['name']}",
        f"revision {told['revision']}",
    ]
    if told["replicas"]:
        target = told["autoscale"]["target_utilization"]
        facts.append(f"{told['utilization']:.0%} of {target:.0%} utilisation")
    lines.append("  " + " · ".join(filter(None, facts)))
    unsupported = [name for name, how in told["limits"].items() if how == "unsupported"]
    if unsupported:
        lines.append(f"  no {' or '.join(unsupported)} limit on this system")
    if told["script_gone"]:
        lines.append(f"  its script {told['script_name']} is gone; the service goes on with the one that it took")
    elif told["edited"] and told["state"] in {"running", "degraded"}:
        lines.append(f"  edited, not reloaded: mldeploy reload {told['name']}")
    rows = [_replica_row(replica) for replica in told["replicas"]]
    if rows:
        head = ("replica", "state", "script", "requests", "errors", "p50", "p99", "memory")
        lines += [f"  {line}" for line in columns(head, rows)]
    return lines


def _replica_row(replica: dict[str, Any]) -> list[str]:
    memory = replica["memory_bytes"]
    return [
        replica["name"],
        replica["state"],
        short(replica["script"]),
        str(replica["requests"]),
        str(replica["errors"]),
        _milliseconds(replica["p50_ms"]),
        _milliseconds(replica["p99_ms"]),
        f"{memory / 1024**2:.0f} MiB" if memory else "",
    ]


def _milliseconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} ms"
