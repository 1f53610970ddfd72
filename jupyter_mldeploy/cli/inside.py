"""The verbs that go where a service's script runs: shell, exec, debug."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from jupyter_mldeploy.cli.showing import Screen
from jupyter_mldeploy.errors import Conflict, InvalidValue

if TYPE_CHECKING:
    from jupyter_mldeploy.targets.entering import Surroundings

__all__ = ["debug", "execute", "shell"]


def execute(options: argparse.Namespace, screen: Screen) -> int:
    """Run one command; the exit code is the command's."""
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        raise InvalidValue("COMMAND", "", "name what is to be run, such as: mldeploy exec NAME -- pip freeze")
    inside = _inside(options.name)
    if screen.is_json:
        heard: dict[bool, bytes] = {False: b"", True: b""}

        def keep(piece: bytes, is_error: bool) -> None:
            heard[is_error] += piece

        code = inside.run(command, keep, _input())
        out, err = (heard[which].decode("utf-8", "backslashreplace") for which in (False, True))
        screen.json({"command": command, "exit_code": code, "stdout": out, "stderr": err})
        return code
    return inside.run(command, screen.piece, _input())


def _input() -> int | None:
    """What was piped or redirected into this process, for the command to read; nobody's keyboard."""
    try:
        keys = sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):
        return None
    return None if os.isatty(keys) else keys


def shell(options: argparse.Namespace, screen: Screen) -> int:
    """A terminal there, in the app root."""
    del screen
    return _inside(options.name).terminal()


def debug(options: argparse.Namespace, screen: Screen) -> int:
    """Let a debugger in until interrupted; then the service starts again without."""
    import threading

    from jupyter_mldeploy import api
    from jupyter_mldeploy.cli.interrupts import interruptible
    from jupyter_mldeploy.spec import TargetKind
    from jupyter_mldeploy.targets.container.debugging import debugged, launch_json
    from jupyter_mldeploy.targets.container.inside import Inside

    record = api.service(options.name).record
    if record.spec.target.kind is TargetKind.KUBERNETES:
        raise Conflict(
            f"{record.name!r} runs in pods, which take no debugger.",
            f"Debug it in a container: mldeploy deploy SCRIPT --name {record.name}-debug --target container",
        )
    inside = _inside(options.name)
    if not isinstance(inside, Inside):
        entry = f"AML_APP_ROOT=$(mldeploy exec {record.name} -- pwd) mldeploy serve --debug_port {options.port}"
        raise Conflict(
            f"{record.name!r} runs on the local target, where its script is debugged in the foreground.",
            f"Start it there: {entry} --entry_script {record.spec.inference.script.file_name}",
        )
    with interruptible() as cancel, debugged(inside, record, options.port):
        interrupted = threading.Event()
        cancel.on_cancel(interrupted.set)
        screen.line(launch_json(record, options.port))
        screen.note(f"{options.name} waits for a debugger on port {options.port} before init(); Ctrl-C ends this.")
        interrupted.wait()
    screen.note(f"{options.name} starts again without a debugger.")
    return 0


def _inside(name: str) -> Surroundings:
    from jupyter_mldeploy import api
    from jupyter_mldeploy.config import settings
    from jupyter_mldeploy.records import Records
    from jupyter_mldeploy.targets.entering import enter

    return enter(Records(settings().home_path), api.service(name).record)
