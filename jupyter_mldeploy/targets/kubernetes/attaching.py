"""Finding a service again whose record was lost, or that was deployed from another machine: its objects say everything of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from jupyter_mldeploy.records import Record, Records, write_aside
from jupyter_mldeploy.spec import VALUES, Target, TargetKind
from jupyter_mldeploy.targets.kubernetes import applying
from jupyter_mldeploy.targets.kubernetes.client import PATIENCE, Cluster
from jupyter_mldeploy.targets.kubernetes.lease import OperationLease
from jupyter_mldeploy.targets.kubernetes.manifests.pods import ADMIN_TOKEN
from jupyter_mldeploy.targets.kubernetes.neighbours import places_of
from jupyter_mldeploy.targets.kubernetes.release import Release

__all__ = ["attach", "details_of", "may_be_there", "remember_place", "remove_objects_of"]

PLACE_FILE = "cluster.json"


def details_of(cluster: Cluster, image: str, revision: int, source: str) -> dict[str, Any]:
    """What a record must hold to find the service again."""
    return {
        "context": cluster.context,
        "namespace": cluster.namespace,
        "image": image,
        "revision": revision,
        "source": source,
    }


def remember_place(records: Records, service: str, cluster: Cluster) -> None:
    """Keep where a service is deployed to beside its record, for when that is lost."""
    place = {"context": cluster.context, "namespace": cluster.namespace}
    write_aside(records.folder(service) / PLACE_FILE, json.dumps(place).encode())


def may_be_there(records: Records, service: str) -> bool:
    """Whether a cluster is to be asked for a service that no record knows."""
    return _place(records, service) is not None or bool(places_of(records))


def attach(records: Records, service: str) -> Record | None:
    """Make the record of a service from its objects; ``None`` where there are none."""
    place = _place(records, service)
    places = [Target(TargetKind.KUBERNETES, **place)] if place else places_of(records)
    for cluster in map(Cluster, places):
        live = applying.find_live(cluster, service)
        if live is not None and live.release is not None:
            return _adopt(records, service, cluster, live, live.release)
    return None


def _adopt(records: Records, service: str, cluster: Cluster, live: applying.Live, release: Release) -> Record:
    target = Target(TargetKind.KUBERNETES, cluster.context or None, cluster.namespace)
    record = Record(
        spec=replace(release.spec, target=target),
        state="running" if live.replicas else "stopped",
        revision=release.revision,
        details=details_of(cluster, release.image, release.revision, release.source),
    )
    with records.operation(service, "adoption"):
        keys = applying.read_keys(cluster, release)
        values = {key: value for key, value in keys.items() if key.startswith(VALUES)}
        records.write_secrets(service, {**values, "admin_token": keys.get(ADMIN_TOKEN, "")})
        remember_place(records, service, cluster)
        return records.write(record)


def remove_objects_of(records: Records, service: str) -> None:
    """Remove what a cluster has of a service whose record was lost."""
    place = _place(records, service)
    if place is None:
        return
    cluster = Cluster(Target(TargetKind.KUBERNETES, **place), patience=PATIENCE)
    with OperationLease(cluster, service, "deletion").held():
        applying.remove_all(cluster, service, grace=None, seconds=60)


def _place(records: Records, service: str) -> dict[str, str | None] | None:
    try:
        told = json.loads((records.folder(service) / PLACE_FILE).read_bytes())
        return {"context": str(told["context"]) or None, "namespace": str(told["namespace"]) or None}
    except (OSError, ValueError, KeyError, TypeError):
        return None
