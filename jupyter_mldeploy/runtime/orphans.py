"""What scripts have started and left behind: it comes to the front, and ends with it (Linux).

A worker's process group is killed with the worker. What a script has put into a session of its own is not in that group,
nor is a debugger's adapter; as their subreaper, the front becomes the parent of those whose own parents have ended.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time

from jupyter_mldeploy.runtime.configuration import content_of

_SET_CHILD_SUBREAPER = 36  # <linux/prctl.h>
_PATIENCE_S = 2.0


def adopt() -> bool:
    """Become the parent of all descendants that lose theirs; False where the system has no such thing."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        import ctypes

        done: int = ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        return False
    return done == 0


def children() -> set[int]:
    """The processes whose parent this process is; only what its first thread has started, where the kernel lists that."""
    own = str(os.getpid())
    with contextlib.suppress(OSError, ValueError):
        return {int(text) for text in content_of(f"/proc/self/task/{own}/children").split()}
    found = set()
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc"):
            if name.isdigit():
                with contextlib.suppress(OSError):
                    if content_of(f"/proc/{name}/stat").rpartition(b")")[2].split()[1] == own.encode():
                        found.add(int(name))
    return found


def end_all(spare: set[int]) -> None:
    """Kill every child but those to spare, and theirs, which become ours when they lose them."""
    deadline = time.monotonic() + _PATIENCE_S
    while (left := children() - spare) and time.monotonic() < deadline:
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        for pid in left:
            _take_status(pid, deadline)


def _take_status(pid: int, deadline: float) -> None:
    """Wait for a child's end, not past the deadline, and take its exit status."""
    with contextlib.suppress(OSError):  # it is gone already, or the kernel is older than descriptors of processes
        descriptor = os.pidfd_open(pid)
        select.select([descriptor], [], [], max(0, deadline - time.monotonic()))
        os.close(descriptor)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
