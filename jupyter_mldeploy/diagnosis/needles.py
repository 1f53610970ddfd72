"""What a line must contain before a pattern is worth trying on it.

There are a thousand patterns and a log can be a megabyte. Searching for a fixed piece of text is some hundred times cheaper
than trying a pattern, and a look at the words that occur at all cheaper still. So a pattern is split at its bars into
branches, and each branch is compiled together with a set of texts of which every match of it must contain one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any

__all__ = ["Branch", "Needle", "branches", "grams", "needle", "vocabulary"]

_LETTERS = re.compile(r"[a-z]+")
_SHORTEST = 3
_MOST = 24
_LONGEST_WORD = 200


@dataclass(frozen=True, slots=True)
class Needle:
    """Fixed text in lower case, with the runs of letters in it, the longest first, and three letters each of these."""

    text: str
    letters: tuple[str, ...]
    grams: frozenset[str]


@dataclass(frozen=True, slots=True)
class Branch:
    """One alternative of a pattern. Without ``needles`` it may match anywhere."""

    regex: re.Pattern[str]
    needles: tuple[Needle, ...]


@cache
def branches(pattern: str) -> tuple[Branch, ...]:
    """The alternatives of a pattern, in order. Case is ignored."""
    found = []
    for text in _split(pattern):
        regex = re.compile(text, re.IGNORECASE)
        texts = _required(_parser.parse(text, re.IGNORECASE)) or ()
        found.append(Branch(regex, tuple(map(needle, sorted(texts)))))
    return tuple(found)


def vocabulary(lowered: str) -> str:
    """All runs of letters that occur in a text in lower case, as one text; without such as no language has."""
    # Lines of a log differ in their numbers more than in their words: what is left of most of them is the same.
    lines = set(lowered.encode("ascii", "replace").translate(_TO_SPACE).split(b"\n"))
    words = set(b" ".join(lines).split())
    return b" ".join([word for word in words if _SHORTEST <= len(word) <= _LONGEST_WORD]).decode("ascii")


_TO_SPACE = bytes(b if ord("a") <= b <= ord("z") or b == ord("\n") else ord(" ") for b in range(256))


@cache
def needle(text: str) -> Needle:
    """A fixed text, which must be in lower case, ready to be looked for."""
    runs = [run for run in _LETTERS.findall(text) if len(run) >= _SHORTEST]
    letters = tuple(sorted(runs, key=len, reverse=True)[:3])
    return Needle(text, letters, frozenset().union(*map(grams, letters)))


def grams(text: str) -> frozenset[str]:
    """What stands side by side in a text, by three."""
    return frozenset(text[i : i + 3] for i in range(len(text) - 2))


def _required(parsed: Iterable[tuple[Any, Any]]) -> frozenset[str] | None:
    """Texts of which each match of a parsed pattern contains one, or ``None`` if none are known."""
    candidates: list[frozenset[str]] = []
    run = ""
    for operation, value in parsed:
        if operation is _constants.LITERAL and chr(value).isascii():
            run += chr(value).lower()
            continue
        if len(run) >= _SHORTEST:
            candidates.append(frozenset({run}))
        run = ""
        if inner := _inner(operation, value):
            candidates.append(inner)
    if len(run) >= _SHORTEST:
        candidates.append(frozenset({run}))
    # Long texts are rare ones, and few are quicker to look for than many.
    return max(candidates, key=lambda texts: min(map(len, texts)) - len(texts) / 4, default=None)


def _inner(operation: Any, value: Any) -> frozenset[str] | None:
    if operation is _constants.SUBPATTERN:
        return _required(value[-1])
    if operation in (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT):
        return _required(value[2]) if value[0] > 0 else None
    if operation is _constants.ATOMIC_GROUP:
        return _required(value)
    if operation is _constants.BRANCH:
        parts = [_required(part) for part in value[1]]
        if all(parts):
            united = frozenset().union(*(part for part in parts if part))
            return united if len(united) <= _MOST else None
    return None


def _split(pattern: str) -> Sequence[str]:
    """Split at the bars that stand outside of groups and classes."""
    parts, depth, start, i = [], 0, 0, 0
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
            parts.append(pattern[start:i])
            start = i + 1
        i += 1
    return [*parts, pattern[start:]]


def _class_end(pattern: str, start: int) -> int:
    i = start + 1
    if pattern[i] == "^":
        i += 1
    if pattern[i] == "]":
        i += 1
    while pattern[i] != "]":
        i += 2 if pattern[i] == "\\" else 1
    return i
