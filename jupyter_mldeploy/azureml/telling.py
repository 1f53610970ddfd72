"""What is told besides answers: the one module of the v1 names that writes to stdout, as the original does."""

from __future__ import annotations

import sys
import threading
import warnings

__all__ = ["say", "say_once", "warn_once"]

_said: set[str] = set()
_lock = threading.Lock()


def say(text: str, end: str = "\n") -> None:
    """Print it."""
    sys.stdout.write(text + end)
    sys.stdout.flush()


def say_once(text: str) -> None:
    """Print it the first time in this process."""
    if _first(text):
        say(text)


def warn_once(text: str) -> None:
    """Warn the first time in this process."""
    if _first(text):
        warnings.warn(text, UserWarning, stacklevel=4)


def _first(text: str) -> bool:
    with _lock:
        new = text not in _said
        _said.add(text)
    return new
