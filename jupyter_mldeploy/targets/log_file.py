"""Reading and following a log that is a file."""

from __future__ import annotations

import calendar
import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.targets.base import LogLine, LogQuery

__all__ = ["LineFilter", "decode_line", "read_lines"]

_STAMP = re.compile(r"(\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)[,.]\d+ \w \[(\d+)\]")
CHUNK = 65536


def read_lines(
    path: Path, query: LogQuery, cancel: Cancel, replica_of: Callable[[int], str], ended: Callable[[], bool]
) -> Iterator[LogLine]:
    """Lines of a log file as the query wants them.

    Args:
        path: The file; one that is not there is empty.
        query: Which lines.
        cancel: Ends the following.
        replica_of: Name of the replica with that process number, or ``""``.
        ended: Whether the service has ended, so that nothing more can come.
    """
    chosen = LineFilter(query, replica_of)
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        if query.lines is not None and not chosen.narrows:
            _seek_to_last(file, query.lines)
        partial = b""
        lines = [line for text in _complete_lines(file) if (line := chosen(text)) is not None]
        partial = _rest(file)
        if query.lines is not None:
            lines = lines[-query.lines :] if query.lines else []
        if partial and not query.follow and (line := chosen(decode_line(partial))) is not None:
            lines.append(line)
        yield from lines
        if query.follow:
            yield from _follow(file, path, chosen, cancel, ended)


class LineFilter:
    """Keeps the lines that a query wants; a line without a stamp belongs to the one before it."""

    def __init__(self, query: LogQuery, replica_of: Callable[[int], str]) -> None:
        self._query = query
        self._needle = query.grep.casefold() if query.grep else None
        self._oldest = time.time() - query.since if query.since else None
        self._replica_of = replica_of
        self._replica = ""
        self._recent = self._oldest is None

    @property
    def narrows(self) -> bool:
        return bool(self._needle or self._oldest or self._query.replica)

    def __call__(self, text: str) -> LogLine | None:
        if match := _STAMP.match(text):
            self._replica = self._replica_of(int(match[2]))
            if self._oldest is not None:
                stamp = time.strptime(match[1].replace("T", " "), "%Y-%m-%d %H:%M:%S")
                self._recent = calendar.timegm(stamp) >= self._oldest - 1
        wanted = (
            self._recent
            and (not self._needle or self._needle in text.casefold())
            and (not self._query.replica or self._query.replica in {self._replica, self._replica.rpartition("/")[2]})
        )
        return LogLine(text=text, replica=self._replica) if wanted else None


def _follow(
    file: BinaryIO, path: Path, chosen: LineFilter, cancel: Cancel, ended: Callable[[], bool]
) -> Iterator[LogLine]:
    import threading

    from watchfiles import watch

    stop = threading.Event()
    forget = cancel.on_cancel(stop.set)
    try:
        # The watch wakes once a second of quiet too, to see whether the service has ended.
        changes = watch(
            path.parent, stop_event=stop, debounce=50, step=10, rust_timeout=1000, yield_on_timeout=True,
            recursive=False, raise_interrupt=True,
        )  # fmt: skip
        for change in changes:
            for text in _complete_lines(file):
                if (line := chosen(text)) is not None:
                    yield line
            if not change and ended():
                break
    finally:
        forget()


def _complete_lines(file: BinaryIO) -> Iterator[str]:
    """Lines from here on; leaves the position before a last line that has no end yet."""
    while True:
        begin = file.tell()
        line = file.readline()
        if not line.endswith(b"\n"):
            file.seek(begin)
            return
        yield decode_line(line)


def _rest(file: BinaryIO) -> bytes:
    begin = file.tell()
    rest = file.read()
    file.seek(begin)
    return rest


def _seek_to_last(file: BinaryIO, lines: int) -> None:
    """Place the file so that at most a few more than so many lines follow, without reading it all."""
    position = file.seek(0, 2)
    newlines = 0
    blocks: deque[int] = deque()
    while position > 0 and newlines <= lines:
        step = min(CHUNK, position)
        position -= step
        file.seek(position)
        newlines += file.read(step).count(b"\n")
        blocks.append(position)
    file.seek(position)
    if position:
        file.readline()


def decode_line(line: bytes) -> str:
    """A line as text; bytes that are not UTF-8 stay visible."""
    return line.decode("utf-8", "backslashreplace").rstrip("\r\n")
