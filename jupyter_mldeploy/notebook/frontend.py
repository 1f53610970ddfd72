"""What the cell is shown in: a terminal, a page with live widgets, or a run that nobody watches."""

from __future__ import annotations

from enum import Enum
from typing import Any

__all__ = ["FrontEnd", "front_end"]


class FrontEnd(Enum):
    """What can be shown."""

    TERMINAL = "terminal"
    """Text, line after line."""
    LIVE = "live"
    """Widgets: JupyterLab, Notebook, VS Code, Colab."""
    UNATTENDED = "unattended"
    """Outputs are kept and nobody can click: ``jupyter execute``, papermill, nbconvert."""


def front_end(shell: Any) -> FrontEnd:
    """What ``shell`` is shown in.

    A front end with a person before it lets the kernel ask for input; one that only runs a notebook does not. A widget shown
    to nobody would leave its state in the notebook that is saved.
    """
    if getattr(shell, "kernel", None) is None:
        return FrontEnd.TERMINAL
    request = shell.get_parent().get("content", {})
    return FrontEnd.LIVE if request.get("allow_stdin", False) else FrontEnd.UNATTENDED
