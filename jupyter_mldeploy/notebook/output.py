"""One output of a cell that can be shown again with other content."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["Output"]


class Output:
    """Shown first in the cell that runs; changed afterwards from anywhere, at any time."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, bundle: Mapping[str, Any]) -> None:
        """Show it, or change what is shown."""
        if self._handle is None:
            from IPython.display import DisplayHandle

            self._handle = DisplayHandle()  # type: ignore[no-untyped-call]
            self._handle.display(dict(bundle), raw=True)
        else:
            self._handle.update(dict(bundle), raw=True)
