"""Names that the script uses and does not have: those of the notebook, and those that init() forgot to make global.

What a name means is asked of Python's own compiler, so scopes are exactly Python's.
"""

from __future__ import annotations

import ast
import builtins
import dis
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from types import CodeType

from jupyter_mldeploy.capture.problems import Problem
from jupyter_mldeploy.capture.walking import NEVER, is_dynamic, module_statements, walk

__all__ = ["name_problems"]

_GIVEN = (frozenset(dir(builtins)) - {"display", "get_ipython", "__IPYTHON__"}) | {
    *("__name__", "__file__", "__doc__", "__spec__", "__loader__", "__package__", "__builtins__", "__annotations__"),
    *("__class__", "__module__", "__qualname__", "__dict__", "__path__", "__firstlineno__", "__static_attributes__"),
    *("__conditional_annotations__", "__annotate__", "WindowsError"),
}
_HANDLED = frozenset({"NameError", "Exception", "BaseException", NEVER})
_ALIASES = {
    "np": "numpy as np",
    "pd": "pandas as pd",
    "plt": "matplotlib.pyplot as plt",
    "tf": "tensorflow as tf",
    "xgb": "xgboost as xgb",
    "lgb": "lightgbm as lgb",
    "nn": "torch.nn as nn",
    "sk": "sklearn as sk",
    **dict.fromkeys(
        ("numpy", "pandas", "sklearn", "joblib", "torch", "xgboost", "lightgbm", "cv2", "yaml", "scipy"), ""
    ),
}
_FROM = {
    "Model": "azureml.core.model",
    "AMLRequest": "azureml.contrib.services.aml_request",
    "rawhttp": "azureml.contrib.services.aml_request",
    "AMLResponse": "azureml.contrib.services.aml_response",
    "input_schema": "inference_schema.schema_decorators",
    "output_schema": "inference_schema.schema_decorators",
    "Path": "pathlib",
    "BytesIO": "io",
    "StringIO": "io",
    "datetime": "datetime",
    "Image": "PIL",
    "List": "typing",
    "Dict": "typing",
    "Any": "typing",
    "Optional": "typing",
}


@dataclass
class _Uses:
    """Global names that the script loads (each with its lines) and those that it defines."""

    loaded: dict[str, list[int]] = field(default_factory=dict)
    defined: set[str] = field(default_factory=set)


def name_problems(
    tree: ast.Module, code: CodeType, notebook_names: Collection[str], model_names: Collection[str]
) -> Iterator[Problem]:
    """Silent where names may come from ``import *``, ``exec`` and their like."""
    if is_dynamic(tree):
        return
    uses = _Uses()
    _collect(code, uses, top=True)
    forgotten = dict(_forgotten_globals(code, uses, tree))
    for name, line in forgotten.items():
        yield Problem(
            line,
            f"`{name}` in run() is not the one that init() makes, which is gone when init() returns.",
            f"Write `global {name}` as the first line of init().",
        )
    handled = _handled_lines(tree)
    for name, lines in uses.loaded.items():
        if name in uses.defined or name in _GIVEN or name in forgotten:
            continue
        sure = [line for line in lines if (name, line) not in handled]
        if sure:
            yield _unknown(name, min(sure), notebook_names, model_names)


def _collect(code: CodeType, uses: _Uses, *, top: bool) -> None:
    own: set[str] = set()  # names of a class body
    for instruction in dis.get_instructions(code):
        name, operation = instruction.argval, instruction.opname
        if operation in {"STORE_NAME", "DELETE_NAME"}:
            (uses.defined if top else own).add(name)
        elif operation in {"STORE_GLOBAL", "DELETE_GLOBAL"}:
            uses.defined.add(name)
        elif operation in {"LOAD_NAME", "LOAD_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS"} and name not in own:
            line = instruction.positions.lineno if instruction.positions else None
            uses.loaded.setdefault(name, []).append(line or code.co_firstlineno)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            _collect(constant, uses, top=False)


def _forgotten_globals(code: CodeType, uses: _Uses, tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Names that init() assigns as its own and run() reads as global, with the line in run()."""
    functions = {c.co_name: c for c in code.co_consts if isinstance(c, CodeType)}
    init, run = functions.get("init"), functions.get("run")
    if init is None or run is None:
        return
    made = {
        i.argval for i in dis.get_instructions(init) if i.opname.startswith("STORE_FAST") and isinstance(i.argval, str)
    }
    made |= {name for name in init.co_cellvars if name not in init.co_varnames[: init.co_argcount]}
    made |= {
        each
        for i in dis.get_instructions(init)
        if isinstance(i.argval, tuple) and "STORE_FAST" in i.opname
        for each in i.argval
    }
    read = _Uses()
    _collect(run, read, top=False)
    placeholders = _none_at_module_level(tree)
    for name in sorted(made & set(read.loaded)):
        if name not in uses.defined or name in placeholders:
            yield name, min(read.loaded[name])


def _none_at_module_level(tree: ast.Module) -> set[str]:
    """Names whose only value, in the whole script, is the ``None`` of the module level."""
    nothing: set[str] = set()
    for node in module_statements(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and node.value.value is None:
            nothing |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    stored = [node.id for node in module_level_names(tree)]
    declared = {name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names}
    return {name for name in nothing if stored.count(name) == 1 and name not in declared}


def module_level_names(tree: ast.Module) -> Iterator[ast.Name]:
    """Names that statements of the module level assign."""
    for node in module_statements(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.For | ast.With):
            for child in ast.walk(node):
                if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
                    yield child


def _handled_lines(tree: ast.Module) -> set[tuple[str, int]]:
    """Uses of names that never run, or where a missing name is expected."""
    handled = set()
    for node, guards in walk(tree):
        if (
            isinstance(node, ast.Name)
            and guards & _HANDLED
            and not (guards & _HANDLED <= {"Exception", "BaseException"})
        ):
            handled.add((node.id, node.lineno))
    return handled


def _unknown(name: str, line: int, notebook_names: Collection[str], model_names: Collection[str]) -> Problem:
    if name in model_names:
        return Problem(
            line,
            f"`{name}` is shipped as a model, and the script does not load it.",
            f'In init(): `global {name}`, then load `Model.get_model_path("{name}")`.',
        )
    if name in {"display", "get_ipython"}:
        return Problem(line, f"`{name}` is there in a notebook only.", "Remove it from the cell.")
    if (statement := _import_statement(name)) is not None:
        return Problem(line, f"`{name}` is not imported in the cell.", f"Add `{statement}`.")
    if name in notebook_names:
        return Problem(
            line,
            f"`{name}` lives in the notebook, and the service does not have it.",
            f"Ship it with --model {name}, or define it in the cell.",
        )
    return Problem(line, f"`{name}` is defined nowhere in the script.", "Define or import it.")


def _import_statement(name: str) -> str | None:
    if name in _ALIASES:
        return f"import {_ALIASES[name] or name}"
    if name in _FROM:
        return f"from {_FROM[name]} import {name}"
    return f"import {name}" if name in sys.stdlib_module_names and not name.startswith("_") else None
