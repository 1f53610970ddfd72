"""A lock between processes that is waited for without looking again and again, and whose wait can be cancelled.

`filelock` waits by polling, and its wait cannot be woken. Here a thread waits inside the kernel's ``flock``; who wants the
lock waits for the thread or for the cancellation, whichever comes first.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from jupyter_mldeploy.events import Cancel

__all__ = ["locked", "locked_if_free"]


@contextmanager
def locked(path: Path, cancel: Cancel, on_wait: Callable[[], None]) -> Iterator[int]:
    """Hold the lock file; yields its descriptor.

    A child process that inherits the descriptor keeps the lock until it ends, even when this process is killed.

    Args:
        on_wait: Called once if another holds it.

    Raises:
        Cancelled: While it was waited for.
    """
    said = False
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not said:
                said = True
                on_wait()
            _wait(descriptor, cancel)
        if _is_still_there(descriptor, path):
            break
        os.close(descriptor)  # whoever held it has removed the file: lock the new one
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def locked_if_free(path: Path) -> Iterator[bool]:
    """Hold the lock file if nobody does; yields whether it is held. The file may be removed meanwhile."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield _is_still_there(descriptor, path)
    finally:
        os.close(descriptor)


def _wait(descriptor: int, cancel: Cancel) -> None:
    """Wait until the lock is held; if that is cancelled or interrupted, the thread gives it back when it gets it."""
    wake = threading.Event()
    guard = threading.Lock()
    state = {"held": False, "abandoned": False}

    def take() -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with guard:
            state["held"] = True
            if state["abandoned"]:
                os.close(descriptor)
        wake.set()

    threading.Thread(target=take, name="mldeploy-environment-lock", daemon=True).start()
    forget = cancel.on_cancel(wake.set)
    try:
        wake.wait()
        cancel.check()
    except BaseException:
        with guard:
            state["abandoned"] = True
            if state["held"]:
                os.close(descriptor)
        raise
    finally:
        forget()


def _is_still_there(descriptor: int, path: Path) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    mine = os.fstat(descriptor)
    return (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino)
