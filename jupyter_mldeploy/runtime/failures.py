"""Failures that only the front can see: a worker that died, hung or never started."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Any

from jupyter_mldeploy.runtime.worker import frames

if TYPE_CHECKING:
    from jupyter_mldeploy.runtime.worker_link import WorkerLink


def failure(stage: str, kind: str, message: str, **known: Any) -> dict[str, Any]:
    """A failure with the keys that every failure has; `known` fills in what is not None."""
    return {
        "stage": stage,
        "kind": kind,
        "message": message,
        "exception": None,
        "file": None,
        "line": None,
        "function": None,
        "source": None,
        "traceback": None,
        "exit_code": None,
        "signal": None,
        "oom": False,
        "request_id": None,
        "replica": None,
        "time": time.time(),
        **known,
    }


def signal_name(number: int | None) -> str | None:
    """`SIGSEGV` for 11."""
    if number is None:
        return None
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def how_it_ended(worker: WorkerLink, *, oom: bool) -> str:
    """The end of a process in words: `was killed by SIGSEGV`."""
    if oom:
        return "ran out of memory and was killed"
    if worker.broke or worker.exit_code == frames.EXIT_CONNECTION_BROKEN:
        return "was replaced because its script closed or changed the worker's connection with the server"
    if worker.signal is not None:
        return f"was killed by {signal_name(worker.signal)}"
    if worker.exit_code is not None:
        return f"ended with exit code {worker.exit_code}"
    return "ended"


def death(worker: WorkerLink, *, oom: bool, request_id: str | None) -> dict[str, Any]:
    """The failure of a worker that died."""
    running = "in run()" if request_id is not None else "while it waited for requests"
    where = {"import": "while its script was loading", "init": "in init()", "run": running}.get(worker.stage, "")
    message = f"The worker {how_it_ended(worker, oom=oom)} {where}".rstrip() + "."
    return failure(
        worker.stage,
        "signal" if worker.signal is not None else "exit",
        message,
        exit_code=worker.exit_code,
        signal=signal_name(worker.signal),
        oom=oom,
        request_id=request_id,
        replica=worker.label,
    )
