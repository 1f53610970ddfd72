"""Try a prepared change on a sample before anybody else meets it.

The change must not be seen by a request, and a sample that kills its process must not cost the values that `init()`
made. So it is tried in a forked child, which is thrown away. Where forking is not safe, the change is made, tried and
taken back in the process itself, between two requests.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import time
from typing import TYPE_CHECKING, Any, Callable

from . import failure, frames, parent
from .request import Request

if TYPE_CHECKING:
    from .scoring import Answer

DESCRIPTION: dict[str, Any] = {
    "method": "POST",
    "target": "/score",
    "remote": "127.0.0.1",
    "headers": [["content-type", "application/json"], ["host", "localhost"]],
}
REQUEST_ID = "reload-sample"


def request_for(sample: bytes) -> Request:
    """The request that the sample stands for."""
    return Request(REQUEST_ID, DESCRIPTION, sample)


def run(make: Callable[[], Callable[[], None]], score: Callable[[], Answer], timeout_s: float) -> dict[str, Any] | None:
    """Make a change, score the sample and take the change back; returns the failure, or None.

    Parameters
    ----------
    make
        Makes the change and returns what takes it back.
    score
        Runs the sample; never raises.
    timeout_s
        How long `run()` may take, where it is tried in a child.
    """
    if parent.why_not_fork() is None:
        return _in_child(make, score, timeout_s)
    take_back = make()
    try:
        return _failure_of(score())
    finally:
        take_back()


def failure_of(status: int, body: bytes, meta: bytes, request_id: str, *, returned: bool) -> dict[str, Any] | None:
    """What is wrong with the answer to a sample, or None."""
    told = json.loads(meta) if meta else {}
    if "failure" in told:
        found: dict[str, Any] = told["failure"]
        return found
    if returned and status < 400:
        return None
    shown = body[:500].decode("utf-8", "replace")
    message = f"run() answered the sample with HTTP {status}: {shown}"
    return failure.failure("run", "contract", message, request_id=request_id)


def _failure_of(answer: Answer) -> dict[str, Any] | None:
    returned = bool(answer.flags & frames.RUN_RETURNED)
    return failure_of(answer.status, answer.body, answer.meta, REQUEST_ID, returned=returned)


def _in_child(
    make: Callable[[], Callable[[], None]], score: Callable[[], Answer], timeout_s: float
) -> dict[str, Any] | None:
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            signal.set_wakeup_fd(-1)
            os.close(read)
            make()
            with os.fdopen(write, "wb") as stream:
                stream.write(json.dumps(_failure_of(score())).encode() + b"\n")
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as stream:
        text = _read_until(stream.fileno(), time.monotonic() + timeout_s)
    if text is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    status = 0
    with contextlib.suppress(ChildProcessError):  # the script leaves its children to the system
        status = os.waitpid(pid, 0)[1]
    if text is None:
        message = "run() did not return within the scoring time-out."
        return failure.failure("run", "timeout", message, request_id=REQUEST_ID)
    try:
        found: dict[str, Any] | None = json.loads(text)
    except ValueError:
        return _death(status)
    return found


def _read_until(descriptor: int, deadline: float) -> bytes | None:
    """A line, or what came of it before the end; None when neither comes in time.

    The end alone would not do: a process that the script forked may hold the pipe open.
    """
    text = b""
    while not text.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            return None
        data = os.read(descriptor, 65_536)
        if not data:
            break
        text += data
    return text


def _death(status: int) -> dict[str, Any]:
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
    code = None if number is not None else os.WEXITSTATUS(status)
    try:
        name = None if number is None else signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    how = f"was killed by {name}" if name else f"ended with exit code {code}"
    message = f"The process {how} while run() had the sample."
    kind = "signal" if name else "exit"
    found = failure.failure("run", kind, message, request_id=REQUEST_ID)
    return {**found, "exit_code": code, "signal": name}
