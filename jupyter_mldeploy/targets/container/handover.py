"""How an update takes over the published port of the container that serves.

Plain Docker cannot give a published port to another container while both run. What comes nearest, on an engine of this
machine: the new container is made for that port, but started on a network of the engine's that has no way outside, where
nothing is published. There it runs ``init()`` and answers the sample while the old one serves. Then the old one is taken off its
network and the new one put on it, which moves the port within a fraction of a second. Requests that run in that moment break.

A script whose ``init()`` needs the network fails there, and an engine that is not this machine's cannot be reached there. Then
the new container proves itself on a port of its own, and the gap is as long as another ``init()`` takes. It is said which it was.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from jupyter_mldeploy.errors import TargetUnavailable
from jupyter_mldeploy.images.engine import Engine
from jupyter_mldeploy.targets.container.identity import HOME, SERVICE, container_name, home_id, second_name
from jupyter_mldeploy.targets.container.making import HOST
from jupyter_mldeploy.targets.container.state import inspect

__all__ = [
    "STAGING",
    "ensure_staging",
    "find_loose_volumes",
    "reachable_at",
    "remove_container",
    "remove_loose_volumes",
    "rename_into_place",
    "swap",
]

STAGING = "mldeploy-staging"
OUTSIDE = "bridge"


@dataclass(frozen=True)
class Address:
    """Where a container's server can be reached from here."""

    host: str
    port: int


def ensure_staging(engine: Engine) -> bool:
    """Make the network where updates wait, if this engine's containers can be reached there. It stays for the next one."""
    import sys

    from docker.errors import APIError

    if not (sys.platform == "linux" and engine.address.startswith(("unix://", "http+unix://"))):
        return False
    options = " ".join(engine.api.info().get("SecurityOptions") or ())
    if "rootless" in options:
        return False
    if any(network["Name"] == STAGING for network in engine.api.networks(names=[STAGING])):
        return True
    try:
        engine.api.create_network(
            STAGING, driver="bridge", internal=True, check_duplicate=True, labels={"mldeploy.network": "staging"}
        )
    except APIError as error:
        return error.status_code == 409  # another deployment has just made it
    return True


def reachable_at(engine: Engine, container: str, port: int) -> Address:
    """The published port; for a container that waits, its own address on the staging network."""
    state = inspect(engine, container)
    waiting = state.addresses.get(STAGING, "") if state else ""
    from jupyter_mldeploy.images.inputs import PORT

    return Address(waiting, PORT) if waiting else Address(HOST, port)


def swap(engine: Engine, old: str, new: str) -> float:
    """Move the published port from ``old`` to ``new``; returns the seconds in which nobody had it.

    Raises:
        docker.errors.APIError: It could not be moved; ``old`` has it again.
    """
    from docker.errors import APIError

    api = engine.api
    began = time.monotonic()
    with suppress(APIError):  # it is not there any more: it ended by itself
        api.disconnect_container_from_network(old, OUTSIDE, force=True)
    try:
        api.connect_container_to_network(new, OUTSIDE)
    except APIError:
        api.connect_container_to_network(old, OUTSIDE)
        raise
    gap = time.monotonic() - began
    with suppress(APIError):
        api.disconnect_container_from_network(new, STAGING, force=True)
    return gap


def remove_container(engine: Engine, container: str) -> None:
    """End and remove a container and its volume. One that is gone is not an error."""
    from docker.errors import APIError

    try:
        engine.api.remove_container(container, v=True, force=True)
    except APIError as error:
        # 404: it is gone; 409: somebody is removing it already.
        if error.status_code not in {404, 409}:
            raise TargetUnavailable(
                f"The container {container[:12]} could not be removed: {error.explanation}."
            ) from None


def find_loose_volumes(engine: Engine, home: Path, service: str | None = None) -> list[str]:
    """Volumes of a home folder, or of one of its services, whose container somebody removed by hand."""
    labels = [f"{HOME}={home_id(home)}"] + ([f"{SERVICE}={service}"] if service else [])
    filters = {"label": labels, "dangling": True}
    return [str(volume["Name"]) for volume in engine.api.volumes(filters=filters)["Volumes"] or ()]


def remove_loose_volumes(engine: Engine, home: Path, service: str | None = None) -> None:
    """Remove them; one that is in use again, or gone, is not an error."""
    from docker.errors import APIError

    for volume in find_loose_volumes(engine, home, service):
        with suppress(APIError):
            engine.api.remove_volume(volume)


def rename_into_place(engine: Engine, container: str, service: str) -> None:
    """Give the container that serves the service's name, or the second one where the first is somebody else's."""
    from docker.errors import APIError

    state = inspect(engine, container)
    if state is None:
        return
    labels = (state.raw.get("Config") or {}).get("Labels") or {}
    for name in (container_name(service), second_name(container_name(service), labels.get(HOME, ""))):
        if state.raw.get("Name", "").lstrip("/") == name:
            return
        with suppress(APIError):  # taken; it serves under any name
            engine.api.rename(container, name)
            return
