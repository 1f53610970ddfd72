"""Change a loaded script in place, so that the values its `init()` made are kept.

The module stays the same object, and so do its functions: a changed function gets the new code, defaults and
documentation, so that whoever holds it – a dict of handlers, a decorator's wrapper, an object that `init()` made – calls
the new code. Classes are never changed in place; that keeps `isinstance` true. Constants and imports are bound anew, new
functions are added, removed names go.

`prepare` does everything that can fail: it decides, compiles, and executes the changed statements in a scratch copy of
the module's globals. `commit` is nothing but assignments. The front prepares every replica before it commits any.
"""

from __future__ import annotations

import ast
import hashlib
import os
import sys
import time
import types
from typing import Any, Callable

from . import failure, script
from .dependence import NeedsNewWorkers, Statement, reached_by_makers, split

_COPIED = ("__code__", "__defaults__", "__kwdefaults__", "__annotations__", "__doc__")


class HelperFiles:
    """The app's own modules that a script has imported, as they were on disk."""

    def __init__(self, folders: list[str]) -> None:
        self._folders = tuple(os.path.join(os.path.realpath(folder), "") for folder in folders)
        self._hashes: dict[str, str] = {}
        self._since = time.time()

    def remember(self) -> None:
        """Take in what is imported by now."""
        for path in self._files():
            self._hashes.setdefault(path, _hash(path))

    def changed(self) -> list[str]:
        """Files that are not what they were when they were imported."""
        known = [path for path, remembered in self._hashes.items() if _hash(path) != remembered]
        later = [path for path in self._files() if path not in self._hashes and self._is_newer(path)]
        return known + later

    def _is_newer(self, path: str) -> bool:
        try:
            return os.stat(path).st_mtime > self._since
        except OSError:
            return True

    def _files(self) -> list[str]:
        found = []
        for name, module in list(sys.modules.items()):
            path = getattr(module, "__file__", None)
            if name == script.MODULE_NAME or not isinstance(path, str) or not failure.is_user_file(path):
                continue
            if os.path.realpath(path).startswith(self._folders):
                found.append(path)
        return found


class Change:
    """A prepared change of a loaded script."""

    def __init__(self, loaded: script.Script, source: bytes) -> None:
        self.loaded = loaded
        self.source = source
        self.functions: list[tuple[types.FunctionType, types.FunctionType]] = []
        self.moved: list[tuple[types.FunctionType, types.CodeType]] = []
        self.values: dict[str, Any] = {}
        self.removed: set[str] = set()

    def commit(self) -> Callable[[], None]:
        """Make the change; nothing in here can fail. Returns what takes it back."""
        namespace = self.loaded.module.__dict__
        take_back = self._taking_back()
        for old, code in self.moved:
            old.__code__ = code
        for old, new in self.functions:
            for name in _COPIED:
                setattr(old, name, getattr(new, name))
            _clear_cache(namespace.get(old.__name__))
        for name, value in self.values.items():
            namespace[name] = _with_globals(value, namespace, self.loaded.path)
        for name in self.removed:
            namespace.pop(name, None)
        self.loaded.source = self.source
        self.loaded.hash = hashlib.sha256(self.source).hexdigest()
        script.remember_source(self.source, self.loaded.path)
        return take_back

    def _taking_back(self) -> Callable[[], None]:
        loaded, namespace = self.loaded, self.loaded.module.__dict__
        codes = [(function, function.__code__) for function, _ in self.moved]
        parts = [(function, name, getattr(function, name)) for function, _ in self.functions for name in _COPIED]
        touched = {*self.values, *self.removed}
        values = {name: namespace[name] for name in touched if name in namespace}
        source, known = loaded.source, loaded.hash

        def take_back() -> None:
            for function, code in codes:
                function.__code__ = code
            for function, name, part in parts:
                setattr(function, name, part)
            for name in touched - values.keys():
                namespace.pop(name, None)
            namespace.update(values)
            for function, _ in self.functions:
                _clear_cache(namespace.get(function.__name__))
            loaded.source, loaded.hash = source, known
            script.remember_source(source, loaded.path)

        return take_back


