"""Services that others deployed, or that this home folder no longer knows, in the namespaces that it uses."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from jupyter_mldeploy.config import settings
from jupyter_mldeploy.errors import RecordDamaged, TargetUnavailable
from jupyter_mldeploy.records import Records
from jupyter_mldeploy.spec import Target, TargetKind
from jupyter_mldeploy.targets.kubernetes.client import Cluster
from jupyter_mldeploy.targets.kubernetes.names import ANNOTATION_SCRIPT, selector_text
from jupyter_mldeploy.targets.kubernetes.release import Release

__all__ = ["Neighbour", "find_neighbours", "places_of"]


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """A service of a namespace that no record here knows.

    Attributes:
        name: Of the service.
        context, namespace: Where it is.
        state: As its Deployment tells: ``running``, ``degraded``, ``failed``, ``deploying`` or ``stopped``.
        ready, replicas: How many are ready, and wanted.
        models: ``name:version`` each.
        script: Hash of its script.
        scoring_uri: Where requests go inside the cluster.
        readable: Whether this version can take it up.
    """

    name: str
    context: str
    namespace: str
    state: str
    ready: int
    replicas: int
    models: tuple[str, ...]
    script: str
    scoring_uri: str
    readable: bool


def places_of(records: Records) -> list[Target]:
    """The namespaces that are in use here: the one that the settings name, and those of services on a cluster."""
    force = settings()
    found: dict[tuple[str, str], None] = {}
    if force.target == "kubernetes" or force.namespace:
        found[force.context_of(TargetKind.KUBERNETES) or "", force.namespace] = None
    for name in records.names():
        with suppress(RecordDamaged):
            record = records.find(name)
            if record is not None and record.spec.target.kind is TargetKind.KUBERNETES:
                found[record.place.context or "", record.place.namespace or ""] = None
    return [Target(TargetKind.KUBERNETES, context or None, place or None) for context, place in found]


def find_neighbours(records: Records) -> list[Neighbour]:
    """By namespace and name. What cannot be reached has none to show: its own services say so."""
    every, _ = records.every()
    ours = {(one.name, one.place.namespace) for one in every if one.spec.target.kind is TargetKind.KUBERNETES}
    found: dict[tuple[str, str, str], Neighbour] = {}
    for place in places_of(records):
        with suppress(TargetUnavailable, TimeoutError):
            cluster = Cluster(place)
            for one in cluster.list("Deployment", labels=selector_text()):
                neighbour = _read(cluster, one)
                if (neighbour.name, neighbour.namespace) not in ours:
                    found[neighbour.context, neighbour.namespace, neighbour.name] = neighbour
    return [found[key] for key in sorted(found)]


def _read(cluster: Cluster, deployment: Mapping[str, Any]) -> Neighbour:
    name = str(deployment["metadata"]["name"])
    release = Release.from_objects(deployment)
    wanted = int((deployment.get("spec") or {}).get("replicas") or 0)
    ready = int((deployment.get("status") or {}).get("readyReplicas") or 0)
    return Neighbour(
        name=name,
        context=cluster.context,
        namespace=cluster.namespace,
        state=_state(deployment, wanted, ready),
        ready=ready,
        replicas=wanted,
        models=tuple(str(model) for model in release.spec.models) if release else (),
        script=str((deployment["metadata"].get("annotations") or {}).get(ANNOTATION_SCRIPT) or ""),
        scoring_uri=f"http://{name}.{cluster.namespace}.svc/score",
        readable=release is not None,
    )


def _state(deployment: Mapping[str, Any], wanted: int, ready: int) -> str:
    if wanted == 0:
        return "stopped"
    if ready >= wanted:
        return "running"
    if ready:
        return "degraded"
    conditions = (deployment.get("status") or {}).get("conditions") or ()
    late = any(one.get("type") == "Progressing" and one.get("status") == "False" for one in conditions)
    return "failed" if late else "deploying"
