"""What the classes of the facade have, asked by the names of the v1 API."""

from __future__ import annotations

import inspect
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from jupyter_mldeploy.azureml.unknown import MODULES
from jupyter_mldeploy.azureml.use_tables import KINDS_OF

__all__ = ["Owner", "all_of", "classes", "has", "has_member", "is_module", "parameters"]

Owner = tuple[str, str]
"""Module and name of a class."""


@cache
def classes(owner: Owner) -> tuple[Any, ...]:
    """The class, and where it is one of several kinds that only the deployment decides on, those."""
    kinds = KINDS_OF.get(owner[1], (owner,))
    return tuple(found for kind in kinds if (found := _class(*kind)) is not None)


@cache
def _class(module: str, name: str) -> Any:
    try:
        found = getattr(import_module(f"jupyter_mldeploy.{module}"), name)
    except (ImportError, AttributeError):
        return None
    return found if isinstance(found, type) else None


@cache
def has(module: str, name: str) -> bool:
    return name in getattr(import_module(f"jupyter_mldeploy.{module}"), "__all__", ())


@cache
def is_module(name: str) -> bool:
    """Whether a dotted name below ``azureml`` is a module, here or of the original."""
    if name == "azureml" or name.removeprefix("azureml.") in MODULES:
        return True
    try:
        return isinstance(import_module(f"jupyter_mldeploy.{name}"), ModuleType)
    except ImportError:
        return False


@cache
def all_of(module: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What ``from … import *`` brings: names that are here, and those of the original that are not."""
    try:
        found = import_module(f"jupyter_mldeploy.{module}")
    except ImportError:
        return (), ()
    return tuple(getattr(found, "__all__", ())), tuple(getattr(found, "_REASONS", ()))


@cache
def has_member(made: Any, member: str) -> bool:
    if hasattr(made, member) or any(member in vars(base).get("__annotations__", {}) for base in made.__mro__):
        return True
    return any(f"self.{member}" in _source(base) for base in made.__mro__)


@cache
def _source(made: type) -> str:
    try:
        return inspect.getsource(made)
    except (OSError, TypeError):
        return ""


@cache
def parameters(function: Any) -> tuple[str, ...]:
    """Names; ``**`` where any other is taken, too."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return ()
    return tuple("**" if parameter.kind is parameter.VAR_KEYWORD else parameter.name for parameter in found)
