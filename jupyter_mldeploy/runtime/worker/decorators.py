"""What a decorator may do with the function it gets, as far as it can be told without running it.

A decorator can keep its function where others find it (a registry, a dispatcher), or keep what it returned (a cache).
Only those that are known, and those of the script that do nothing but wrap, are taken to do neither.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Union

_CACHES = frozenset(("functools.lru_cache", "functools.cache"))
_WRAPS = frozenset(("functools.wraps", "functools.update_wrapper"))
# The first and the last part of a decorator's full name.
_HARMLESS = frozenset(
    (
        ("azureml", "rawhttp"), ("azureml_inference_server_http", "rawhttp"), ("inference_schema", "input_schema"),
        ("inference_schema", "output_schema"), ("contextlib", "contextmanager"), ("contextlib", "asynccontextmanager"),
        ("torch", "no_grad"), ("torch", "inference_mode"), ("torch", "enable_grad"), ("typing", "no_type_check"),
        ("typing", "final"), ("typing", "override"), ("typing_extensions", "final"), ("typing_extensions", "override"),
    ),
)  # fmt: skip
_AnyFunction = Union[ast.FunctionDef, ast.AsyncFunctionDef]

KEEPS = "keeps"  # the function itself, or who knows what
CACHES = "caches"  # what the function returned


class Decorators:
    """The decorators of one module level: its imports and its own functions tell what they are."""

    def __init__(self, nodes: Iterable[ast.stmt], changing: frozenset[str]) -> None:
        self._origins: dict[str, str] = {}
        self._functions: dict[str, _AnyFunction] = {}
        self._changing = changing  # functions that change module globals when they are called
        bound: list[str] = []
        for node in nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    name = alias.asname or alias.name.partition(".")[0]
                    self._origins[name] = alias.name if alias.asname else name
                    bound.append(name)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    self._origins[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                    bound.append(alias.asname or alias.name)
            else:
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    self._functions[node.name] = node
                    bound.append(node.name)
                bound += _stored(node)
        self._twice = frozenset(name for name in bound if bound.count(name) > 1)

    def effects(self, function: _AnyFunction) -> frozenset[str]:
        """`KEEPS` and `CACHES`, whichever a decorator of this function may do."""
        return frozenset(effect for one in function.decorator_list if (effect := self._effect(one)))

    def _effect(self, decorator: ast.expr) -> str | None:
        called = isinstance(decorator, ast.Call)
        name = self._full_name(decorator.func if isinstance(decorator, ast.Call) else decorator)
        if name in _CACHES:
            return CACHES
        if (name.partition(".")[0], name.rpartition(".")[2]) in _HARMLESS:
            return None
        own = self._functions.get(name)
        if own is None or name in self._twice or name in self._changing or own.decorator_list:
            return KEEPS
        return None if self._only_wraps(own, 2 if called else 1) else KEEPS

    def _full_name(self, node: ast.expr) -> str:
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id in self._twice:
            return ""
        return ".".join([self._origins.get(node.id, node.id), *reversed(parts)])

    def _only_wraps(self, function: _AnyFunction, depth: int) -> bool:
        """Whether nothing happens before the function that is returned is called; `depth` 2: a decorator with arguments."""
        for node in function.body:
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                continue
            if isinstance(node, ast.Return) and isinstance(node.value, (ast.Name, ast.Lambda)):
                if depth == 1 or isinstance(node.value, ast.Name):
                    continue
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and self._plainly_made(node):
                stateless = not any(isinstance(inner, (ast.Nonlocal, ast.Global)) for inner in ast.walk(node))
                if stateless and (depth == 1 or self._only_wraps(node, depth - 1)):
                    continue
            return False
        return True

    def _plainly_made(self, function: _AnyFunction) -> bool:
        for one in function.decorator_list:
            if not isinstance(one, ast.Call) or self._full_name(one.func) not in _WRAPS:
                return False
        defaults = [*function.args.defaults, *(d for d in function.args.kw_defaults if d is not None)]
        return all(isinstance(default, (ast.Constant, ast.Name)) for default in defaults)


def _stored(node: ast.stmt) -> list[str]:
    return [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
