"""This process's terminal, given to something that runs elsewhere."""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from jupyter_mldeploy.errors import Conflict

__all__ = ["PIECE", "SHELL", "fed", "need_terminal", "raw_terminal", "relay"]

SHELL = ("sh", "-c", "command -v bash >/dev/null && exec bash || exec sh")
"""Slim images have bash, the smallest have only sh."""
PIECE = 65536


def need_terminal() -> None:
    """Raise ``Conflict`` where standard input or output is no terminal."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Conflict("A shell needs a terminal.", "Run one command with `mldeploy exec NAME -- COMMAND`.")


@contextmanager
def raw_terminal() -> Iterator[tuple[int, int]]:
    """Keyboard and screen as descriptors, every key passed on as it is."""
    keyboard, screen = sys.stdin.fileno(), sys.stdout.fileno()
    before = termios.tcgetattr(keyboard)
    try:
        tty.setraw(keyboard, termios.TCSADRAIN)  # what was typed ahead is kept
        yield keyboard, screen
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)


def relay(
    keyboard: int, wire: Any, heard: Callable[[], bool], say: Callable[[bytes], None], resized: Callable[[], None]
) -> None:
    """Carry what is typed to the far end, and let it be heard, until that closes.

    Args:
        keyboard: Descriptor of the keyboard.
        wire: What becomes readable when the far end says something.
        heard: Takes in what was said; false when there will be no more.
        say: Sends what was typed.
        resized: Tells the far end the size of the terminal; called now and whenever it changes.
    """
    woken, wake = os.pipe()
    # The handler only wakes: it may come in the middle of a write.
    former = signal.signal(signal.SIGWINCH, lambda *_: os.write(wake, b"r"))
    open_ends: list[Any] = [keyboard, wire, woken]
    try:
        resized()
        while True:
            ready, _, _ = select.select(open_ends, [], [])
            if wire in ready and not heard():
                return
            if woken in ready:
                os.read(woken, PIECE)
                resized()
            if keyboard in ready:
                if typed := os.read(keyboard, PIECE):
                    say(typed)
                else:
                    open_ends.remove(keyboard)
    except (BrokenPipeError, ConnectionResetError):
        return
    finally:
        signal.signal(signal.SIGWINCH, former)
        os.close(woken)
        os.close(wake)


@contextmanager
def fed(keys: int | None, say: Callable[[bytes], None], end: Callable[[], None]) -> Iterator[None]:
    """Carry what a descriptor has to the far end while the block runs, whether or not it is ever at its end.

    Args:
        keys: The descriptor; without one the far end is told at once that there is nothing.
        say: Sends a piece.
        end: Tells the far end that there is no more.
    """
    if keys is None:
        end()
        yield
        return
    woken, wake = os.pipe()

    def carry() -> None:
        with suppress(OSError):  # who was to hear it has gone
            while True:
                ready, _, _ = select.select([keys, woken], [], [])
                if woken in ready:
                    return
                if not (piece := os.read(keys, PIECE)):
                    end()
                    return
                say(piece)

    carrier = threading.Thread(target=carry, daemon=True, name="standard input")
    carrier.start()
    try:
        yield
    finally:
        os.write(wake, b"e")
        carrier.join()
        os.close(woken)
        os.close(wake)
