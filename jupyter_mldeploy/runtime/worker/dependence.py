"""What of a script's module level can change while the values that `init()` made are kept.

The module level is a list of statements. Each binds names and, when it is executed or called, uses names. A *maker* is
whatever has already run and left values behind that could depend on what it used:

* `init()`;
* every module-level statement that computes something – a call, a class, a decorator, a default argument;
* every function that changes module globals when it is called (caches, counters, lazily loaded models);
* what a cache remembers of a function, and every function that a decorator may have handed to others.

What the makers reach, through the bodies of all functions they could have called, must not change. Only the rest may:
functions, imports and plain constants that nothing of the above can have seen. Whatever this analysis does not know
counts as a maker or as a change that needs new workers.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Union

from .decorators import CACHES, KEEPS, Decorators

_Function = (ast.FunctionDef, ast.AsyncFunctionDef)
AnyFunction = Union[ast.FunctionDef, ast.AsyncFunctionDef]
_CHANGING_METHODS = frozenset(
    ("add", "append", "appendleft", "clear", "discard", "extend", "insert", "pop", "popitem", "remove", "reverse",
     "setdefault", "sort", "update", "__setitem__", "cache_clear"),
)  # fmt: skip
# Names that can reach any global without naming it.
_SEES_ALL = frozenset(
    ("globals", "vars", "locals", "eval", "exec", "__import__", "import_module", "modules", "__dict__")
)


class NeedsNewWorkers(Exception):
    """The change cannot be made in place; the text is the reason."""


class Statement:
    """One module-level statement: the names it binds, and those it uses now and later."""

    def __init__(self, node: ast.stmt) -> None:
        self.node = node
        self.idle = _never_runs(node)
        self.binds = frozenset() if self.idle else frozenset(_bound(node))
        self.same_as = ast.dump(node)

    @property
    def is_function(self) -> bool:
        """Whether it is a `def`."""
        return isinstance(self.node, _Function)

    @property
    def is_plain(self) -> bool:
        """Whether executing it again in a new version does nothing but bind names."""
        node = self.node
        if self.idle:
            return True
        if isinstance(node, _Function):
            return not any(isinstance(inner, ast.Call) for part in _executed_parts(node) for inner in ast.walk(part))
        if isinstance(node, ast.ImportFrom):
            return node.module != "__future__" and all(alias.name != "*" for alias in node.names)
        if isinstance(node, ast.Import):
            return True
        return _is_docstring(node) or _is_constant_assignment(node)

    def used_when_executed(self) -> frozenset[str]:
        """Names used while the module level runs: everything, but of a `def` only decorators, defaults, annotations."""
        node = self.node
        if isinstance(node, _Function):
            parts = [*node.decorator_list, *_executed_parts(node)]
            return frozenset(name for part in parts for name in _used(part))
        if (
            self.idle
            or isinstance(node, (ast.Import, ast.ImportFrom))
            or _is_docstring(node)
            or _is_constant_assignment(node)
        ):
            return frozenset()
        return frozenset(_used(node))

    def used_when_called(self) -> frozenset[str]:
        """Names used in any way by the statement, bodies of functions included."""
        return frozenset() if self.idle else frozenset(_used(self.node))


def split(tree: ast.Module) -> list[Statement]:
    """The module level as statements."""
    return [Statement(node) for node in tree.body]


def reached_by_makers(statements: list[Statement]) -> frozenset[str]:
    """Every name that something which has already run can have seen.

    Raises
    ------
    NeedsNewWorkers
        A maker can reach any global, so that nothing is known.
    """
    by_name: dict[str, list[Statement]] = {}
    for statement in statements:
        for name in statement.binds:
            by_name.setdefault(name, []).append(statement)
    module_names = frozenset(by_name) | _declared_global(statements)
    changing = frozenset(n for s in statements if _changes_globals(s.node, module_names) for n in s.binds)
    decorators = Decorators((s.node for s in statements if not s.idle), changing)
    todo = {"init", *changing}
    for statement in statements:
        todo |= statement.used_when_executed()
        effects = decorators.effects(statement.node) if isinstance(statement.node, _Function) else ()
        if not statement.is_plain or KEEPS in effects:
            todo |= statement.binds
        if CACHES in effects:  # the cache is emptied when its own function changes
            todo |= statement.used_when_called() - statement.binds
    reached: set[str] = set()
    while todo:
        name = todo.pop()
        if name in reached:
            continue
        reached.add(name)
        for statement in by_name.get(name, ()):
            todo |= statement.used_when_called() - reached
    everything = reached & _SEES_ALL
    if everything:
        message = f"what has already run uses {min(everything)}, through which it can see everything"
        raise NeedsNewWorkers(message)
    return frozenset(reached)


def _bound(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, (*_Function, ast.ClassDef)):
        yield node.name
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        for alias in node.names:
            yield alias.asname or alias.name.partition(".")[0]
    else:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, (ast.Store, ast.Del)):
                yield inner.id
            elif isinstance(inner, (*_Function, ast.ClassDef)):
                yield inner.name
            elif isinstance(inner, (ast.Import, ast.ImportFrom)):
                yield from _bound(inner)
            elif isinstance(inner, ast.ExceptHandler) and inner.name:
                yield inner.name


def _used(node: ast.AST) -> Iterator[str]:
    """Names read or written anywhere in a node; attributes that reach everything count as names, too."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            yield inner.id
        elif isinstance(inner, ast.Attribute) and inner.attr in _SEES_ALL:
            yield inner.attr
        elif isinstance(inner, (ast.Global, ast.Nonlocal)):
            yield from inner.names
        elif isinstance(inner, ast.Constant) and isinstance(inner.value, str) and inner.value.isidentifier():
            yield inner.value  # "name" as in getattr(module, "name") or a quoted annotation


