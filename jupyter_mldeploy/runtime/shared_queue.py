"""Calls that wait for whichever worker is free first, where the workers can take them without asking the front.

While every worker is busy, the oldest waiting calls lie in a socket that all workers of a generation can read. A worker
that has finished takes the next one there and says so with its answer. Under load a worker so goes from one request to
the next without sleeping, and the front is not woken twice for each. It still is one queue in order of arrival, never
one behind a busy worker: only free workers read it. What nobody has taken, the front can take back.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from jupyter_mldeploy.runtime.worker import frames

if TYPE_CHECKING:
    from jupyter_mldeploy.runtime.dispatch import QueuedCall

_MOST = 16
_FIRST = 0x8000_0000  # sequences here never meet those of calls that are sent to one worker


class SharedQueue:
    """The socket and the calls in it."""

    def __init__(self) -> None:
        self.calls: dict[int, QueuedCall] = {}  # by sequence, oldest first; taken ones until their worker tells
        self._sequence = _FIRST
        self._ours: socket.socket | None = None
        self.workers_end: socket.socket | None = None
        if hasattr(socket, "SOCK_SEQPACKET"):
            try:
                self._ours, self.workers_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            except OSError:
                return  # macOS: calls wait in the front
            self._ours.setblocking(False)

    def put(self, call: QueuedCall, meta: bytes, body: bytes) -> bool:
        """Put a call in; False when it does not fit."""
        if self._ours is None or len(self.calls) >= _MOST or len(meta) + len(body) > frames.MOST_SHARED:
            return False
        self._sequence = sequence = _FIRST | (self._sequence + 1)
        request_id = call.request_id
        meta = request_id + meta
        head = frames.HEADER.pack(frames.REQUEST, 0, len(request_id), sequence, 0, len(meta), len(body), 0)
        try:
            self._ours.send(head + meta + body)
        except OSError:  # full
            return False
        self.calls[sequence] = call
        return True

    def taken(self, sequence: int) -> QueuedCall | None:
        """A worker has taken this call."""
        return self.calls.pop(sequence, None)

    def take_back(self) -> QueuedCall | None:
        """The oldest call that no worker has taken, taken out."""
        if not self.calls or self.workers_end is None:
            return None
        try:
            data = self.workers_end.recv(frames.HEADER_SIZE, socket.MSG_DONTWAIT)
        except OSError:
            return None
        return self.calls.pop(frames.HEADER.unpack(data[: frames.HEADER_SIZE])[3], None)

    def close(self) -> None:
        """Close the front's ends."""
        for end in (self._ours, self.workers_end):
            if end is not None:
                end.close()
        self._ours = self.workers_end = None
