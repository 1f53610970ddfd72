"""A worker that has run `init()` and forks replicas of itself, which share its memory.

A forked replica stands in milliseconds and costs only the memory it changes. The parent never serves a request, so that
every replica begins as `init()` left it. Forking is refused where it is not safe: the child of a process with other
threads has their locks but not them, and a GPU context does not survive a fork.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any

from . import frames

if TYPE_CHECKING:
    from .process import Worker

_GPU_MARKS = ("libcuda.so", "libcudart", "libhsa-runtime", "libtpu")
# Libraries whose own threads are paused around a fork by handlers that they register themselves.
_SAFE_POOLS = ("libopenblas", "libscipy_openblas")


def why_not_fork() -> str | None:
    """Why this process must not be forked, or None when it may."""
    if not sys.platform.startswith("linux"):
        return "forking is only used on Linux"
    if threading.active_count() > 1:
        return "init() or an import started a Python thread"
    try:
        with open("/proc/self/maps") as stream:
            mapped = {line.rpartition(" ")[2].strip() for line in stream if "/" in line}
        threads = len(os.listdir("/proc/self/task"))
    except OSError:
        return "there is no /proc to look for threads"
    for mark in _GPU_MARKS:
        if any(mark in os.path.basename(path) for path in mapped):
            return "a GPU library is loaded"
    if "tensorflow" in sys.modules:
        return "TensorFlow is loaded"
    pools = sum(any(os.path.basename(path).startswith(name) for name in _SAFE_POOLS) for path in mapped)
    allowed = 1 + pools * max(0, (os.cpu_count() or 1) - 1)
    if threads > allowed:
        return f"init() or an import started {threads - 1} threads"
    return None


class Parent:
    """The loop of such a worker; it returns only in a forked replica."""

    def __init__(self, worker: Worker, fork_fd: int) -> None:
        self._worker = worker
        self._descriptors = socket.socket(fileno=fork_fd)
        self._children: set[int] = set()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)

    def serve(self) -> None:
        """Fork when asked, report replicas that ended, take part in changes; return in each new replica."""
        worker = self._worker
        gc.collect()
        gc.freeze()  # otherwise the collector would touch, and so copy, every page of every replica
        previous = signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        waiting = select.poll()
        waiting.register(worker.socket, select.POLLIN)
        waiting.register(self._wake_read, select.POLLIN)
        while True:
            # Several orders may have come with one read; the poll knows nothing of those.
            ready = {descriptor for descriptor, _ in waiting.poll(0 if worker.buffered else None)}
            if self._wake_read in ready:
                self._report_ended()
            if worker.socket.fileno() not in ready and not worker.buffered:
                continue
            kind, _, meta, body = worker.read_frame()
            if kind == frames.FORK:
                if self._fork(previous):
                    return
            elif not worker.obey(kind, meta, body):
                os._exit(0)

    def _fork(self, previous: Any) -> bool:
        """True in the child."""
        worker = self._worker
        _, descriptors, _, _ = socket.recv_fds(self._descriptors, 1, 3)
        gc.disable()
        pid = os.fork()
        if pid:
            gc.enable()
            self._children.add(pid)
            for descriptor in descriptors:
                os.close(descriptor)
            worker.reply({"pid": pid})
            return False
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, previous if previous is not None else signal.SIG_DFL)
        os.close(self._wake_read)
        os.close(self._wake_write)
        self._descriptors.close()
        worker.become_replica(*descriptors)
        gc.enable()
        return True

    def _report_ended(self) -> None:
        try:
            os.read(self._wake_read, 4096)
        except BlockingIOError:
            return
        for pid in list(self._children):  # only ours: a script may wait for processes that it started itself
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                self._children.discard(pid)
                self._worker.notice("replica_ended", pid=pid, status=status)
