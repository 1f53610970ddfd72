"""What the checks find, and the one error that carries all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jupyter_mldeploy.errors import InvalidScript
from jupyter_mldeploy.spec import Script

__all__ = ["Problem", "raise_for"]


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that would make the script fail.

    Attributes:
        line: In the script, from 1 on; 0 where it belongs to no line (a function that is missing).
        message: One sentence.
        hint: What to do, or ``""``.
    """

    line: int
    message: str
    hint: str = ""


def raise_for(script: Script, problems: Sequence[Problem]) -> None:
    """Raise ``InvalidScript`` with every problem as "cell [4], line 6: …"; with no problem do nothing."""
    if not problems:
        return
    shown = []
    for problem in problems:
        where = f"{script.origin}, line {problem.line}" if problem.line else script.origin
        shown.append(f"{where}: {problem.message}" + (f" {problem.hint}" if problem.hint and len(problems) > 1 else ""))
    raise InvalidScript(script.origin, shown, problems[0].hint if len(problems) == 1 else "")
