"""Parse a script; what is not Python becomes problems, IPython's own syntax among them."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass
from types import CodeType

from jupyter_mldeploy.capture.problems import Problem
from jupyter_mldeploy.capture.walking import Survey, survey

__all__ = ["Parsed", "parse"]

_IPYTHON = re.compile(
    r"""(?x)
    (?P<indent>\s*)
    (?:
        (?P<target>[\w.,\s]+=\s*)?(?P<mark>%{1,2}[A-Za-z]|!{1,2}\s*[\w./~$"'{(-])   # %time x, files = !ls
      | (?P<help>\?{1,2}\s*%{0,2}[\w.*]+|%{0,2}[\w.*\[\]]+\?{1,2}\s*$)              # ?name, name??
    )
    """
)
_MOST_LINES = 200


@dataclass(frozen=True)
class Parsed:
    """A script that Python can read.

    Attributes:
        text: The script, with ``pass`` in the place of IPython's lines.
        tree: Its syntax tree; ``code``: what Python makes of it; ``survey``: what the checks look at.
        problems: IPython's lines.
    """

    text: str
    tree: ast.Module
    code: CodeType
    survey: Survey
    problems: tuple[Problem, ...] = ()


def parse(text: str) -> Parsed | list[Problem]:
    """Parse ``text``, or say what is wrong with it, each with its line."""
    lines = text.split("\n")
    problems: list[Problem] = []
    while True:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # an invalid escape sequence is not ours to complain of
                tree = ast.parse("\n".join(lines))
                code = compile(tree, "score.py", "exec", dont_inherit=True)
            return Parsed("\n".join(lines), tree, code, survey(tree), tuple(problems))
        except SyntaxError as error:
            number = error.lineno or 0
            found = _ipython_line(lines, number)
            if found is None or len(problems) >= _MOST_LINES:
                return [*problems, Problem(number, f"Syntax: {_reason(error)}.", _shown(lines, number))]
            index, replacement = found
            problems.append(_ipython_problem(index + 1, lines[index]))
            lines[index] = replacement
        except (ValueError, RecursionError, MemoryError) as error:  # a NUL byte; brackets a thousand deep
            return [*problems, Problem(0, f"Syntax: Python cannot read it: {str(error).rstrip('.')}.")]


def _ipython_line(lines: list[str], number: int) -> tuple[int, str] | None:
    """The line to blame for a syntax error, if it is IPython's syntax; the parser may stop one line later."""
    for index in (number - 1, number - 2):
        if 0 <= index < len(lines) and (match := _IPYTHON.match(lines[index])):
            target = match["target"]
            return index, f"{match['indent']}{target}None" if target else f"{match['indent']}pass"
    return None


def _ipython_problem(line: int, text: str) -> Problem:
    text = text.strip()
    message = (
        f"`{text if len(text) <= 60 else text[:59] + '…'}` is IPython's syntax, and the service runs plain Python."
    )
    if re.search(r"(?:^[!%]|=\s*[!%])\s*(?:uv\s+)?(?:pip|conda|mamba)\b.*\binstall\b", text):
        return Problem(line, message, "Name the packages with --pip or --environment instead.")
    if "?" in text and not text.startswith(("!", "%")):
        return Problem(line, message, "Remove the line.")
    return Problem(line, message, "Put it into another cell.")


def _reason(error: SyntaxError) -> str:
    return (error.msg or "it is not Python").rstrip(".")


def _shown(lines: list[str], number: int) -> str:
    line = lines[number - 1].strip() if 0 < number <= len(lines) else ""
    return f"The line reads `{line[:80]}`." if line else ""