def prepare(loaded: script.Script, source: bytes, helpers: HelperFiles) -> Change | None:
    """Prepare a change; None when there is none.

    Raises
    ------
    NeedsNewWorkers
        The change reaches what has already run.
    SyntaxError, Refused, BaseException
        The new script is at fault: not valid Python, against the contract, or its module level raised.
    """
    tree, code = script.compile_quietly(source, loaded.path)
    stale = helpers.changed()
    if stale:
        message = f"{os.path.basename(stale[0])} has changed on disk"
        raise NeedsNewWorkers(message)
    if source == loaded.source:
        return None
    old_tree, _ = script.compile_quietly(loaded.source, loaded.path)
    old, new = split(old_tree), split(tree)
    gone, come = _difference(old, new)
    _allow(old, new, gone, come)
    change = Change(loaded, source)
    scratch = _execute(loaded, come)
    for statement in come:
        _sort_in(change, statement, gone, scratch)
    bound_now = {name for statement in new for name in statement.binds}
    change.removed = {name for statement in gone for name in statement.binds} - bound_now
    change.moved = _moved(loaded, new, come, code)
    for name in change.removed:
        scratch.pop(name, None)
    candidate = script.Script(loaded.path, source)
    candidate.module.__dict__.update(scratch)
    for previous, function in change.functions:
        if loaded.module.__dict__.get(function.__name__) is previous:
            candidate.module.__dict__[function.__name__] = function
    script.check_contract(candidate)
    script.run_parameters(candidate)
    return change


def _difference(old: list[Statement], new: list[Statement]) -> tuple[list[Statement], list[Statement]]:
    """Statements that only the old, and only the new version has."""
    before, after = {s.same_as for s in old}, {s.same_as for s in new}
    return [s for s in old if s.same_as not in after], [s for s in new if s.same_as not in before]


def _allow(old: list[Statement], new: list[Statement], gone: list[Statement], come: list[Statement]) -> None:
    for statement in (*gone, *come):
        if not statement.is_plain:
            kind = "class" if isinstance(statement.node, ast.ClassDef) else "statement"
            message = f"the {kind} at line {statement.node.lineno} computes something at module level"
            raise NeedsNewWorkers(message)
    changed = {name for statement in (*gone, *come) for name in statement.binds}
    for statements in (old, new):
        for name in sorted(changed):
            if sum(name in statement.binds for statement in statements) > 1:
                message = f"{name} is bound more than once"
                raise NeedsNewWorkers(message)
        touched = changed & reached_by_makers(statements)
        if touched:
            name = min(touched)
            was_used = (
                f"{name} was used by init() or by something else that has already run, was handed to a decorator, "
                "or keeps values in globals itself"
            )
            raise NeedsNewWorkers("init() itself has changed" if name == "init" else was_used)
    order = [s.same_as for s in old if not s.is_plain]
    if order != [s.same_as for s in new if not s.is_plain]:
        message = "the order of module-level statements changed"
        raise NeedsNewWorkers(message)


def _execute(loaded: script.Script, come: list[Statement]) -> dict[str, Any]:
    """Execute the new statements in a copy of the module's globals; functions without their decorators."""
    body: list[ast.stmt] = []
    for statement in come:
        node = statement.node
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.decorator_list:
            fields = {name: getattr(node, name) for name in node._fields}
            node = ast.copy_location(type(node)(**{**fields, "decorator_list": []}), node)
        body.append(node)
    old_tree = ast.parse(loaded.source, loaded.path)
    future = [n for n in old_tree.body if isinstance(n, ast.ImportFrom) and n.module == "__future__"]
    module = ast.Module(body=[*future, *body], type_ignores=[])
    scratch = dict(loaded.module.__dict__)
    exec(compile(module, loaded.path, "exec", dont_inherit=True), scratch)
    return scratch


