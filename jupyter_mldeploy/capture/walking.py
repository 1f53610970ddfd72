"""Walk a syntax tree, knowing under which conditions each node runs."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import suppress

__all__ = ["CONDITION", "NEVER", "Guards", "dotted_name", "is_dynamic", "module_statements", "walk"]

NEVER = "<never>"
"""Guard of what no service runs: below ``if TYPE_CHECKING:`` and ``if __name__ == "__main__":``."""
CONDITION = "<condition>"
"""Guard of what runs only under a condition."""

Guards = frozenset[str]

_DYNAMIC = frozenset({"exec", "eval", "globals", "vars", "locals", "setattr", "__import__"})


def walk(tree: ast.AST) -> Iterator[tuple[ast.AST, Guards]]:
    """Every node with its guards: names of the exceptions that are caught around it, ``NEVER``, ``CONDITION``."""
    stack: list[tuple[ast.AST, Guards]] = [(tree, frozenset())]
    while stack:
        node, guards = stack.pop()
        yield node, guards
        guarded = _guarded_fields(node)
        for name, value in ast.iter_fields(node):
            inner = guards | guarded[name] if name in guarded else guards
            if isinstance(value, ast.AST):
                stack.append((value, inner))
            elif isinstance(value, list):
                stack.extend((item, inner) for item in reversed(value) if isinstance(item, ast.AST))


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


def is_dynamic(tree: ast.Module) -> bool:
    """Whether names may come from where nobody can see: ``import *``, ``exec``, ``globals()`` and their like."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _DYNAMIC:
            return True
    return False


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
    if isinstance(node, ast.Try | ast.TryStar):
        caught = frozenset(name for handler in node.handlers for name in _caught(handler.type))
        return {"body": caught, "handlers": frozenset({*caught, CONDITION})}
    if isinstance(node, ast.If | ast.IfExp):
        if _never(node.test):
            return {"body": frozenset({NEVER})}
        return {"body": frozenset({CONDITION}), "orelse": frozenset({CONDITION})}
    if isinstance(node, ast.match_case | ast.While):
        return {"body": frozenset({CONDITION})}
    if isinstance(node, ast.With | ast.AsyncWith):
        suppressed: set[str] = set()
        for item in node.items:
            call = item.context_expr
            if isinstance(call, ast.Call) and dotted_name(call.func).rpartition(".")[2] == suppress.__name__:
                suppressed |= {dotted_name(argument).rpartition(".")[2] for argument in call.args}
        return {"body": frozenset(suppressed)}
    return {}


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
