"""The rules, one module for each who speaks in the evidence. Every module of this package is loaded by ``load``."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from jupyter_mldeploy.diagnosis.rule import Rule, registered

__all__ = ["load"]


@cache
def load() -> tuple[Rule, ...]:
    """Import all modules of rules, once, and return the rules."""
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
    return registered()
