"""Failures that only the front can see: a worker that died, hung or never started."""

from __future__ import annotations

import signal
import time
from typing import Any


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


def how_it_ended(exit_code: int | None, signal_number: int | None, *, oom: bool) -> str:
    """The end of a process in words: `was killed by SIGKILL (out of memory)`."""
    if oom:
        return "ran out of memory and was killed"
    if signal_number is not None:
        return f"was killed by {signal_name(signal_number)}"
    if exit_code is not None:
        return f"ended with exit code {exit_code}"
    return "ended"


def death(
    stage: str,
    exit_code: int | None,
    signal_number: int | None,
    *,
    oom: bool,
    request_id: str | None,
    replica: int | None,
) -> dict[str, Any]:
    """The failure of a worker that died during `stage`."""
    running = "in run()" if request_id is not None else "while it waited for requests"
    where = {"import": "while its script was loading", "init": "in init()", "run": running}.get(stage, "")
    message = f"The worker {how_it_ended(exit_code, signal_number, oom=oom)} {where}".rstrip() + "."
    return failure(
        stage,
        "signal" if signal_number is not None else "exit",
        message,
        exit_code=exit_code,
        signal=signal_name(signal_number),
        oom=oom,
        request_id=request_id,
        replica=replica,
    )
