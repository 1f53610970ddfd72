"""How an image reaches the nodes: through a registry, or by the own tool of a cluster that runs on this machine."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from jupyter_mldeploy.errors import TargetUnavailable
from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.images.inputs import check_registry

__all__ = ["Way", "load", "way_for"]

_SHARED = {"docker-desktop", "rancher-desktop", "orbstack"}
"""Clusters that use the images of the Docker engine they are part of."""


@dataclass(frozen=True)
class Way:
    """How an image reaches the nodes.

    Attributes:
        kind: ``registry``, ``tool``, ``shared`` or ``given`` (it was built before, and the cluster knows where it is).
        registry: Registry and path, for ``registry``.
        command: What loads it, for ``tool``; the reference is put in the place of ``{}``.
    """

    kind: str
    registry: str = ""
    command: tuple[str, ...] = ()


def way_for(context: str, registry: str, image: str | None) -> Way:
    """Choose the way.

    Raises:
        TargetUnavailable: There is none: a cluster elsewhere, and no registry.
        InvalidValue: The registry is no name of one.
    """
    if image:
        return Way("given")
    if registry:
        return Way("registry", registry=check_registry(registry))
    for prefix, command in (
        ("kind-", ("kind", "load", "docker-image", "{}", "--name")),
        ("k3d-", ("k3d", "image", "import", "{}", "--cluster")),
    ):
        if context.startswith(prefix):
            return _tool((*command, context.removeprefix(prefix)))
    if context == "minikube" or context.startswith("minikube-"):
        return _tool(("minikube", "--profile", context, "image", "load", "{}"))
    if context in _SHARED:
        return Way("shared")
    raise TargetUnavailable(
        f"The image cannot reach the cluster {context or 'that this pod runs in'!r}: no registry is set.",
        "Name one that you can push to and the cluster can pull from: --registry, c.MLDeploy.registry or MLDEPLOY_REGISTRY.",
    )


def _tool(command: tuple[str, ...]) -> Way:
    if shutil.which(command[0]) is None:
        raise TargetUnavailable(
            f"The image cannot be loaded into the cluster: the program {command[0]!r} was not found.",
            f"Install {command[0]}, with which that cluster was made, or set a registry with MLDEPLOY_REGISTRY.",
        )
    return Way("tool", command=command)


def load(way: Way, reference: str, log: Callable[[str], None], cancel: Cancel) -> None:
    """Load an image with the cluster's own tool.

    Raises:
        TargetUnavailable: The tool failed; its last line says why.
        Cancelled: ``cancel`` was set.
    """
    command = [reference if word == "{}" else word for word in way.command]
    last = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        forget = cancel.on_cancel(process.terminate)
        try:
            assert process.stdout is not None
            for line in process.stdout:
                last = line.strip() or last
                log(line.rstrip("\n"))
        finally:
            forget()
    cancel.check()
    if process.returncode != 0:
        raise TargetUnavailable(f"`{' '.join(command)}` failed: {last or f'exit code {process.returncode}'}.")
