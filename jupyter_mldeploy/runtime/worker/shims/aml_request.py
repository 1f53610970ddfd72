"""`@rawhttp` and `AMLRequest` for scripts that want the whole HTTP request.

`AMLRequest` is the request class of flask or werkzeug where the user's environment has one, and a small class with the
same attributes where it has not.
"""

from __future__ import annotations

import sys
from typing import Any, Callable, TypeVar

from ..web import request_class

__all__ = ["AMLRequest", "rawhttp"]

_Run = TypeVar("_Run", bound=Callable[..., Any])

AMLRequest: Any = request_class()


def rawhttp(func: _Run) -> _Run:
    """Ask for the HTTP request itself as the argument of `run()`."""
    from . import RAW_FLAG_MODULES

    for name in RAW_FLAG_MODULES:
        module = sys.modules.get(name)
        if module is not None:
            module._rawHttpRequested = True  # type: ignore[attr-defined]
    return func
