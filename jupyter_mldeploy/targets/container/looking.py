"""From what the engine and the server say to a service's status."""

from __future__ import annotations

from dataclasses import replace

from jupyter_mldeploy.records import Record
from jupyter_mldeploy.targets.base import Status
from jupyter_mldeploy.targets.container.making import HOST
from jupyter_mldeploy.targets.container.state import ContainerState
from jupyter_mldeploy.targets.control import RuntimeClient, RuntimeGone, status_from_runtime

__all__ = ["look_at", "waits_for_debugger"]

BROKEN_OFF = "Its deployment was broken off; deploy it again."


def look_at(record: Record, state: ContainerState | None, client: RuntimeClient | None, busy: bool) -> Status:
    """Status of a service.

    Args:
        record: What is known.
        state: Its container, or ``None`` if there is none.
        client: Speaks to the server of a container that runs.
        busy: Whether an operation on the service is running.
    """
    if record.state == "failed" or (record.state == "deploying" and busy):
        return Status(state=record.state, message=record.failure)
    if state is None:
        return _without_container(record)
    if not state.runs or client is None:
        return _not_running(record, state)
    try:
        told = client.status()
    except RuntimeGone as error:
        return Status(state="deploying", message=f"Its container runs, but does not answer yet: {error}.")
    status = status_from_runtime(told, f"http://{HOST}:{state.published_port}/score")
    note = BROKEN_OFF if record.state == "deploying" else _image_note(status.script, state, record)
    return replace(
        status,
        limits=_limits(state),
        message=". ".join(part.rstrip(".") for part in (status.message, note) if part)
        + "." * bool(status.message or note),
    )


def waits_for_debugger(name: str) -> str:
    """What is said of a service whose ``mldeploy debug`` runs, or was killed before it could take that back."""
    return (
        f"It waits for a debugger, as `mldeploy debug {name}` has told it; `mldeploy start {name}` starts it without."
    )


def _without_container(record: Record) -> Status:
    match record.state:
        case "stopped":
            return Status(state="stopped")
        case "deploying":
            return Status(state="failed", message=BROKEN_OFF, advises=True)
    return Status(state="stopped", message="Its container is gone: somebody removed it. Deploy it again.", advises=True)


def _not_running(record: Record, state: ContainerState) -> Status:
    match state.status:
        case "paused":
            return Status(
                state="stopped", message="Its container is paused; `docker unpause` lets it go on.", advises=True
            )
        case "restarting":
            return Status(state="failed", message=f"Its container is being started again: {state.explain()}.")
        case "created":
            return Status(state="failed", message="Its container was never started; deploy it again.", advises=True)
    if record.state == "stopped":
        return Status(state="stopped")
    return Status(state="failed", message=f"Its server is gone: {state.explain()}.")


def _image_note(script: str, state: ContainerState, record: Record) -> str:
    """A reload changes what runs, not the image; whoever keeps or pushes the image must know."""
    labels = (state.raw.get("Config") or {}).get("Labels") or {}
    kept = labels.get("mldeploy.script", "")
    if not script or not kept or script == kept:
        return ""
    if (image := record.spec.image) is None:
        return "It runs a newer script than its image holds; the next update builds the image anew"
    takes = f"`mldeploy update {record.name} --from-image {image}` takes that of the image"
    return f"It runs another script than its image holds, and updates keep it; {takes}"


def _limits(state: ContainerState) -> dict[str, str]:
    host = state.raw.get("HostConfig") or {}
    return {
        "memory": "enforced" if host.get("Memory") else "none",
        "cpu": "enforced" if host.get("NanoCpus") else "none",
    }
