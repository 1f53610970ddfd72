"""Work in a thread, watched from the thread that shows it.

The main thread of a kernel must wait, so that *Run All* stops when a deployment fails, and it alone gets the interrupt; so the
work runs beside it. What is shown is shown from the waiting thread: a cell's output belongs to the thread that runs the cell.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from jupyter_mldeploy.events import Cancel

__all__ = ["Pump"]

T = TypeVar("T")

LEAST_PAUSE = 0.1
"""Seconds between two drawings: ten a second are enough for eyes, and few enough for any connection."""


class Pump(Generic[T]):
    """One piece of work.

    Args:
        work: Called in a thread of its own; must return soon after ``cancel`` was set.
        show: Draws how things are; called at most ten times a second and once at the end.
        name: Of the thread.
        clock: Seconds after which to draw even if nothing happened, for running clocks; ``None``: never.
    """

    def __init__(
        self, work: Callable[[Cancel], T], show: Callable[[], None], *, name: str, clock: float | None = None
    ) -> None:
        self.cancel = Cancel()
        self._work = work
        self._show = show
        self._clock = clock
        self._condition = threading.Condition()
        self._changed = False
        self._done = False
        self._result: T | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def changed(self) -> None:
        """Say that there is something new to show. Safe from any thread, and quick."""
        with self._condition:
            self._changed = True
            self._condition.notify_all()

    def start(self) -> None:
        """Begin the work."""
        self._thread.start()

    def watch(self) -> T:
        """Show until the work has ended; return what it returned or raise what it raised.

        An interrupt asks the work to end and goes on waiting: it cleans up, and nothing is left behind. What it raises then
        (``Cancelled``) is what the cell shows.
        """
        while True:
            try:
                self._watch()
                break
            except KeyboardInterrupt:
                self.cancel.set()
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]  # set, because there was no error

    def _watch(self) -> None:
        shown = 0.0
        while True:
            with self._condition:
                self._condition.wait_for(self._something, timeout=self._clock)
                pause = LEAST_PAUSE - (time.monotonic() - shown)
                if pause > 0 and not self._done:
                    self._condition.wait_for(self._is_done, timeout=pause)
                self._changed = False
                done = self._done
            self._show()
            shown = time.monotonic()
            if done:
                return

    def _something(self) -> bool:
        return self._changed or self._done

    def _is_done(self) -> bool:
        return self._done

    def _run(self) -> None:
        try:
            self._result = self._work(self.cancel)
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            self._error = error
        with self._condition:
            self._done = True
            self._condition.notify_all()
