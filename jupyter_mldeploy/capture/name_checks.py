"""Names that the script uses and does not have: those of the notebook, and those that init() forgot to make global."""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Collection, Iterator
from types import CodeType

from jupyter_mldeploy.capture.globals_used import GlobalNames, global_names, names_bound_in
from jupyter_mldeploy.capture.parsing import Parsed
from jupyter_mldeploy.capture.problems import Problem
from jupyter_mldeploy.capture.walking import NEVER, module_statements

__all__ = ["name_problems"]

_GIVEN = (frozenset(dir(builtins)) - {"display", "get_ipython", "__IPYTHON__"}) | {
    *("__name__", "__file__", "__doc__", "__spec__", "__loader__", "__package__", "__builtins__", "__annotations__"),
    *("__class__", "__module__", "__qualname__", "__dict__", "__path__", "__firstlineno__", "__static_attributes__"),
    *("__conditional_annotations__", "__annotate__", "WindowsError"),
}
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


def name_problems(parsed: Parsed, notebook_names: Collection[str], model_names: Collection[str]) -> Iterator[Problem]:
    """Silent where names may come from ``import *``, ``exec`` and their like."""
    if parsed.survey.dynamic:
        return
    names = global_names(parsed.code, module=True)
    forgotten = dict(_forgotten_globals(parsed, names))
    for name, line in forgotten.items():
        yield Problem(
            line,
            f"`{name}` in run() is not the one that init() makes, which is gone when init() returns.",
            f"Write `global {name}` as the first line of init().",
        )
    expected = {node.id for node, guards in parsed.survey.handled if "NameError" in guards}
    unknown = names.loaded.keys() - names.stored - _GIVEN - forgotten.keys() - expected
    called = {node.func.id for node, _ in parsed.survey.calls if isinstance(node.func, ast.Name)}
    never = {(node.id, node.lineno) for node, guards in parsed.survey.handled if NEVER in guards}
    for name in unknown:
        if sure := [line for line in names.lines(name) if (name, line) not in never]:
            yield _unknown(name, min(sure), notebook_names, model_names, called=name in called)


def _forgotten_globals(parsed: Parsed, names: GlobalNames) -> Iterator[tuple[str, int]]:
    """Names that init() assigns as its own and run() reads as global, with the line in run()."""
    functions = {code.co_name: code for code in parsed.code.co_consts if isinstance(code, CodeType)}
    init, run = functions.get("init"), functions.get("run")
    if init is None or run is None:
        return
    read = global_names(run, module=False)
    suspects = sorted(names_bound_in(init) & read.loaded.keys())
    placeholders = _none_at_module_level(parsed) if suspects else set()
    for name in suspects:
        if name not in names.stored or name in placeholders:
            yield name, min(read.lines(name))


def _none_at_module_level(parsed: Parsed) -> set[str]:
    """Names whose only value, in the whole script, is the ``None`` of the module level."""
    nothing: set[str] = set()
    stored: list[str] = []
    for node in module_statements(parsed.tree):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.For | ast.With):
            inside = [child for child in ast.walk(node) if isinstance(child, ast.Name)]
            stored += [name.id for name in inside if isinstance(name.ctx, ast.Store)]
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and node.value.value is None:
            nothing |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return {name for name in nothing if stored.count(name) == 1} - parsed.survey.declared


def _unknown(
    name: str, line: int, notebook_names: Collection[str], model_names: Collection[str], *, called: bool
) -> Problem:
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
        message = f"`{name}` lives in the notebook, and the service does not have it."
        if called:  # it may be a function, which is no model
            return Problem(line, message, f"Define it in the cell; if it is a model, ship it with --model {name}.")
        return Problem(line, message, f"Ship it with --model {name}, or define it in the cell.")
    return Problem(line, f"`{name}` is defined nowhere in the script.", "Define or import it.")


def _import_statement(name: str) -> str | None:
    if name in _ALIASES:
        return f"import {_ALIASES[name] or name}"
    if name in _FROM:
        return f"from {_FROM[name]} import {name}"
    return f"import {name}" if name in sys.stdlib_module_names and not name.startswith("_") else None
