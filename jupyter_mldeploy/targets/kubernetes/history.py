"""The revisions that a cluster still has of a service, and what each was made of.

Kubernetes keeps a ReplicaSet of each, with the release written on it, and we keep its ConfigMap as long: script and release
together are the revision.
"""

from __future__ import annotations

from dataclasses import replace

from jupyter_mldeploy.errors import NotFound
from jupyter_mldeploy.records import Record
from jupyter_mldeploy.spec import ServiceSpec
from jupyter_mldeploy.targets.kubernetes.client import Cluster
from jupyter_mldeploy.targets.kubernetes.manifests.config import SCRIPT_KEY
from jupyter_mldeploy.targets.kubernetes.names import ANNOTATION_REVISION, selector_text
from jupyter_mldeploy.targets.kubernetes.release import Release, with_script
from jupyter_mldeploy.targets.revisions import Revision

__all__ = ["history_of", "last_revision", "releases_of"]


def releases_of(cluster: Cluster, service: str) -> list[tuple[Release, str]]:
    """Each release that could run again, with its script, and when it was made; newest first.

    A ReplicaSet without its ConfigMap is of an update that did not get ready and was taken back.
    """
    chosen = selector_text(service)
    configs = {str(one["metadata"]["name"]): one for one in cluster.list("ConfigMap", labels=chosen)}
    found: dict[int, tuple[Release, str]] = {}
    for one in cluster.list("ReplicaSet", labels=chosen):
        release = Release.from_objects(one)
        config = configs.get(release.config_name) if release else None
        if release is not None and config is not None:
            text = str((config.get("data") or {}).get(SCRIPT_KEY) or "")
            made = str(config["metadata"].get("creationTimestamp") or "")
            found[release.revision] = (replace(release, spec=with_script(release.spec, text)), made)
    return [found[number] for number in sorted(found, reverse=True)]


def last_revision(cluster: Cluster, service: str) -> int:
    """The highest number that was ever given, as far as the cluster remembers; 0 where there is none.

    One that was taken back, or is of a service of this name that was deleted, is not given again while its pods are still
    ending: they would pass for the new one's.
    """
    left = (one for kind in ("ReplicaSet", "Pod") for one in cluster.list(kind, labels=selector_text(service)))
    marks = (one["metadata"].get("labels") or {} for one in left)
    numbers = (str(mark.get(ANNOTATION_REVISION) or "") for mark in marks)
    return max((int(number) for number in numbers if number.isdecimal()), default=0)


def history_of(record: Record) -> list[Revision]:
    """The revisions of a record's service, newest first.

    Raises:
        NotFound: It is not there.
    """
    spec = record.spec
    cluster = Cluster(record.place)
    deployment = cluster.find("Deployment", record.name)
    live = Release.from_objects(deployment) if deployment else None
    if live is None:
        raise NotFound(f"The namespace {cluster.namespace!r} has no service {record.name!r}.")
    return [
        Revision(
            number=release.revision,
            created=made,
            current=release.revision == live.revision,
            image=release.image,
            source=release.source,
            spec=_again(release.spec, spec),
        )
        for release, made in releases_of(cluster, record.name)
    ]


def _again(earlier: ServiceSpec, now: ServiceSpec) -> ServiceSpec:
    """What goes back is what pods are made of; how many there are and where requests come from stays."""
    outside = {"ingress": now.placement.ingress, "load_balancer": now.placement.load_balancer}
    placement = replace(earlier.placement, **outside)  # type: ignore[arg-type]
    return replace(earlier, target=now.target, autoscale=now.autoscale, placement=placement)
