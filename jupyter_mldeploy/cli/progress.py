"""The stages of a deployment as lines of text: one as each ends, and on a terminal what the running one last said."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from jupyter_mldeploy.cli.showing import ReaderGone, Screen
from jupyter_mldeploy.events import Event, EventKind

__all__ = ["Progress"]


class Progress:
    """Sink for the events of one operation.

    Args:
        screen: Where to print; in JSON the stages are only kept.
        announce: Also print when a stage begins, for a process that waits for that.

    Attributes:
        stages: Each stage that has ended: ``stage, kind, seconds, message, data``.
    """

    def __init__(self, screen: Screen, *, announce: bool = False) -> None:
        self._screen = screen
        self._announce = announce
        self._lock = threading.Lock()
        self.stages: list[Mapping[str, Any]] = []

    def __call__(self, event: Event) -> None:
        # The deployment does not depend on somebody watching.
        with self._lock, suppress(ReaderGone):
            self._take(event)

    def _take(self, event: Event) -> None:
        ended = event.kind in {EventKind.FINISHED, EventKind.SKIPPED, EventKind.FAILED}
        if ended:
            told = event.to_json()
            self.stages.append({key: told[key] for key in ("stage", "kind", "seconds", "message", "data")})
        if self._announce and event.kind is EventKind.STARTED:
            self._screen.line(f"  {event.stage:<9}begins")
        elif self._screen.is_json:
            return
        elif ended:
            self._screen.line(f"  {event.stage:<9}{_seconds(event)}  {_words(event)}".rstrip())
        elif event.kind is EventKind.EXPLAINED:
            if self._screen.is_terminal:
                self._screen.passing(f"  {event.message}: cleaning up")
        elif self._screen.is_terminal:
            self._screen.passing(f"  {event.stage:<9}{event.message}")
        elif event.kind is EventKind.LOG:
            self._screen.line(f"    {event.message}")


def _seconds(event: Event) -> str:
    return f"{event.seconds:6.1f} s" if event.seconds is not None else " " * 8


def _words(event: Event) -> str:
    if event.kind is EventKind.FAILED:
        # The sentence itself comes once, on stderr, at the end.
        return "interrupted" if event.message == "interrupted" else "FAILED"
    return f"skipped {event.message}".rstrip() if event.kind is EventKind.SKIPPED else event.message
