"""The last step of a deployment: the container that has proved itself takes the service's name and port."""

from __future__ import annotations

from typing import Any

from jupyter_mldeploy.errors import Cancelled, DeploymentFailed
from jupyter_mldeploy.targets.base import Work
from jupyter_mldeploy.targets.container.changing import start_again
from jupyter_mldeploy.targets.container.handover import remove_container, rename_into_place, swap
from jupyter_mldeploy.targets.container.logs import save_log
from jupyter_mldeploy.targets.container.rollout import Rollout

__all__ = ["promote", "sample_message"]


def promote(rollout: Rollout) -> str:
    """Let the new container take over; returns what to say about it.

    Raises:
        DeploymentFailed: It could not take over; the old one has the port again.
    """
    work = rollout.work
    way = str(work.record.details.get("way", ""))
    if not way:
        return ""  # nothing was deployed: the sample was only tried again
    old = _old_container(work)
    said = ""
    if way == "staged" and old:
        gap = swap(rollout.engine, old, _new_container(work))
        said = f"took over the port within {gap * 1000:.0f} ms"
    elif way == "aside":
        said = _replace(rollout, old)
    # From here on the new one serves: what follows must not be undone.
    work.record = work.record.with_(details={key: value for key, value in work.record.details.items() if key != "way"})
    new = _new_container(work)
    # Only now: a container that dies while it starts is to be seen dead, not to be started again.
    start_again(rollout.engine, new)
    if old and old != new:
        save_log(rollout.engine, old, rollout.records.folder(work.spec.name) / "run.previous.log")
        remove_container(rollout.engine, old)
    rename_into_place(rollout.engine, new, work.spec.name)
    rollout.records.write(work.record.with_(state="running", failure=""))
    return said


def _replace(rollout: Rollout, old: str) -> str:
    """End the old container, then start another on its port; the one that proved itself is not needed any more."""
    import time

    work, engine = rollout.work, rollout.engine
    assert work.previous is not None
    proved = _new_container(work)
    port = int(work.previous.details["port"])
    began = time.monotonic()
    if old:
        engine.api.stop(old, timeout=5)
    try:
        remove_container(engine, proved)
        rollout.start_in_place(port)
    except (DeploymentFailed, Cancelled, KeyboardInterrupt):
        remove_container(engine, _new_container(work))
        if old:
            engine.api.start(old)
        raise
    gap = time.monotonic() - began
    reason = "init() needs the network" if work.record.details.get("retried") else "this engine cannot do better"
    return f"replaced the old container; the port was closed for {gap:.1f} s, because {reason}"


def _old_container(work: Work) -> str:
    return str(work.previous.details.get("container", "")) if work.previous else ""


def _new_container(work: Work) -> str:
    return str(work.record.details["container"])


def sample_message(shown: str) -> dict[str, Any]:
    """What the last stage says of the answer to the sample."""
    return {"message": f"sample → {shown[:60]}{'…' * (len(shown) > 60)}", "answer": shown[:2000]}
