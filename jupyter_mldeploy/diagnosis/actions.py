"""What can be done about a failure with one click or one typed line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["KINDS", "Action", "Kind", "action", "carried_out_on"]


@dataclass(frozen=True)
class Kind:
    """A kind of action: what its button says, the line to type, and whether it changes something (then it asks first)."""

    label: str
    command: str
    changes: bool = False


KINDS: Mapping[str, Kind] = {
    "more-memory": Kind(
        "Redeploy with {new_memory|more memory}", "%service_update {service} --memory {new_memory|4Gi}", True
    ),
    "lower-request": Kind("Ask for less", "%service_update {service} {less|}", True),
    "add-package": Kind(
        "Add {requirement|the package} and rebuild", "%%deploy {service} --pip {requirement|PACKAGE}", True
    ),
    "pin-version": Kind("Pin {pin|the version} and rebuild", "%%deploy {service} --pip {pin|PACKAGE==VERSION}", True),
    "open-cell": Kind("Open {script|the script} at line {line|1}", "%diagnose {service}"),
    "wrap-run": Kind(
        "Run it here with errors in the answer", "mldeploy serve --entry_script {script|score.py} --debug"
    ),
    "raise-scoring-timeout": Kind("Give run() more time", "%service_update {service} --timeout 120", True),
    "raise-start-timeout": Kind(
        "Give init() more time",
        "mldeploy deploy {entry|score.py} --name {service}{?elsewhere: --target {elsewhere|}?}"
        "{?memory: --memory {memory|}?} --init-timeout 900",
        True,
    ),
    "check-model-path": Kind("See which models are in the service", "mldeploy exec {service} -- ls -R azureml-models"),
    "try-local": Kind("Try it on the local target", "%%deploy {service}-local --target local"),
    "build-log": Kind("Show the build log", "mldeploy logs {service} --build"),
    "start": Kind("Start it again", "mldeploy start {service}", True),
    "logs": Kind("Show the log", "%service_logs {service}"),
    "shell": Kind("Open a shell in the image", "mldeploy shell {service}"),
    "attach-debugpy": Kind("Attach a debugger", "mldeploy debug {service}"),
    "compute-replicas": Kind("Compute the number of replicas", "%replicas --rps 20 --seconds 1 --utilization 0.7"),
    "raise-max-replicas": Kind("Raise the maximum of replicas", "%service_update {service} --autoscale 1:20", True),
}


@dataclass(frozen=True)
class Action:
    """One action, ready to be offered.

    Attributes:
        kind: One of ``KINDS``.
        label: Words of the button.
        command: The line a user can type instead.
        changes: Whether it changes the service, so that it must ask first and show the change.
        parameters: The facts it was made from.
    """

    kind: str
    label: str
    command: str
    changes: bool
    parameters: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "label": self.label,
            "command": self.command,
            "changes": self.changes,
            "parameters": dict(self.parameters),
        }


_NOT_LOCAL = {"try-local", "shell", "attach-debugpy", "check-model-path"}
"""What needs a container; and where it runs on the local target already, trying it there is no step."""
_OF_A_FILE = {"wrap-run"}
_UNKNOWN = re.compile(r"\b(?:PACKAGE|VERSION)\b")


def carried_out_on(target: str, offered: Iterable[Action]) -> tuple[Action, ...]:
    """Those that can be carried out for a service on this target, whose script may be a cell and no file.

    A command in which something is still to be filled in is none to type; the steps have it.
    """
    return tuple(
        one
        for one in offered
        if not (target == "local" and one.kind in _NOT_LOCAL)
        and not (target == "kubernetes" and one.kind == "attach-debugpy")
        and not (one.kind == "raise-start-timeout" and "entry" not in one.parameters)
        and not _UNKNOWN.search(one.command)
        and not (one.kind in _OF_A_FILE and not one.parameters.get("script", "score.py").endswith(".py"))
    )


def action(kind: str, facts: Mapping[str, str], service: str = "") -> Action:
    """The action of a kind for these facts. The service's name stands as ``NAME`` where it is not known."""
    from jupyter_mldeploy.diagnosis.pages import fill

    known = KINDS[kind]
    named = {**facts, "service": service or "NAME"}
    command = fill(known.command.replace("{service}", "{service|NAME}"), named)
    parameters = {name: value for name, value in facts.items() if "{" + name + "|" in known.command + known.label}
    return Action(kind, fill(known.label, named), command, known.changes, parameters)
