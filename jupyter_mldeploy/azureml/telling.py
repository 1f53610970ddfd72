"""What is told besides answers: the one module of the v1 names that writes to stdout, as the original does."""

from __future__ import annotations

import sys
import threading
import warnings

__all__ = ["say", "say_once", "warn_deprecated", "warn_once"]

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
    """Warn the first time in this process, with the line of the user's own code."""
    if _first(text):
        warnings.warn(text, UserWarning, stacklevel=_users_level())


def warn_deprecated(text: str) -> None:
    """Warn as the original did of its own past, with the line of the user's own code."""
    warnings.warn(text, DeprecationWarning, stacklevel=_users_level())


def _users_level() -> int:
    """How far up the first frame outside of this package is, as ``warnings.warn`` counts from its caller."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).startswith("jupyter_mldeploy"):
        level, frame = level + 1, frame.f_back
    return level


def _first(text: str) -> bool:
    with _lock:
        new = text not in _said
        _said.add(text)
    return new
