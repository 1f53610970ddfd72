"""What is printed: the one module that writes to stdout and stderr."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from jupyter_mldeploy.errors import MLDeployError, StorageError

__all__ = ["ReaderGone", "Screen", "columns"]


class ReaderGone(Exception):
    """Whoever read our output has closed it (``mldeploy logs iris | head``)."""


class Screen:
    """Stdout and stderr of one command.

    Args:
        form: ``text`` or ``json``.
        out, err: Where to; the process's own unless a test says otherwise.
    """

    def __init__(self, form: str = "text", out: TextIO | None = None, err: TextIO | None = None) -> None:
        self.is_json = form == "json"
        self._out = out or sys.stdout or _nowhere()
        self._err = err or sys.stderr or _nowhere()
        self._passing = ""

    @property
    def is_terminal(self) -> bool:
        """Whether a person looks at stdout."""
        return self._out.isatty() and not self.is_json

    def line(self, text: str = "") -> None:
        """One line of the answer."""
        self.passing("")
        self._write(self._out, text + "\n")

    def lines(self, texts: Iterable[str]) -> None:
        """Several."""
        for text in texts:
            self.line(text)

    def piece(self, said: bytes, is_error: bool) -> None:
        """What a command wrote, byte for byte."""
        stream = self._err if is_error else self._out
        binary = getattr(stream, "buffer", None)
        if binary is None:  # text alone: a notebook's
            self._write(stream, said.decode("utf-8", "backslashreplace"))
            return
        self._write(stream, "")
        with _writing():
            binary.write(said)
            binary.flush()

    def json(self, value: Any, *, indent: int | None = 2) -> None:
        """One JSON value; what JSON does not know is written as text."""
        self._write(self._out, json.dumps(value, indent=indent, ensure_ascii=False, default=str) + "\n")

    def note(self, text: str) -> None:
        """One line on stderr, which is no part of the answer."""
        self.passing("")
        self._write(self._err, text + "\n")

    def passing(self, text: str) -> None:
        """Show a line that the next one replaces; only where a person looks."""
        if not self.is_terminal or text == self._passing:
            return
        width = shutil.get_terminal_size().columns - 1
        shown = "".join(character if character.isprintable() else " " for character in text)[:width]
        self._passing = text
        self._write(self._out, f"\r\x1b[2K{shown}")

    def error(self, error: MLDeployError) -> None:
        """An error: what explains it on stdout, a line on stderr (one more for each problem); in JSON an object on stdout."""
        if self.is_json:
            self.json({"error": error.to_json()}, indent=None)
            return
        diagnosis = getattr(error, "diagnosis", None)
        if diagnosis is not None:
            self.line(diagnosis.to_text())
        problems: Sequence[str] = getattr(error, "problems", ())
        if len(problems) > 1:
            self.note(f"mldeploy: {_in_a_line(error.summary)}")
            for problem in problems:
                self.note(f"  • {_in_a_line(problem)}")
            if error.hint:
                self.note(f"  {_in_a_line(error.hint)}")
        else:
            self.note(f"mldeploy: {_in_a_line(f'{error.summary} {error.hint}')}")

    def ask(self, question: str) -> bool:
        """Ask a person; anything but yes is no."""
        self._write(self._err, f"{question} [y/N] ")
        return sys.stdin.readline().strip().lower() in {"y", "yes"}

    def _write(self, stream: TextIO, text: str) -> None:
        with _writing():
            try:
                stream.write(text)
            except UnicodeEncodeError:  # a terminal that cannot show the character shows its number
                encoding = stream.encoding or "ascii"
                stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
            stream.flush()


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise ReaderGone from None
    except OSError as error:
        raise StorageError(f"The output could not be written: {error.strerror}.") from error


def _in_a_line(text: str) -> str:
    return " ".join(text.split())


def _nowhere() -> TextIO:
    """For a process that was started with its streams closed."""
    return Path(os.devnull).open("w", encoding="utf-8")


def columns(head: Sequence[str], rows: Sequence[Sequence[str]], optional: Container[str] = ()) -> list[str]:
    """A table as lines; the last column is as long as it is. Of the ``optional`` ones those with nothing in them are left out."""
    kept = [column for column, name in enumerate(head) if name not in optional or any(row[column] for row in rows)]
    head = [head[column] for column in kept]
    table = [head, *([row[column] for column in kept] for row in rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
