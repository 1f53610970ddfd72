"""Load a scoring script: compile, execute, check `init()` and `run()`.

The text is compiled with the file's real path, so that tracebacks, `__file__` and debuggers agree, and it is executed as
the module `entry_module`, never as `__main__`. What the front sends is what runs, even while the file on disk changes.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import linecache
import os
import sys
import types
from typing import Any, Callable

from . import failure

MODULE_NAME = "entry_module"


class Refused(Exception):
    """The script does not keep the contract of a scoring script; `line` is where."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


class Script:
    """A script that has been loaded: its module, its `init` and `run`, and what `run` wants."""

    def __init__(self, path: str, source: bytes) -> None:
        self.path = path
        self.source = source
        self.hash = hashlib.sha256(source).hexdigest()
        self.module = types.ModuleType(MODULE_NAME)
        self.module.__file__ = path

    @property
    def init(self) -> Callable[[], Any]:
        """The script's `init` as it is now."""
        return self.module.init  # type: ignore[no-any-return]

    @property
    def run(self) -> Callable[..., Any]:
        """The script's `run` as it is now."""
        return self.module.run  # type: ignore[no-any-return]


def compile_script(source: bytes, path: str) -> tuple[ast.Module, types.CodeType]:
    """Parse and compile a script.

    Raises
    ------
    SyntaxError
        Where Python itself would raise it, and for text that is not in the encoding it declares or holds NUL bytes.
    """
    remember_source(source, path)
    return compile_quietly(source, path)


def compile_quietly(source: bytes, path: str) -> tuple[ast.Module, types.CodeType]:
    """As `compile_script`, while tracebacks go on showing the text that runs."""
    try:
        tree = ast.parse(source, path)
        code = compile(tree, path, "exec", dont_inherit=True)
    except ValueError as error:  # a NUL byte, before Python 3.12
        raise SyntaxError(str(error), (path, None, None, None)) from None
    return tree, code


def remember_source(source: bytes, path: str) -> None:
    """Let tracebacks show the text that runs, even when the file has changed since."""
    text = source.decode("utf-8", "replace")
    lines = [line + "\n" for line in text.splitlines()]
    linecache.cache[path] = (len(text), None, lines, path)


def load(path: str, source: bytes) -> Script:
    """Execute a script's module level and check its contract.

    Raises
    ------
    SyntaxError
        The text is not valid Python.
    Refused
        There is no such file, or it has no usable `init()` or `run()`.
    BaseException
        Whatever its module level raised.
    """
    failure.claim_as_user_file(path)
    if not source:  # what the front sends where it could read nothing
        _try_to_read(path)
    _, code = compile_script(source, path)
    script = Script(path, source)
    sys.modules[MODULE_NAME] = script.module
    exec(code, script.module.__dict__)
    check_contract(script)
    return script


def _try_to_read(path: str) -> None:
    try:
        with open(path, "rb"):
            return
    except OSError as error:
        message = f"The scoring script {path} cannot be read: {error.strerror}."
        raise Refused(message) from None


def check_contract(script: Script) -> None:
    """Refuse a script whose `init` and `run` cannot be called, with a reason.

    Raises
    ------
    Refused
        `init` or `run` is missing, or its signature is not one the contract allows.
    """
    name = os.path.basename(script.path)
    for function in ("init", "run"):
        if not callable(getattr(script.module, function, None)):
            has = "is not a function" if hasattr(script.module, function) else f"is missing in {name}"
            arguments = "" if function == "init" else "data"
            message = f"{function}() {has}; a scoring script needs `def {function}({arguments}):`."
            raise Refused(message)
        if inspect.iscoroutinefunction(getattr(script.module, function)):
            message = f"{function}() is `async def`, and the server calls it as a plain function."
            raise Refused(message, _line(script, getattr(script.module, function)))
    required = [p for p in _parameters(script.init) if p.default is p.empty and p.kind not in _VARIADIC]
    if required:
        message = f"init() takes no arguments, but this one requires `{required[0].name}`."
        raise Refused(message, _line(script, script.init))


_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return []  # a callable of C code tells nothing


def _line(script: Script, function: Callable[..., Any]) -> int | None:
    """Where the script defines it; None for what it has imported."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return int(code.co_firstlineno) if code is not None and code.co_filename == script.path else None


def run_parameters(script: Script) -> list[inspect.Parameter]:
    """The parameters of `run`, checked.

    Raises
    ------
    Refused
        There is `*args`, `**kwargs`, a positional-only parameter, or none besides `request_headers`.
    """
    parameters = _parameters(script.run)
    line = _line(script, script.run)
    for parameter in parameters:
        if parameter.kind in _VARIADIC:
            stars = "*" if parameter.kind is inspect.Parameter.VAR_POSITIONAL else "**"
            message = f"run() must not take {stars}{parameter.name}; name its parameters."
            raise Refused(message, line)
        if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
            message = f"run() must not have positional-only parameters, but `{parameter.name}` is one."
            raise Refused(message, line)
    if not [p for p in parameters if p.name != "request_headers"]:
        message = "run() must take a parameter for the request's data, as in `def run(data):`."
        raise Refused(message, line)
    return parameters
