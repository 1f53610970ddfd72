"""Keep a worker within the memory and the CPUs it was given, as far as the system allows, and let a debugger in."""

from __future__ import annotations

import math
import os
import socket
import sys
from typing import Any


def restrain(order: dict[str, Any]) -> None:
    """Apply the limits of a load order to this process."""
    if order["memory_bytes"] is not None:
        _limit_memory(int(order["memory_bytes"]))
    if order["cpus"] is not None and hasattr(os, "sched_setaffinity"):
        usable = sorted(os.sched_getaffinity(0))
        count = min(len(usable), max(1, math.ceil(order["cpus"])))
        first = os.getpid() % len(usable)  # replicas spread over the CPUs
        os.sched_setaffinity(0, {usable[(first + step) % len(usable)] for step in range(count)})


def _limit_memory(limit: int) -> None:
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


def wait_for_debugger(port: int) -> None:
    """Connect to a debugger that listens on `port`, or listen there, and wait until it is attached.

    Raises
    ------
    ModuleNotFoundError
        debugpy is not installed in this environment; the text says so.
    """
    try:
        import debugpy
    except ModuleNotFoundError:
        message = "debugpy is not installed in the environment of the script; `pip install debugpy` there."
        raise ModuleNotFoundError(message) from None
    # Asked before, by taking the port: after a connect() that failed, debugpy's listen() never returns.
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            awaited = False
        except OSError:
            awaited = True
    if awaited:
        debugpy.connect(("127.0.0.1", port))
    else:
        debugpy.listen(("127.0.0.1", port))
        sys.stdout.write(f"Waiting for a debugger on port {port}.\n")  # whoever leads one here reads this
        sys.stdout.flush()
    debugpy.wait_for_client()
