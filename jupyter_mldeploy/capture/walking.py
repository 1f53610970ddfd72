"""One walk over a syntax tree, which knows under which conditions each node runs."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

__all__ = ["CONDITION", "NEVER", "Guards", "Survey", "dotted_name", "module_statements", "survey"]

NEVER = "<never>"
"""Guard of what no service runs: below ``if TYPE_CHECKING:`` and ``if __name__ == "__main__":``, in functions nobody names."""
CONDITION = "<condition>"
"""Guard of what runs only under a condition."""

Guards = frozenset[str]
"""Names of the exceptions that are caught around a node, ``NEVER``, ``CONDITION``."""

_FUNCTION = "def "
_NOTED = frozenset(
    {
        ast.Name,
        ast.Attribute,
        ast.Call,
        ast.Import,
        ast.ImportFrom,
        ast.Global,
        ast.FunctionDef,
        ast.AsyncFunctionDef,
        ast.ClassDef,
    }
)
_GUARDING = frozenset(
    {
        ast.FunctionDef,
        ast.AsyncFunctionDef,
        ast.Try,
        ast.TryStar,
        ast.If,
        ast.IfExp,
        ast.match_case,
        ast.While,
        ast.With,
        ast.AsyncWith,
    }
)
_LEAVES = (ast.Constant, ast.expr_context, ast.operator, ast.cmpop, ast.unaryop, ast.boolop)
_UNGUARDED: dict[str, Guards] = {}
_DYNAMIC = frozenset({"exec", "eval", "globals", "vars", "locals", "setattr", "__import__"})


@dataclass
class Survey:
    """What the checks look at, found in one walk over the tree; lists are in no order but each item has its line.

    Attributes:
        imports, calls: With their guards.
        handled: Names with the lines where they are used under guards, and the guards.
        declared: Names in ``global`` statements.
        own: Names of functions and classes, wherever they stand.
        named: Names that are used, as names or attributes.
        dynamic: Names may come from where nobody can see: ``import *``, ``exec``, ``globals()`` and their like.
    """

    imports: list[tuple[ast.Import | ast.ImportFrom, Guards]] = field(default_factory=list)
    calls: list[tuple[ast.Call, Guards]] = field(default_factory=list)
    handled: list[tuple[ast.Name, Guards]] = field(default_factory=list)
    declared: set[str] = field(default_factory=set)
    own: set[str] = field(default_factory=set)
    named: set[str] = field(default_factory=lambda: {"init", "run"})
    dynamic: bool = False

    def note(self, node: ast.AST, guards: Guards) -> None:
        """Keep a node if a check looks at it."""
        if isinstance(node, ast.Name):
            self.named.add(node.id)
            if guards:
                self.handled.append((node, guards))
        elif isinstance(node, ast.Attribute):
            self.named.add(node.attr)
        elif isinstance(node, ast.Call):
            self.calls.append((node, guards))
            self.dynamic |= isinstance(node.func, ast.Name) and node.func.id in _DYNAMIC
        elif isinstance(node, ast.Import | ast.ImportFrom):
            self.imports.append((node, guards))
            self.dynamic |= isinstance(node, ast.ImportFrom) and node.names[0].name == "*"
        elif isinstance(node, ast.Global):
            self.declared.update(node.names)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self.own.add(node.name)

    def settle(self, *, whole: bool) -> None:
        """Once all is seen: what stands in functions that nobody names never runs; unless it is ``whole``, it may run."""
        self.imports = sorted(((node, self._settled(guards, whole)) for node, guards in self.imports), key=_line)
        self.calls = sorted(((node, self._settled(guards, whole)) for node, guards in self.calls), key=_line)
        self.handled = [(node, settled) for node, guards in self.handled if (settled := self._settled(guards, whole))]

    def _settled(self, guards: Guards, whole: bool) -> Guards:
        functions = {guard for guard in guards if guard.startswith(_FUNCTION)}
        if not functions:
            return guards
        if not whole:
            return (guards - functions) | {CONDITION}
        never = any(function.removeprefix(_FUNCTION) not in self.named for function in functions)
        return (guards - functions) | ({NEVER} if never else set())


def survey(tree: ast.AST, *, whole: bool = True) -> Survey:
    """Walk over a tree, knowing under which conditions each node runs.

    Args:
        whole: It is the script, not a module of which others use what they like.
    """
    found = Survey()
    stack: list[tuple[ast.AST, Guards]] = [(tree, frozenset())]
    while stack:
        node, guards = stack.pop()
        kind = node.__class__
        if kind in _NOTED:
            found.note(node, guards)
        guarded = _guarded_fields(node) if kind in _GUARDING else _UNGUARDED
        if kind is ast.ClassDef:
            found.named.update(_methods(node))
        for name in kind._fields:
            value = getattr(node, name, None)
            inner = guards | guarded[name] if name in guarded else guards
            if value.__class__ is list:
                stack.extend((item, inner) for item in value if isinstance(item, ast.AST))
            elif isinstance(value, ast.AST) and not isinstance(value, _LEAVES):
                stack.append((value, inner))
    found.settle(whole=whole)
    return found


def _methods(node: ast.AST) -> Iterator[str]:
    """Methods count as used: a base class may call them."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield child.name


def _line(found: tuple[ast.stmt | ast.expr, Guards]) -> int:
    return found[0].lineno


def module_statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """Statements that run at module level, those in ``if``, ``try``, ``with`` and loops included."""
    stack: list[ast.stmt] = list(reversed(tree.body))
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.stmt):
                stack.append(child)
            elif isinstance(child, ast.ExceptHandler | ast.match_case):
                stack.extend(child.body)


def dotted_name(node: ast.AST) -> str:
    """``a.b.c`` of a name or attribute, ``""`` of anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id, *reversed(parts)])


def _guarded_fields(node: ast.AST) -> dict[str, Guards]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return {} if node.decorator_list else {"body": frozenset({_FUNCTION + node.name})}
    if isinstance(node, ast.Try | ast.TryStar):
        caught = frozenset(name for handler in node.handlers for name in _caught(handler.type))
        return {"body": caught, "handlers": frozenset({*caught, CONDITION})}
    if isinstance(node, ast.If | ast.IfExp):
        if _never(node.test):
            return {"body": frozenset({NEVER})}
        return {"body": frozenset({CONDITION}), "orelse": frozenset({CONDITION})}
    if isinstance(node, ast.match_case | ast.While):
        return {"body": frozenset({CONDITION})}
    return {"body": _suppressed(node)} if isinstance(node, ast.With | ast.AsyncWith) else {}


def _suppressed(node: ast.With | ast.AsyncWith) -> Guards:
    found: set[str] = set()
    for item in node.items:
        call = item.context_expr
        if isinstance(call, ast.Call) and dotted_name(call.func).rpartition(".")[2] == suppress.__name__:
            found |= {dotted_name(argument).rpartition(".")[2] for argument in call.args}
    return frozenset(found)


def _caught(types: ast.expr | None) -> list[str]:
    if types is None:
        return ["BaseException"]
    each = types.elts if isinstance(types, ast.Tuple) else [types]
    return [dotted_name(one).rpartition(".")[2] or "BaseException" for one in each]


def _never(test: ast.expr) -> bool:
    if dotted_name(test).rpartition(".")[2] == "TYPE_CHECKING":
        return True
    return (
        isinstance(test, ast.Compare)
        and dotted_name(test.left) == "__name__"
        and isinstance(test.ops[0], ast.Eq)
        and isinstance(test.comparators[0], ast.Constant)
        and test.comparators[0].value == "__main__"
    )
