"""Read the words, run the verb, turn what it raises into a line and an exit code."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from jupyter_mldeploy.cli.options import SETTINGS
from jupyter_mldeploy.cli.parser import build_parser
from jupyter_mldeploy.cli.showing import ReaderGone, Screen

if TYPE_CHECKING:
    from jupyter_mldeploy.errors import MLDeployError

__all__ = ["run"]

Handler = Callable[[argparse.Namespace, Screen], int]


def run(argv: list[str] | None = None) -> int:
    """See ``jupyter_mldeploy.cli.main``."""
    words = sys.argv[1:] if argv is None else list(argv)
    try:
        if words[:1] == ["serve"]:
            return serve(words[1:])
        options = build_parser().parse_args(words, argparse.Namespace(words=words))
    except SystemExit as stop:  # argparse ends the process on --help and on mistakes
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return _leave_quietly()
    return _guarded(options, Screen(options.format))


def serve(words: list[str]) -> int:
    """The scoring server's own program."""
    from jupyter_mldeploy.runtime import main

    return main(words)


def _guarded(options: argparse.Namespace, screen: Screen) -> int:
    from jupyter_mldeploy.cli.interrupts import Interrupted
    from jupyter_mldeploy.errors import Cancelled, MLDeployError

    module, _, function = options.handler.partition(":")
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("always", category=UserWarning, module="jupyter_mldeploy")
            warnings.showwarning = lambda message, *_: screen.note(f"mldeploy: {message}")
            _apply_settings(options)
            handler: Handler = getattr(import_module(f"jupyter_mldeploy.cli.{module}"), function)
            return handler(options, screen)
    except Interrupted as stop:
        return _refuse(screen, stop.error, stop.exit_code)
    except KeyboardInterrupt:
        return _refuse(screen, Cancelled("Interrupted."), 130)
    except MLDeployError as error:
        return _refuse(screen, error, 1)
    except ReaderGone:
        return _leave_quietly()


def _refuse(screen: Screen, error: MLDeployError, exit_code: int) -> int:
    from jupyter_mldeploy.errors import StorageError

    try:
        screen.error(error)
    except ReaderGone:
        _leave_quietly()
    except StorageError as trouble:  # stdout is full: stderr may not be
        screen.note(f"mldeploy: {error.summary} {trouble.summary}")
        _leave_quietly()
    return exit_code


def _apply_settings(options: argparse.Namespace) -> None:
    """Options that are settings win over every other place where they can be set."""
    given = {name: value for name in SETTINGS if (value := getattr(options, name, None)) is not None}
    if not given:
        return
    from traitlets import TraitError

    from jupyter_mldeploy.config import settings
    from jupyter_mldeploy.errors import InvalidValue

    force = settings()
    for name, value in given.items():
        try:
            setattr(force, name, value)
        except (TraitError, InvalidValue):
            field = f"--{name.replace('_', '-')}"
            raise InvalidValue(field, value, "it is a time in seconds above zero, at most a year.") from None


def _leave_quietly() -> int:
    """Nobody reads any more: keep Python from complaining about what it could not flush at its end."""
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(null, stream.fileno())
    return 0
