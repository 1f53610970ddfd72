"""Run a command as the script of a local service runs: in its app folder, with its Python and its variables."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jupyter_mldeploy.errors import Conflict, TargetUnavailable
from jupyter_mldeploy.records import Record, Records
from jupyter_mldeploy.targets.terminal import need_terminal

__all__ = ["LocalInside"]


class LocalInside:
    """The surroundings of a service's workers.

    Attributes:
        folder: Its app folder, where commands run.
        environment: What they find in ``os.environ``.

    Raises:
        Conflict: The service has none: it was never launched.
    """

    def __init__(self, records: Records, record: Record) -> None:
        try:
            config = records.folder(record.name) / f"serve-{record.revision}.json"
            worker: Mapping[str, Any] = json.loads(config.read_bytes())["worker"]
        except (OSError, ValueError, KeyError):
            raise Conflict(
                f"{record.name!r} was not launched yet.", f"Start it: mldeploy start {record.name}"
            ) from None
        self.folder = Path(worker["app_root"])
        programs = f"{Path(worker['python']).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        told = {"AML_APP_ROOT": worker["app_root"], "AZUREML_MODEL_DIR": worker.get("model_dir")}
        named = {name: value for name, value in told.items() if value}
        self.environment = {**os.environ, **named, **worker.get("env", {}), "PATH": programs}

    def run(self, command: Sequence[str], write: Callable[[bytes, bool], None], keys: int | None = None) -> int:
        """Run a command and return its exit code.

        Args:
            command: Program and arguments; no shell reads them.
            write: Called with each piece of output, and whether it is the command's stderr.
            keys: Descriptor of what the command reads as its standard input.
        """
        stdin = subprocess.DEVNULL if keys is None else keys
        with (
            self._begin(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=stdin) as process,
            selectors.DefaultSelector() as ends,
        ):
            assert process.stdout is not None
            assert process.stderr is not None
            ends.register(process.stdout, selectors.EVENT_READ, data=False)
            ends.register(process.stderr, selectors.EVENT_READ, data=True)
            while ends.get_map():
                for key, _ in ends.select():
                    piece = os.read(key.fd, 65536)
                    if piece:
                        write(piece, key.data)
                    else:
                        ends.unregister(key.fileobj)
            return process.wait()

    def terminal(self) -> int:
        """Give this process's terminal to a shell until it ends; returns its exit code.

        Raises:
            Conflict: Standard input is no terminal.
        """
        need_terminal()
        with self._begin([os.environ.get("SHELL", "sh")]) as process:
            return process.wait()

    def _begin(self, command: Sequence[str], **streams: int) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(list(command), cwd=self.folder, env=self.environment, **streams)  # type: ignore[call-overload, no-any-return]
        except OSError as error:
            raise TargetUnavailable(f"The command could not be run: {command[0]}: {error.strerror}.") from None
