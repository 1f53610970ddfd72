"""How requests reach a service from outside its cluster, once the cluster has given it an address; and what is missing."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jupyter_mldeploy.targets.kubernetes.client import Cluster
from jupyter_mldeploy.targets.kubernetes.faults import Refused
from jupyter_mldeploy.targets.kubernetes.kinds import collection
from jupyter_mldeploy.targets.kubernetes.release import Release

__all__ = ["Outside", "choose_class", "look_outside", "watched_outside"]

Object = Mapping[str, Any]

DEFAULT_CLASS = "ingressclass.kubernetes.io/is-default-class"
USUAL_SECONDS = 180.0
"""A provider of load balancers that has given no address by then will most likely not."""


@dataclass(frozen=True)
class Outside:
    """The way in.

    Attributes:
        uri: Where requests go, or ``""``.
        said: One sentence on what is missing, or ``""``.
    """

    uri: str = ""
    said: str = ""


def choose_class(cluster: Cluster) -> str:
    """The IngressClass to name: the only one there is; ``""`` where the cluster has a default one, or nobody knows."""
    classes = _classes(cluster)
    if classes is None or len(classes) != 1 or _is_default(classes[0]):
        return ""
    return str(classes[0]["metadata"]["name"])


def look_outside(cluster: Cluster, release: Release | None) -> Outside:
    """The way in as it is now; nothing is asked of the cluster for a service that wants none."""
    if release is None:
        return Outside()
    if release.spec.placement.ingress:
        return _by_ingress(cluster, release)
    if release.spec.placement.load_balancer:
        return _by_load_balancer(cluster, release)
    return Outside()


def watched_outside(release: Release | None) -> tuple[str, ...]:
    """Kinds of the objects that tell of the way in."""
    wanted = release.spec.placement if release else None
    return ("Ingress",) if wanted and wanted.ingress else ("Service",) if wanted and wanted.load_balancer else ()


def _by_ingress(cluster: Cluster, release: Release) -> Outside:
    host = release.spec.placement.ingress
    found = cluster.find("Ingress", release.name)
    if found is None:
        return Outside(said=f"Its Ingress for {host} is gone; deploy it again.")
    if _addresses(found):
        secured = {name for one in found["spec"].get("tls") or () for name in one.get("hosts") or ()}
        return Outside(f"{'https' if host in secured else 'http'}://{host}/score")
    chosen = found["spec"].get("ingressClassName")
    classes = _classes(cluster)
    if classes == [] and not chosen:
        why = "the cluster has no ingress class, so most likely no ingress controller; ask whoever runs it for one"
    elif classes and not chosen:
        names = ", ".join(sorted(str(one["metadata"]["name"]) for one in classes))
        why = f"none of its ingress classes ({names}) is the default one"
    else:
        why = f"the controller of ingress class {chosen or '(default)'} has not taken it up"
    return Outside(said=f"{host} does not lead to it yet: {why}.")


def _by_load_balancer(cluster: Cluster, release: Release) -> Outside:
    found = cluster.find("Service", release.name)
    if found is None:
        return Outside(said="Its Service is gone; deploy it again.")
    for address in _addresses(found):
        host = f"[{address}]" if ":" in address else address
        return Outside(f"http://{host}/score")
    if told := _last_warning(cluster, found):
        return Outside(said=f"The cluster has given it no address outside yet: {told}")
    seconds = time.time() - datetime.fromisoformat(str(found["metadata"]["creationTimestamp"])).timestamp()
    if seconds < USUAL_SECONDS:
        return Outside(said="The cluster has given it no address outside yet; that takes a minute or two.")
    return Outside(
        said="The cluster has given it no address outside: it seems to have no provider of load balancers (such as MetalLB)."
    )


def _addresses(found: Object) -> list[str]:
    given = ((found.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    return [str(one.get("ip") or one.get("hostname")) for one in given if one.get("ip") or one.get("hostname")]


def _last_warning(cluster: Cluster, service: Object) -> str:
    """What a provider of load balancers complained of."""
    chosen = f"involvedObject.kind=Service,involvedObject.uid={service['metadata']['uid']},type=Warning"
    events = cluster.list("Event", fields=chosen)
    last = max(events, key=lambda one: str(one.get("lastTimestamp") or one.get("eventTime") or ""), default=None)
    return str(last.get("message") or last.get("reason") or "") if last else ""


def _classes(cluster: Cluster) -> list[Object] | None:
    """The cluster's ingress classes; ``None`` where one may not look at them."""
    try:
        return list(cluster.raw(collection("IngressClass", None)).get("items") or ())
    except Refused as error:
        if error.status in {403, 404}:
            return None
        raise


def _is_default(one: Object) -> bool:
    return (one["metadata"].get("annotations") or {}).get(DEFAULT_CLASS) == "true"
