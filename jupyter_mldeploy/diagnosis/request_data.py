"""Whether what a line of a scoring script looks up is the request's data: the same ``KeyError`` means a request without a key, or
a script that looks in a table of its own.

With the script's text, values are followed from what ``run()`` is given; without, the names in the line have to tell.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

__all__ = ["looks_in_request"]

_GIVEN_TO = {"run", "predict", "score"}
_READERS = {
    "loads", "load", "get_json", "get_data", "json", "literal_eval", "decode", "strip", "get", "pop", "items", "values", "copy",
    "dict", "list", "str", "iter", "next", "enumerate", "zip", "sorted", "array", "asarray", "DataFrame", "Series", "from_dict",
    "from_records", "read_json", "json_normalize", "to_dict", "iterrows", "itertuples", "deepcopy", "replace",
}  # fmt: skip
"""Functions that hand on, in another form, what they are given. Of all else (a model, a service) something new comes back."""
_OWN_TABLE = re.compile(
    r"[A-Z][A-Z0-9_]+|_?(?:\w+_)?(?:config|cfg|conf|settings|options|weights|vocab(?:ulary)?|mapping|map|lookup|labels?|class(?:es)?"
    r"|names|encoders?|cache|registry|models?|pipelines?|art[ei]facts?|bundle|meta(?:data)?|res(?:p|ponse|ult)s?|outputs?|answers?"
    r"|predictions?|preds?|scores|stats|table|index)|requests|httpx|urllib\w*|session|client|redis|cursor|conn(?:ection)?|\w+_(?:by|to|2)_\w+|\w+2\w+"
)


def looks_in_request(key: str, line: str, *, function: str = "", number: int = 0, script: str = "") -> bool | None:
    """Whether the look-up that failed was one in the request; ``None`` where nothing tells.

    Args:
        key: What was not there.
        line: The script's line, as a traceback shows it.
        function: That it stands in.
        number: Its number in the script.
        script: The script's text, ``""`` where it is not known.
    """
    if script and (tree := _parsed(script)) is not None:
        looked_in = [
            node.value for node in _look_ups(tree, key) if node.lineno <= number <= (node.end_lineno or number)
        ]
        if looked_in and _same(line, script, number):
            given = _Given(tree)
            return any(given.holds(value, function) for value in looked_in)
    statement = _parsed(line) or _parsed(f"{line} pass")
    if statement is None:
        return None
    roots = {root for node in _look_ups(statement, key) if (root := _root(node.value))}
    return False if roots and all(_OWN_TABLE.fullmatch(root) for root in roots) else None


def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text.strip() if "\n" not in text.strip() else text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _same(line: str, script: str, number: int) -> bool:
    """Whether the script is the one that failed: it may have been edited since."""
    lines = script.splitlines()
    return not line or (0 < number <= len(lines) and lines[number - 1].strip() == line.strip())


def _look_ups(tree: ast.AST, key: str) -> list[ast.Subscript]:
    """``x["key"]``; where none names the key, those whose key is a value."""
    all_of_them = [node for node in ast.walk(tree) if isinstance(node, ast.Subscript)]
    naming = [node for node in all_of_them if isinstance(node.slice, ast.Constant) and str(node.slice.value) == key]
    return naming or [node for node in all_of_them if not isinstance(node.slice, ast.Constant | ast.Slice)]


def _root(node: ast.AST) -> str:
    """The name that an expression begins with: ``config`` of ``config["a"].b``."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


class _Given:
    """The names that hold what ``run()`` was given, or parts of it, in each function of a script."""

    def __init__(self, tree: ast.Module) -> None:
        self._functions = {
            node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        self._names: dict[str, set[str]] = {name: set() for name in self._functions}
        self._returning: set[str] = set()
        for name in _GIVEN_TO & self._functions.keys():
            self._names[name] |= set(_parameters(self._functions[name]))
        while self._follow():
            pass

    def holds(self, value: ast.AST, function: str) -> bool:
        """Whether an expression in a function is of what was given."""
        return self._is_given(value, self._names.get(function.rpartition(".")[2], set()))

    def _follow(self) -> bool:
        """One round; whether it has found more."""
        before = sum(map(len, self._names.values())) + len(self._returning)
        for name, function in self._functions.items():
            known = self._names[name]
            for node in ast.walk(function):
                self._follow_into(node, known)
                if isinstance(node, ast.Return) and node.value and self._is_given(node.value, known):
                    self._returning.add(name)
        return sum(map(len, self._names.values())) + len(self._returning) > before

    def _follow_into(self, node: ast.AST, known: set[str]) -> None:
        if (
            isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr)
            and node.value
            and self._is_given(node.value, known)
        ):
            known |= set(_names(node.targets if isinstance(node, ast.Assign) else [node.target]))
        elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension) and self._is_given(node.iter, known):
            known |= set(_names([node.target]))
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and (called := self._functions.get(node.func.id))
        ):
            parameters = _parameters(called)
            passed = [*zip(parameters, node.args, strict=False), *((word.arg, word.value) for word in node.keywords)]
            self._names[called.name] |= {name for name, value in passed if name and self._is_given(value, known)}

    def _is_given(self, value: ast.AST, known: set[str]) -> bool:
        match value:
            case ast.Name():
                return value.id in known
            case ast.Call():
                return self._is_handed_on(value, known)
            case ast.Attribute() | ast.Subscript() | ast.Starred() | ast.Await():
                parts: list[ast.expr] = [value.value]
            case ast.IfExp():
                parts = [value.body, value.orelse]
            case ast.BoolOp():
                parts = value.values
            case ast.List() | ast.Tuple():
                parts = value.elts
            case ast.ListComp() | ast.GeneratorExp():
                parts = [value.elt]
            case _:
                parts = []
        return any(self._is_given(part, known) for part in parts)

    def _is_handed_on(self, call: ast.Call, known: set[str]) -> bool:
        name = call.func.attr if isinstance(call.func, ast.Attribute) else _root(call.func)
        if name in self._returning:
            return True
        of = [call.func.value] if isinstance(call.func, ast.Attribute) else []
        return name in _READERS and any(self._is_given(one, known) for one in [*of, *call.args])


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    return [parameter.arg for parameter in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]


def _names(targets: Iterable[ast.AST]) -> list[str]:
    return [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
