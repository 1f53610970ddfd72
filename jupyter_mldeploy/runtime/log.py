"""The service's log on stdout: one line a record, never in the way of a request.

Lines are gathered and written once per turn of the event loop. Where nobody reads the other end of the pipe, lines are
kept up to a bound and then dropped and counted, so that a stuck reader stops neither requests nor scripts.
"""

from __future__ import annotations

import asyncio
import os
import select
import stat
import time
from collections import deque

_PIPE_ATOM = 4096  # a pipe that polls as writable takes this many bytes without blocking (POSIX: PIPE_BUF)
_MOST_KEPT = 4 * 1024 * 1024


class Log:
    """Writes log lines to a descriptor."""

    def __init__(self, descriptor: int = 1) -> None:
        self._descriptor = descriptor
        self._kept: deque[bytes] = deque()
        self._size = 0
        self._dropped = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._scheduled = False
        self._waiting = False
        self._second = 0
        self._stamp = ""
        self._pid = os.getpid()
        mode = os.fstat(descriptor).st_mode
        self._may_block = not stat.S_ISREG(mode)
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Gather lines from now on and write them from this loop."""
        self._loop = loop

    def line(self, level: str, logger: str, text: str, request_id: str = "", pid: int = 0) -> None:
        """Log one record: `2026-11-21 10:02:11,123 I [pid] logger [request-id] - text`."""
        now = time.time()
        second = int(now)
        if second != self._second:
            self._stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(second))
            self._second = second
        mark = f" [{request_id}]" if request_id else ""
        milliseconds = int((now - second) * 1000)
        head = f"{self._stamp},{milliseconds:03d} {level} [{pid or self._pid}] {logger}{mark}"
        self.raw(f"{head} - {text}\n".encode("utf-8", "backslashreplace"))

    def info(self, text: str) -> None:
        """A record of the server itself."""
        self.line("I", "mldeploy", text)

    def warning(self, text: str) -> None:
        """What is probably a mistake."""
        self.line("W", "mldeploy", text)

    def error(self, text: str) -> None:
        """An error of the server itself."""
        self.line("E", "mldeploy", text)

    def raw(self, data: bytes) -> None:
        """Log finished lines as they are."""
        if self._size + len(data) > _MOST_KEPT:
            self._dropped += data.count(b"\n")
            return
        self._kept.append(data)
        self._size += len(data)
        if self._loop is None:
            self.flush()
        elif not self._scheduled and not self._waiting:
            self._scheduled = True
            self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Write what the descriptor takes without blocking and keep the rest for when it is writable again."""
        self._scheduled = False
        data = b"".join(self._kept)
        self._kept.clear()
        if self._dropped and self._size < _MOST_KEPT // 2:
            data += f"... {self._dropped} log lines were dropped because nobody read them\n".encode()
            self._dropped = 0
        written = self._write(memoryview(data))
        rest = data[written:]
        self._size = len(rest)
        if rest:
            self._kept.append(rest)
            if self._loop is not None and not self._waiting:
                self._waiting = True
                self._loop.add_writer(self._descriptor, self._writable)

    def _write(self, view: memoryview) -> int:
        written = 0
        try:
            while written < len(view):
                if self._may_block and self._loop is not None and not self._poll.poll(0):
                    break
                size = _PIPE_ATOM if self._may_block else len(view)
                written += os.write(self._descriptor, view[written : written + size])
        except BlockingIOError:
            return written
        except OSError:
            return len(view)  # nobody can ever read it
        return written

    def _writable(self) -> None:
        assert self._loop is not None
        self._loop.remove_writer(self._descriptor)
        self._waiting = False
        self.flush()