def _declared_global(statements: Iterable[Statement]) -> frozenset[str]:
    nodes = (inner for statement in statements for inner in ast.walk(statement.node))
    return frozenset(name for node in nodes if isinstance(node, ast.Global) for name in node.names)


def _executed_parts(node: AnyFunction) -> list[ast.expr]:
    """What of a `def` besides its decorators is executed at once: defaults and annotations."""
    arguments = node.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    parts = [*arguments.defaults, *arguments.kw_defaults, node.returns]
    return [part for part in (*parts, *(a.annotation for a in every if a is not None)) if part is not None]


def _never_runs(node: ast.stmt) -> bool:
    """`if __name__ == "__main__":` and `if TYPE_CHECKING:` without an else: dead in a worker."""
    if not isinstance(node, ast.If) or node.orelse:
        return False
    test = node.test
    if isinstance(test, ast.Name):
        return test.id == "TYPE_CHECKING"
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(test.ops[0], ast.Eq):
        return False
    sides = [test.left, *test.comparators]
    names = {side.id for side in sides if isinstance(side, ast.Name)}
    values = {side.value for side in sides if isinstance(side, ast.Constant)}
    return names == {"__name__"} and values == {"__main__"}


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_constant_assignment(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assign):
        return all(isinstance(target, ast.Name) for target in node.targets) and _is_constant(node.value)
    if isinstance(node, ast.AnnAssign):
        constant = node.value is not None and _is_constant(node.value)
        return isinstance(node.target, ast.Name) and constant and _is_plain_annotation(node.annotation)
    return False


def _is_plain_annotation(node: ast.expr) -> bool:
    return not any(isinstance(inner, ast.Call) for inner in ast.walk(node))


def _is_constant(node: ast.expr) -> bool:
    """An immutable literal; lists and dicts are state that may have been changed since."""
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.UnaryOp):
        return _is_constant(node.operand)
    if isinstance(node, ast.BinOp):
        return _is_constant(node.left) and _is_constant(node.right)
    return isinstance(node, ast.Tuple) and all(_is_constant(item) for item in node.elts)


def _changes_globals(function: ast.AST, module_names: frozenset[str]) -> bool:
    if not isinstance(function, _Function):
        return False
    for inner in ast.walk(function):
        if isinstance(inner, ast.Global):
            return True
        if isinstance(inner, (ast.Subscript, ast.Attribute)) and isinstance(inner.ctx, (ast.Store, ast.Del)):
            if _root(inner) in module_names:
                return True
        elif isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute):
            changes = inner.func.attr in _CHANGING_METHODS and _root(inner.func) in module_names
            if changes:
                return True
    return False


def _root(node: ast.AST) -> str:
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""
