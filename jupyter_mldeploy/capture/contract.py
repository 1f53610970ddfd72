"""Whether `init()` and `run()` are there and can be called: the rules of the scoring server's contract."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from jupyter_mldeploy.capture.problems import Problem
from jupyter_mldeploy.capture.walking import dotted_name, module_statements

__all__ = ["contract_problems"]

_SCHEMA = frozenset({"input_schema", "output_schema"})
_KNOWN = _SCHEMA | {"rawhttp"}
_MISSING = {
    "init": Problem(
        0, "There is no init().", "Add `def init():`, which loads the model once, when the service starts."
    ),
    "run": Problem(0, "There is no run().", "Add `def run(data):`, which answers one request."),
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def contract_problems(tree: ast.Module, dynamic: bool) -> Iterator[Problem]:
    """What the runtime would refuse to start. Where names are ``dynamic``, one that is not seen may be there."""
    functions: dict[str, Function] = {}
    other: set[str] = set()
    for node in module_statements(tree):
        if isinstance(node, Function):
            functions[node.name] = node
            other.discard(node.name)
        else:
            bound = set(_bound(node))
            other |= bound
            for name in bound:
                functions.pop(name, None)
    for name, missing in _MISSING.items():
        if name in functions:
            yield from _check(functions[name])
        elif name not in other and not dynamic:
            yield missing


def _bound(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        for alias in node.names:
            yield alias.asname or alias.name.partition(".")[0]
    elif isinstance(node, ast.ClassDef):
        yield node.name
    else:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in targets:
            if target is not None:
                yield from (name.id for name in ast.walk(target) if isinstance(name, ast.Name))


def _check(function: Function) -> Iterator[Problem]:
    if isinstance(function, ast.AsyncFunctionDef):
        yield Problem(
            function.lineno,
            f"{function.name}() is `async def`, and the server calls it as a plain function.",
            f"Write `def {function.name}`.",
        )
        return
    decorators = {
        dotted_name(d.func if isinstance(d, ast.Call) else d).rpartition(".")[2] for d in function.decorator_list
    }
    if not decorators <= _KNOWN:
        return  # a decorator may give it any signature
    yield from _check_init(function) if function.name == "init" else _check_run(function, decorators)


def _check_init(function: ast.FunctionDef) -> Iterator[Problem]:
    for argument in _required(function.args):
        yield Problem(
            function.lineno,
            f"init() takes no arguments, but this one requires `{argument.arg}`.",
            "Write `def init():`.",
        )
        return


def _check_run(function: ast.FunctionDef, decorators: set[str]) -> Iterator[Problem]:
    line, arguments = function.lineno, function.args
    if "rawhttp" in decorators and decorators & _SCHEMA:
        schema = " and ".join(f"@{name}" for name in sorted(decorators & _SCHEMA))
        yield Problem(line, f"run() is decorated by @rawhttp and by {schema}.", "Keep one of them.")
    for star, argument in (("*", arguments.vararg), ("**", arguments.kwarg)):
        if argument is not None:
            yield Problem(line, f"run() must not take {star}{argument.arg}.", "Name its parameters.")
    for argument in arguments.posonlyargs:
        yield Problem(
            line, f"run() must not have positional-only parameters, but `{argument.arg}` is one.", "Remove the `/`."
        )
        break
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    if not [argument for argument in named if argument.arg != "request_headers"]:
        yield Problem(line, "run() must take a parameter for the request's data.", "Write `def run(data):`.")
    required = [argument.arg for argument in _required(arguments) if argument.arg != "request_headers"]
    if len(required) > 1 and not decorators & _SCHEMA:
        yield Problem(
            line,
            f"run() is called with one argument, but this one requires {len(required)}: {', '.join(required)}.",
            "Take one parameter and read the values from its JSON, or decorate run() with inference-schema's @input_schema.",
        )


def _required(arguments: ast.arguments) -> list[ast.arg]:
    positional = [*arguments.posonlyargs, *arguments.args]
    count = len(positional) - len(arguments.defaults)
    keyword = [a for a, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if default is None]
    return positional[:count] + keyword
