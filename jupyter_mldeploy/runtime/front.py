"""The front's life: start the first worker, listen, serve, and on SIGTERM drain and leave."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import sys
from typing import Any

from jupyter_mldeploy.runtime.configuration import ConfigurationError, ServiceConfig
from jupyter_mldeploy.runtime.shared_queue import SharedQueue
from jupyter_mldeploy.runtime.spawning import Channels, Lifeline, spawn

EXIT_SCRIPT = 3
EXIT_PORT_TAKEN = 98
_BACKLOG = 4096


def run(config: ServiceConfig, announce_fd: int | None = None) -> int:
    """Serve until told to stop; returns the exit code."""
    if not os.path.isfile(config.worker.script_path):
        what = "is a folder" if os.path.isdir(config.worker.script_path) else "does not exist"
        sys.stderr.write(f"The scoring script {config.worker.script_path} {what}.\n")
        if config.by_hand:
            return EXIT_SCRIPT
    try:
        listener = _listen(config)
    except OSError as error:
        taken = error.errno in (errno.EADDRINUSE, errno.EACCES)
        reason = "is already in use" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror}"
        sys.stderr.write(f"The port {config.port} on {config.host} {reason}.\n")
        return EXIT_PORT_TAKEN if taken else 1
    lifeline = Lifeline.make()
    shared = SharedQueue()
    first: tuple[int, Channels] | None = None
    with contextlib.suppress(ConfigurationError):  # the pool tries again and reports it
        several = config.max_replicas is None or config.max_replicas > 1
        first = spawn(config.worker, lifeline, shared.workers_end, parent=several)
    if announce_fd is not None:
        _announce(announce_fd, listener)
    raise_file_limit()

    import asyncio

    runner: Any = asyncio.run
    with contextlib.suppress(ImportError):
        import uvloop

        runner = uvloop.run
    from jupyter_mldeploy.runtime.serving import serve

    code: int = runner(serve(config, listener, lifeline, shared, first))
    return code


def _listen(config: ServiceConfig) -> socket.socket:
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((config.host, config.port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def _announce(descriptor: int, listener: socket.socket) -> None:
    line = json.dumps({"pid": os.getpid(), "port": listener.getsockname()[1]}) + "\n"
    with contextlib.suppress(OSError):
        os.write(descriptor, line.encode())
        os.close(descriptor)


def raise_file_limit() -> None:
    """Allow as many open files, and so connections, as the system lets this process have."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft != resource.RLIM_INFINITY and soft < most:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
