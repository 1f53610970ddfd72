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
_LOOK_S = 2.0
_Stamp = tuple[int, int, int]


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
    known = _stamps(folders)
    while True:
        stop = asyncio.Event()
        looking = asyncio.ensure_future(_missed(folders, known, stop))
        try:
            notices = awatch(
                *folders, watch_filter=PythonFilter(), recursive=False, step=20, debounce=200, stop_event=stop
            )
            async for _ in notices:
                known.clear()
                known.update(_stamps(folders))
                yield
        except OSError:  # a folder is away; the notices begin again with it
            await asyncio.sleep(_POLL_S)
        finally:
            looking.cancel()
        now = _stamps(folders)
        if now and now != known:
            known.clear()
            known.update(now)
            yield


async def _missed(folders: list[str], known: dict[str, _Stamp], stop: asyncio.Event) -> None:
    """End the notices when one did not come: a link's target was swapped, a folder moved away and made anew."""
    while True:
        await asyncio.sleep(_LOOK_S)
        if _stamps(folders) != known:
            await asyncio.sleep(_POLL_S)  # the notice may be on its way
            if _stamps(folders) != known:
                stop.set()
                return


async def _polled(folders: list[str]) -> AsyncIterator[None]:
    """Where there is no way to be told: look at sizes and times."""
    before = _stamps(folders)
    while True:
        await asyncio.sleep(_POLL_S)
        now = _stamps(folders)
        if now != before:
            before = now
            yield


def _stamps(folders: list[str]) -> dict[str, _Stamp]:
    stamps = {}
    for folder in folders:
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(".py"):
                    with contextlib.suppress(OSError):
                        status = entry.stat()
                        stamps[entry.path] = (status.st_ino, status.st_size, status.st_mtime_ns)
    return stamps
