"""What a rule is, and what it finds.

A rule is a pure function from a ``Reading`` to findings, declared with the causes it can name::

    @rule("module-not-found", "local-module-not-packaged")
    def missing_module(reading: Reading) -> Iterator[Finding]:
        ...

Each finding says how near to the root of the failure it stands. The nearest is named first, because that is the one to
mend first; the others follow from it or come after it.

    ========  ==================================================================  ==============================
    depth     what the evidence shows                                             example
    ========  ==================================================================  ==============================
    ROOT      the thing itself, in words that can mean nothing else               proxy refused; module is absent
    SPECIFIC  a definite failure that can still have one of the roots behind it   no matching distribution
    SYMPTOM   what the failing of something else looks like from near by          worker ended with signal 9; 137
    WRAPPER   what a platform says around any failure                             CrashLoopBackOff; HTTP 502; 504
    ========  ==================================================================  ==============================

Between two depths there is room (``Depth.SPECIFIC - 2``) for rules that must come before others of their depth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from jupyter_mldeploy.diagnosis.reading import Hit, Line, Reading

__all__ = ["Depth", "Finding", "Rule", "found", "registered", "rule"]


class Depth(IntEnum):
    """How near to the root a finding stands; smaller is nearer."""

    ROOT = 10
    SPECIFIC = 20
    SYMPTOM = 30
    WRAPPER = 40


@dataclass(frozen=True)
class Finding:
    """A cause that the evidence shows.

    Attributes:
        cause: Its slug, which is also the name of its page in the catalogue.
        depth: How near to the root it stands (``Depth``, or a number between two of them).
        proof: The lines that show it, the most telling first.
        facts: What was read from them, for the slots of the page.
        certain: Whether the lines can mean nothing else.
    """

    cause: str
    depth: int
    proof: tuple[Line, ...]
    facts: Mapping[str, str] = field(default_factory=dict)
    certain: bool = True


Findings = Iterable[Finding] | Finding | None
Function = Callable[[Reading], Findings]


@dataclass(frozen=True)
class Rule:
    """A function with the causes it can name."""

    function: Function
    causes: frozenset[str]

    @property
    def name(self) -> str:
        return f"{self.function.__module__.rsplit('.', 1)[-1]}.{self.function.__name__}"

    def __call__(self, reading: Reading) -> list[Finding]:
        result = self.function(reading)
        if result is None:
            return []
        return [result] if isinstance(result, Finding) else list(result)


_RULES: dict[str, Rule] = {}


def rule(*causes: str) -> Callable[[Function], Function]:
    """Declare a function as the rule for these causes."""

    def declare(function: Function) -> Function:
        declared = Rule(function, frozenset(causes))
        _RULES[declared.name] = declared
        return function

    return declare


def registered() -> tuple[Rule, ...]:
    """The rules of all modules imported so far, in the order of their names so that nothing depends on import order."""
    return tuple(_RULES[name] for name in sorted(_RULES))


def found(
    cause: str,
    depth: int,
    *hits: Hit | Line | None,
    certain: bool = True,
    facts: Mapping[str, str] | None = None,
    **more: str,
) -> Finding:
    """A finding from hits or lines and facts; absent lines and empty facts are left out."""
    lines = tuple(hit.line if isinstance(hit, Hit) else hit for hit in hits if hit is not None)
    known = {**(facts or {}), **more}
    return Finding(cause, int(depth), lines, {name: value for name, value in known.items() if value}, certain)
