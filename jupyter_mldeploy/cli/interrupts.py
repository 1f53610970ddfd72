"""Ctrl-C while something is being made: it is asked to end and cleans up, and asking twice does not break that."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from jupyter_mldeploy.errors import Cancelled
from jupyter_mldeploy.events import Cancel

__all__ = ["Interrupted", "interruptible"]

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(Exception):
    """A signal has ended the command, and what it had begun was cleaned up."""

    def __init__(self, signal_number: int, error: Cancelled) -> None:
        super().__init__(signal_number)
        self.exit_code = 128 + signal_number
        self.error = error


@contextmanager
def interruptible() -> Iterator[Cancel]:
    """While the block runs, the signals that end a program set the ``Cancel`` it is given.

    Raises:
        Interrupted: The block raised ``Cancelled`` after a signal.
    """
    cancel = Cancel()
    if threading.current_thread() is not threading.main_thread():
        yield cancel  # signals belong to the main thread
        return
    seen: list[int] = []

    def on_signal(number: int, frame: FrameType | None) -> None:
        del frame
        seen.append(number)
        if len(seen) == 1:  # later ones change nothing: the clean-up is bounded and must end
            cancel.set()

    before = {number: signal.signal(number, on_signal) for number in SIGNALS}
    try:
        yield cancel
    except Cancelled as error:
        if seen:
            raise Interrupted(seen[0], error) from None
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
