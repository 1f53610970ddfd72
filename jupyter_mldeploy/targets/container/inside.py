"""Run a command in a service's container: its output as it comes, or a terminal in it."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from typing import Any

from jupyter_mldeploy.errors import Conflict, TargetUnavailable
from jupyter_mldeploy.images.engine import Engine, connect, engine_errors
from jupyter_mldeploy.images.inputs import APP_ROOT
from jupyter_mldeploy.records import Record, Records
from jupyter_mldeploy.targets.container.driver import ContainerDriver
from jupyter_mldeploy.targets.container.state import ContainerState
from jupyter_mldeploy.targets.terminal import PIECE, SHELL, fed, need_terminal, raw_terminal, relay

__all__ = ["Inside", "enter_container"]

STDERR = 2
"""As the engine numbers the streams of a command."""


def enter_container(records: Records, record: Record) -> Inside:
    """The container of a service that runs.

    Raises:
        Conflict: It does not run.
    """
    state = ContainerDriver(records, record.spec.target.context).container_of(record)
    if state is None or not state.runs:
        raise Conflict(f"The container of {record.name!r} does not run.", f"Start it: mldeploy start {record.name}")
    return Inside(connect(record.spec.target.context), state)


class Inside:
    """A container that runs, to run commands in.

    Attributes:
        engine, container: Where; the container's id.
    """

    def __init__(self, engine: Engine, state: ContainerState) -> None:
        self.engine = engine
        self.container = state.id

    def run(self, command: Sequence[str], write: Callable[[bytes, bool], None], keys: int | None = None) -> int:
        """Run a command in the app root and return its exit code.

        Args:
            command: Program and arguments; no shell reads them.
            write: Called with each piece of output, and whether it is the command's stderr.
            keys: Descriptor of what the command reads as its standard input.
        """
        from docker.utils.socket import frames_iter

        with engine_errors(self.engine):
            began = self._begin(command, tty=False, stdin=keys is not None)
            stream = self.engine.api.exec_start(began, socket=True)
            wire = _socket_of(stream)
            with closing(wire), fed(keys, wire.sendall, lambda: _end_of_input(wire)):
                for which, piece in frames_iter(stream, tty=False):  # type: ignore[no-untyped-call]
                    write(piece, which == STDERR)
                with suppress(OSError):  # so that nobody waits for a command that reads no more
                    wire.shutdown(socket.SHUT_RDWR)
            return self._exit_code(began)

    def terminal(self, command: Sequence[str] = SHELL) -> int:
        """Give this process's terminal to a command until it ends; returns its exit code.

        Raises:
            Conflict: Standard input is no terminal.
        """
        need_terminal()
        with engine_errors(self.engine):
            began = self._begin(command, tty=True, stdin=True)
            wire = _socket_of(self.engine.api.exec_start(began, tty=True, socket=True))
            with raw_terminal() as (keyboard, screen):

                def heard() -> bool:
                    said = wire.recv(PIECE)
                    os.write(screen, said)
                    return bool(said)

                relay(keyboard, wire, heard, wire.sendall, lambda: self._resize(began))
            return self._exit_code(began)

    def _begin(self, command: Sequence[str], *, tty: bool, stdin: bool) -> str:
        from docker.errors import APIError

        try:
            made = self.engine.api.exec_create(
                self.container, list(command), stdin=stdin, tty=tty, workdir=APP_ROOT,
                environment={"TERM": os.environ.get("TERM", "xterm")} if tty else None,
            )  # fmt: skip
        except APIError as error:
            raise TargetUnavailable(f"The command could not be run: {error.explanation}.") from None
        return str(made["Id"])

    def _exit_code(self, began: str) -> int:
        code = self.engine.api.exec_inspect(began)["ExitCode"]
        return 137 if code is None else int(code)  # the container ended under it

    def _resize(self, began: str) -> None:
        from docker.errors import APIError

        size = os.get_terminal_size()
        with suppress(APIError):  # it has ended
            self.engine.api.exec_resize(began, height=size.lines, width=size.columns)


def _socket_of(stream: Any) -> socket.socket:
    """The socket below docker-py's stream: it is written to as well."""
    return getattr(stream, "_sock", stream)  # type: ignore[no-any-return]


def _end_of_input(wire: socket.socket) -> None:
    with suppress(OSError):  # the command has ended before
        wire.shutdown(socket.SHUT_WR)
