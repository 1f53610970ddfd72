"""Everything a script writes reaches the log, each line with the request that was running.

Prints, stderr and logging are made into complete log lines here and go down one pipe that the front copies through, so
that a hundred megabytes of output cost the front next to nothing and the pipe's own back-pressure bounds the memory.
What C code or child processes write to descriptors 1 and 2 goes down a second pipe, which the front stamps itself.
"""

from __future__ import annotations

import array
import fcntl
import io
import logging
import os
import termios
import threading
import time
from typing import Any

_LONGEST_UNFINISHED_LINE = 65_536
_LETTERS = {10: "D", 20: "I", 30: "W", 40: "E", 50: "C"}


class _Current(threading.local):
    request_id: str | None = None


current = _Current()


def begin_request(request_id: str) -> None:
    """Lines written by this thread from now on belong to `request_id`."""
    current.request_id = request_id


class LogPipe:
    """The descriptor that takes finished log lines."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()
        self._second = 0
        self._stamp = ""

    def lines(self, level: str, logger: str, text: str) -> None:
        """Write `text` as one log record; its further lines follow as they are."""
        now = time.time()
        second = int(now)
        if second != self._second:
            self._stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(second))
            self._second = second
        request_id = current.request_id
        mark = f" [{request_id}]" if request_id else ""
        head = f"{self._stamp},{int((now - second) * 1000):03d} {level} [{os.getpid()}] {logger}{mark} - "
        self._write(f"{head}{text}\n".encode("utf-8", "backslashreplace"))

    def _write(self, data: bytes) -> None:
        with self._lock:
            view = memoryview(data)
            try:
                while view:
                    view = view[os.write(self._descriptor, view) :]
            except OSError:
                return  # the front is gone, and with it the log

    def after_fork(self) -> None:
        """Forget a lock that another thread of the parent may have held."""
        self._lock = threading.Lock()


class LineStream(io.TextIOBase):
    """`sys.stdout` or `sys.stderr` of a script: whole lines become log lines, per thread."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, pipe: LogPipe, descriptor: int, level: str, logger: str) -> None:
        self._pipe = pipe
        self._descriptor = descriptor
        self._level = level
        self._logger = logger
        self._unfinished = threading.local()
        self.buffer = io.BufferedWriter(_Unclosable(descriptor))

    def write(self, text: str) -> int:
        """Log the lines that `text` completes and keep the rest until its line ends or it is flushed."""
        kept: str = getattr(self._unfinished, "text", "")
        whole, newline, rest = (kept + text).rpartition("\n")
        if newline:
            for line in whole.split("\n"):
                self._pipe.lines(self._level, self._logger, line)
        if len(rest) > _LONGEST_UNFINISHED_LINE:
            self._pipe.lines(self._level, self._logger, rest)
            rest = ""
        self._unfinished.text = rest
        return len(text)

    def finish(self) -> None:
        """Log what has no newline yet; called when a request ends."""
        kept: str = getattr(self._unfinished, "text", "")
        if kept:
            self._unfinished.text = ""
            self._pipe.lines(self._level, self._logger, kept)

    def flush(self) -> None:
        """Flush the binary side; an unfinished line waits for its end, so that progress dots stay together."""
        self.buffer.flush()

    def close(self) -> None:
        """Stay open: a script that closes its stdout must not lose later output."""
        self.flush()

    def writable(self) -> bool:
        """Always."""
        return True

    def fileno(self) -> int:
        """The real descriptor, for code that hands it to a child process."""
        return self._descriptor


class _Unclosable(io.RawIOBase):
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def write(self, data: Any) -> int:
        return os.write(self._descriptor, data)

    def close(self) -> None:
        """Stay open."""


class LogHandler(logging.Handler):
    """The root logger's handler: records of any logger become log lines."""

    def __init__(self, pipe: LogPipe) -> None:
        super().__init__()
        self._pipe = pipe
        self.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record; a record that cannot be formatted is reported the way logging does it."""
        try:
            letter = _LETTERS.get(record.levelno, "I" if record.levelno < 30 else "W")
            self._pipe.lines(letter, record.name, self.format(record).rstrip("\n"))  # warnings end with one
        except Exception:
            self.handleError(record)


class Output:
    """The worker's whole output: both streams, the root logger and the pipe below them."""

    def __init__(self, pipe: LogPipe) -> None:
        self.pipe = pipe
        self.stdout = LineStream(pipe, 1, "I", "print")
        self.stderr = LineStream(pipe, 2, "E", "stderr")
        self._count = array.array("i", [0])

    def install(self) -> None:
        """Take the place of the interpreter's streams and give the root logger a handler."""
        import sys

        sys.stdout = self.stdout
        sys.stderr = self.stderr
        sys.__stdout__ = self.stdout  # type: ignore[misc, assignment]
        sys.__stderr__ = self.stderr  # type: ignore[misc, assignment]
        root = logging.getLogger()
        root.addHandler(LogHandler(self.pipe))
        root.setLevel(logging.INFO)
        logging.captureWarnings(capture=True)

    def finish(self) -> None:
        """Log what this thread has left without a newline, and flush the binary sides."""
        self.stdout.finish()
        self.stderr.finish()
        self.stdout.buffer.flush()
        self.stderr.buffer.flush()

    def pending(self) -> bool:
        """Whether bytes written to descriptors 1 or 2 still wait for the front."""
        try:
            fcntl.ioctl(1, termios.FIONREAD, self._count)
        except OSError:
            return False  # the script closed it
        return self._count[0] != 0

    def after_fork(self) -> None:
        """Make the output of a forked replica its own."""
        self.pipe.after_fork()


def report(text: str) -> None:
    """Log a traceback of the user's code as one record."""
    logging.getLogger("mldeploy.script").error("%s", text)
