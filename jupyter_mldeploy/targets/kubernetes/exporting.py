"""The objects of a service as they would be written by hand, for a repository: kustomize, Helm or GitOps can take over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from jupyter_mldeploy.errors import NotFound, TargetUnavailable
from jupyter_mldeploy.records import Record
from jupyter_mldeploy.spec import TargetKind
from jupyter_mldeploy.targets.app_folder import entry_script
from jupyter_mldeploy.targets.kubernetes.applying import find_live
from jupyter_mldeploy.targets.kubernetes.client import Cluster
from jupyter_mldeploy.targets.kubernetes.manifests import manifests
from jupyter_mldeploy.targets.kubernetes.names import ANNOTATION_RELEASE
from jupyter_mldeploy.targets.kubernetes.release import Release

__all__ = ["objects_of", "secret_left_out"]

SOURCE = "/source"


def objects_of(record: Record) -> list[dict[str, Any]]:
    """What runs now, without the Secret: a token does not belong into a repository. No path of this machine is in them.

    Raises:
        TargetUnavailable: The service is not on a cluster, or that cannot be reached.
        NotFound: Its Deployment is gone.
    """
    wanted = record.spec.target
    if wanted.kind is not TargetKind.KUBERNETES:
        raise TargetUnavailable(
            f"The service {record.name!r} is on the {wanted} target, which has no objects.",
            "Deploy it with --target kubernetes first.",
        )
    cluster = Cluster(record.place)
    live = find_live(cluster, record.name)
    if live is None or live.release is None:
        raise NotFound(f"There is no Deployment of {record.name!r} in namespace {cluster.namespace!r}.")
    made = manifests(live.release, cluster.namespace)
    for one in made:
        if one["kind"] == "Deployment":
            one["metadata"]["annotations"][ANNOTATION_RELEASE] = _of_no_machine(live.release).to_annotation()
    return made


def secret_left_out(objects: Iterable[Mapping[str, Any]]) -> tuple[str, list[str]]:
    """Name of the Secret that the pods need besides, and the keys that it must have."""
    pods = next(one for one in objects if one["kind"] == "Deployment")["spec"]["template"]["spec"]
    variables = (variable for container in pods["containers"] for variable in container["env"])
    asked = [variable["valueFrom"]["secretKeyRef"] for variable in variables if "valueFrom" in variable]
    return str(asked[0]["name"]), list(dict.fromkeys(str(one["key"]) for one in asked if not one.get("optional")))


def _of_no_machine(release: Release) -> Release:
    """The same, its folder called as no machine calls it: what stands where in the app root stays."""
    inference = release.spec.inference
    path = None
    if inference.source_directory is not None:
        path = f"{SOURCE}/{Path(entry_script(inference)).relative_to(inference.source_name).as_posix()}"
    script = replace(inference.script, path=path, origin=inference.script.file_name)
    folder = SOURCE if inference.source_directory is not None else None
    return replace(
        release, spec=replace(release.spec, inference=replace(inference, script=script, source_directory=folder))
    )
