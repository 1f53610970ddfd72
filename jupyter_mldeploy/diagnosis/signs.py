"""Signs: words of one speaker that name one cause.

Platforms (package managers, engines, registries, Kubernetes) say what is wrong in one line, so most of their rules are
tables: which words, which cause, how near to the root, and what the line tells besides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_mldeploy.diagnosis.rule import Depth, Finding

if TYPE_CHECKING:
    from jupyter_mldeploy.diagnosis.reading import Reading

__all__ = ["Sign", "show"]


@dataclass(frozen=True, slots=True)
class Sign:
    """A pattern and what it means. Its named groups are facts; ``reason`` is one, too, in words for the page."""

    cause: str
    pattern: str
    depth: int = Depth.ROOT
    reason: str = ""
    sources: Sequence[str] | None = None
    certain: bool = True


_AROUND = " \t\"'`,;"
"""What stands around a name and is none of it. A dot may begin a path."""


def show(reading: Reading, signs: Iterable[Sign], sources: Sequence[str] | None = None) -> Iterator[Finding]:
    """The first line that bears each sign; of several signs for one cause only the first that is there."""
    shown: set[str] = set()
    for sign in signs:
        if sign.cause in shown:
            continue
        hit = reading.find(sign.pattern, sign.sources or sources)
        if hit is None:
            continue
        shown.add(sign.cause)
        facts = {
            name: value.lstrip(_AROUND).rstrip(_AROUND + ".") for name, value in hit.match.groupdict().items() if value
        }
        if sign.reason:
            facts.setdefault("reason", sign.reason)
        yield Finding(sign.cause, int(sign.depth), (hit.line,), facts, sign.certain)
