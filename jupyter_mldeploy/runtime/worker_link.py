"""One worker process as the front sees it: its frames, its output and its end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from jupyter_mldeploy.runtime.worker import frames

if TYPE_CHECKING:
    from jupyter_mldeploy.runtime.log import Log
    from jupyter_mldeploy.runtime.spawning import Channels

_READ = 65_536
_MOST_PARTIAL_LINE = 65_536
# A child that the script forked may hold the socket open after the worker's own end.
_GRACE_AFTER_EXIT_S = 0.2
_GRACE_AFTER_CLOSE_S = 1.0
_KINDS = (frames.ANSWER, frames.NOTICE, frames.REPLY)


class Call(Protocol):
    """A scoring call on its way through a worker."""

    request_id: bytes
    worker: WorkerLink | None

    def answered(self, worker: WorkerLink, status: int, flags: int, exec_us: int, meta: bytes, body: bytes) -> None:
        """Take the worker's answer."""


class Owner(Protocol):
    """Who a worker belongs to."""

    def took_shared(self, worker: WorkerLink, sequence: int) -> None:
        """The worker runs this call of the shared queue next."""

    def freed(self, worker: WorkerLink) -> None:
        """A call is over; the worker can take another."""

    def noticed(self, worker: WorkerLink, notice: dict[str, Any]) -> None:
        """The worker reports something."""

    def ended(self, worker: WorkerLink) -> None:
        """The process is gone; `exit_code` or `signal` says how."""


