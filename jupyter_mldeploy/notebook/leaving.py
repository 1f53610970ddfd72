"""Leave no live widget behind when the kernel ends: the notebook that is saved then has only what reads without it."""

from __future__ import annotations

import atexit
import weakref
from typing import Protocol

__all__ = ["close_at_exit"]


class Closes(Protocol):
    """What has something open."""

    def close(self) -> None:
        """Leave a static picture in its place."""
        ...


_open: weakref.WeakSet[Closes] = weakref.WeakSet()


def close_at_exit(panel: Closes) -> None:
    """Close ``panel`` when the kernel is shut down or restarted, if it is open then."""
    _open.add(panel)


@atexit.register
def _close_all() -> None:
    for panel in list(_open):
        panel.close()
