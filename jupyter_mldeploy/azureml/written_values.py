"""Values that are written out in a call of the v1 API, held against what the call would say of them."""

from __future__ import annotations

import ast
import warnings
from typing import Any

from jupyter_mldeploy.azureml.exceptions import AzureMLException
from jupyter_mldeploy.azureml.members import parameters

__all__ = ["configuration_problem"]

_OF_NO_CONSEQUENCE = {
    "tags", "properties", "description", "primary_key", "secondary_key", "compute_target_name", "namespace", "location",
    "dns_name_label",
}  # fmt: skip
"""Whether the others fit together does not hang on these."""


def configuration_problem(function: Any, call: ast.Call) -> str:
    """What ``deploy_configuration()`` would say of a call, or ``""``; also where not all of its values can be read."""
    given: dict[str, Any] = {}
    written = [*zip(parameters(function), call.args, strict=False), *((each.arg, each.value) for each in call.keywords)]
    for name, value in written:
        if name is None or isinstance(value, ast.Starred):
            return ""
        try:
            given[name] = ast.literal_eval(value)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            if name not in _OF_NO_CONSEQUENCE:
                return ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            function(**given)
        except AzureMLException as error:
            return " ".join(error.message.split())
    return ""
