"""A worker's main loop: read a frame from the front, do what it says, answer.

The main thread does everything, `run()` included, so that a script sees the thread it expects (signal handlers, event
loops, libraries that insist on it). The worker ends when the front does: by the end of the socket, and on Linux by a
lifeline that makes the kernel kill the worker's whole process group even while C code holds the interpreter.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from typing import Any

from . import failure, frames, inplace, kinds, output, script, shims
from .dependence import NeedsNewWorkers
from .request import Request
from .scoring import Answer, Scorer, refusal

_RECEIVE = 262_144
_F_SETSIG = 10  # <fcntl.h> of Linux; Python's fcntl does not name it everywhere


class FrontGone(Exception):
    """The other end of the socket is closed."""


class Worker:
    """One worker process; `descriptors` are socket, log pipe and lifeline."""

    def __init__(self, socket_fd: int, log_fd: int, lifeline_fd: int) -> None:
        self.socket = socket.socket(fileno=socket_fd)
        self.lifeline_fd = lifeline_fd
        self.output = output.Output(output.LogPipe(log_fd))
        self.scorer: Scorer | None = None
        self.order: dict[str, Any] = {}
        self.helpers = inplace.HelperFiles([])
        self.change: inplace.Change | None = None
        self._received = bytearray()

    # ---- frames

    def read_frame(self) -> tuple[int, int, bytes, bytes]:
        """Kind, length of the request id, meta and body of the next frame; raises `FrontGone` at the end."""
        head = self._take(frames.HEADER_SIZE)
        kind, _, status, self.sequence, _, meta_size, body_size = frames.HEADER.unpack(head)
        rest = self._take(meta_size + body_size)
        return kind, status, rest[:meta_size], rest[meta_size:]

    def _take(self, size: int) -> bytes:
        buffer = self._received
        while len(buffer) < size:
            if size > _RECEIVE and not buffer:
                return self._take_large(size)
            try:
                data = self.socket.recv(_RECEIVE)
            except ConnectionError:
                data = b""
            if not data:
                raise FrontGone
            buffer += data
        taken = bytes(buffer[:size])
        del buffer[:size]
        return taken

    def _take_large(self, size: int) -> bytes:
        """A large part straight into its own buffer, without growing one step by step."""
        whole = bytearray(size)
        view, filled = memoryview(whole), 0
        while filled < size:
            count = self.socket.recv_into(view[filled:])
            if not count:
                raise FrontGone
            filled += count
        return bytes(whole)

    def send(self, kind: int, meta: Any = None, body: bytes = b"", **fields: int) -> None:
        """Send one frame; `meta` becomes JSON."""
        packed = b"" if meta is None else json.dumps(meta).encode()
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
            kind, id_size, meta, body = self.read_frame()
            if kind == frames.REQUEST:
                self._answer(id_size, meta, body)
            elif kind == frames.LOAD:
                self._load(json.loads(meta), body)
            elif kind == frames.PREPARE:
                self.reply(self._prepare(body))
            elif kind == frames.COMMIT:
                self.reply(self._commit())
            elif kind == frames.ABANDON:
                self.change = None
            elif kind == frames.STOP:
                return

    def _answer(self, id_size: int, meta: bytes, body: bytes) -> None:
        described = json.loads(meta[id_size:]) if len(meta) > id_size else None
        asked = Request(meta[:id_size].decode("latin-1"), described, body)
        output.current.request_id = asked.request_id
        result = refusal(503, "No script is loaded.") if self.scorer is None else self.scorer.score(asked)
        self.output.finish()
        output.current.request_id = None
        self._send_answer(result)

    def _send_answer(self, result: Answer) -> None:
        status, body, flags, exec_us, meta = result
        if self.output.pending():
            flags |= frames.OUTPUT_PENDING
        head = frames.HEADER.pack(frames.ANSWER, flags, status, self.sequence, exec_us, len(meta), len(body))
        self.socket.sendall(head + meta + body)
        if flags & frames.LEAVING:
            os._exit(137)

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

    def _commit(self) -> dict[str, Any]:
        assert self.scorer is not None
        assert self.change is not None
        self.change.commit()
        self.change = None
        self.scorer = self._scorer(self.scorer.script)
        return {"script": self.scorer.script.hash, "contract": self.scorer.contract()}

    def _scorer(self, loaded: script.Script) -> Scorer:
        return kinds.scorer_for(loaded, debug=self.order["debug"], memory_limited=self.order["memory_limited"])

    def _load(self, order: dict[str, Any], source: bytes) -> None:
        path: str = order["path"]
        stage = "import"
        try:
            self.helpers = inplace.HelperFiles(take_place(order))
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
            self.notice("ready", script=loaded.hash, contract=scorer.contract())


def script_failure(stage: str, error: BaseException, path: str) -> dict[str, Any]:
    """The failure of a script that could not be loaded, initialised or changed."""
    if isinstance(error, script.Refused):
        return failure.failure("import", "contract", str(error), file=failure.short(path), line=error.line)
    return failure.from_exception(stage, error)


def take_place(order: dict[str, Any]) -> list[str]:
    """Go to the app root and let the script import what lies beside it.

    The folders go to the end of `sys.path`, as they always did for these scripts: an installed package wins over a file
    of the same name. Returns these folders.
    """
    root: str = order["app_root"]
    os.chdir(root)
    folders = [root, os.path.dirname(order["path"])]
    if order["source_directory"]:
        folders.insert(1, os.path.join(root, order["source_directory"]))
    for folder in folders:
        if folder not in sys.path:
            sys.path.append(folder)
    return folders


def tie_to_front(lifeline_fd: int) -> None:
    """Let the kernel kill this process group as soon as the front's end of the lifeline closes (Linux).

    The signal's owner belongs to the open file, so every worker opens the pipe anew.
    """
    import fcntl

    if not sys.platform.startswith("linux"):
        return
    try:
        own = os.open(f"/proc/self/fd/{lifeline_fd}", os.O_RDONLY | os.O_NONBLOCK)
        fcntl.fcntl(own, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(own, _F_SETSIG, int(signal.SIGKILL))
        fcntl.fcntl(own, fcntl.F_SETFL, fcntl.fcntl(own, fcntl.F_GETFL) | os.O_ASYNC)
    except OSError:
        return  # no /proc: the end of the socket has to do


def main(arguments: list[str]) -> None:
    """Run a worker whose descriptors are given by number: socket, log pipe, lifeline."""
    socket_fd, log_fd, lifeline_fd = (int(text) for text in arguments)
    for descriptor in (socket_fd, log_fd, lifeline_fd):
        os.set_inheritable(descriptor, False)
    tie_to_front(lifeline_fd)
    worker = Worker(socket_fd, log_fd, lifeline_fd)
    worker.output.install()
    sys.argv[:] = [""]
    try:
        worker.serve()
    except (FrontGone, BrokenPipeError, ConnectionError):
        os._exit(0)
