"""What a script imports, and where."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from jupyter_mldeploy.capture.walking import CONDITION, NEVER, Survey

__all__ = ["Imported", "imports_of"]

_HANDLED = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


@dataclass(frozen=True)
class Imported:
    """One module that is imported.

    Attributes:
        module: Full name, ``sklearn.linear_model``; that of a relative import keeps its dots.
        line: Where.
        names: What ``from ... import`` takes from it.
        sure: It always runs and nothing handles its failure.
        never: It never runs in a service.
    """

    module: str
    line: int
    names: tuple[str, ...] = ()
    sure: bool = True
    never: bool = False

    @property
    def top(self) -> str:
        """The module that has to be there."""
        return self.module.partition(".")[0]


def imports_of(found: Survey) -> Iterator[Imported]:
    """All imports, in the order of the script; those below ``if`` and in ``try`` are not sure."""
    for node, guards in found.imports:
        sure = not guards & (_HANDLED | {CONDITION, NEVER})
        never = NEVER in guards
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Imported(alias.name, node.lineno, (), sure, never)
        else:
            module = "." * node.level + (node.module or "")
            yield Imported(module, node.lineno, tuple(alias.name for alias in node.names), sure, never)
