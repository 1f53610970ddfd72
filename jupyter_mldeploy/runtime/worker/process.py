"""A worker's main loop: read a frame from the front, do what it says, answer.

The main thread does everything, `run()` included, so that a script sees the thread it expects (signal handlers, event
loops, libraries that insist on it). The worker ends when the front does: by the end of the socket, and on Linux by a
lifeline that makes the kernel kill the worker's whole process group even while C code holds the interpreter.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys
import threading
import time
from importlib import import_module
from json import dumps, loads  # by name: scripts replace those of the module
from typing import TYPE_CHECKING, Any

from . import failure, frames, ground, inplace, kinds, output, restraint, script, shims, trial
from .dependence import NeedsNewWorkers
from .parent import Parent, why_not_fork
from .request import Request
from .scoring import Answer, Scorer, out_of_memory, refusal

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

_RECEIVE = 262_144
_MOST_TAKEN = frames.HEADER_SIZE + frames.MOST_SHARED + 256
_TAKE_IN_A_ROW = 16
_LOOK_EVERY_S = 0.05


class FrontGone(Exception):
    """The other end of the socket is closed."""


class Worker:
    """One worker process; `descriptors` are socket, log pipe and lifeline."""

    def __init__(
        self,
        socket_fd: int,
        log_fd: int,
        lifeline_fd: int,
        shared_fd: int,
        fork_fd: int | None = None,
    ) -> None:
        self.shared = None if shared_fd < 0 else socket.socket(fileno=shared_fd)
        self._next: bytes | None = None  # a call taken from the shared queue
        self._executor: ThreadPoolExecutor | None = None
        self._sending = threading.Lock()
        self._taken_in_a_row = 0
        self._looked = 0.0
        self.log_fd = log_fd
        self.fork_fd = fork_fd
        self.socket = socket.socket(fileno=socket_fd)
        self.lifeline_fd = lifeline_fd
        self.output = output.Output(output.LogPipe(log_fd))
        self.scorer: Scorer | None = None
        self.order: dict[str, Any] = {}
        self.helpers = inplace.HelperFiles([])
        self.change: inplace.Change | None = None
        self._received = bytearray()
        self._process = os.getpid()
        self._receiving_request = False

    # ---- frames

    def read_frame(self) -> tuple[int, int, bytes, bytes]:
        """Kind, length of the request id, meta and body of the next frame; raises `FrontGone` at the end."""
        head = self._take(frames.HEADER_SIZE)
        kind, _, status, self.sequence, _, meta_size, body_size, _ = frames.HEADER.unpack(head)
        self._receiving_request = kind == frames.REQUEST
        rest = self._take(meta_size + body_size)
        return kind, status, rest[:meta_size], rest[meta_size:]

    def _unpack(self, data: bytes) -> tuple[int, int, bytes, bytes]:
        kind, _, status, self.sequence, _, meta_size, _, _ = frames.HEADER.unpack_from(data)
        middle = frames.HEADER_SIZE + meta_size
        return kind, status, data[frames.HEADER_SIZE : middle], data[middle:]

    def _take_shared(self) -> int:
        """Take the oldest call that waits for any worker; its sequence, 0 when there is none.

        Now and then the front's own orders go first, or a busy service could never be told anything.
        """
        if self.shared is None or self._received or self._executor is not None:
            return 0
        self._taken_in_a_row += 1
        now = time.perf_counter()
        if self._taken_in_a_row >= _TAKE_IN_A_ROW or now - self._looked > _LOOK_EVERY_S:
            self._taken_in_a_row, self._looked = 0, now
            if select.select([self.socket], [], [], 0)[0]:
                return 0
        try:
            self._next = data = self.shared.recv(_MOST_TAKEN, socket.MSG_DONTWAIT)
        except OSError:
            return 0
        if not data:
            self._next = None
            return 0
        return int(frames.HEADER.unpack_from(data)[3])

    @property
    def buffered(self) -> bool:
        """Whether bytes of a further frame have been read already."""
        return bool(self._received)

    def _take(self, size: int) -> bytes:
        buffer = self._received
        if size > _RECEIVE:
            return self._take_large(size)
        while len(buffer) < size:
            buffer += self._receive(_RECEIVE)
        taken = bytes(buffer[:size])
        del buffer[:size]
        return taken

    def _take_large(self, size: int) -> bytes:
        """A large part straight into its own buffer, without growing one step by step."""
        filled = len(self._received)
        if filled >= size:
            whole = self._received[:size]
            del self._received[:size]
            return bytes(whole)
        try:
            whole = bytearray(size)
        except MemoryError:  # the front must be rid of all of it, or the answer would not reach it
            self._received.clear()
            while filled < size:
                filled += len(self._receive(min(_RECEIVE, size - filled)))
            raise
        view = memoryview(whole)
        view[:filled] = self._received
        self._received.clear()
        while filled < size:
            count = self.socket.recv_into(view[filled:])
            if not count:
                raise FrontGone
            filled += count
        return bytes(whole)

    def _receive(self, most: int) -> bytes:
        try:
            data = self.socket.recv(most)
        except ConnectionError:
            data = b""
        if not data:
            raise FrontGone
        return data

    def send(self, kind: int, meta: Any = None, body: bytes = b"", **fields: int) -> None:
        """Send one frame; `meta` becomes JSON."""
        packed = b"" if meta is None else dumps(meta).encode()
        with self._sending:
            self.socket.sendall(frames.pack(kind, meta=packed, body=body, **fields))

    def reply(self, meta: Any) -> None:
        """Answer the order that was read last."""
        self.send(frames.REPLY, meta, sequence=self.sequence)

    def notice(self, kind: str, **fields: Any) -> None:
        """Tell the front that something happened."""
        self.send(frames.NOTICE, {"kind": kind, **fields})

    # ---- what the front asks for

    def serve(self) -> None:
        """Answer frames until the front says stop or is gone."""
        while True:
            shared, self._next = self._next, None
            try:
                kind, id_size, meta, body = self.read_frame() if shared is None else self._unpack(shared)
            except MemoryError:
                if not self._receiving_request:
                    raise
                message = "The worker ran out of memory while it received the request, and was replaced."
                found = failure.failure("run", "exception", message)
                self._send_answer(self.sequence, out_of_memory(found, message, 0))
                return
            if kind == frames.REQUEST:
                if self.order.get("threads", 1) > 1:
                    self._threads().submit(self._answer, self.sequence, id_size, meta, body)
                else:
                    self._answer(self.sequence, id_size, meta, body)
            elif not self.obey(kind, meta, body):
                return

    def obey(self, kind: int, meta: bytes, body: bytes) -> bool:
        """Do what a frame other than a request orders; False when it is to stop."""
        if kind == frames.LOAD:
            self._load(loads(meta), body)
        elif kind == frames.WARM:
            self._warm(loads(meta))
        elif kind == frames.PREPARE:
            self.reply(self._prepare(body))
        elif kind == frames.TRY:
            self.reply(self._try(loads(meta), body))
        elif kind == frames.COMMIT:
            self.reply(self._commit())
        elif kind == frames.ABANDON:
            self.change = None
        return kind != frames.STOP

    def become_replica(self, socket_fd: int, log_fd: int, output_fd: int) -> None:
        """In a forked child: leave the parent's descriptors alone and use one's own."""
        os.setpgid(0, 0)
        self._process = os.getpid()
        self.socket.close()
        self.socket = socket.socket(fileno=socket_fd)
        self._received = bytearray()
        os.dup2(output_fd, 1)
        os.dup2(output_fd, 2)
        os.close(output_fd)
        os.dup2(log_fd, self.log_fd, inheritable=False)
        os.close(log_fd)
        self.output.after_fork()
        ground.tie_to_front(self.lifeline_fd)
        assert self.scorer is not None
        self.notice("ready", script=self.scorer.script.hash, contract=self.scorer.contract())

    def _threads(self) -> ThreadPoolExecutor:
        """The threads of a script that said it is safe for several."""
        if self._executor is None:
            from concurrent.futures import ThreadPoolExecutor

            self._executor = ThreadPoolExecutor(self.order["threads"], thread_name_prefix="run")
        return self._executor

    def _answer(self, sequence: int, id_size: int, meta: bytes, body: bytes) -> None:
        described = loads(meta[id_size:]) if len(meta) > id_size else None
        asked = Request(meta[:id_size].decode("latin-1"), described, body)
        output.current.request_id = asked.request_id
        result = refusal(503, "No script is loaded.") if self.scorer is None else self.scorer.score(asked)
        if os.getpid() != self._process:
            os._exit(0)  # a child that the script forked has come back with it: the answer is its parent's
        self.output.finish()
        output.current.request_id = None
        self._send_answer(sequence, result)

    def _send_answer(self, sequence: int, result: Answer) -> None:
        status, body, flags, exec_us, meta = result
        if self.output.pending():
            flags |= frames.OUTPUT_PENDING
        taken = 0 if flags & frames.LEAVING else self._take_shared()
        head = frames.HEADER.pack(frames.ANSWER, flags, status, sequence, exec_us, len(meta), len(body), taken)
        with self._sending:
            self.socket.sendall(head + meta + body)
        if flags & frames.LEAVING:
            os._exit(frames.EXIT_OUT_OF_MEMORY)

    def _prepare(self, source: bytes) -> dict[str, Any]:
        """Prepare an in-place change: `mode` is unchanged, in-place or new-workers, or there is a `failure`."""
        assert self.scorer is not None
        loaded = self.scorer.script
        self.change = None
        try:
            self.change = inplace.prepare(loaded, source, self.helpers)
        except NeedsNewWorkers as reason:
            return {"mode": "new-workers", "reason": str(reason)}
        except BaseException as error:
            script.remember_source(source, loaded.path)
            found = script_failure("import", error, loaded.path)
            script.remember_source(loaded.source, loaded.path)
            return {"failure": found}
        return {"mode": "unchanged" if self.change is None else "in-place"}

    def _try(self, order: dict[str, Any], sample: bytes) -> dict[str, Any]:
        """Run the sample with the prepared change; the failure, if any, and the change is as if never made."""
        assert self.scorer is not None
        assert self.change is not None
        self._await_threads()
        loaded = self.scorer.script

        def score() -> Answer:
            asked = trial.request_for(sample)
            output.current.request_id = asked.request_id
            result = self._scorer(loaded).score(asked)
            self.output.finish()
            output.current.request_id = None
            return result

        return {"failure": trial.run(self.change.commit, score, order["timeout_s"])}

    def _await_threads(self) -> None:
        """Let running calls end, so that none of them meets half a change."""
        if self._executor is not None:
            self._executor.shutdown(wait=True)
            self._executor = None

    def _commit(self) -> dict[str, Any]:
        assert self.scorer is not None
        assert self.change is not None
        self._await_threads()
        self.change.commit()
        self.change = None
        self.scorer = self._scorer(self.scorer.script)
        return {"script": self.scorer.script.hash, "contract": self.scorer.contract()}

    def _scorer(self, loaded: script.Script) -> Scorer:
        return kinds.scorer_for(
            loaded, debug=self.order["debug"], memory_limited=self.order["memory_bytes"] is not None
        )

    def _load(self, order: dict[str, Any], source: bytes) -> None:
        path: str = order["path"]
        stage = "import"
        try:
            self.helpers = inplace.HelperFiles(ground.take_place(order))
            restraint.restrain(order)
            if order["debug_port"]:
                restraint.wait_for_debugger(order["debug_port"])
            shims.install()
            kinds.forget_decorations()
            loaded = script.load(path, source)
            self.order = order
            scorer = self._scorer(loaded)
            stage = "init"
            self.notice("init_started")
            began = time.perf_counter()
            loaded.init()
            spent = (time.perf_counter() - began) * 1000
        except FrontGone:
            raise
        except BaseException as error:
            found = script_failure(stage, error, path)
            self.output.finish()
            self.notice("failure", failure=found)
        else:
            self.scorer = scorer
            self.helpers.remember()
            self.output.finish()
            self.notice("init_finished", ms=round(spent, 3))
            self._ready()

    def _ready(self) -> None:
        """Serve, or, when replicas are wanted and forking is safe, fork them."""
        assert self.scorer is not None
        told = {"script": self.scorer.script.hash, "contract": self.scorer.contract(), "libraries": ground.libraries()}
        obstacle = why_not_fork() if self.fork_fd is not None else None
        if self.fork_fd is None or obstacle is not None:
            self.notice("ready", obstacle=obstacle, **told)
            return
        self.notice("parent_ready", **told)
        parent, self.fork_fd = Parent(self, self.fork_fd), None
        parent.serve()

    def _warm(self, order: dict[str, Any]) -> None:
        """Import what the script imported before, so that the next load does not have to."""
        with contextlib.suppress(
            script.Refused
        ):  # an app root that is gone by now: the load, if one comes, will say so
            ground.take_place(order)
        shims.install()
        for name in order["libraries"]:
            with contextlib.suppress(BaseException):  # the load itself will meet and report it
                import_module(name)
        self.notice("warm")


def script_failure(stage: str, error: BaseException, path: str) -> dict[str, Any]:
    """The failure of a script that could not be loaded, initialised or changed."""
    if isinstance(error, script.Refused):
        file = None if error.line is None else failure.short(path)
        return failure.failure("import", "contract", str(error), file=file, line=error.line)
    return failure.from_exception(stage, error)


def main(arguments: list[str]) -> None:
    """Run a worker; its descriptors by number: socket, log pipe, lifeline, shared queue and, to fork, one more."""
    descriptors = [int(text) for text in arguments]
    for descriptor in (d for d in descriptors if d >= 0):
        os.set_inheritable(descriptor, False)
    lifeline_fd = descriptors[2]
    ground.tie_to_front(lifeline_fd)
    worker = Worker(*descriptors)
    worker.output.install()
    sys.argv[:] = [""]
    try:
        worker.serve()
    except (FrontGone, BrokenPipeError, ConnectionError):
        if os.getpgrp() == os.getpid():  # what the script has started ends too, also where the lifeline was slower
            os.killpg(0, signal.SIGKILL)
        os._exit(0)
    except MemoryError:
        os._exit(frames.EXIT_OUT_OF_MEMORY)
    except OSError:  # a script has closed the socket, or put something else in its place
        os._exit(frames.EXIT_CONNECTION_BROKEN)
