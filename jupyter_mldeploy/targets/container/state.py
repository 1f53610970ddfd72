"""What a container is doing, and what became of one that ended."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from jupyter_mldeploy.images.engine import Engine, engine_errors

__all__ = ["ContainerState", "inspect", "settle"]


@dataclass(frozen=True, kw_only=True)
class ContainerState:
    """One look at a container.

    Attributes:
        id: Of the container.
        status: ``created``, ``running``, ``paused``, ``restarting``, ``removing``, ``exited`` or ``dead``.
        exit_code: Of its last life.
        oom_killed: Whether its memory limit ended it; of one that runs, whether it has ended anything in it.
        error: What the engine could not do, such as start its command.
        started: Seconds since the epoch.
        restarts: How often the engine has started it again.
        raw: All that the engine tells.
    """

    id: str
    status: str
    exit_code: int | None
    oom_killed: bool
    error: str
    started: float
    restarts: int
    raw: Mapping[str, Any]

    @property
    def runs(self) -> bool:
        return self.status == "running"

    @property
    def image(self) -> str:
        return str(self.raw.get("Image", ""))

    @property
    def addresses(self) -> Mapping[str, str]:
        """Its address on each of its networks."""
        networks = (self.raw.get("NetworkSettings") or {}).get("Networks") or {}
        return {name: network.get("IPAddress", "") for name, network in networks.items()}

    @property
    def published_port(self) -> int | None:
        """The port of this machine that was asked for."""
        bound = (self.raw.get("HostConfig") or {}).get("PortBindings") or {}
        ports = [
            int(binding["HostPort"]) for bindings in bound.values() for binding in bindings or () if binding["HostPort"]
        ]
        return ports[0] if ports else None

    @property
    def variables(self) -> dict[str, str]:
        """Its environment."""
        pairs = (self.raw.get("Config") or {}).get("Env") or []
        return dict(pair.partition("=")[::2] for pair in pairs)

    def explain(self) -> str:
        """One clause that says how it ended."""
        if self.oom_killed:
            return "it was killed because it used more memory than its limit (exit code 137, out of memory)"
        if self.error:
            return f"the engine could not start it: {self.error}"
        match self.exit_code:
            case 137:
                return "it was killed from outside, not for its memory (exit code 137, SIGKILL)"
            case 143:
                return "it was told to end (exit code 143, SIGTERM)"
            case 0:
                return "it ended (exit code 0)"
        return f"it ended with exit code {self.exit_code}"


def inspect(engine: Engine, container: str) -> ContainerState | None:
    """Look at a container; ``None`` if there is none any more.

    Raises:
        TargetUnavailable: The engine does not answer.
    """
    from docker.errors import NotFound

    try:
        with engine_errors(engine):
            found = engine.api.inspect_container(container)
    except NotFound:
        return None
    state = found["State"]
    memory = bool(state.get("OOMKilled"))
    if memory and state.get("Status") == "exited":
        with engine_errors(engine):
            memory = not _ended_by_something_else(engine, str(found["Id"]), state)
    return ContainerState(
        id=str(found["Id"]),
        status=str(state.get("Status", "")),
        exit_code=state.get("ExitCode"),
        oom_killed=memory,
        error=str(state.get("Error") or ""),
        started=_seconds(str(state.get("StartedAt", ""))),
        restarts=int(found.get("RestartCount", 0)),
        raw=found,
    )


OOM_PATIENCE = 5.0
"""Seconds from the end of a process for want of memory to that of the container whose server it was."""
_KILLS = {"9", "SIGKILL", "KILL"}


def _ended_by_something_else(engine: Engine, container: str, state: Mapping[str, Any]) -> bool:
    """Whether a container did not end for its memory, although the engine says so: it says that as soon as any process in it was
    killed for that, such as a replica whose server went on. Where its events have been forgotten, its word stands.
    """
    began, ended = _seconds(str(state.get("StartedAt", ""))), _seconds(str(state.get("FinishedAt", "")))
    filters = {"container": container, "event": ["oom", "kill"]}
    last_oom = last_kill = 0.0
    for event in engine.api.events(since=int(began), until=time.time(), filters=filters, decode=True):
        moment = int(event.get("timeNano", 0)) / 1e9
        signal = ((event.get("Actor") or {}).get("Attributes") or {}).get("signal")
        if event.get("Action") == "oom":
            last_oom = max(last_oom, moment)
        elif signal in _KILLS:
            last_kill = max(last_kill, moment)
    return last_kill > last_oom or 0 < last_oom < ended - OOM_PATIENCE


def settle(engine: Engine, container: str, patience: float = 5.0) -> ContainerState | None:
    """Look at a container whose server has gone: wait a moment until the engine knows how it ended."""
    from docker.errors import APIError
    from requests.exceptions import RequestException

    with suppress(APIError, RequestException):  # it runs on, or is gone
        engine.api.wait(container, timeout=patience)
    return inspect(engine, container)


def ran_out_of_memory(engine: Engine, state: ContainerState) -> bool:
    """Whether the memory limit killed anything in its present or last life: a replica may die and the server go on."""
    if state.oom_killed:
        return True
    since = state.started or time.time() - 3600
    filters = {"container": state.id, "event": "oom"}
    return any(True for _ in engine.api.events(since=since, until=time.time(), filters=filters, decode=True))


def _seconds(stamp: str) -> float:
    """Docker's time stamps have nine digits after the point."""
    if not stamp or stamp.startswith("0001"):
        return 0.0
    head, _, rest = stamp.partition(".")
    fraction = rest.rstrip("Z").partition("+")[0][:6] or "0"
    try:
        whole = datetime.fromisoformat(head.rstrip("Z")).replace(tzinfo=UTC).timestamp()
        return whole + float(f"0.{fraction}")
    except ValueError:
        return 0.0
