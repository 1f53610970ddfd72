"""Let a debugger into a service's container: its one worker waits for it, and a port of this machine leads there.

The port is not published: each connection goes through a command in the container, so that nobody else on the network can get
at a debugger, which may run anything, and the container need not be made anew.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any

from jupyter_mldeploy.errors import Cancelled, Conflict, PortInUse
from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.images.engine import Engine, engine_errors
from jupyter_mldeploy.images.inputs import APP_ROOT, PYTHON
from jupyter_mldeploy.records import Record
from jupyter_mldeploy.targets.app_folder import source_root
from jupyter_mldeploy.targets.container.inside import Inside
from jupyter_mldeploy.targets.container.logs import await_line
from jupyter_mldeploy.targets.container.making import put_files, read_json

__all__ = ["INSIDE_PORT", "debugged", "launch_json"]

INSIDE_PORT = 5678
SERVICE_FILE = ".mldeploy/service.json"
LONG = 24 * 3600
"""Seconds that a person may look at one line."""
_RELAY = """\
import os, select, socket, sys
far = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
while True:
    ready, _, _ = select.select([0, far], [], [])
    for end in ready:
        piece = os.read(0, 65536) if end == 0 else far.recv(65536)
        if not piece:
            sys.exit()
        if end == 0:
            far.sendall(piece)
        else:
            while piece:
                piece = piece[os.write(1, piece):]
"""


def launch_json(record: Record, port: int) -> str:
    """VS Code's ``launch.json`` for the service: breakpoints of the files here are those of the files there."""
    inference = record.spec.inference
    here = inference.source_directory or (str(Path(inference.script.path).parent) if inference.script.path else "")
    there = str(PurePosixPath(APP_ROOT, source_root(inference) or "."))
    attach = {
        "name": f"{record.name} in its container",
        "type": "debugpy",
        "request": "attach",
        "connect": {"host": "127.0.0.1", "port": port},
        "pathMappings": [{"localRoot": here or "${workspaceFolder}", "remoteRoot": there}],
        "justMyCode": False,
    }
    return json.dumps({"version": "0.2.0", "configurations": [attach]}, indent=2)


@contextmanager
def debugged(inside: Inside, record: Record, port: int) -> Iterator[None]:
    """While the block runs, the service's one worker waits for a debugger before ``init()``, and ``port`` leads to it.

    Raises:
        Conflict: The script's environment has no debugpy.
        PortInUse: The port of this machine is taken.
    """
    if inside.run([PYTHON, "-c", "import debugpy"], lambda *_: None) != 0:
        raise Conflict(
            f"The environment of {record.name!r} has no debugpy.",
            f"Add it: mldeploy update {record.name} --pip debugpy",
        )
    try:
        server = socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise PortInUse(f"Port {port} is in use ({error.strerror}).", "Name another with --port.") from None
    engine, container = inside.engine, inside.container
    configured = read_json(engine, container, SERVICE_FILE)
    debugging = configured | {
        "debug_port": INSIDE_PORT,
        "min_replicas": 1,
        "max_replicas": 1,
        "init_timeout_s": LONG,
        "scoring_timeout_ms": LONG * 1000,
    }
    # Who comes before the worker has imported its debugger waits for the line with which it says that it listens.
    listens, over = threading.Event(), Cancel()
    with server, engine_errors(engine):
        threading.Thread(target=_accept, args=(server, engine, container, listens), daemon=True).start()
        try:
            began = time.time()
            _restart_with(engine, container, debugging)
            threading.Thread(target=_hear, args=(engine, container, began, listens, over), daemon=True).start()
            yield
        finally:
            over.set()
            _restart_with(engine, container, configured)


def _hear(engine: Engine, container: str, began: float, listens: threading.Event, over: Cancel) -> None:
    from docker.errors import APIError

    with suppress(Cancelled, APIError, OSError):
        await_line(engine, container, f"Waiting for a debugger on port {INSIDE_PORT}".encode(), over, since=began)
    listens.set()  # also where it ended: whoever waits then hears that nobody is there


def _restart_with(engine: Engine, container: str, configured: dict[str, Any]) -> None:
    put_files(engine, container, {SERVICE_FILE: json.dumps(configured, indent=1).encode()})
    engine.api.restart(container, timeout=5)


def _accept(server: socket.socket, engine: Engine, container: str, listens: threading.Event) -> None:
    with suppress(OSError):
        while True:
            caller, _ = server.accept()
            threading.Thread(target=_carry, args=(caller, engine, container, listens), daemon=True).start()


def _carry(caller: socket.socket, engine: Engine, container: str, listens: threading.Event) -> None:
    from docker.errors import APIError

    listens.wait()

    command = [PYTHON, "-I", "-c", _RELAY, str(INSIDE_PORT)]
    with caller, suppress(OSError, APIError, struct.error):
        made = engine.api.exec_create(container, command, stdin=True, stdout=True, stderr=True)
        stream = engine.api.exec_start(made["Id"], socket=True)
        wire: socket.socket = getattr(stream, "_sock", stream)
        threading.Thread(target=_send, args=(caller, wire), daemon=True).start()
        while True:
            # The engine marks each piece with what it is of, and its length.
            kind, length = struct.unpack(">B3xI", _exactly(wire, 8))
            piece = _exactly(wire, length)
            if kind == 1:
                caller.sendall(piece)


def _send(caller: socket.socket, wire: socket.socket) -> None:
    with suppress(OSError):
        while piece := caller.recv(65536):
            wire.sendall(piece)
        wire.shutdown(socket.SHUT_WR)


def _exactly(wire: socket.socket, length: int) -> bytes:
    whole = b""
    while len(whole) < length:
        piece = wire.recv(length - len(whole))
        if not piece:
            raise OSError("the engine has closed the connection")
        whole += piece
    return whole
