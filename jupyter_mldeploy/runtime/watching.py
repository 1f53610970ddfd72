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
_MOST_FOLDERS = 100
_Stamp = tuple[int, int, int]


async def follow(make: WorkerMake, from_disk: FromDisk, log: Log) -> None:
    """Reload at every change of the script, or of a module or package beside it, until cancelled."""
    folders = {os.path.dirname(make.script_path)}
    if make.source_directory:
        folders.add(os.path.join(make.root, make.source_directory))
    roots = sorted(folders)
    log.info(f"Watching {', '.join(roots)}")
    async for _ in _changes(roots):
        from_disk.ask()


async def _changes(roots: list[str]) -> AsyncIterator[None]:
    """A value for each batch of changes to Python files; editors replace files, so folders are watched, not files."""
    try:
        from watchfiles import PythonFilter, awatch
    except ImportError:
        async for _ in _polled(roots):
            yield
        return
    known = _stamps(roots)
    while True:
        stop = asyncio.Event()
        looking = asyncio.ensure_future(_missed(roots, known, stop))
        try:
            notices = awatch(
                *_packages(roots), watch_filter=PythonFilter(), recursive=False, step=20, debounce=200, stop_event=stop
            )
            async for _ in notices:
                known.clear()
                known.update(_stamps(roots))
                yield
        except OSError:  # a folder is away; the notices begin again with it
            await asyncio.sleep(_POLL_S)
        finally:
            looking.cancel()
        now = _stamps(roots)
        if now and now != known:
            known.clear()
            known.update(now)
            yield


async def _missed(roots: list[str], known: dict[str, _Stamp], stop: asyncio.Event) -> None:
    """End the notices when one did not come: a link's target was swapped, a folder moved away and made anew, a package added."""
    while True:
        await asyncio.sleep(_LOOK_S)
        if _stamps(roots) != known:
            await asyncio.sleep(_POLL_S)  # the notice may be on its way
            if _stamps(roots) != known:
                stop.set()
                return


async def _polled(roots: list[str]) -> AsyncIterator[None]:
    """Where there is no way to be told: look at sizes and times."""
    before = _stamps(roots)
    while True:
        await asyncio.sleep(_POLL_S)
        now = _stamps(roots)
        if now != before:
            before = now
            yield


def _packages(roots: list[str]) -> list[str]:
    """The folders themselves and the packages in them, at any depth; no environments, and none of the hidden ones."""
    found: list[str] = []
    waiting = list(roots)
    while waiting and len(found) < _MOST_FOLDERS:
        folder = waiting.pop(0)
        found.append(folder)
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            waiting += sorted(entry.path for entry in entries if entry.name.isidentifier() and _is_package(entry))
    return found


def _is_package(entry: os.DirEntry[str]) -> bool:
    try:
        names = os.listdir(entry) if entry.is_dir() else []
    except OSError:
        return False
    return "pyvenv.cfg" not in names and any(name.endswith(".py") for name in names)


def _stamps(roots: list[str]) -> dict[str, _Stamp]:
    stamps = {}
    for folder in _packages(roots):
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(".py"):
                    with contextlib.suppress(OSError):
                        status = entry.stat()
                        stamps[entry.path] = (status.st_ino, status.st_size, status.st_mtime_ns)
    return stamps
