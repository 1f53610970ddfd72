"""Finding a service again whose record was lost, or that was deployed from another machine: its objects say everything of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from jupyter_mldeploy.changes import compare
from jupyter_mldeploy.records import Record, Records, write_aside
from jupyter_mldeploy.spec import VALUES, Target, TargetKind
from jupyter_mldeploy.targets.kubernetes import applying
from jupyter_mldeploy.targets.kubernetes.client import PATIENCE, Cluster
from jupyter_mldeploy.targets.kubernetes.lease import OperationLease
from jupyter_mldeploy.targets.kubernetes.manifests.pods import ADMIN_TOKEN, SCORING_KEYS
from jupyter_mldeploy.targets.kubernetes.neighbours import places_of
from jupyter_mldeploy.targets.kubernetes.release import Release

__all__ = ["attach", "catch_up", "details_of", "may_be_there", "remember_place", "remove_objects_of"]

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
        _take_secrets(records, cluster, release)
        remember_place(records, service, cluster)
        return records.write(record)


def catch_up(records: Records, record: Record) -> Record:
    """The record with what others did to the service since it was written, from another machine or with ``kubectl``.

    What they did counts: an update names what is to change, and the rest stays as it is in the cluster.
    """
    cluster = Cluster(record.place)
    live = applying.find_live(cluster, record.name)
    if live is None or live.release is None or record.state not in {"running", "stopped"}:
        return record
    release = live.release
    spec = replace(release.spec, target=record.spec.target)
    if release.fixed and live.replicas:
        spec = replace(spec, autoscale=replace(spec.autoscale, minimum=live.replicas, maximum=live.replicas))
    mine, theirs = record.spec.inference, spec.inference
    if theirs.script.hash == mine.script.hash:  # where it lies here
        inference = replace(theirs, script=mine.script, source_directory=mine.source_directory)
        spec = replace(spec, inference=inference)
    state = "running" if live.replicas else "stopped"
    change = compare(record.spec, spec, str(record.details.get("source", "")), release.source)
    if change.kind == "unchanged":
        return record if state == record.state else record.with_(state=state)
    _take_secrets(records, cluster, release)
    details = {**record.details, **details_of(cluster, release.image, release.revision, release.source)}
    return record.with_(spec=spec, state=state, revision=max(record.revision, release.revision), details=details)


def _take_secrets(records: Records, cluster: Cluster, release: Release) -> None:
    """Keep here what the service's Secret has: keys and the values of variables."""
    keys = applying.read_keys(cluster, release)
    values = {key: value for key, value in keys.items() if key.startswith(VALUES)}
    told = {"admin_token": keys.get(ADMIN_TOKEN, ""), "scoring_keys": keys.get(SCORING_KEYS, "")}
    records.write_secrets(release.name, {**values, **{name: value for name, value in told.items() if value}})


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
