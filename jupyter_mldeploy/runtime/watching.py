"""`--reload`: take in the script whenever its file changes."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_mldeploy.runtime.configuration import WorkerMake
    from jupyter_mldeploy.runtime.log import Log
    from jupyter_mldeploy.runtime.reload import FromDisk

_POLL_S = 0.5


async def follow(make: WorkerMake, from_disk: FromDisk, log: Log) -> None:
    """Reload at every change of the script, or of a module beside it, until cancelled."""
    folders = {os.path.dirname(make.script_path)}
    if make.source_directory:
        folders.add(os.path.join(make.root, make.source_directory))
    log.info(f"Watching {', '.join(sorted(folders))}")
    async for _ in _changes(sorted(folders)):
        from_disk.ask()


async def _changes(folders: list[str]) -> AsyncIterator[None]:
    """A value for each batch of changes to Python files; editors replace files, so folders are watched, not files."""
    try:
        from watchfiles import PythonFilter, awatch
    except ImportError:
        async for _ in _polled(folders):
            yield
        return
    async for _ in awatch(*folders, watch_filter=PythonFilter(), recursive=False, step=20, debounce=200):
        yield


async def _polled(folders: list[str]) -> AsyncIterator[None]:
    """Where there is no way to be told: look at sizes and times."""
    before = _stamps(folders)
    while True:
        await asyncio.sleep(_POLL_S)
        now = _stamps(folders)
        if now != before:
            before = now
            yield


def _stamps(folders: list[str]) -> dict[str, tuple[int, int]]:
    stamps = {}
    for folder in folders:
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(".py"):
                    with contextlib.suppress(OSError):
                        status = entry.stat()
                        stamps[entry.path] = (status.st_size, status.st_mtime_ns)
    return stamps
