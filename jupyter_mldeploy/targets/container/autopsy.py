"""Everything there is to see of a container's failure."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from jupyter_mldeploy.errors import TargetUnavailable
from jupyter_mldeploy.evidence import Evidence, read_log
from jupyter_mldeploy.images.build_log import BuildLogs
from jupyter_mldeploy.images.engine import Engine
from jupyter_mldeploy.records import Record, Records
from jupyter_mldeploy.spec import show_memory
from jupyter_mldeploy.targets.container.logs import tail_text
from jupyter_mldeploy.targets.container.state import ContainerState, inspect, ran_out_of_memory

__all__ = ["collect_evidence"]

LOG_LIMIT = 200_000


def collect_evidence(
    engine: Engine | None, records: Records, record: Record, stage: str, known: Mapping[str, Any]
) -> Evidence:
    """Evidence from the engine, else from what was saved of a container that is gone."""
    spec = record.spec
    folder = records.folder(record.name)
    image = str(record.details.get("image", ""))
    failure = known.get("failure") or {}
    facts = {"image": image} if image else {}
    if spec.resources.memory:
        facts["limit"] = show_memory(spec.resources.memory)
    filled: dict[str, Any] = {
        "build_log": BuildLogs(records.home).text(image) if stage in {"build", "push"} and image else "",
        "script": spec.inference.script.text,
        "script_name": spec.inference.script.origin,
        "requirements": spec.inference.environment.requirements,
        "memory_limit": spec.resources.memory,
        "exit_code": failure.get("exit_code"),
        "oom_killed": failure.get("oom") or None,
    }
    state = _look(engine, str(record.details.get("container", "")))
    if engine is None or state is None:
        filled["log"] = read_log(folder / "run.log", LOG_LIMIT)
        filled["previous_log"] = read_log(folder / "run.previous.log", LOG_LIMIT) if stage == "launch" else ""
    else:
        filled |= _from_container(engine, state, starting=stage in {"launch", "init", "ready"} and not failure)
        facts["container"] = state.id[:12]
        if state.error:
            facts["engine"] = state.error
    return Evidence(
        stage=stage, target="container", service=record.name, **{**filled, "facts": facts, **_without_none(known)}
    )


def _from_container(engine: Engine, state: ContainerState, *, starting: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"log": tail_text(engine, state, LOG_LIMIT)}
    if state.restarts:
        found["previous_log"] = tail_text(engine, state, LOG_LIMIT, previous=True)
    if not state.runs:
        found["exit_code"] = state.exit_code
        found["oom_killed"] = state.oom_killed
        if state.error:
            found["log"] += f"\n{state.error}"
    elif starting and ran_out_of_memory(engine, state):  # a server that runs tells of its workers itself
        found["oom_killed"] = True
    return found


def _look(engine: Engine | None, container: str) -> ContainerState | None:
    with suppress(TargetUnavailable):
        if engine is not None and container:
            return inspect(engine, container)
    return None


def _without_none(known: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in known.items() if value is not None}
