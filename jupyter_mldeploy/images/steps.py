"""What a builder tells of a build, whichever it is: steps, lines, and the failure of a step."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Protocol

from jupyter_mldeploy.events import Cancel

__all__ = ["BOOKKEEPING", "COLOURS", "PATIENCE", "REMOVING", "Builder", "Listener", "Step", "StepFailed", "short"]

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
BOOKKEEPING = re.compile(r" ---> |--> |Removing intermediate container ")
"""A builder's own: kept in the log, of no use while it builds."""
REMOVING = "Removing intermediate container"
PATIENCE = 15
"""Seconds for the engine to end the command of a build that was interrupted."""


@dataclass
class Step:
    """One instruction of a Dockerfile, while and after it was carried out."""

    step: str
    command: str
    seconds: float = 0.0
    cached: bool = False

    def __str__(self) -> str:
        took = "cached" if self.cached else f"{self.seconds:.1f} s"
        return f"{self.step} {short(self.command)}: {took}"


@dataclass(kw_only=True)
class Listener:
    """Who hears of a build: every line, and every step that has ended."""

    line: Callable[[str], None] = lambda _: None
    step: Callable[[Step], None] = lambda _: None


class Builder(Protocol):
    """The build of one part.

    Attributes:
        steps: Those that have begun; where one failed, it is the last.
        output: What the last one has said.
    """

    steps: list[Step]
    output: list[str]

    def lines(self, cancel: Cancel) -> Generator[str]:
        """Build it, and yield the lines of its log.

        Raises:
            StepFailed: A step failed, or the builder did.
        """

    def undo(self) -> str:
        """Remove what an interrupted build has left, and say what became of it."""


class StepFailed(Exception):
    """The builder's own report of a failure.

    Attributes:
        text: As it is kept in the log.
        code: What the step's command ended with.
        in_step: Whether the last step is to blame, and not the builder.
    """

    def __init__(self, text: str, code: int | None = None, *, in_step: bool = True) -> None:
        super().__init__(text)
        self.text = text
        self.code = code
        self.in_step = in_step

    def reason(self, output: list[str]) -> str:
        """The last line of a step in which a program says what was wrong, else its last line, else the builder's words."""
        lines = [line.strip() for line in output if line.strip() and not BOOKKEEPING.match(line)]
        told = [line for line in lines if re.match(r"(?i)(error|e):\s", line)] or lines
        return (told[-1] if told else self.text.strip().splitlines()[0]).rstrip(".") + "."


def short(command: str) -> str:
    """A command on one line of eighty characters."""
    one_line = " ".join(command.replace("\\\n", " ").split())
    return one_line if len(one_line) <= 80 else one_line[:79] + "…"
