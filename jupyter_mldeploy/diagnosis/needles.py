"""What a line must contain before a pattern is worth trying on it.

There are hundreds of patterns and a log can be a megabyte. Searching for a fixed piece of text is some hundred times
cheaper than trying a pattern, and a look into a set of words cheaper still, so each pattern is compiled together with the
longest piece of fixed text that every match of it must contain.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

__all__ = ["Pattern", "compiled", "vocabulary"]

_LITERAL_ESCAPES = set(r".\\()[]{}*+?|^$/-'\"#:@!=<>,&~ ")
_WORD = re.compile(r"[a-z]+")
_SHORTEST = 3


@dataclass(frozen=True, slots=True)
class Needle:
    """Fixed text, in lower case, the whole words in it, and what at its ends may be a part of a word."""

    text: str
    words: tuple[str, ...]
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern; ``needles`` is empty if it may match a line that contains no text known beforehand."""

    regex: re.Pattern[str]
    needles: tuple[Needle, ...]


@cache
def compiled(pattern: str) -> Pattern:
    """Compile ``pattern`` (case is ignored) and work out what its matches contain."""
    regex = re.compile(pattern, re.IGNORECASE)
    needles = []
    for branch in _branches(pattern):
        run = max(_runs(branch), key=len, default="")
        if len(run) < _SHORTEST:
            return Pattern(regex, ())
        # Words at the ends of the run may be parts of longer words, so only those inside it are known to be whole.
        words = tuple(word for word in (m.group() for m in _WORD.finditer(run[1:-1])) if _whole(word, run))
        ends = tuple(m.group() for m in _WORD.finditer(run) if m.start() == 0 or m.end() == len(run))
        needles.append(Needle(run, words, ends))
    return Pattern(regex, tuple(needles))


def vocabulary(lowered: str) -> frozenset[str]:
    """All runs of letters in a text in lower case."""
    return (
        frozenset(_NOT_LETTERS.sub(" ", lowered).split()) if len(lowered) < _SMALL else frozenset(_split_fast(lowered))
    )


_NOT_LETTERS = re.compile(r"[^a-z]+")
_SMALL = 4_000
_TO_SPACE = bytes(b if ord("a") <= b <= ord("z") else ord(" ") for b in range(256))


def _split_fast(lowered: str) -> list[str]:
    return [word.decode("ascii") for word in set(lowered.encode("ascii", "replace").translate(_TO_SPACE).split())]


def _whole(word: str, run: str) -> bool:
    return re.search(rf"(?<![a-z])(?<!^){word}(?![a-z])(?!$)", run) is not None


def _branches(pattern: str) -> list[str]:
    """Split at the bars that stand outside of groups and classes; one group around everything is opened first."""
    branches, depth, start, i = [], 0, 0, 0
    while i < len(pattern):
        char = pattern[i]
        if char == "\\":
            i += 1
        elif char == "[":
            i = _class_end(pattern, i)
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
        elif char == "|" and depth == 0:
            branches.append(pattern[start:i])
            start = i + 1
        i += 1
    return [*branches, pattern[start:]]


def _runs(branch: str) -> list[str]:
    """Pieces of fixed text that stand outside of groups, in lower case."""
    runs, run, depth, i = [], "", 0, 0
    while i < len(branch):
        char = branch[i]
        literal = ""
        if char == "\\":
            i += 1
            literal = branch[i] if branch[i] in _LITERAL_ESCAPES else ""
        elif char == "[":
            i = _class_end(branch, i)
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
        elif char in "*?{":
            run = run[:-1]  # the character before may be absent
            if char == "{":
                i = branch.index("}", i)
        elif char not in ".^$+|":
            literal = char
        if literal and depth == 0 and literal.isascii():
            run += literal.lower()
        else:
            runs.append(run)
            run = ""
        i += 1
    return [*runs, run]


def _class_end(pattern: str, start: int) -> int:
    i = start + 1
    if pattern[i] == "^":
        i += 1
    if pattern[i] == "]":
        i += 1
    while pattern[i] != "]":
        i += 2 if pattern[i] == "\\" else 1
    return i
