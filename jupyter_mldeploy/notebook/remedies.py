"""What can be done about a failure with a click: which actions this front end can carry out, and how."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.notebook.commands import BY_NAME
from jupyter_mldeploy.notebook.options import BadLine, Parsed, parse

if TYPE_CHECKING:
    from jupyter_mldeploy.diagnosis.actions import Action

__all__ = ["Remedy", "commands", "remedies"]

SHOWN = 3

_CHANGEABLE = ("pip", "environment", "memory", "cpu", "replicas", "autoscale", "timeout", "target", "port")
_LOGS = {"logs": False, "build-log": True}


@dataclass(frozen=True)
class Remedy:
    """One action that a button can carry out.

    Attributes:
        label: Of the button.
        command: The same, to be typed.
        name: Of the service it makes or changes.
        changes: Arguments of ``deploy`` that differ from those that failed; empty for one that only shows something.
        shows_build_log: For one that shows a log: which.
    """

    label: str
    command: str
    name: str
    changes: dict[str, Any]
    shows_build_log: bool = False


def remedies(actions: Iterable[Action], service: str) -> list[Remedy]:
    """The actions that can be carried out here. One whose command is not understood gets no button."""
    found = []
    for action in actions:
        if action.kind in _LOGS:
            found.append(Remedy(action.label, action.command, service, {}, _LOGS[action.kind]))
        elif (line := _read_command(action.command)) and (changes := line.given(*_CHANGEABLE)):
            found.append(Remedy(action.label, action.command, line.places.get("NAME", service), changes))
    return found


def _read_command(command: str) -> Parsed | None:
    """The line of a deploying magic, or ``None`` if it is another, or not one we understand."""
    name, _, line = command.lstrip("%").partition(" ")
    if not command.startswith("%") or name not in {"deploy", "service_update"}:
        return None
    try:
        return parse(BY_NAME[name], line)
    except BadLine:
        return None


def commands(actions: Iterable[Action]) -> list[tuple[str, str]]:
    """Label and command of the first actions that can be typed: what a saved notebook shows in place of buttons."""
    typed = [action for action in actions if action.kind != "open-cell"]  # the cell is above, and the line is shown
    return [(action.label, action.command) for action in typed if _can_be_typed(action.command)][:SHOWN]


def _can_be_typed(command: str) -> bool:
    """Whether a command that is offered in text would be understood if it were typed."""
    if re.search(r"\b(NAME|PACKAGE)\b", command):
        return False  # something is not known
    name, _, line = command.lstrip("%").partition(" ")
    if not command.startswith("%"):
        return True  # of the terminal
    if name not in BY_NAME:
        return False
    try:
        parse(BY_NAME[name], line)
    except BadLine:
        return False
    return True
