"""Notice that a file was changed, from the system's own notices."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

__all__ = ["watch_file"]


def watch_file(path: Path, ended: threading.Event, changed: Callable[[], None], *, name: str) -> None:
    """Call ``changed`` after each change of the file, from a thread of its own, until ``ended`` is set."""
    threading.Thread(target=_watch, args=(path, ended, changed), name=name, daemon=True).start()


def _watch(path: Path, ended: threading.Event, changed: Callable[[], None]) -> None:
    from watchfiles import watch

    # The folder, because editors replace the file rather than write into it.
    notices = watch(
        path.parent,
        watch_filter=lambda _change, changed_path: Path(changed_path).name == path.name,
        stop_event=ended,
        recursive=False,
        raise_interrupt=False,
        rust_timeout=1000,
    )
    try:
        for _ in notices:
            changed()
    except FileNotFoundError:
        pass  # the folder is gone: nothing can be noticed there any more
