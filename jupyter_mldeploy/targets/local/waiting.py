"""Waiting for replicas by the runtime's own events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.targets.control import RuntimeClient

__all__ = ["await_replicas"]


def await_replicas(
    client: RuntimeClient, wanted: int, cancel: Cancel, tell: Callable[..., None]
) -> Mapping[str, Any] | None:
    """Return ``None`` once so many replicas have run ``init()``, or the runtime's report of the first that failed.

    The first failure ends the waiting: a script whose ``init()`` raises will raise again.

    Raises:
        RuntimeGone: Nothing listens.
    """
    told = client.status()
    ready = {replica["id"] for replica in told["replicas"] if replica["state"] in {"idle", "busy"}}
    if told["failure"] and not ready:
        failed: Mapping[str, Any] = told["failure"]
        return failed
    if len(ready) >= wanted:
        return None
    for event in client.events(told["event"], cancel):
        match event["kind"]:
            case "replica_ready":
                ready.add(event["replica"])
                tell(f"{len(ready)} of {wanted} replicas ready", replicas=wanted, ready=len(ready))
                if len(ready) >= wanted:
                    return None
            case "init_started":
                tell("init() runs", replicas=wanted, ready=len(ready))
            case "failure" if event["failure"].get("stage") != "run":
                failure: Mapping[str, Any] = event["failure"]
                return failure
            case "worker_died":
                ready.discard(event.get("replica") or 0)
    return {"message": "the server process ended before init() had returned", "stage": "init"}