def _sort_in(change: Change, statement: Statement, gone: list[Statement], scratch: dict[str, Any]) -> None:
    node = statement.node
    namespace = change.loaded.module.__dict__
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        change.values.update({name: scratch[name] for name in statement.binds if name in scratch})
        return
    made = scratch[node.name]
    before = next((s.node for s in gone if node.name in s.binds), None)
    if not isinstance(before, (ast.FunctionDef, ast.AsyncFunctionDef)):
        if node.decorator_list or node.name in namespace:
            message = f"{node.name}() is new and decorated, or takes the place of another value"
            raise NeedsNewWorkers(message)
        change.values[node.name] = made
        return
    decorators = [ast.dump(d) for d in before.decorator_list], [ast.dump(d) for d in node.decorator_list]
    if decorators[0] != decorators[1]:
        message = f"the decorators of {node.name}() changed"
        raise NeedsNewWorkers(message)
    if node.decorator_list and ast.dump(before.args) != ast.dump(node.args):
        message = f"the parameters of {node.name}() changed, which its decorators may have looked at"
        raise NeedsNewWorkers(message)
    current = _innermost(namespace.get(node.name))
    if current is None or current.__name__ != node.name or current.__code__.co_filename != change.loaded.path:
        message = f"{node.name}() is hidden inside its decorator"
        raise NeedsNewWorkers(message)
    if type(before) is not type(node):
        message = f"{node.name}() became {'asynchronous' if isinstance(node, ast.AsyncFunctionDef) else 'synchronous'}"
        raise NeedsNewWorkers(message)
    change.functions.append((current, made))


def _moved(
    loaded: script.Script,
    new: list[Statement],
    come: list[Statement],
    code: types.CodeType,
) -> list[tuple[types.FunctionType, types.CodeType]]:
    """Unchanged functions whose line numbers are others now, with the code that has the right ones."""
    changed = {id(statement) for statement in come}
    found: list[tuple[types.FunctionType, types.CodeType]] = []
    fresh = _codes(code)
    for statement in new:
        if id(statement) in changed:
            continue
        for name in statement.binds:
            value = loaded.module.__dict__.get(name)
            if statement.is_function:
                _pair(value, fresh.get(name), loaded.path, found)
            elif isinstance(statement.node, ast.ClassDef) and isinstance(value, type) and name in fresh:
                methods = _codes(fresh[name])
                for key, method in vars(value).items():
                    _pair(
                        getattr(method, "__func__", getattr(method, "fget", method)),
                        methods.get(key),
                        loaded.path,
                        found,
                    )
    return found


def _codes(code: types.CodeType) -> dict[str, types.CodeType]:
    return {inner.co_name: inner for inner in code.co_consts if isinstance(inner, types.CodeType)}


def _pair(value: Any, fresh: types.CodeType | None, path: str, found: list[Any]) -> None:
    function = _innermost(value)
    if function is None or fresh is None or function.__code__.co_filename != path:
        return
    if fresh.co_name == function.__code__.co_name and fresh.co_freevars == function.__code__.co_freevars:
        found.append((function, fresh))


def _innermost(value: Any) -> types.FunctionType | None:
    """The function inside its decorators, when they tell (`__wrapped__`)."""
    for _ in range(20):
        inner = getattr(value, "__wrapped__", None)
        if inner is None:
            break
        value = inner
    return value if isinstance(value, types.FunctionType) else None


def _with_globals(value: Any, namespace: dict[str, Any], path: str) -> Any:
    """A new function of the script with the module's real globals in place of the scratch copy."""
    if not isinstance(value, types.FunctionType) or value.__code__.co_filename != path:
        return value
    made = types.FunctionType(value.__code__, namespace, value.__name__, value.__defaults__, value.__closure__)
    for name in _COPIED[2:]:
        setattr(made, name, getattr(value, name))
    return made


def _clear_cache(value: Any) -> None:
    clear: Callable[[], None] | None = getattr(value, "cache_clear", None)
    if callable(clear):
        clear()


def _hash(path: str) -> str:
    try:
        with open(path, "rb") as stream:
            return hashlib.sha256(stream.read()).hexdigest()
    except OSError:
        return ""