class WorkerLink(asyncio.Protocol):
    """The front's end of one worker."""

    def __init__(self, replica: int, pid: int, channels: Channels, owner: Owner, log: Log, script: str) -> None:
        self.replica = replica  # 0: a parent, which serves nothing itself
        self.parent: WorkerLink | None = None  # whom it was forked from
        self.orphaned = False
        self.told_oom = False  # it said itself that it had run out of memory
        self.broke = False  # what connects it with the front is of no use any more
        self.ran_us = 0
        self.began = 0.0
        self.pid = pid
        self.owner = owner
        self.script = script
        self.state = "starting"
        self.stage = "import"
        self.contract: dict[str, Any] = {}
        self.calls: dict[int, Call] = {}
        self.slots = 1
        self.requests = 0
        self.errors = 0
        self.latencies: deque[float] = deque(maxlen=512)
        self.cpu_share: float | None = None
        self.started = time.time()
        self.exit_code: int | None = None
        self.signal: int | None = None
        self.stopping = False
        self.answer_head = b""
        self.full_request = False
        self._channels = channels
        self._log = log
        self._loop: asyncio.AbstractEventLoop
        self._transport: asyncio.Transport
        self._buffer = bytearray()
        self._sequence = 0
        self._replies: dict[int, asyncio.Future[tuple[dict[str, Any], bytes]]] = {}
        self._partial = b""
        self._last_request_id = ""
        self._exited = False
        self._disconnected = False
        self._over = False

    # ---- connecting

    async def connect(self) -> None:
        """Bind the worker's channels to the running loop."""
        self._loop = asyncio.get_running_loop()
        await self._loop.create_unix_connection(lambda: self, sock=self._channels.link)
        self._loop.add_reader(self._channels.log_fd, self._read_log)
        self._loop.add_reader(self._channels.output_fd, self._read_output)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport (asyncio calls this)."""
        self._transport = transport  # type: ignore[assignment]

    def connection_lost(self, _exc: Exception | None) -> None:
        """The worker closed its end: it is dead or about to be (asyncio calls this)."""
        self._disconnected = True
        if self.state in ("idle", "busy"):
            self.state = "stopping"
        if self.orphaned:  # nobody is left who could tell how it ended
            self.kill()
            self._exited = True
        elif not self._exited:  # an end that is under way comes first: it knows the reason
            self._loop.call_later(_GRACE_AFTER_CLOSE_S, self._end_broken)
        self._maybe_over()

    def _end_broken(self) -> None:
        """A script that closed the socket under us, or wrote to it, is of no use any more."""
        if not self._exited:
            self.broke = True
            self.kill()

    def took(self, script: str) -> None:
        """The worker serves this script from now on."""
        self.script = script
        self.answer_head = b"x-mldeploy-script: %b\r\nx-mldeploy-replica: %d\r\n" % (script.encode(), self.replica)

    # ---- frames to the worker

    @property
    def label(self) -> int | None:
        """The replica's number, None for a parent."""
        return self.replica or None

    @property
    def can_fork(self) -> bool:
        """Whether it was started with a way to take descriptors for replicas."""
        return self._channels.fork_socket is not None

    @property
    def alive(self) -> bool:
        """Whether orders can still reach it."""
        return not (self._exited or self._disconnected)

    @property
    def out_of_memory(self) -> bool:
        """Whether it ended itself for want of memory."""
        return self.told_oom or self.exit_code == frames.EXIT_OUT_OF_MEMORY

    @property
    def free(self) -> bool:
        """Whether a call can be sent now."""
        return self.state in ("idle", "busy") and not self.stopping and len(self.calls) < self.slots

    def send_call(self, call: Call, meta: bytes, body: bytes) -> None:
        """Hand a call to the worker; `call.answered` follows, or the worker's end."""
        self._sequence = sequence = (self._sequence + 1) & 0xFFFFFFFF
        self.has_call(sequence, call)
        request_id = call.request_id
        meta = request_id + meta
        head = frames.HEADER.pack(frames.REQUEST, 0, len(request_id), sequence, 0, len(meta), len(body), 0)
        if len(body) > _READ:
            self._transport.write(head + meta)
            self._transport.write(body)
        else:
            self._transport.write(head + meta + body)

    def has_call(self, sequence: int, call: Call) -> None:
        """The worker runs this call now."""
        self.calls[sequence] = call
        call.worker = self
        if not self.stopping:
            self.state = "busy"
        self.began = time.perf_counter()

    def send(self, kind: int, meta: Any, body: bytes = b"") -> None:
        """Send an order that is answered by notices."""
        self._transport.write(frames.pack(kind, meta=json.dumps(meta).encode(), body=body))

    def send_descriptors(self, descriptors: list[int]) -> None:
        """Hand descriptors for a replica to a parent; a FORK order follows."""
        assert self._channels.fork_socket is not None
        socket.send_fds(self._channels.fork_socket, [b"f"], descriptors)

    def ask(self, kind: int, meta: Any, body: bytes = b"") -> asyncio.Future[tuple[dict[str, Any], bytes]]:
        """Send an order and await its reply; `ConnectionError` when the worker ends first."""
        self._sequence = sequence = (self._sequence + 1) & 0xFFFFFFFF
        reply: asyncio.Future[tuple[dict[str, Any], bytes]] = self._loop.create_future()
        if not self.alive:
            reply.set_exception(ConnectionError("The worker ended."))
            return reply
        self._replies[sequence] = reply
        self._transport.write(frames.pack(kind, sequence, json.dumps(meta).encode(), body))
        return reply

    # ---- frames from the worker

    def data_received(self, data: bytes) -> None:
        """Take apart what arrived (asyncio calls this)."""
        buffer = self._buffer
        if not buffer and len(data) >= frames.HEADER_SIZE:
            kind, flags, status, sequence, exec_us, meta_size, body_size, taken = frames.HEADER.unpack_from(data)
            middle = frames.HEADER_SIZE + meta_size
            if len(data) == middle + body_size:  # nearly always: one whole frame
                meta, body = data[frames.HEADER_SIZE : middle], data[middle:]
                self._frame(kind, flags, status, sequence, exec_us, meta, body, taken)
                return
        buffer += data
        start, size = 0, len(buffer)
        while size - start >= frames.HEADER_SIZE:
            header = frames.HEADER.unpack_from(buffer, start)
            kind, flags, status, sequence, exec_us, meta_size, body_size, taken = header
            if kind not in _KINDS:
                self._end_broken()
                return
            middle = start + frames.HEADER_SIZE + meta_size
            end = middle + body_size
            if size < end:
                break
            meta, body = bytes(buffer[start + frames.HEADER_SIZE : middle]), bytes(buffer[middle:end])
            start = end
            self._frame(kind, flags, status, sequence, exec_us, meta, body, taken)
        del buffer[:start]

    def _frame(
        self,
        kind: int,
        flags: int,
        status: int,
        sequence: int,
        exec_us: int,
        meta: bytes,
        body: bytes,
        taken: int,
    ) -> None:
        if kind == frames.ANSWER:
            call = self.calls.pop(sequence, None)
            if call is None:
                return
            if flags & frames.OUTPUT_PENDING:
                self._last_request_id = call.request_id.decode("latin-1")
                self._read_output()
            self._last_request_id = ""
            if taken:
                self.owner.took_shared(self, taken)
            if flags & frames.LEAVING:
                self.told_oom = True
            if flags & frames.LEAVING or self.stopping:
                self.state = "stopping"
            elif not self.calls:
                self.state = "idle"
            self.requests += 1
            self.ran_us += exec_us
            call.answered(self, status, flags, exec_us, meta, body)
            if not flags & frames.LEAVING:
                self.owner.freed(self)
        else:
            self._told(kind, sequence, meta, body)

    def _told(self, kind: int, sequence: int, meta: bytes, body: bytes) -> None:
        try:
            told = json.loads(meta)
        except ValueError:
            told = None
        if not isinstance(told, dict):
            self._end_broken()
        elif kind == frames.NOTICE:
            self.owner.noticed(self, told)
        else:
            reply = self._replies.pop(sequence, None)
            if reply is not None and not reply.done():
                reply.set_result((told, body))

    # ---- output

    def _read_log(self) -> None:
        data = self._read(self._channels.log_fd)
        if not data:
            return
        # Lines are written whole, but a long one may be cut by the pipe's size.
        self._partial += data
        whole, newline, rest = self._partial.rpartition(b"\n")
        if newline:
            self._log.raw(whole + newline)
        self._partial = rest
        if len(rest) > _MOST_PARTIAL_LINE:
            self._log.raw(rest)
            self._partial = b""

    def _read_output(self) -> None:
        data = self._read(self._channels.output_fd)
        if data:
            for line in data.decode("utf-8", "backslashreplace").rstrip("\n").split("\n"):
                self._log.line("I", "output", line, self._running_request_id(), self.pid)

    def _running_request_id(self) -> str:
        for call in self.calls.values():
            return call.request_id.decode("latin-1")
        return self._last_request_id

    def _read(self, descriptor: int) -> bytes:
        try:
            data = os.read(descriptor, _READ)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            self._loop.remove_reader(descriptor)
        return data

    # ---- the end

    def stop(self) -> None:
        """Ask the worker to end itself."""
        self.state = "stopping"
        self.stopping = True
        if not self._transport.is_closing():
            self._transport.write(frames.pack(frames.STOP))

    def kill(self) -> None:
        """Kill the worker and everything it started in its process group."""
        if self._exited:
            return
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            try:
                os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                return

    def exited(self, status: int) -> None:
        """The process was reaped with this wait status."""
        self._exited = True
        if os.WIFSIGNALED(status):
            self.signal = os.WTERMSIG(status)
        else:
            self.exit_code = os.WEXITSTATUS(status)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)  # children that it left behind
        if not self._disconnected:
            self._loop.call_later(_GRACE_AFTER_EXIT_S, self._give_up_on_socket)
        self._maybe_over()

    def orphan(self) -> None:
        """The parent that would report this replica's end is gone."""
        self.orphaned = True
        if self._disconnected and not self._exited:
            self._exited = True
            self._maybe_over()

    def _give_up_on_socket(self) -> None:
        if not self._disconnected:
            self._transport.abort()

    def _maybe_over(self) -> None:
        if self._over or not (self._exited and self._disconnected):
            return
        self._over = True
        self.state = "stopping"
        for read in (self._read_log, self._read_output):
            read()
        if self._partial:
            self._log.raw(self._partial + b"\n")
        for descriptor in (self._channels.log_fd, self._channels.output_fd):
            self._loop.remove_reader(descriptor)
            os.close(descriptor)
        if self._channels.fork_socket is not None:
            self._channels.fork_socket.close()
        for reply in self._replies.values():
            if not reply.done():
                reply.set_exception(ConnectionError("The worker ended."))
        self._replies.clear()
        self.owner.ended(self)
