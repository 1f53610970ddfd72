"""This process's terminal, given to something that runs elsewhere."""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from jupyter_mldeploy.errors import Conflict

__all__ = ["PIECE", "need_terminal", "raw_terminal", "relay"]

PIECE = 65536


def need_terminal() -> None:
    """Raise ``Conflict`` where standard input is no terminal."""
    if not sys.stdin.isatty():
        raise Conflict("A shell needs a terminal.", "Run one command with `mldeploy exec NAME -- COMMAND`.")


@contextmanager
def raw_terminal(resized: Callable[[], None]) -> Iterator[tuple[int, int]]:
    """Keyboard and screen as descriptors, every key passed on as it is; ``resized`` is called now and whenever it is."""
    keyboard, screen = sys.stdin.fileno(), sys.stdout.fileno()
    before = termios.tcgetattr(keyboard)
    former = signal.signal(signal.SIGWINCH, lambda *_: resized())
    try:
        tty.setraw(keyboard, termios.TCSADRAIN)  # what was typed ahead is kept
        resized()
        yield keyboard, screen
    except (BrokenPipeError, ConnectionResetError):
        return
    finally:
        signal.signal(signal.SIGWINCH, former)
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)


def relay(keyboard: int, wire: Any, heard: Callable[[], bool], say: Callable[[bytes], None]) -> None:
    """Carry what is typed to the far end, and let it be heard, until that closes.

    Args:
        keyboard: Descriptor of the keyboard.
        wire: What becomes readable when the far end says something.
        heard: Takes in what was said; false when there will be no more.
        say: Sends what was typed.
    """
    open_ends: list[Any] = [keyboard, wire]
    while True:
        ready, _, _ = select.select(open_ends, [], [])
        if wire in ready and not heard():
            return
        if keyboard in ready:
            if typed := os.read(keyboard, PIECE):
                say(typed)
            else:
                open_ends.remove(keyboard)
